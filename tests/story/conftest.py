"""Stories: a home of its own for each, one sandbox for all of this process, apps as they are needed."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from swarm_analytics import AnalyticsClient
from swarm_analytics.launch import start_no_more
from swarm_analytics_models.home import AUTOSTART_VARIABLE, Home
from tests.story.scene import INSTALL, Emitter, HomeView
from tests.support.processes import Processes, SandboxProcess


@pytest.fixture(autouse=True)
def _no_daemon_by_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(AUTOSTART_VARIABLE, "0")


@pytest.fixture(scope="session")
def _standing_service() -> Iterator[SandboxProcess]:
    processes = Processes()
    try:
        yield processes.sandbox()
    finally:
        processes.release()


@pytest.fixture
def service(_standing_service: SandboxProcess) -> Iterator[SandboxProcess]:
    """A service that works, and has taken nothing yet."""
    _standing_service.reset()
    yield _standing_service
    _standing_service.calm()


@pytest.fixture
def view(home: Path) -> HomeView:
    """The test's home, to look at."""
    return HomeView(home)


@pytest.fixture
def app(home: Path, processes: Processes) -> Callable[..., Emitter]:
    """``app(base_url)`` starts an app that emits what it is told to."""

    def start(base_url: str, install_id: str = INSTALL, *, autostart: bool = False) -> Emitter:
        emitter = Emitter(home, base_url, install_id, autostart=autostart)
        processes.keep(emitter)
        return emitter

    return start


@pytest.fixture
def client(home: Path) -> Iterator[Callable[..., AnalyticsClient]]:
    """``client(base_url=...)`` makes one in this very process; it starts no daemon, now or later."""

    def make(**options: Any) -> AnalyticsClient:
        if "token" not in options:
            options.setdefault("install_id", INSTALL)
        return AnalyticsClient(home=home, **options)

    yield make
    start_no_more(Home(home))
