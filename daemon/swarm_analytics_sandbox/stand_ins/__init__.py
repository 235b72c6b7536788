"""The services that are played by more than their contract; every other one answers as its contract says."""

from collections.abc import Mapping
from typing import Final

from swarm_analytics_sandbox.stand_in import Factory
from swarm_analytics_sandbox.stand_ins.openspawn import OpenSpawn
from swarm_analytics_sandbox.stand_ins.openswarm import OpenSwarm
from swarm_analytics_sandbox.stand_ins.segops import SegOps
from swarm_analytics_sandbox.stand_ins.swarms import Swarms
from swarm_analytics_sandbox.stand_ins.syvain import Syvain

STAND_INS: Final[Mapping[str, Factory]] = {
    "openspawn": OpenSpawn,
    "openswarm": OpenSwarm,
    "segops": SegOps,
    "swarms": Swarms,
    "syvain": Syvain,
}
"""By the service's name."""
