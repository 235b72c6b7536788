"""How long a daemon takes until it accepts hand-offs."""

import sys
import time
from collections.abc import Callable, Sequence
from typing import Final

from tests.benchmarks.bench import Bench
from tests.benchmarks.measure import Sample, in_turn
from tests.benchmarks.table import Figure, Target
from tests.support.child import Child

IMPORTS: Final = "importing fastapi, uvicorn, sqlalchemy, httpx and typer"
BARE: Final = "Python alone"
SHARE: Final = 0.7


class Start:
    name = "start"
    title = "From the start of a process until it says that it is ready"

    def run(self, bench: Bench) -> list[Figure]:
        bare = [sys.executable, "-c", "print('{}', flush=True)"]
        parties: dict[str, Callable[[], float]] = {
            "ours": lambda: ours_ms(bench),
            IMPORTS: lambda: ready_ms(bench.command("packages")),
            BARE: lambda: ready_ms(bare),
        }
        for measure in parties.values():
            measure()  # what is read from disk for the first time counts for nobody
        found = in_turn(bench.pick(10, 5), parties)
        peers = {name: Sample(tuple(found[name])) for name in (IMPORTS, BARE)}
        return [
            Figure(
                "the daemon, on a new home, until it accepts hand-offs",
                "ms",
                Sample(tuple(found["ours"])),
                peers,
                Target("at_most", SHARE, IMPORTS),
            )
        ]


def ours_ms(bench: Bench) -> float:
    with bench.home() as home:
        return ready_ms(
            [sys.executable, "-m", "swarm_analyticsd", "run", "--parent-pipe", "--home", str(home)]
        )


def ready_ms(command: Sequence[str]) -> float:
    """Milliseconds until a process has said its JSON line; it is ended then."""
    began = time.perf_counter()
    child = Child(command)
    try:
        child.read_ready()
        taken = time.perf_counter() - began
        child.hang_up()
        child.wait()
    finally:
        child.release()
    return taken * 1000
