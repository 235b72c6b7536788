"""What the client's tests share: no daemon is started unless a test asks for it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from swarm_analytics import AnalyticsClient, launch
from swarm_analytics_models.home import AUTOSTART_VARIABLE, Home


@pytest.fixture(autouse=True)
def _no_daemon_by_the_way(monkeypatch: pytest.MonkeyPatch, home: Path) -> Iterator[None]:
    monkeypatch.setenv(AUTOSTART_VARIABLE, "0")
    yield
    launch.start_no_more(Home(home))


@pytest.fixture
def client(home: Path) -> AnalyticsClient:
    return AnalyticsClient(home, base_url="https://analytics.example", install_id="install-1")
