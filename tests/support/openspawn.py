"""OpenSpawn in tests: a sandbox, a daemon, and agents that may sign."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl

from swarm_analytics.openspawn import AsyncOpenSpawnClient, OpenSpawnClient
from swarm_analytics_sandbox.stand_ins.openspawn.organization import (
    CHANNEL,
    FOUNDER,
    FOUNDER_ID,
    FOUNDER_SECRET,
)
from tests.support.processes import DaemonProcess, SandboxProcess, standing

API_KEY: Final = "osp_" + "5c" * 32
CHILD: Final = "00000000-0000-4000-8000-000000000002"
CHILD_SECRET: Final = "fedcba9876543210" * 4

__all__ = [
    "API_KEY",
    "CHANNEL",
    "CHILD",
    "CHILD_SECRET",
    "FOUNDER",
    "FOUNDER_ID",
    "FOUNDER_SECRET",
    "OpenSpawnWorld",
    "query",
    "standing_world",
]


class OpenSpawnWorld:
    """A home whose daemon serves, and the sandbox that it calls: an organization of two agents."""

    def __init__(self, home: Path, sandbox: SandboxProcess, daemon: DaemonProcess) -> None:
        self.home, self.sandbox, self.daemon = home, sandbox, daemon

    def begin(self) -> None:
        """An organization in which nothing has happened."""
        self.sandbox.reset()
        child = {"id": CHILD, "agentId": "child", "name": "Child", "level": 3, "parentId": FOUNDER}
        self.configure(agents=[{**child, "secret": CHILD_SECRET}])

    def configure(self, **settings: Any) -> Any:
        return self.sandbox.configure("openspawn", **settings)

    @property
    def state(self) -> Any:
        return self.sandbox.state("openspawn")

    def signing(self, **options: Any) -> dict[str, Any]:
        """Arguments of a client that signs as the founder."""
        signer = {"agent_id": FOUNDER_ID, "secret": FOUNDER_SECRET}
        return {"base_url": self.sandbox.base_url, "home": self.home, **signer, **options}

    def keyed(self, **options: Any) -> dict[str, Any]:
        """Arguments of a client with an API key."""
        return {"base_url": self.sandbox.base_url, "home": self.home, "api_key": API_KEY, **options}

    def client(self, **options: Any) -> OpenSpawnClient:
        return OpenSpawnClient(**self.signing(**options))

    def async_client(self, **options: Any) -> AsyncOpenSpawnClient:
        return AsyncOpenSpawnClient(**self.signing(**options))

    def requests(self, route: str | None = None) -> list[dict[str, Any]]:
        """What came, in order; secrets are blotted out."""
        known = self.sandbox.requests()
        return [request for request in known if route in (None, request["route"])]

    def body(self, route: str) -> Any:
        """Of the one request to a route."""
        (request,) = self.requests(route)
        return json.loads(request["body"])

    def fault(self, kind: str, *, count: int | None = None, route: str = "*", **action: Any) -> None:
        """The next `count` requests to a route meet this, or all."""
        match = {"route": route} | ({} if count is None else {"count": count})
        self.sandbox.script({"match": match, "action": {"kind": kind, **action}})


def query(request: dict[str, Any]) -> dict[str, str]:
    """The query of a request that the sandbox got."""
    return dict(parse_qsl(request["query"]))


@contextmanager
def standing_world() -> Iterator[OpenSpawnWorld]:
    with standing() as (processes, directory):
        home = directory / "home"
        yield OpenSpawnWorld(home, processes.sandbox(), processes.daemon(home))
