"""Swarms Cloud in tests: a sandbox, a daemon, and a key for each test."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, Final

from swarm_analytics.swarms import SwarmsClient
from tests.support.processes import DaemonProcess, Processes, SandboxProcess, standing

AGENT: Final = "/v1/agent/completions"
AGENTS: Final = "/v1/agent/batch/completions"
SWARM: Final = "/v1/swarm/completions"
SWARMS: Final = "/v1/swarm/batch/completions"
TYPES: Final = "/v1/swarms/available"
MODELS: Final = "/v1/models/available"
LOGS: Final = "/v1/swarm/logs"

_KEYS: Final = count()


class SwarmsWorld:
    """A home whose daemon serves, the sandbox that it asks, and the key of the running test.

    A key of its own gives each test a destination, and so a circuit breaker and a cache, of its own.
    """

    def __init__(
        self, home: Path, sandbox: SandboxProcess, daemon: DaemonProcess, processes: Processes
    ) -> None:
        self.home, self.sandbox, self.daemon, self.processes = home, sandbox, daemon, processes
        self.key = ""

    def begin(self) -> None:
        self.key = f"sk-{next(_KEYS):04}"
        self.sandbox.calm()
        self.sandbox.reset()
        self.play(
            generation="seed",
            output="list",
            agent_batch=None,
            accepted_keys=None,
            revoked_keys=[],
            credits_left=None,
            premium=True,
            rate_limit=None,
        )

    def client(self, **options: Any) -> SwarmsClient:
        return SwarmsClient(
            **{"api_key": self.key, "base_url": self.sandbox.base_url, "home": self.home, **options}
        )

    def play(self, **settings: Any) -> None:
        self.sandbox.configure("swarms", **settings)

    def fault(self, action: dict[str, Any], **match: Any) -> None:
        """One fault for what matches."""
        self.sandbox.script({"match": {"service": "swarms", **match}, "action": action})

    def requests(self, path: str | None = None) -> list[dict[str, Any]]:
        return [each for each in self.sandbox.requests() if path in (None, each["path"])]

    def bodies(self, path: str) -> list[Any]:
        return [json.loads(request["body"]) for request in self.requests(path)]

    def executed(self) -> int:
        """Completions that the service executed."""
        state: dict[str, int] = self.sandbox.state("swarms")
        return state["executed"]

    def calls(self) -> list[dict[str, Any]]:
        """What ``status`` says of the calls to each of the service's destinations."""
        destinations = self.daemon.status()["services"]["swarms"]["destinations"]
        return [each["calls"] for each in destinations if each["calls"] is not None]

    def in_flight(self) -> int:
        return sum(each["in_flight"] for each in self.calls())


@contextmanager
def standing_world(log_level: str = "info") -> Iterator[SwarmsWorld]:
    with standing() as (processes, directory):
        home = directory / "home"
        environment = {"SWARMS_API_KEY": None, "SWARM_ANALYTICSD_LOG_LEVEL": log_level}
        daemon = processes.daemon(home, environment=environment)
        yield SwarmsWorld(home, processes.sandbox(), daemon, processes)
