"""What the outbox tells a person, and `flush`."""

from swarm_analytics_models.status import EventDetail, EventSummary
from swarm_analyticsd.outbox import reports
from swarm_analyticsd.outbox.core import Core
from swarm_analyticsd.outbox.lifecycle import State
from swarm_analyticsd.outbox.reports import Size, Tallies


class Views(Core):
    """Part of `Outbox`. Each raises ReportTimeout where it would read for too long."""

    async def pending(self, client: str | None = None) -> int:
        """Events that are queued, leased or held: of one client object, or all."""
        return await self._report(lambda connection: reports.pending(connection, client))

    async def waiting_at(self, client: str) -> frozenset[int]:
        """Ids of the destinations at which events of a client object are on their way. Reads all."""
        return await self._report(lambda connection: reports.waiting_at(connection, client))

    async def tallies(self) -> Tallies:
        """Counts of every destination and the ledger, in constant time however many events there are."""
        return await self._report(reports.tallies)

    async def verify(self) -> bool:
        """Count every row; whether the ledger is right in each of its counts."""
        return await self._report(reports.verify)

    async def events(
        self, *, state: State | None = None, service: str | None = None, limit: int = 50
    ) -> tuple[EventSummary, ...]:
        """The newest first."""
        return await self._report(lambda connection: reports.listed(connection, state, service, limit))

    async def find(self, key: str, *, body: bool = False) -> tuple[EventDetail, ...]:
        """All that is known of the events with this idempotency key, one for each destination and route."""
        now = self._context.clock.now()
        return await self._report(lambda connection: reports.find(connection, key, body=body, now=now))

    async def size(self) -> Size:
        """Bytes of live events, of the file and of its log."""
        live = (await self.tallies()).live_bytes
        file, log = self._database.file_sizes()
        return Size(live, file, log)
