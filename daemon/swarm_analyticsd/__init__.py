"""The daemon: owns every credential, the durable outbox, the retry schedule and all network egress."""

from importlib.metadata import version
from typing import Final

VERSION: Final = version("swarm-analyticsd")
