"""One parcel's way to its service and back; bisection where a batch hides a guilty row."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from pydantic import SecretStr

from swarm_analytics_models.identifiers import Destination
from swarm_analyticsd.clock import Clock
from swarm_analyticsd.credentials.schemes import UnusableSecret
from swarm_analyticsd.delivery.answer import Answer
from swarm_analyticsd.delivery.batch import Parcel
from swarm_analyticsd.delivery.outcome import CredentialRefused, EventFault, Outcome, classify
from swarm_analyticsd.delivery.request import (
    Item,
    Request,
    batch_request,
    single_request,
)
from swarm_analyticsd.delivery.send import Transport
from swarm_analyticsd.delivery.wire import Unsendable
from swarm_analyticsd.outbox.rows import Claimed, Phase

MarkPhase = Callable[[int, int, Phase], Awaitable[bool]]
"""Commits, for a row (by number and lease) over which daemons have died, what is about to be done with it.
False: its lease is not ours any more."""


class LeaseLost(Exception):
    """The row was taken from us, withdrawn mostly: it must not be sent, and there is nothing to settle."""


@dataclass(frozen=True, slots=True)
class Carried:
    row: Claimed
    outcome: Outcome
    latency_s: float


@dataclass(frozen=True, slots=True)
class Carrier:
    """Carries parcels to one destination. Raises LeaseLost, OutboxUnavailable."""

    destination: Destination
    transport: Transport
    clock: Clock
    mark: MarkPhase

    async def carry(self, parcel: Parcel, secret: SecretStr | None) -> tuple[Carried, ...]:
        """What came of each row. A batch that is called faulty is halved until only the guilty are left."""
        await self._mark(parcel, Phase.HANDLING)
        outcome, latency_s = await self._exchange(parcel, secret)
        if isinstance(outcome, EventFault) and len(parcel.rows) > 1:
            first, second = parcel.halves()
            return await self.carry(first, secret) + await self.carry(second, secret)
        return tuple(Carried(row, outcome, latency_s) for row in parcel.rows)

    async def _exchange(self, parcel: Parcel, secret: SecretStr | None) -> tuple[Outcome, float]:
        try:
            request = self._request(parcel, secret)
        except Unsendable as error:
            return EventFault(None, str(error)), 0.0
        except UnusableSecret as error:
            return CredentialRefused(None, str(error)), 0.0
        await self._mark(parcel, Phase.WAITING)
        answer, latency_s = await self._send(request)
        await self._mark(parcel, Phase.HANDLING)
        return classify(answer, parcel.route, now=self.clock.now()), latency_s

    def _request(self, parcel: Parcel, secret: SecretStr | None) -> Request:
        items = [Item(row.key, row.body) for row in parcel.rows]
        base_url, kind = self.destination.base_url.rstrip("/"), self.destination.kind
        if len(items) == 1:
            return single_request(parcel.route, base_url, items[0], secret, kind)
        return batch_request(parcel.route, base_url, items, secret, kind)

    async def _send(self, request: Request) -> tuple[Answer, float]:
        sent_at = self.clock.monotonic()
        answer = await self.transport.send(request)
        return answer, self.clock.monotonic() - sent_at

    async def _mark(self, parcel: Parcel, phase: Phase) -> None:
        row = parcel.rows[0]
        if row.alone and not await self.mark(row.seq, row.lease, phase):
            raise LeaseLost
