"""Who is measured: ours, and what a user would pick instead."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.benchmarks.bench import Bench

OURS: Final = "ours"
PEER: Final = "swarm-analytics"
"""What ours replaces; ratios are to it unless a figure says otherwise."""

SPOOLED: Final = "swarm-analytics with spool"


@dataclass(frozen=True, slots=True)
class Party:
    """One column of the table."""

    name: str
    program: str
    """What ``programs/app.py`` calls it."""

    environment: str | None
    """The name of the environment that has its package; None: ours."""

    def interpreter(self, bench: Bench) -> Path | None:
        """The Python that has its package; None: ours."""
        return None if self.environment is None else bench.peers.interpreter(self.environment)

    def app(self, bench: Bench, base_url: str, place: Path, *arguments: object) -> Any:
        """What ``programs/app.py`` prints when it runs with this party's client."""
        interpreter = self.interpreter(bench)
        return bench.program("app", self.program, base_url, place, *arguments, interpreter=interpreter)


def available(bench: Bench) -> dict[str, Party]:
    """Ours, and the peers whose packages can be had."""
    there = bench.peers.available(*{party.environment for party in PARTIES.values() if party.environment})
    return {
        name: party
        for name, party in PARTIES.items()
        if party.environment is None or party.environment in there
    }


PARTIES: Final[Mapping[str, Party]] = {
    party.name: party
    for party in (
        Party(OURS, "ours", None),
        Party(PEER, "swarm-analytics", "swarm-analytics"),
        Party(SPOOLED, "spooled", "swarm-analytics"),
        Party("posthog", "posthog", "posthog"),
        Party("segment", "segment", "segment"),
        Party("segops", "segops", "segops"),
        Party("OpenTelemetry logs", "opentelemetry", "opentelemetry"),
        Party("snowplow", "snowplow", "snowplow"),
    )
}
