"""What operations need to know besides the database: this start's number, the time, and the limits."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from swarm_analyticsd import policy
from swarm_analyticsd.clock import Clock


@dataclass(frozen=True, slots=True)
class Limits:
    """How much the outbox keeps, and for how long."""

    max_bytes: int = policy.MAX_OUTBOX_BYTES
    max_age_s: float = policy.MAX_AGE_DAYS * 86_400
    trail_age_s: float = policy.TRAIL_DAYS * 86_400
    trail_rows: int = policy.TRAIL_ROWS


@dataclass(frozen=True, slots=True)
class Space:
    """Of the file system, in bytes."""

    free: int
    total: int


def measure_space(path: Path) -> Space:
    usage = shutil.disk_usage(path)
    return Space(usage.free, usage.total)


@dataclass(slots=True)
class Observed:
    """Observed time: it grows while a daemon watches, and no jump of the wall clock moves it."""

    base_s: float = 0.0
    mark: float = 0.0
    """The monotonic clock when `base_s` was right."""

    def at(self, monotonic: float) -> float:
        return self.base_s + max(0.0, monotonic - self.mark)


@dataclass(slots=True)
class Context:
    """Shared by all operations of one open outbox; changed on the writer thread only."""

    clock: Clock
    limits: Limits
    space: Callable[[], Space | None]
    """None: there is no disk (memory)."""

    epoch: int = 0
    observed: Observed = field(default_factory=Observed)

    def observed_s(self) -> float:
        return self.observed.at(self.clock.monotonic())
