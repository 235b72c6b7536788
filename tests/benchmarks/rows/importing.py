"""What importing a client costs the app: time and memory."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from tests.benchmarks.bench import Bench
from tests.benchmarks.measure import Sample, in_turn
from tests.benchmarks.parties import OURS, PEER
from tests.benchmarks.table import Figure, Target

PYDANTIC: Final = "pydantic alone"
RATIO: Final = 0.55

IMPORTS: Final[Mapping[str, tuple[str | None, str]]] = {
    OURS: (None, "from swarm_analytics import AgentMessage, AnalyticsClient"),
    PEER: ("swarm-analytics", "from swarm_analytics import AgentMessage, AnalyticsClient"),
    PYDANTIC: (None, "from pydantic import BaseModel, Field\nclass Model(BaseModel):\n    field: int"),
    "posthog": ("posthog", "from posthog import Posthog"),
    "segment": ("segment", "from segment.analytics.client import Client"),
    "segops": ("segops", "from segops import SegOpsClient"),
    "OpenTelemetry logs": (
        "opentelemetry",
        "from opentelemetry.sdk._logs.export import BatchLogRecordProcessor\n"
        "from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter",
    ),
    "snowplow": ("snowplow", "from snowplow_tracker import AsyncEmitter, Tracker"),
}
"""By party: its environment (None: ours), and what an app imports: names, since ours load on first use."""


def one_import(bench: Bench, interpreter: Path | None, statements: str) -> Any:
    return bench.program("importing", statements, interpreter=interpreter)


class Importing:
    """In a fresh process each; the packages' bytecode is there, as after the first use."""

    name = "import"
    title = "What importing the client adds to a process"

    def run(self, bench: Bench) -> list[Figure]:
        wanted = {environment for environment, _ in IMPORTS.values() if environment}
        there = bench.peers.available(*wanted)
        parties = {
            name: partial(one_import, bench, there.get(environment or ""), statements)
            for name, (environment, statements) in IMPORTS.items()
            if environment is None or environment in there
        }
        for measure in parties.values():
            measure()  # writes the bytecode, fills the file cache
        runs = in_turn(bench.pick(15, 5), parties)
        figures = []
        for title, part, unit in (("time", "ms", "ms"), ("resident memory", "mib", "MiB")):
            samples = {
                name: Sample(tuple(result[part] for result in results)) for name, results in runs.items()
            }
            ours = samples.pop(OURS)
            figures.append(Figure(title, unit, ours, samples, Target("at_most", RATIO, PEER)))
        return figures
