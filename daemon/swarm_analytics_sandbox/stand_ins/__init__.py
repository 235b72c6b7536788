"""The services that are played by more than their contract; every other one answers as its contract says."""

from collections.abc import Mapping
from typing import Final

from swarm_analytics_sandbox.stand_in import Factory

STAND_INS: Final[Mapping[str, Factory]] = {}
"""By the service's name."""
