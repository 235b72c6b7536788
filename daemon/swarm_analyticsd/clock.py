"""Time and chance, as ports: tests put their own in."""

import random
import time
from typing import Protocol


class Clock(Protocol):
    """Where the daemon reads time. Both in seconds."""

    def now(self) -> float:
        """Unix time. May jump, in either direction, by any amount."""
        ...

    def monotonic(self) -> float:
        """Never goes back; on Linux it counts the time that a laptop sleeps, too."""
        ...


class SystemClock:
    """The machine's own."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        if hasattr(time, "CLOCK_BOOTTIME"):
            return time.clock_gettime(time.CLOCK_BOOTTIME)
        return time.monotonic()


class Chance(Protocol):
    """Where jitter comes from."""

    def uniform(self, a: float, b: float) -> float: ...


def system_chance() -> Chance:
    return random.SystemRandom()
