"""What the daemon adds to a call that has an answer, and how many calls it makes at a time."""

from typing import Any, Final

from tests.benchmarks.bench import Bench
from tests.benchmarks.measure import Sample, in_turn
from tests.benchmarks.table import Figure, Limit, Target

DIRECT: Final = "httpx directly"
TUNED: Final = "httpx directly, keeping all connections"
AT_ONCE: Final = 64
ADDED_MS: Final = 1.5


class Calls:
    name = "calls"
    title = "Calls of a service at 0 ms"

    def run(self, bench: Bench) -> list[Figure]:
        one = in_turn(
            bench.rounds,
            {"ours": lambda: measured(bench, "daemon", 1), DIRECT: lambda: measured(bench, "httpx", 1)},
        )
        many = in_turn(
            bench.rounds,
            {
                "ours": lambda: measured(bench, "daemon", AT_ONCE),
                DIRECT: lambda: measured(bench, "httpx", AT_ONCE),
                TUNED: lambda: measured(bench, "httpx-tuned", AT_ONCE),
            },
        )
        together = zip(one["ours"], one[DIRECT], strict=True)
        return [
            Figure(
                "one at a time: what the daemon adds to the median call",
                "ms",
                Sample(tuple(ours["p50"] - direct["p50"] for ours, direct in together)),
                target=Limit("at_most", ADDED_MS),
            ),
            Figure(
                "one at a time: the median call",
                "ms",
                Sample(tuple(each["p50"] for each in one["ours"])),
                {DIRECT: Sample(tuple(each["p50"] for each in one[DIRECT]))},
                note="a new connection to the daemon for each; httpx keeps its connection to the service",
            ),
            Figure(
                f"{AT_ONCE} at a time",
                "calls/s",
                Sample(tuple(each["per_second"] for each in many["ours"])),
                {name: Sample(tuple(each["per_second"] for each in many[name])) for name in (DIRECT, TUNED)},
                Target("at_least", 1.0, DIRECT),
            ),
        ]


def measured(bench: Bench, way: str, at_once: int) -> dict[str, Any]:
    count = bench.pick(2_000, 600) if at_once == 1 else bench.pick(5_000, 2_000)
    with bench.service() as service, bench.home() as home:
        if way != "daemon":
            told: dict[str, Any] = bench.program("calls", way, "-", service.base_url, count, at_once)
            return told
        with bench.daemon(home):
            told = bench.program("calls", way, home, service.base_url, count, at_once)
    return told
