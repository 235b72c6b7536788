"""How many events a second are on disk, with a receipt, when apps flood the daemon."""

from typing import Final

from tests.benchmarks.apps import flood, pause, span, until_accepted
from tests.benchmarks.bench import Bench
from tests.benchmarks.measure import Sample, in_turn
from tests.benchmarks.table import Figure, Limit, Target

SPOOLED: Final = "swarm-analytics with spool"
TIMES: Final = 100.0
WRITE_US: Final = 1.2
"""The append at which the absolute aims hold; on a machine with a slower one they are as much lower."""

AIMS: Final = {1: 45_000.0, 4: 65_000.0}
"""Events a second, by how many apps there are."""

NEVER_MS: Final = 60_000.0
NOTE: Final = "Nothing is delivered meanwhile, by either."


class Intake:
    name = "intake"
    title = "Durable intake: validated, committed with full sync, receipted"

    def run(self, bench: Bench) -> list[Figure]:
        with_peers = bench.peers.available("swarm-analytics")
        figures = []
        for apps in AIMS:
            parties = {
                "calls": lambda apps=apps: ours(bench, apps, "calls"),  # type: ignore[misc]
                "lines": lambda apps=apps: ours(bench, apps, "lines"),  # type: ignore[misc]
                "write": lambda: write_us(bench),
            }
            if with_peers:
                parties[SPOOLED] = lambda apps=apps: spooled(bench, apps)  # type: ignore[misc]
            found = in_turn(bench.rounds, parties)
            peers = {SPOOLED: Sample(tuple(found[SPOOLED]))} if with_peers else {}
            named = f"{apps} app{'s' if apps > 1 else ''}"
            figures.append(
                Figure(
                    f"{named}, by calls of the client",
                    "events/s",
                    Sample(tuple(found["calls"])),
                    peers,
                    Target("at_least", TIMES, SPOOLED),
                    NOTE,
                )
            )
            for way, described in (("calls", "by calls"), ("lines", "lines made before")):
                scaled = zip(found[way], found["write"], strict=True)
                figures.append(
                    Figure(
                        f"{named}, {described}, as if an append took {WRITE_US} µs",
                        "events/s",
                        Sample(tuple(rate * us / WRITE_US for rate, us in scaled)),
                        {"as measured": Sample(tuple(found[way]))},
                        Limit("at_least", AIMS[apps]),
                        f"an append of 300 bytes took {Sample(tuple(found['write'])).median:.2f} µs",
                    )
                )
        return figures


def ours(bench: Bench, apps: int, way: str) -> float:
    count = bench.pick(20_000, 10_000) // (1 if apps == 1 else 2)
    with bench.service() as service, bench.home() as home, bench.daemon(home):
        pause(home)
        command = bench.command("intake", home, service.base_url, count, way, "many")
        told = flood([command] * apps)
        until_accepted(home, apps * count)
    return apps * count / span(told)


def spooled(bench: Bench, apps: int) -> float:
    """On disk is what its calls have returned for; its service never answers, so that it does not deliver."""
    count = bench.pick(300, 150)
    python = bench.peers.interpreter("swarm-analytics")
    with bench.service(NEVER_MS) as service, bench.home() as directory:
        directory.mkdir()
        told = flood(
            bench.command(
                "in_process",
                service.base_url,
                count,
                directory / f"spool-{number}.db",
                "kept",
                interpreter=python,
            )
            for number in range(apps)
        )
    return apps * count / span(told, "called")


def write_us(bench: Bench) -> float:
    with bench.home() as directory:
        directory.mkdir()
        return float(bench.program("appends", directory, 20_000, 0, "plain")["p50"]) * 1000
