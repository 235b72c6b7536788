"""What hand-off and delivery do with the outbox: admit, claim, settle, and whom to send to."""

import asyncio
from collections.abc import Mapping, Sequence

from swarm_analytics_models.handoff import DeliverySettings
from swarm_analytics_models.identifiers import Destination
from swarm_analytics_models.status import CredentialState
from swarm_analyticsd import policy
from swarm_analyticsd.outbox import admit, claim, destinations, operate, settle
from swarm_analyticsd.outbox.core import Core
from swarm_analyticsd.outbox.lifecycle import HeldReason
from swarm_analyticsd.outbox.rows import (
    Admission,
    Admitted,
    Claim,
    KnownDestination,
    Phase,
    Release,
    Settled,
    Settlement,
    WhenAmbiguous,
)


class Traffic(Core):
    """Part of `Outbox`."""

    async def admit(self, admission: Admission) -> Admitted:
        """Commit an admission as a whole: destinations, events, refusals counted, the journal's position.

        The consent in force is applied in the same transaction. Returns `stale`, and does nothing, when the
        journal is committed up to another offset than `admission.start`.
        """
        return await self._write(
            lambda connection: admit.admit(connection, self._context, admission), grows=True
        )

    async def journal_positions(self) -> dict[str, int]:
        """Up to where each known journal is committed."""
        return await self._write(admit.journal_positions)

    async def journal_position(self, name: str) -> int:
        """Up to where a journal is committed; 0 for one never heard of."""
        return await self._write(lambda connection: admit.journal_position(connection, name))

    async def forget_journal(self, name: str) -> None:
        """Drop a journal's position, once its file is gone."""
        await self._write(lambda connection: admit.forget_journal(connection, name))

    async def ensure_destination(
        self, destination: Destination, settings: DeliverySettings | None = None
    ) -> KnownDestination:
        """The destination's row, made where it is new. The first takes the events that waited for one.

        A base URL that differs in its path only replaces the one that is known; so do `settings`, if given.
        """
        return await self._write(
            lambda connection: destinations.ensure(connection, destination, settings)[0], grows=True
        )

    async def destinations(self) -> tuple[KnownDestination, ...]:
        return await self._write(destinations.all_known)

    async def forget_destination(self, destination_id: int) -> bool:
        """List a destination no more, until somebody declares it again or an event for it comes.

        False, and nothing is done, while it has events that are queued, leased, held or dead.
        """
        return await self._write(lambda connection: destinations.forget(connection, destination_id))

    async def set_credential(
        self, destination_id: int, state: CredentialState, error: str | None = None
    ) -> None:
        values = {"credential": state.value, "credential_error": error}
        await self._write(lambda connection: destinations.change(connection, destination_id, values))

    async def set_backoff(
        self, destination_id: int, until: float | None, failures: int, reason: str | None
    ) -> None:
        """Keep a destination's back-off over restarts. `until` is Unix time."""
        values = {"backoff_until": until, "backoff_failures": failures, "backoff_reason": reason}
        await self._write(lambda connection: destinations.change(connection, destination_id, values))

    async def claim(
        self,
        destination_id: int,
        *,
        limit: int,
        now: float,
        avoid: int | None = None,
        shut_routes: frozenset[str] = frozenset(),
        max_bytes: int,
    ) -> Claim:
        """Lease up to `limit` events of a destination that are due at `now` (Unix time), by priority.

        Of one priority, retries get up to half of the places, the newest a quarter, the oldest the rest.
        `avoid` (a `seq`) is taken only when nothing else is due. Events of `shut_routes` that come up are
        held(route) instead. Bodies add up to `max_bytes` at most, but for a single larger one. A row with
        `alone` comes by itself. A cancelled claim gives its leases back.
        """
        number = next(self._claims)
        wish = claim.Wish(destination_id, limit, now, avoid, shut_routes, max_bytes)
        future = self._writer.submit(lambda connection: claim.claim(connection, self._context, number, wish))
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            future.add_done_callback(self._give_back)
            raise

    async def mark_phase(
        self, leases: Mapping[int, int], phase: Phase, when_ambiguous: WhenAmbiguous | None = None
    ) -> frozenset[int]:
        """Commit what is about to be done with rows (leases by `seq`). Returns those that are still ours.

        A claim leaves them unmarked, which counts as waiting. Of a row that is `alone`, mark HANDLING before
        its request is built, WAITING before it goes out, HANDLING again when its answer is there.
        `when_ambiguous`: from now on they may be with a service that would not know them again.
        """
        return await self._write(
            lambda connection: claim.mark_phase(connection, leases, phase, when_ambiguous)
        )

    async def settle(self, settlements: Sequence[Settlement]) -> Settled:
        """Say what became of leased events. Those whose lease is not ours any more are left alone."""
        return await self._write(lambda connection: settle.settle(connection, self._context, settlements))

    async def free(
        self,
        *,
        reason: HeldReason,
        destination_id: int | None = None,
        service: str | None = None,
        route: str | None = None,
        limit: int | None = None,
    ) -> int:
        """Queue what was held for `reason`; returns how many. In several commits where they are many."""
        freed = 0
        while limit is None or freed < limit:
            room = policy.STEP_ROWS if limit is None else min(policy.STEP_ROWS, limit - freed)
            count = await self._write(
                lambda connection, most=room: operate.free(  # type: ignore[misc]
                    connection,
                    reason=reason,
                    destination=destination_id,
                    service=service,
                    route=route,
                    limit=most,
                )
            )
            freed += count
            if count < room:
                break
        return freed

    def _give_back(self, future: "asyncio.Future[Claim]") -> None:
        """Nobody took the rows that were claimed."""
        if not future.cancelled() and future.exception() is None:
            rows = [Settlement(row.seq, row.lease, Release()) for row in future.result().rows]
            returned = self._writer.submit(lambda connection: settle.settle(connection, self._context, rows))
            returned.add_done_callback(_heard)


def _heard(future: "asyncio.Future[Settled]") -> None:
    """Where giving back fails, the next start releases the leases; the writer has told of the failure."""
    if not future.cancelled():
        future.exception()
