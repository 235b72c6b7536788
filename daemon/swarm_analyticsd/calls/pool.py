"""What calls with equal service, origin, credential and settings share: connections, breaker, cache."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, assert_never

from swarm_analytics_models.calling import CallDefaults
from swarm_analytics_models.calls import CallSettings
from swarm_analytics_models.identifiers import Destination, parse_base_url
from swarm_analytics_models.status import BreakerState
from swarm_analyticsd import policy
from swarm_analyticsd.calls import breaker as breakers
from swarm_analyticsd.calls.breaker import Breaker, Effect
from swarm_analyticsd.calls.cache import Cache
from swarm_analyticsd.calls.terms import Terms
from swarm_analyticsd.clock import Clock
from swarm_analyticsd.delivery.answer import Answer
from swarm_analyticsd.delivery.request import Request
from swarm_analyticsd.delivery.send import Flow, Limits


class CallTransport(Protocol):
    """A way to one origin. Every failure is an answer; only cancellation is raised."""

    async def send(self, request: Request) -> Answer: ...

    async def open(self, request: Request, media_type: str) -> Answer | Flow:
        """As `send`, but a success of `media_type` comes in pieces."""
        ...

    async def aclose(self) -> None: ...


CallTransportFactory = Callable[[str, Limits], CallTransport]


@dataclass(frozen=True, slots=True)
class Ticket:
    """A call that the breaker let in."""

    generation: int
    probe: bool


class Pool:
    """To be used on one event loop."""

    def __init__(self, terms: Terms, transport: CallTransport, clock: Clock) -> None:
        self.terms = terms
        self.transport = transport
        self.cache = Cache(clock)
        self.breaker = Breaker()
        self.in_flight = 0
        self.waiting = 0
        self.last_error: str | None = None
        self._entered = 0
        self._credential: tuple[object, int] | None = None
        self._clock = clock
        self._slots = asyncio.Semaphore(terms.slots)

    @property
    def idle(self) -> bool:
        return not self._entered and not self.in_flight

    def under(self, authenticator: object, generation: int) -> None:
        """The next call is made with this credential; what came for another one is forgotten."""
        if self._credential != (authenticator, generation):
            self._credential = (authenticator, generation)
            self.cache.clear()

    def enter(self) -> Ticket | None:
        """Let a call in; None: the breaker is open. Whoever enters leaves."""
        admitted = breakers.admit(self.breaker, self._clock.monotonic())
        if admitted is None:
            return None
        self.breaker = admitted
        self._entered += 1
        return Ticket(admitted.generation, admitted.state is BreakerState.HALF_OPEN)

    def leave(self, ticket: Ticket, effect: Effect, error: str | None = None) -> None:
        self._entered -= 1
        now = self._clock.monotonic()
        match effect:
            case Effect.ANSWERED:
                self.breaker = breakers.answered(self.breaker, ticket.generation)
            case Effect.FAILED:
                self.last_error = error
                self.breaker = breakers.failed(
                    self.breaker,
                    ticket.generation,
                    threshold=self.terms.breaker_threshold,
                    time_out_s=self.terms.breaker_time_out_s,
                    now=now,
                )
            case Effect.NONE:
                self.breaker = breakers.abandoned(self.breaker, ticket.generation, now)
            case _:
                assert_never(effect)

    def lets_on(self, ticket: Ticket) -> bool:
        """A call that was let in may try once more: the breaker has not opened since, and it is no probe."""
        return not ticket.probe and self.breaker.generation == ticket.generation

    @property
    def open_for_s(self) -> float:
        return max(self.breaker.until - self._clock.monotonic(), 0.0)

    async def take_slot(self) -> None:
        """Wait for a turn. `free_slot` gives it back."""
        self.waiting += 1
        try:
            await self._slots.acquire()
        finally:
            self.waiting -= 1
        self.in_flight += 1

    def free_slot(self) -> None:
        self.in_flight -= 1
        self._slots.release()


class Pools:
    """Every pool that is in use, and so many of the latest."""

    def __init__(self, transports: CallTransportFactory, clock: Clock) -> None:
        self._transports = transports
        self._clock = clock
        self._pools: OrderedDict[tuple[str, CallSettings], Pool] = OrderedDict()
        self._closing: set[asyncio.Task[None]] = set()

    def of(self, destination: Destination, settings: CallSettings, defaults: CallDefaults) -> Pool:
        key = (destination.ref, settings)
        pool = self._pools.get(key)
        if pool is None:
            terms = Terms(settings, defaults)
            origin = parse_base_url(destination.base_url).origin
            pool = self._pools[key] = Pool(terms, self._transports(origin, terms.limits), self._clock)
            self._make_room()
        self._pools.move_to_end(key)
        return pool

    def known(self, ref: str, settings: CallSettings) -> Pool | None:
        return self._pools.get((ref, settings))

    def by_destination(self) -> dict[str, list[Pool]]:
        found: dict[str, list[Pool]] = {}
        for (ref, _), pool in self._pools.items():
            found.setdefault(ref, []).append(pool)
        return found

    async def aclose(self) -> None:
        for key in list(self._pools):
            self._close(key)
        await asyncio.gather(*self._closing)

    def _make_room(self) -> None:
        for key, pool in list(self._pools.items())[:-1]:
            if len(self._pools) <= policy.CALL_POOLS:
                return
            if pool.idle:
                self._close(key)

    def _close(self, key: tuple[str, CallSettings]) -> None:
        task = asyncio.create_task(self._pools.pop(key).transport.aclose())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
