"""The circuit breaker of a pool of calls: a pure state machine. Times are monotonic seconds.

closed --so many failed calls in a row--> open --time-out--> half-open (one call probes) --answered--> closed
                                           ^---------------- failed ------------------/

A call counts once, whatever its retries. What is no failure of the service (a 4xx, a 429, a cancellation)
never counts as one.
"""

from dataclasses import dataclass, replace
from enum import Enum, auto

from swarm_analytics_models.status import BreakerState


class Effect(Enum):
    """What a call that has ended says about its service."""

    ANSWERED = auto()
    """It answered as one that works, whatever it thinks of the call."""

    FAILED = auto()
    """It failed, or could not be reached."""

    NONE = auto()


@dataclass(frozen=True, slots=True)
class Breaker:
    state: BreakerState = BreakerState.CLOSED
    failures: int = 0
    """Calls that failed in a row."""

    until: float = 0.0
    """Open until then."""

    generation: int = 0
    """Counts changes of state. What became of a call that was let in by an earlier one says nothing new."""


def admit(breaker: Breaker, now: float) -> Breaker | None:
    """The breaker with one call let in; None: it is not."""
    match breaker.state:
        case BreakerState.CLOSED:
            return breaker
        case BreakerState.OPEN if now >= breaker.until:
            return replace(breaker, state=BreakerState.HALF_OPEN, generation=breaker.generation + 1)
        case BreakerState.OPEN | BreakerState.HALF_OPEN:
            return None


def failed(breaker: Breaker, generation: int, *, threshold: int, time_out_s: float, now: float) -> Breaker:
    """A call failed through the service's fault, or could not reach it."""
    if generation != breaker.generation:
        return breaker
    failures = breaker.failures + 1
    if breaker.state is BreakerState.CLOSED and failures < threshold:
        return replace(breaker, failures=failures)
    return Breaker(BreakerState.OPEN, failures, now + time_out_s, breaker.generation + 1)


def answered(breaker: Breaker, generation: int) -> Breaker:
    """The service answered as one that works, whatever it thinks of the call."""
    if generation != breaker.generation:
        return breaker
    closed = breaker.state is BreakerState.CLOSED
    return Breaker(generation=breaker.generation if closed else breaker.generation + 1)


def abandoned(breaker: Breaker, generation: int, now: float) -> Breaker:
    """A call ended and says nothing about the service. Was it the probe, the next call is one."""
    if generation != breaker.generation or breaker.state is not BreakerState.HALF_OPEN:
        return breaker
    return replace(breaker, state=BreakerState.OPEN, until=now, generation=breaker.generation + 1)
