"""What a lane has to tell the outbox, and asks of it: all of one turn in one commit, in this order."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from swarm_analytics_models.handoff import DroppedEvent
from swarm_analytics_models.status import BreakerState
from swarm_analyticsd import policy
from swarm_analyticsd.clock import Clock
from swarm_analyticsd.outbox.lifecycle import HeldReason
from swarm_analyticsd.outbox.rows import Claim, Claimed, KnownDestination, Settlement, Verdict
from swarm_analyticsd.outbox.store import Outbox
from swarm_analyticsd.schedule import breaker as breakers
from swarm_analyticsd.schedule.breaker import Breaker
from swarm_analyticsd.schedule.plan import Wish

Dropped = Callable[[tuple[DroppedEvent, ...]], None]


class Pause(StrEnum):
    """What kind of back-off is kept over restarts; the first word of the reason that the outbox keeps."""

    RETRY_AFTER = "retry_after"
    FAILURES = "failures"


@dataclass(frozen=True, slots=True)
class Freeing:
    reason: HeldReason
    route: str | None = None
    limit: int | None = None


class Errands:
    """Collects a lane's messages to the outbox until its next turn. A failed one is kept and told again."""

    def __init__(
        self, destination_id: int, outbox: Outbox, clock: Clock, on_dropped: Dropped, breaker: Breaker
    ) -> None:
        self._id = destination_id
        self._outbox = outbox
        self._clock = clock
        self._on_dropped = on_dropped
        self._settlements: list[Settlement] = []
        self._freeings: list[Freeing] = []
        self._known_breaker = breaker

    @property
    def pending(self) -> bool:
        return bool(self._settlements or self._freeings)

    def settle(self, rows: Iterable[Claimed], verdict: Verdict) -> None:
        self._settlements += [Settlement(row.seq, row.lease, verdict) for row in rows]

    def free(self, freeing: Freeing) -> None:
        if freeing not in self._freeings:
            self._freeings.append(freeing)

    async def run(self, breaker: Breaker, wished: Wish | None, horizon: float) -> Claim | None:
        """Tell all that is pending and claim what is wished; rows due by `horizon` (Unix time) count as due.

        Raises OutboxUnavailable when any of it failed, unless rows were claimed: they must not be lost.
        """
        told: list[Coroutine[Any, Any, Claim | None]] = []
        if self._settlements:
            told.append(self._tell_settlements())
        told += [self._tell_freeing(freeing) for freeing in self._freeings]
        self._freeings = []
        if breaker is not self._known_breaker:
            told.append(self._tell_backoff(breaker))
        told.append(self._claim(wished, horizon))
        *outcomes, claim = await asyncio.gather(*told, return_exceptions=True)
        if isinstance(claim, Claim) and claim.rows:
            return claim
        for outcome in (*outcomes, claim):
            if isinstance(outcome, BaseException):
                raise outcome
        return claim if isinstance(claim, Claim) else None

    async def flush(self) -> None:
        """Tell the settlements that are pending. Raises OutboxUnavailable."""
        if self._settlements:
            await self._tell_settlements()

    async def recall_shut(self, routes: Iterable[str]) -> list[str]:
        """Which of these routes an earlier daemon left shut. One event of each is freed, to probe it."""
        keys = list(routes)
        freed = await asyncio.gather(
            *(
                self._outbox.free(reason=HeldReason.ROUTE, destination_id=self._id, route=key, limit=1)
                for key in keys
            )
        )
        return [key for key, count in zip(keys, freed, strict=True) if count]

    async def _tell_settlements(self) -> None:
        settlements, self._settlements = self._settlements, []
        try:
            settled = await self._outbox.settle(settlements)
        except BaseException:
            self._settlements[:0] = settlements
            raise
        if settled.dropped:
            self._on_dropped(settled.dropped)

    async def _tell_freeing(self, freeing: Freeing) -> None:
        try:
            await self._outbox.free(
                reason=freeing.reason, destination_id=self._id, route=freeing.route, limit=freeing.limit
            )
        except BaseException:
            self.free(freeing)
            raise

    async def _tell_backoff(self, breaker: Breaker) -> None:
        """Nothing while a probe is under way: what it says follows at once."""
        if breaker.state is BreakerState.OPEN:
            ahead = breaker.until - self._clock.monotonic()
            kind = Pause.RETRY_AFTER if breaker.floor >= breaker.until else Pause.FAILURES
            await self._outbox.set_backoff(
                self._id, self._clock.now() + ahead, breaker.failures, f"{kind}: {breaker.error or ''}"
            )
        elif breaker.state is BreakerState.CLOSED and self._known_breaker.state is not BreakerState.CLOSED:
            await self._outbox.set_backoff(self._id, None, 0, None)
        self._known_breaker = breaker

    async def _claim(self, wished: Wish | None, horizon: float) -> Claim | None:
        if wished is None:
            return None
        return await self._outbox.claim(
            self._id,
            limit=wished.limit,
            now=horizon,
            avoid=wished.avoid,
            shut_routes=wished.shut_routes,
            max_bytes=wished.max_bytes,
        )


def remembered_breaker(known: KnownDestination, clock: Clock) -> Breaker:
    """The breaker as an earlier daemon left it: a time that the service named is still kept."""
    if known.backoff_until is None:
        return Breaker()
    ahead = min(max(known.backoff_until - clock.now(), 0.0), policy.RETRY_AFTER_MOST_S)
    until = clock.monotonic() + ahead
    kind, _, error = (known.backoff_reason or "").partition(": ")
    floor = until if kind == Pause.RETRY_AFTER else 0.0
    return breakers.restore(known.backoff_failures, until, floor=floor, error=error or None)
