"""How many requests may be in flight to one destination: a pure, adaptive window.

It doubles for each round trip (one more for each success) while latency is flat and the window is in use;
above the threshold it grows by one for each round trip. Trouble halves it. When answers take twice as long
as the best ones, it stops growing; when they take longer still, it shrinks gently.
"""

import math
from dataclasses import dataclass, replace

from swarm_analyticsd import policy


@dataclass(frozen=True, slots=True)
class Window:
    limit: float = policy.WINDOW_FIRST
    threshold: float = math.inf
    best_s: float = math.inf
    smoothed_s: float = 0.0

    @property
    def size(self) -> int:
        return int(self.limit)


def succeeded(window: Window, *, latency_s: float, in_flight: int) -> Window:
    """A request was answered after `latency_s`, with `in_flight` (itself included) under way."""
    best = min(window.best_s * policy.WINDOW_DRIFT, latency_s)
    former = window.smoothed_s or latency_s
    smoothed = former + policy.WINDOW_WEIGHT * (latency_s - former)
    measured = replace(window, best_s=best, smoothed_s=smoothed)
    flat = policy.WINDOW_SLOWER * max(best, policy.WINDOW_NOISE_S)
    if smoothed > 2 * flat:
        return replace(measured, limit=_bounded(window.limit - 1 / window.limit), threshold=window.limit)
    if smoothed > flat or in_flight * 2 < window.size:
        return measured
    growth = 1.0 if window.limit < window.threshold else 1 / window.limit
    return replace(measured, limit=_bounded(window.limit + growth))


def troubled(window: Window) -> Window:
    """The service failed, or asked for a pause."""
    half = _bounded(window.limit / 2)
    return replace(window, limit=half, threshold=half)


def reopened(window: Window) -> Window:
    """The service works again: ramp up from the beginning, doubling only to where trouble began."""
    return replace(window, limit=policy.WINDOW_REOPENED, threshold=max(window.threshold, policy.WINDOW_FIRST))


def _bounded(limit: float) -> float:
    return min(max(limit, policy.WINDOW_LEAST), policy.WINDOW_MOST)
