"""The circuit breaker of one destination: a pure state machine. Times are monotonic seconds.

closed --failure--> open --its time has come--> half-open (one probe) --success--> closed
                     ^------------------------------- failure ---------/
"""

from dataclasses import dataclass, replace

from swarm_analytics_models.status import BreakerState


@dataclass(frozen=True, slots=True)
class Breaker:
    state: BreakerState = BreakerState.CLOSED
    failures: int = 0
    """Openings in a row without a success between them."""

    until: float = 0.0
    """Open until then."""

    floor: float = 0.0
    """The service asked not to be tried before then; nothing but time lifts it."""

    suspect: int | None = None
    """The row that opened it; a probe avoids it."""

    sole_suspect: bool = False
    """Nothing but the suspect has failed since it was closed: another row may be tried at once."""

    generation: int = 0
    """Counts openings. An answer to a request of an earlier generation says nothing new."""

    error: str | None = None

    def may_send(self, now: float) -> bool:
        return self.state is BreakerState.CLOSED or (self.state is BreakerState.OPEN and now >= self.until)


def trip(
    breaker: Breaker,
    *,
    now: float,
    wait: float,
    retry_after: float | None,
    generation: int,
    suspect: int,
    error: str,
) -> Breaker:
    """A request of `generation` failed through the service's fault."""
    floor = max(breaker.floor, now + retry_after) if retry_after is not None else breaker.floor
    if generation != breaker.generation:
        if breaker.state is BreakerState.CLOSED:
            return replace(breaker, floor=floor) if floor <= now else _opened(breaker, now, floor, error)
        return replace(
            breaker,
            floor=floor,
            until=max(breaker.until, floor),
            sole_suspect=breaker.sole_suspect and breaker.suspect == suspect,
        )
    return Breaker(
        state=BreakerState.OPEN,
        failures=breaker.failures + 1,
        until=max(now + wait, floor),
        floor=floor,
        suspect=suspect,
        sole_suspect=breaker.failures == 0 or (breaker.sole_suspect and breaker.suspect == suspect),
        generation=breaker.generation + 1,
        error=error,
    )


def _opened(breaker: Breaker, now: float, floor: float, error: str) -> Breaker:
    return replace(
        breaker,
        state=BreakerState.OPEN,
        failures=max(breaker.failures, 1),
        until=max(now, floor),
        floor=floor,
        suspect=None,
        generation=breaker.generation + 1,
        error=error,
    )


def recover(breaker: Breaker, *, generation: int, now: float) -> Breaker:
    """A request of `generation` was answered as by a service that works."""
    if generation != breaker.generation:
        return breaker
    if breaker.floor > now:
        return replace(breaker, state=BreakerState.OPEN, until=breaker.floor)
    return Breaker(generation=breaker.generation)


def probe(breaker: Breaker) -> Breaker:
    """The one probe of an open breaker leaves."""
    return replace(breaker, state=BreakerState.HALF_OPEN)


def abandon(breaker: Breaker, now: float) -> Breaker:
    """The probe came back without an answer that says anything (it was cancelled)."""
    if breaker.state is not BreakerState.HALF_OPEN:
        return breaker
    return replace(breaker, state=BreakerState.OPEN, until=max(now, breaker.floor))


def hasten(breaker: Breaker, now: float) -> Breaker:
    """Somebody wants a try now: no back-off, but never before the service's own time."""
    if breaker.state is not BreakerState.OPEN:
        return breaker
    return replace(breaker, until=max(now, breaker.floor))


def restore(failures: int, until: float, *, floor: float, error: str | None) -> Breaker:
    """As it was when an earlier daemon ended."""
    return Breaker(state=BreakerState.OPEN, failures=max(failures, 1), until=until, floor=floor, error=error)
