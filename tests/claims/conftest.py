"""One sandbox and one daemon for a module of claims; each test has an install, and so a queue, of its own."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Final

import pytest

from swarm_analytics import AnalyticsClient
from swarm_analytics_models.home import AUTOSTART_VARIABLE
from tests.support.homes import kill_daemon, short_directory
from tests.support.processes import DaemonProcess, Processes, SandboxProcess
from tests.support.waiting import eventually

_INSTALLS: Final = count()


@dataclass
class World:
    """A home whose daemon serves, the sandbox it delivers to, and the install of the running test."""

    home: Path
    sandbox: SandboxProcess
    daemon: DaemonProcess
    install_id: str = ""
    drops: list[tuple[Any, int | None]] = field(default_factory=list)

    @property
    def base_url(self) -> str:
        return self.sandbox.base_url

    def client(self, **options: Any) -> AnalyticsClient:
        """The client of an app that was just installed."""
        options.setdefault("install_id", self.install_id)
        return AnalyticsClient(
            home=self.home,
            base_url=self.base_url,
            on_drop=lambda record, status: self.drops.append((record, status)),
            **options,
        )

    def arrived(self, route: str | None = None) -> list[dict[str, Any]]:
        """What the service took from this test's install, in order."""
        filters = {"install_id": self.install_id} | ({"route": route} if route else {})
        return self.sandbox.good(**filters)

    def wait_for(self, *keys: str) -> list[dict[str, Any]]:
        """Wait until the service has taken these submissions, and return all it took."""
        wanted = set(keys)

        def there() -> bool:
            return wanted <= {event["key"] or event["body"].get("submission_id") for event in self.arrived()}

        eventually(there, timeout=20.0, what=f"the arrival of {wanted}")
        return self.arrived()

    def fault(self, kind: str, *, status: int = 503, **match: Any) -> None:
        """One fault: what matches meets this."""
        action = {"kind": kind} | ({"status": status} if kind == "status" else {})
        self.sandbox.script({"match": match, "action": action})

    def requests(self, path: str) -> list[dict[str, Any]]:
        return [request for request in self.sandbox.requests() if request["path"] == path]


@pytest.fixture(autouse=True)
def _no_daemon_but_the_tests_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(AUTOSTART_VARIABLE, "0")


@pytest.fixture(scope="module")
def _standing_world() -> Iterator[World]:
    processes = Processes()
    with short_directory() as directory:
        home = directory / "home"
        try:
            sandbox = processes.sandbox()
            yield World(home, sandbox, processes.daemon(home, services={"openswarm": sandbox.base_url}))
        finally:
            kill_daemon(home)
            processes.release()


@pytest.fixture
def world(_standing_world: World) -> Iterator[World]:
    _standing_world.install_id = f"install-{next(_INSTALLS):04}"
    _standing_world.drops = []
    _standing_world.sandbox.calm()
    yield _standing_world
    _standing_world.sandbox.calm()


@pytest.fixture
def client(world: World) -> Callable[..., AnalyticsClient]:
    return world.client
