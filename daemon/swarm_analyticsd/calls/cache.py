"""Answers that may be given again: for so long each, so many bytes in all, and asked for once at a time.

Who asks for what is being asked for already shares what comes of it, the failure too. The request ends when
the last of them has left.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, replace

from cachetools import TLRUCache

from swarm_analyticsd import policy
from swarm_analyticsd.calls.outcome import Answered, CallOutcome
from swarm_analyticsd.clock import Clock


@dataclass(frozen=True, slots=True)
class _Kept:
    answer: Answered
    life_s: float


@dataclass
class _Flight:
    task: asyncio.Task[CallOutcome]
    waiting: int = 0


class Cache:
    """To be used on one event loop."""

    def __init__(self, clock: Clock) -> None:
        self._kept: TLRUCache[Hashable, _Kept, float] = TLRUCache(
            policy.CALL_CACHE_BYTES,
            ttu=lambda _key, kept, now: now + kept.life_s,
            timer=clock.monotonic,
            getsizeof=lambda kept: len(kept.answer.body),
        )
        self._flights: dict[Hashable, _Flight] = {}

    async def get(
        self, key: Hashable, life_s: float, ask: Callable[[], Awaitable[CallOutcome]]
    ) -> CallOutcome:
        """What is kept under `key`, else what `ask` brings, kept for `life_s` if it is an answer."""
        kept = self._kept.get(key)
        if kept is not None:
            return replace(kept.answer, attempts=0)
        flight = self._flights.get(key)
        if flight is None:
            flight = _Flight(asyncio.create_task(self._ask(key, life_s, ask), name="cached-call"))
            self._flights[key] = flight
        flight.waiting += 1
        try:
            return await asyncio.shield(flight.task)
        finally:
            flight.waiting -= 1
            if not flight.waiting:
                self._land(key, flight.task)
                flight.task.cancel()

    def clear(self) -> None:
        """Forget all answers, and those that are on their way to who waits for them now."""
        self._kept.clear()
        self._flights.clear()

    async def _ask(
        self, key: Hashable, life_s: float, ask: Callable[[], Awaitable[CallOutcome]]
    ) -> CallOutcome:
        outcome = await ask()
        wanted = self._land(key, asyncio.current_task())
        if wanted and isinstance(outcome, Answered) and len(outcome.body) <= policy.CALL_CACHE_BYTES:
            self._kept[key] = _Kept(outcome, life_s)
        return outcome

    def _land(self, key: Hashable, task: asyncio.Task[CallOutcome] | None) -> bool:
        """Nobody joins this flight any more. False: it was cleared away meanwhile."""
        flight = self._flights.get(key)
        if flight is None or flight.task is not task:
            return False
        del self._flights[key]
        return True
