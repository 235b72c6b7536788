"""What was measured: samples, percentiles, and what a process used."""

import math
import os
import statistics
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Sample:
    """One figure of one party: a value for each round."""

    values: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.values:
            raise ValueError("a sample needs a value at least")

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def min(self) -> float:
        return min(self.values)

    @property
    def max(self) -> float:
        return max(self.values)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of `values` that at least `share` (0 to 1) of them do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def in_turn(rounds: int, parties: Mapping[str, Callable[[], Result]]) -> dict[str, list[Result]]:
    """Each party once a round; every second round in reverse, so that none always comes first.

    What drifts on the machine during a run so meets all parties alike.
    """
    results: dict[str, list[Result]] = {name: [] for name in parties}
    for number in range(rounds):
        for name in list(parties)[:: -1 if number % 2 else 1]:
            results[name].append(parties[name]())
    return results


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process has used since its start, and its resident memory now."""

    cpu_s: float
    resident_mib: float
    voluntary_switches: int | None
    """How often its threads went to sleep, and so were woken; None where the system does not say."""


def usage(pid: int) -> Usage:
    """From /proc, else from ps. Raises OSError or CalledProcessError when there is no such process."""
    if Path("/proc/self/stat").exists():
        return _usage_by_proc(Path("/proc") / str(pid))
    answer = subprocess.run(
        ["/bin/ps", "-o", "rss=,time=", "-p", str(pid)], check=True, capture_output=True, text=True
    )
    resident_kib, time = answer.stdout.split()
    minutes, _, seconds = time.rpartition(":")
    return Usage(60 * float(minutes.rpartition(":")[2] or 0) + float(seconds), int(resident_kib) / 1024, None)


def _usage_by_proc(process: Path) -> Usage:
    after_name = (process / "stat").read_text().rpartition(")")[2].split()
    ticks = int(after_name[11]) + int(after_name[12])
    resident_pages = int((process / "statm").read_text().split()[1])
    switches = 0
    for thread in (process / "task").iterdir():
        for line in (thread / "status").read_text().splitlines():
            if line.startswith("voluntary_ctxt_switches:"):
                switches += int(line.split()[1])
    return Usage(
        ticks / os.sysconf("SC_CLK_TCK"), resident_pages * os.sysconf("SC_PAGE_SIZE") / 1024**2, switches
    )
