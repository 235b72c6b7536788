"""The rows of the table, one module for each group."""

from collections.abc import Sequence
from typing import Final

from tests.benchmarks.bench import Row
from tests.benchmarks.rows.agents import Agents
from tests.benchmarks.rows.calls import Calls
from tests.benchmarks.rows.cpu import Cpu
from tests.benchmarks.rows.delivery import Delivery
from tests.benchmarks.rows.emit import Emit
from tests.benchmarks.rows.growth import Growth
from tests.benchmarks.rows.idle import Idle
from tests.benchmarks.rows.importing import Importing
from tests.benchmarks.rows.intake import Intake
from tests.benchmarks.rows.kill import Kill
from tests.benchmarks.rows.outage import Outage
from tests.benchmarks.rows.receipt import Receipt
from tests.benchmarks.rows.start import Start

ROWS: Final[Sequence[Row]] = (
    Emit(),
    Kill(),
    Outage(),
    Intake(),
    Receipt(),
    Delivery(),
    Cpu(),
    Importing(),
    Start(),
    Idle(),
    Growth(),
    Calls(),
    Agents(),
)
"""In the order of the table."""
