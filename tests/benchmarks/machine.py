"""On what was measured: what one must know to read absolute figures."""

import datetime
import os
import platform
import sqlite3
import tempfile
import time
from pathlib import Path
from typing import Final

from tests.benchmarks.measure import percentile
from tests.benchmarks.peers import PINNED, Peers

YARDSTICK_WRITES: Final = 20_000
LINE: Final = b"x" * 300


def machine(command: str, peers: Peers) -> dict[str, object]:
    """Date, command, machine, versions, and how busy the machine was before the run."""
    described: dict[str, object] = {
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "command": command,
        "processors": f"{os.cpu_count()} × {processor()}",
        "system": f"{platform.system()} {platform.release().partition('-')[0]}",
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "load before": " ".join(f"{load:.1f}" for load in os.getloadavg()),
        "write of 300 bytes": f"{write_us():.2f} µs",
        "peers": ", ".join(
            package for name, packages in PINNED.items() if name not in peers.absent for package in packages
        ),
    }
    if peers.absent:
        described["absent"] = "; ".join(f"{name}: {reason}" for name, reason in peers.absent.items())
    return described


def processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def write_us() -> float:
    """The yardstick: the median of an `os.write` of 300 bytes to a file's end, in microseconds."""
    taken = []
    with tempfile.TemporaryFile(buffering=0) as file:
        descriptor = file.fileno()
        for _ in range(YARDSTICK_WRITES):
            begun = time.perf_counter_ns()
            os.write(descriptor, LINE)
            taken.append(time.perf_counter_ns() - begun)
    return percentile(taken, 0.5) / 1000
