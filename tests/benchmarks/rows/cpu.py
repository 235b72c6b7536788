"""What CPU time an event costs on its way from the app to a service at 0 ms."""

from typing import Final

from tests.benchmarks.backlog import PEER, drain, drain_in_process
from tests.benchmarks.bench import Bench
from tests.benchmarks.measure import Sample, in_turn
from tests.benchmarks.table import Figure, Target

SHARE: Final = 0.5
DELIVERY: Final = f"{PEER}, delivery alone"
IN_ALL: Final = f"{PEER}, its calls too"


class Cpu:
    name = "cpu"
    title = "CPU time for each event delivered"

    def run(self, bench: Bench) -> list[Figure]:
        count, peer_count = bench.pick(10_000, 4_000), bench.pick(3_000, 1_000)
        parties = {"ours": lambda: drain(bench, 0.0, "many", count)}
        with_peer = bool(bench.peers.available(PEER))
        if with_peer:
            parties[PEER] = lambda: drain_in_process(bench, 0.0, peer_count)
        found = in_turn(bench.rounds, parties)
        peers = {}
        if with_peer:
            peers = {
                DELIVERY: Sample(tuple(each.cpu_us for each in found[PEER])),
                IN_ALL: Sample(tuple(each.cpu_us_in_all for each in found[PEER])),
            }
        return [
            Figure(
                "the daemon: intake, commits, delivery, settling",
                "µs",
                Sample(tuple(each.cpu_us_in_all for each in found["ours"])),
                peers,
                Target("at_most", SHARE, DELIVERY),
            ),
            Figure(
                "the daemon: delivery and settling alone",
                "µs",
                Sample(tuple(each.cpu_us for each in found["ours"])),
                peers,
            ),
        ]
