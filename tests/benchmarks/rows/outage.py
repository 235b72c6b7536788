"""What an app feels while its daemon is killed, and the next one is started by the client in it."""

import json
from typing import Any, Final

from tests.benchmarks.bench import Bench
from tests.benchmarks.measure import Sample, in_turn
from tests.benchmarks.table import Figure, Limit
from tests.support.child import Child
from tests.support.homes import daemon_pid, kill_daemon
from tests.support.waiting import eventually

INTERVAL_S: Final = 0.0005
LONGEST_MS: Final = 20.0
ARRIVAL_TIMEOUT_S: Final = 120.0
CALM: Final = "ours, nothing killed"
BARE: Final = "bare append at the same pace"


class Outage:
    name = "outage"
    title = f"The daemon is killed twice and restarted under {1 / INTERVAL_S:,.0f} calls a second"

    def run(self, bench: Bench) -> list[Figure]:
        found = in_turn(
            bench.rounds,
            {
                "ours": lambda: ours(bench, kills=2),
                CALM: lambda: ours(bench, kills=0),
                BARE: lambda: bare(bench),
            },
        )
        peers = {name: Sample(tuple(each["max"] for each in found[name])) for name in (CALM, BARE)}
        return [
            Figure(
                "the longest single call",
                "ms",
                Sample(tuple(each["max"] for each in found["ours"])),
                peers,
                Limit("at_most", LONGEST_MS),
                "what the machine itself holds up a process shows in the bare append",
            ),
            Figure(
                "the median call",
                "ms",
                Sample(tuple(each["p50"] for each in found["ours"])),
                {name: Sample(tuple(each["p50"] for each in found[name])) for name in (CALM, BARE)},
            ),
            Figure(
                "events lost",
                "",
                Sample(tuple(each["lost"] for each in found["ours"])),
                {CALM: Sample(tuple(each["lost"] for each in found[CALM]))},
                Limit("at_most", 0.0),
                "what is sent again after a kill has its former id, by which the service drops it",
            ),
        ]


def ours(bench: Bench, kills: int) -> dict[str, Any]:
    count = bench.pick(20_000, 8_000)
    with bench.service() as service, bench.home() as home:
        app = Child(bench.command("outage", home, service.base_url, count, INTERVAL_S))
        try:
            app.line()
            app.say("go\n")
            for number in range(kills):
                come = count * (number + 1) // (kills + 2)
                eventually(
                    lambda wanted=come: service.counts()["unique"] >= wanted,  # type: ignore[misc]
                    timeout=ARRIVAL_TIMEOUT_S,
                    what=f"the arrival of {come} events",
                )
                killed = kill_daemon(home)
                assert killed is not None, "no daemon ran"
                eventually(
                    lambda former=killed: daemon_pid(home) not in {None, former},  # type: ignore[misc]
                    timeout=ARRIVAL_TIMEOUT_S,
                    what="the next daemon",
                )
            app.say("enough\n")
            told: dict[str, Any] = json.loads(app.line(ARRIVAL_TIMEOUT_S))
            counts = service.wait_for(told["events"], ARRIVAL_TIMEOUT_S)
            app.hang_up()
            app.wait()
        finally:
            app.release()
            kill_daemon(home)
    return {**told, "max": told["longest"][-1], "lost": told["events"] - counts["unique"]}


def bare(bench: Bench) -> dict[str, Any]:
    with bench.home() as directory:
        directory.mkdir()
        told: dict[str, Any] = bench.program(
            "appends", directory, bench.pick(20_000, 8_000), INTERVAL_S, "plain"
        )
    return told
