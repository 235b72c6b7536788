"""Where OpenSpawn's SDK has its errors, so that programs written for it find them."""

from swarm_analytics.openspawn.errors import APIError, AuthenticationError, OpenSpawnError, RetryableError

__all__ = ["APIError", "AuthenticationError", "OpenSpawnError", "RetryableError"]
