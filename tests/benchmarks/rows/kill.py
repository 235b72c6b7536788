"""What is lost when the app is killed right after its last call."""

import contextlib
import signal
import subprocess
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from swarm_analytics_models.home import AUTOSTART_VARIABLE
from tests.benchmarks.bench import PROGRAM_TIMEOUT_S, Bench
from tests.benchmarks.measure import Sample, in_turn
from tests.benchmarks.parties import OURS, SPOOLED, Party, available
from tests.benchmarks.service import ServiceProcess
from tests.benchmarks.table import Figure, Limit
from tests.support.child import child_environment
from tests.support.homes import kill_daemon
from tests.support.waiting import eventually

CALLS: Final = 1_000
DELAYS_MS: Final = (0, 50)
ARRIVAL_S: Final = 60.0
"""For the daemon to deliver what the app left behind; what has not come by then counts as lost."""

LAST_ANSWER_S: Final = 0.5
"""What had left a peer's process when it was killed has arrived and is counted."""

SEGOPS_NOTE: Final = "segops posts its batch within every 20th call, so the last of 1,000 leaves none behind"


@dataclass(frozen=True, slots=True)
class Toll:
    """What became of the calls of one killed app."""

    lost: int
    doubled: int


class Kill:
    """`kill -9` by the app itself, with nothing between the last call's return and the signal."""

    name = "kill"
    title = f"kill -9 of the app right after {CALLS:,} calls returned"

    def run(self, bench: Bench) -> list[Figure]:
        parties = available(bench)
        figures = []
        for delay_ms in DELAYS_MS:
            runs = in_turn(
                bench.rounds,
                {name: partial(one_kill, bench, party, delay_ms) for name, party in parties.items()},
            )
            where = f"service answers after {delay_ms} ms" if delay_ms else "service answers at once"
            for what in ("lost", "doubled"):
                samples = {
                    name: Sample(tuple(getattr(toll, what) for toll in tolls)) for name, tolls in runs.items()
                }
                ours = samples.pop(OURS)
                note = SEGOPS_NOTE if what == "lost" else ""
                aim = Limit("at_most", 0)
                figures.append(Figure(f"{what}, {where}", "events", ours, samples, aim, note))
        both = [kill_with_daemon(bench, parties[OURS]) for _ in range(bench.rounds)]
        figures.append(
            Figure(
                "lost, the daemon killed right after the app, then started anew",
                "events",
                Sample(tuple(toll.lost for toll in both)),
                target=Limit("at_most", 0),
            )
        )
        return figures


def one_kill(bench: Bench, party: Party, delay_ms: float) -> Toll:
    """Kill, then let it recover what it can: our daemon goes on, a spool is opened by another app."""
    with bench.service(delay_ms) as service, TemporaryDirectory() as directory, bench.home() as home:
        if party.name == OURS:
            with bench.daemon(home):
                make_calls_and_die(bench, party, service, home)
                return toll_of(service, ARRIVAL_S)
        place = Path(directory)
        make_calls_and_die(bench, party, service, place)
        time.sleep(LAST_ANSWER_S)
        if party.name == SPOOLED:
            service.delay(0)
            party.app(bench, service.base_url, place, "recover", 0)
        return toll_of(service, 0)


def kill_with_daemon(bench: Bench, party: Party) -> Toll:
    with bench.service() as service, bench.home() as home:
        with bench.daemon(home):
            make_calls_and_die(bench, party, service, home)
            kill_daemon(home)
        with bench.daemon(home):
            return toll_of(service, ARRIVAL_S)


def make_calls_and_die(bench: Bench, party: Party, service: ServiceProcess, place: Path) -> None:
    """Returns when the app is dead. RuntimeError when it ended in another way."""
    command = bench.command(
        "app", party.program, service.base_url, place, "kill", CALLS, interpreter=party.interpreter(bench)
    )
    done = subprocess.run(
        command,
        env=child_environment({AUTOSTART_VARIABLE: "0"}),
        capture_output=True,
        text=True,
        timeout=PROGRAM_TIMEOUT_S,
        check=False,
    )
    if done.returncode != -signal.SIGKILL:
        raise RuntimeError(f"{party.name}: the app ended with {done.returncode}: {done.stderr}")


def toll_of(service: ServiceProcess, wait_s: float) -> Toll:
    """Wait until every event is at the service, at most so long."""
    with contextlib.suppress(AssertionError):
        eventually(lambda: service.counts()["unique"] >= CALLS, timeout=wait_s)
    counts = service.counts()
    return Toll(CALLS - counts["unique"], counts["doubled"])
