"""Syvain Metrics as its two published clients know it: the server's own source is private."""

from swarm_analytics_sandbox.stand_ins.syvain.desk import Syvain

__all__ = ["Syvain"]
