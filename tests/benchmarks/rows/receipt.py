"""How long after a call its event is on disk for certain, at a steady pace."""

from typing import Any, Final

from tests.benchmarks.apps import pause
from tests.benchmarks.bench import Bench
from tests.benchmarks.measure import Sample, in_turn
from tests.benchmarks.table import Figure, Limit, Target

PER_SECOND: Final = 500
BARE: Final = "bare append and fdatasync"
P50_MS: Final = 1.0
P99_TIMES: Final = 2.0


class Receipt:
    name = "receipt"
    title = f"Receipt at {PER_SECOND} events a second, from the call to the app's knowledge of the commit"

    def run(self, bench: Bench) -> list[Figure]:
        alone, delivering = "nothing delivered meanwhile", "delivering meanwhile"
        found = in_turn(
            bench.rounds,
            {
                alone: lambda: ours(bench, paused=True),
                BARE: lambda: bare(bench),
                delivering: lambda: ours(bench, paused=False),
            },
        )
        figures = []
        for way in (alone, delivering):
            for share in ("p50", "p99"):
                peers = {BARE: Sample(tuple(each[share] for each in found[BARE]))}
                ours_found = Sample(tuple(each[f"receipt_{share}"] for each in found[way]))
                target = Limit("at_most", P50_MS) if share == "p50" else Target("at_most", P99_TIMES, BARE)
                figures.append(Figure(f"{share}, {way}", "ms", ours_found, peers, target))
        return figures


def ours(bench: Bench, *, paused: bool) -> dict[str, Any]:
    with bench.service() as service, bench.home() as home, bench.daemon(home):
        if paused:
            pause(home)
        count = bench.pick(5_000, 1_500)
        told: dict[str, Any] = bench.program("receipts", home, service.base_url, count, 1 / PER_SECOND)
    return told


def bare(bench: Bench) -> dict[str, Any]:
    with bench.home() as directory:
        directory.mkdir()
        count = bench.pick(5_000, 1_500)
        told: dict[str, Any] = bench.program("appends", directory, count, 1 / PER_SECOND, "synced")
    return told
