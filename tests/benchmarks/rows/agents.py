"""Ours beside the agents of the distribution: throughput, cost, and what a `kill -9` in mid-stream loses."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tests.benchmarks.agents import AGENTS, INSTALL, Agent, free_port
from tests.benchmarks.apps import flood
from tests.benchmarks.bench import Bench
from tests.benchmarks.measure import Sample, in_turn, usage
from tests.benchmarks.service import ServiceProcess
from tests.benchmarks.table import Figure, Limit
from tests.support.child import Child

TIMEOUT_S: Final = 120.0
QUIET_S: Final = 4.0
"""For which nothing more has to come until what is not there counts as lost."""

POLL_S: Final = 0.1


@dataclass(frozen=True, slots=True)
class Streamed:
    """One stream of events: undisturbed, then one with a kill in its middle."""

    per_second: float
    cpu_us: float
    resident_mib: float
    lost: float
    doubled: float


class Agents:
    name = "agents"
    title = (
        "Local agents: from one app to a service at 0 ms; and killed (kill -9) in mid-stream, then restarted"
    )

    def run(self, bench: Bench) -> list[Figure]:
        parties: dict[str, Callable[[], Streamed]] = {"ours": lambda: ours(bench)}
        present = [agent for agent in AGENTS if agent.path is not None]
        for agent in present:
            parties[agent.name] = lambda agent=agent: theirs(bench, agent)  # type: ignore[misc]
        found = in_turn(max(1, bench.rounds - 2), parties)
        absent = sorted({agent.program for agent in AGENTS} - {agent.program for agent in present})
        missing = f"not installed: {', '.join(absent)} ({INSTALL})" if absent else ""

        def figure(title: str, unit: str, of: str, target: Limit | None = None, note: str = "") -> Figure:
            samples = {name: Sample(tuple(getattr(one, of) for one in each)) for name, each in found.items()}
            told = "; ".join(each for each in (note, missing) if each)
            return Figure(title, unit, samples.pop("ours"), samples, target, told)

        return [
            figure(
                "in to out", "events/s", "per_second", note="ours and syslog-ng's first: a request for each"
            ),
            figure("CPU for each event", "µs", "cpu_us"),
            figure("resident memory afterwards", "MiB", "resident_mib"),
            figure(
                "lost in the kill",
                "events",
                "lost",
                Limit("at_most", 0.0),
                "of those whose send or call had returned",
            ),
            figure(
                "sent again after the kill",
                "events",
                "doubled",
                note="ours with their former ids, by which the service drops them",
            ),
        ]


def ours(bench: Bench) -> Streamed:
    count = bench.pick(10_000, 3_000)
    with bench.service() as service, bench.home() as home:
        command = bench.command("intake", home, service.base_url, count, "calls", "many")
        with bench.daemon(home) as daemon:
            before = usage(daemon.pid).cpu_s
            (told,) = flood([command])
            counts = service.wait_for(count, TIMEOUT_S)
            after = usage(daemon.pid)
        per_second = count / (counts["last_at"] - told["began"])
        service.reset()
        with bench.daemon(home) as daemon:
            app = begun(command)
            try:
                service.wait_for(count // 4, TIMEOUT_S)
                daemon.kill()
                with bench.daemon(home):
                    json.loads(app.line(TIMEOUT_S))
                    unique, doubled = until_quiet(service, count)
            finally:
                app.release()
    return Streamed(
        per_second, (after.cpu_s - before) / count * 1e6, after.resident_mib, float(count - unique), doubled
    )


def theirs(bench: Bench, agent: Agent) -> Streamed:
    count = bench.pick(20_000, 5_000)
    port = free_port()
    with bench.service() as service, TemporaryDirectory() as place:
        directory = Path(place)
        with agent.running(directory, port, service.port) as process:
            before = usage(process.pid).cpu_s
            told = bench.program("feed", port, count)
            counts = service.wait_for(count, TIMEOUT_S)
            after = usage(process.pid)
        per_second = count / (counts["last_at"] - told["began"])
        service.reset()
        with agent.running(directory, port, service.port) as process:
            feeder = Child(bench.command("feed", port, count))
            try:
                service.wait_for(count // 4, TIMEOUT_S)
                process.kill()
                sent = json.loads(feeder.line(TIMEOUT_S))["sent"]
            finally:
                feeder.release()
        with agent.running(directory, port, service.port):
            unique, doubled = until_quiet(service, sent)
    return Streamed(
        per_second,
        (after.cpu_s - before) / count * 1e6,
        after.resident_mib,
        float(max(0, sent - unique)),
        doubled,
    )


def begun(command: list[str]) -> Child:
    """An app of ours in the middle of its flood."""
    app = Child(command, environment={"SWARM_ANALYTICSD_AUTOSTART": "0"})
    app.line()
    app.say("go\n")
    return app


def until_quiet(service: ServiceProcess, wanted: int) -> tuple[int, float]:
    """How many different events have come, and how many again, once all are there or none comes any more."""
    counts = service.counts()
    since = time.monotonic()
    while counts["unique"] < wanted and time.monotonic() - since < QUIET_S:
        time.sleep(POLL_S)
        now = service.counts()
        if now["events"] != counts["events"]:
            since = time.monotonic()
        counts = now
    return counts["unique"], float(counts["doubled"])
