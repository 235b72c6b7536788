"""How long to wait after a failure."""

from typing import Final

from swarm_analyticsd import policy
from swarm_analyticsd.clock import Chance

_DOUBLINGS_MOST: Final = 64
"""More would only overflow: every cap is reached long before."""


def ceiling(failures: int, *, first: float = policy.BACKOFF_FIRST_S, most: float) -> float:
    """The longest wait in seconds after the `failures`-th failure in a row (from 1).

    With the daemon's numbers:

    | failure | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 |
    |---|---|---|---|---|---|---|---|---|---|---|
    | service | 1 | 2 | 4 | 8 | 16 | 32 | 64 | 128 | 256 | 300 |
    | offline | 1 | 2 | 4 | 8 | 16 | 32 | 60 | 60 | 60 | 60 |
    | event | 1 | 2 | 4 | 8 | 16 | 32 | 64 | 128 | 256 | 300 |
    | route | 30 | 60 | 120 | 240 | 480 | 960 | 1920 | 3600 | 3600 | 3600 |
    """
    return min(most, first * 2.0 ** min(max(failures, 1) - 1, _DOUBLINGS_MOST))


def delay(failures: int, chance: Chance, *, first: float = policy.BACKOFF_FIRST_S, most: float) -> float:
    """Seconds to wait: anything from zero to the ceiling, all equally likely.

    Full jitter, applied after the cap, so that homes that failed together do not come back together.
    """
    return chance.uniform(0.0, ceiling(failures, first=first, most=most))
