"""SegOps in tests: a sandbox, a daemon, and a user for each test."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, Final

from swarm_analytics.segops import SegOpsClient, SegOpsError, UserContext
from tests.support.processes import DaemonProcess, SandboxProcess, standing
from tests.support.waiting import eventually

SIGNING_SECRET: Final = "00" * 32
BATCH: Final = "/api/ingestion/track/batch/"
SINGLE: Final = "/api/ingestion/track/"
SESSION: Final = "/api/auth/session/"

_USERS: Final = count()


class SegOpsWorld:
    """A home whose daemon serves, the sandbox it delivers to, and a user of the running test."""

    def __init__(self, home: Path, sandbox: SandboxProcess, daemon: DaemonProcess) -> None:
        self.home, self.sandbox, self.daemon = home, sandbox, daemon
        self.user = ""
        self.errors: list[SegOpsError] = []

    def begin(self) -> None:
        self.user, self.errors = f"u-{next(_USERS):03}", []
        self.sandbox.calm()
        self.sandbox.reset()
        self.stand_in(session_s=900.0, time_format="z", skip_event_types=[])

    def client(self, key: str = "sk_ok", **options: Any) -> SegOpsClient:
        options = {"on_error": self.errors.append, "home": self.home, "flush_interval": 0.05, **options}
        return SegOpsClient(self.sandbox.base_url, key, **options)

    def me(self) -> UserContext:
        return UserContext(user_id=self.user)

    def stand_in(self, **settings: Any) -> None:
        self.sandbox.configure("segops", **settings)

    def arrived(self) -> list[dict[str, Any]]:
        """The events that SegOps took, in order."""
        return [event["body"] for event in self.sandbox.good(service="segops")]

    def wait_for(self, number: int) -> list[dict[str, Any]]:
        eventually(lambda: len(self.arrived()) >= number, timeout=20.0, what=f"{number} events")
        return self.arrived()

    def requests(self, path: str) -> list[dict[str, Any]]:
        return [request for request in self.sandbox.requests() if request["path"] == path]

    def bodies(self, path: str) -> list[Any]:
        return [json.loads(request["body"]) for request in self.requests(path)]


@contextmanager
def standing_world() -> Iterator[SegOpsWorld]:
    with standing() as (processes, directory):
        home = directory / "home"
        yield SegOpsWorld(home, processes.sandbox(), processes.daemon(home))
