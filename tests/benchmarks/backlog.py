"""A backlog delivered, by the daemon or in an app's process: how fast, and at what cost."""

import time
from dataclasses import dataclass
from typing import Final

from tests.benchmarks.apps import flood, pause, resume, until_accepted, until_settled
from tests.benchmarks.bench import Bench
from tests.benchmarks.measure import usage

DELIVERY_TIMEOUT_S: Final = 300.0
PEER: Final = "swarm-analytics"


@dataclass(frozen=True, slots=True)
class Drained:
    """A backlog's way to the service."""

    per_second: float
    """From the start of delivery to the arrival of the last event."""

    cpu_us: float
    """CPU time an event took in the process that delivers."""

    cpu_us_in_all: float
    """The same with what the process did to take events in."""


def drain(bench: Bench, delay_ms: float, ordering: str, count: int) -> Drained:
    """Have the daemon take events in, and then deliver them. AssertionError where one is lost or doubled."""
    with bench.service(delay_ms) as service, bench.home() as home, bench.daemon(home) as daemon:
        command = bench.command("intake", home, service.base_url, 1, "calls", ordering)
        flood([command])  # registers, and loads what delivering loads
        service.wait_for(1, DELIVERY_TIMEOUT_S)
        until_settled(home)
        pause(home)
        service.reset()
        at_first = usage(daemon.pid).cpu_s
        flood([bench.command("intake", home, service.base_url, count, "calls", ordering)])
        until_accepted(home, count + 1)
        taken_in = usage(daemon.pid).cpu_s
        began = time.monotonic()
        resume(home)
        counts = service.wait_for(count, DELIVERY_TIMEOUT_S)
        until_settled(home)
        at_last = usage(daemon.pid).cpu_s
        counts = service.counts()
    assert (counts["unique"], counts["doubled"]) == (count, 0), counts
    return Drained(
        count / (counts["last_at"] - began),
        (at_last - taken_in) / count * 1e6,
        (at_last - at_first) / count * 1e6,
    )


def drain_in_process(bench: Bench, delay_ms: float, count: int) -> Drained:
    """swarm-analytics, whose queue is in memory, delivers from its first call on."""
    python = bench.peers.interpreter(PEER)
    with bench.service(delay_ms) as service:
        command = bench.command("in_process", service.base_url, count, "-", "delivered", interpreter=python)
        (told,) = flood([command])
        counts = service.wait_for(count, DELIVERY_TIMEOUT_S)
    in_all = told["cpu_s"] / count * 1e6
    return Drained(
        count / (counts["last_at"] - told["began"]), in_all - told["calls_cpu_s"] / count * 1e6, in_all
    )
