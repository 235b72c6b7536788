"""How fast what waits is delivered."""

from typing import Final, Literal

from tests.benchmarks.backlog import drain, drain_in_process
from tests.benchmarks.bench import Bench
from tests.benchmarks.measure import Sample, in_turn
from tests.benchmarks.table import Figure, Target

PEER: Final = "swarm-analytics"
FAR_MS: Final = 50.0
FAR_TIMES: Final = 100.0
NEAR_TIMES: Final = 4.0
ORDERED_TIMES: Final = 1.0


class Delivery:
    name = "delivery"
    title = "Delivery of events that wait"

    def run(self, bench: Bench) -> list[Figure]:
        many, few = bench.pick(10_000, 4_000), bench.pick(200, 60)
        few_near = bench.pick(3_000, 1_000)
        return [
            figure(bench, FAR_MS, "many", many, few, FAR_TIMES),
            figure(bench, FAR_MS, "one", few, few, ORDERED_TIMES),
            figure(bench, 0.0, "many", many, few_near, NEAR_TIMES),
        ]


def figure(
    bench: Bench, delay_ms: float, ordering: Literal["one", "many"], count: int, peer_count: int, times: float
) -> Figure:
    parties = {"ours": lambda: drain(bench, delay_ms, ordering, count).per_second}
    with_peer = bool(bench.peers.available(PEER))
    if with_peer:
        parties[PEER] = lambda: drain_in_process(bench, delay_ms, peer_count).per_second
    found = in_turn(bench.rounds, parties)
    keys = "with one ordering key" if ordering == "one" else "each with its own ordering key"
    place = f"a service {delay_ms:g} ms away" if delay_ms else "a service at 0 ms"
    return Figure(
        f"{count:,} events, {keys}, to {place}",
        "events/s",
        Sample(tuple(found["ours"])),
        {PEER: Sample(tuple(found[PEER]))} if with_peer else {},
        Target("at_least", times, PEER),
        f"the peer delivers {peer_count:,}, one at a time and so at a steady rate",
    )
