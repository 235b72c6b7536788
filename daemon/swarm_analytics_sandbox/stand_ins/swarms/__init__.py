"""Swarms Cloud: the service of the seed's time, or a later one (`Modes`)."""

from swarm_analytics_sandbox.stand_ins.swarms.service import Swarms

__all__ = ["Swarms"]
