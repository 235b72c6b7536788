"""What a daemon costs that has nothing to do."""

import time
from pathlib import Path
from typing import Final

from tests.benchmarks.apps import flood, until_settled
from tests.benchmarks.backlog import DELIVERY_TIMEOUT_S
from tests.benchmarks.bench import Bench
from tests.benchmarks.measure import Sample, usage
from tests.benchmarks.table import Figure, Limit, Target
from tests.support.child import Child

IMPORTS: Final = "a process that has imported fastapi, uvicorn, sqlalchemy, httpx and typer"
DELIVERED: Final = 1_000
LOOK_S: Final = 0.05
"""Between looks at the daemon's counters, which cost it nothing; what it does within one is one wake-up."""

QUIET_S: Final = 6.0
"""Longer than connections to a service are kept: idle is after they are closed."""

SETTLE_TIMEOUT_S: Final = 90.0
CPU_SHARE: Final = 1e-4
"""Of one core: what `top` and `ps` show as nothing."""


class Idle:
    name = "idle"
    title = f"An idle daemon, after it has delivered {DELIVERED:,} events"

    def run(self, bench: Bench) -> list[Figure]:
        packages = Child(bench.command("packages"))
        try:
            packages.read_ready()
            imported = usage(packages.pid).resident_mib
        finally:
            packages.release()
        with bench.service() as service, bench.home() as home, bench.daemon(home) as daemon:
            flood([bench.command("intake", home, service.base_url, DELIVERED, "calls", "many")])
            service.wait_for(DELIVERED, DELIVERY_TIMEOUT_S)
            until_settled(home)
            wait_until_quiet(daemon.pid)
            before = cpu_s(daemon.pid)
            wakes = count_wakes(daemon.pid, bench.idle_s)
            used = cpu_s(daemon.pid) - before
            resident = usage(daemon.pid).resident_mib
        figures = [
            Figure(
                "resident memory",
                "MiB",
                Sample((resident,)),
                {IMPORTS: Sample((imported,))},
                Target("at_most", 1.0, IMPORTS),
            ),
            Figure(
                f"CPU over {bench.idle_s:g} s (BENCH_IDLE_S), as a share of a core",
                "%",
                Sample((used / bench.idle_s * 100,)),
                target=Limit("at_most", CPU_SHARE * 100),
                note=f"{used * 1000:.1f} ms in all",
            ),
        ]
        if wakes is not None:
            most = -(-bench.idle_s // 60)
            figures.append(
                Figure(
                    f"wake-ups over {bench.idle_s:g} s, of all threads together",
                    "",
                    Sample((float(wakes),)),
                    target=Limit("at_most", most),
                    note=f"one a minute; what happens within {LOOK_S:g} s is one",
                )
            )
        return figures


def wait_until_quiet(pid: int) -> None:
    """Wait until a process has not been woken for a while; AssertionError where that does not come."""
    deadline = time.monotonic() + SETTLE_TIMEOUT_S
    while (wakes := count_wakes(pid, QUIET_S)) not in {0, None}:
        assert time.monotonic() < deadline, f"{wakes} wake-ups in {QUIET_S} s: it does not come to rest"


def count_wakes(pid: int, seconds: float) -> int | None:
    """In how many looks of `LOOK_S` some thread of a process was woken; None where that cannot be seen."""
    ends = time.monotonic() + seconds
    wakes, last = 0, usage(pid).voluntary_switches
    while time.monotonic() < ends:
        time.sleep(LOOK_S)
        now = usage(pid).voluntary_switches
        wakes += now != last
        last = now
    return None if last is None else wakes


def cpu_s(pid: int) -> float:
    """CPU time of a process, to the nanosecond where the system tells it."""
    try:
        threads = (Path("/proc") / str(pid) / "task").iterdir()
        return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e9
    except FileNotFoundError:
        return usage(pid).cpu_s
