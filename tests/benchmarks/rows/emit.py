"""How long a call that reports an event takes, in the app."""

from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tests.benchmarks.bench import Bench
from tests.benchmarks.measure import Sample, in_turn
from tests.benchmarks.parties import OURS, PEER, SPOOLED, Party, available
from tests.benchmarks.table import Figure, Target

SPOOLED_SHARE: Final = 20
"""Of the calls that others make, a spool that syncs each is given one in so many: each takes milliseconds."""

PACES: Final = (
    ("flood", 0, 20_000, 5_000, 0.45),
    ("one each 0.2 ms", 200, 10_000, 2_500, 0.5),
    ("one each 2 ms", 2_000, 1_500, 500, 0.8),
)
"""Name, microseconds between calls, calls in a full and a quick run, p50 to reach: a ratio to the peer's."""

LEAST_SPOOLED_RATIO: Final = 150
DROPS_NOTE: Final = (
    "in a flood, posthog, segment, OpenTelemetry and snowplow drop what is more than their queues hold "
    "(10,000; OpenTelemetry 2,048), and such a call costs them little"
)
MEAN_NOTE: Final = "what a client's own threads take from the calls shows in the mean, and hardly in the p50"


def one_run(bench: Bench, party: Party, count: int, interval_us: int) -> dict[str, float]:
    """Microseconds of each figure. All processes are its own, so that no run leaves work to the next."""
    with bench.service() as service, TemporaryDirectory() as place, bench.home() as home:
        arguments = ("pace", count, interval_us)
        if party.name == OURS:
            with bench.daemon(home):
                ours: dict[str, float] = party.app(bench, service.base_url, home, *arguments)
                return ours
        theirs: dict[str, float] = party.app(bench, service.base_url, Path(place), *arguments)
        return theirs


class Emit:
    """Every party's client in its default settings; the service answers at once."""

    name = "emit"
    title = "A call that reports an event of about 300 bytes"

    def run(self, bench: Bench) -> list[Figure]:
        parties = available(bench)
        figures = []
        for pace, interval_us, full, quick, ratio in PACES:
            count = bench.pick(full, quick)
            counts = {name: count // SPOOLED_SHARE if name == SPOOLED else count for name in parties}
            runs = in_turn(
                bench.rounds,
                {
                    name: partial(one_run, bench, party, counts[name], interval_us)
                    for name, party in parties.items()
                },
            )
            for title, part, target in (
                ("p50", "p50", Target("at_most", ratio, PEER)),
                ("mean", "mean", None),
                ("p99", "p99", Target("at_most", 1, PEER)),
                ("maximum", "max", Target("at_most", 1, PEER)),
            ):
                note = {"p50": DROPS_NOTE if interval_us == 0 else "", "mean": MEAN_NOTE}.get(part, "")
                samples = {
                    name: Sample(tuple(run[part] for run in results)) for name, results in runs.items()
                }
                ours = samples.pop(OURS)
                figures.append(Figure(f"{pace}, {title}", "µs", ours, samples, target, note))
                if pace == "flood" and part == "p50" and SPOOLED in samples:
                    figures.append(
                        Figure(
                            f"{pace}, {title}, beside a spool",
                            "µs",
                            ours,
                            {SPOOLED: samples[SPOOLED]},
                            Target("at_most", 1 / LEAST_SPOOLED_RATIO, SPOOLED),
                        )
                    )
        return figures
