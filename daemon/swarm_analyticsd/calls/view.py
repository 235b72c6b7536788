"""What can be said of the calls to one destination."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from swarm_analytics_models.status import BreakerState
from swarm_analyticsd.calls.pool import Pool
from swarm_analyticsd.clock import Clock

_WORST_FIRST: Final = (BreakerState.OPEN, BreakerState.HALF_OPEN, BreakerState.CLOSED)


@dataclass(frozen=True, slots=True)
class CallsView:
    in_flight: int
    waiting: int
    """For a slot."""

    breaker: BreakerState
    """The worst, where several apps have settings of their own."""

    open_until: float | None
    """Unix time at which a call may probe an open breaker."""

    last_error: str | None


def view_of(pools: Sequence[Pool], clock: Clock) -> CallsView:
    """Of at least one pool."""
    worst = min(pools, key=lambda pool: (_WORST_FIRST.index(pool.breaker.state), -pool.breaker.until))
    is_open = worst.breaker.state is BreakerState.OPEN
    return CallsView(
        in_flight=sum(pool.in_flight for pool in pools),
        waiting=sum(pool.waiting for pool in pools),
        breaker=worst.breaker.state,
        open_until=clock.now() + worst.open_for_s if is_open else None,
        last_error=worst.last_error,
    )
