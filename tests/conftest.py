"""Fixtures that every test may use. Nothing here touches the user's own home or keyring."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from swarm_analytics_models.home import HOME_VARIABLE
from tests.support.child import CREDENTIAL_STORE_VARIABLE
from tests.support.homes import kill_daemon, short_directory
from tests.support.processes import DaemonProcess, Processes, SandboxProcess

settings.register_profile(
    "gate", deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("gate")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell starts what it puts in the background so
    signal.signal(signal.SIGINT, signal.default_int_handler)  # processes of tests inherit what is ignored


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def home() -> Iterator[Path]:
    """Where a home may be made: a path that does not exist yet, short enough for sockets."""
    with short_directory() as directory:
        path = directory / "home"
        yield path
        kill_daemon(path)


@pytest.fixture(autouse=True)
def _no_real_home_or_keyring(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path_factory.getbasetemp() / "nobodys-home"))
    monkeypatch.setenv(CREDENTIAL_STORE_VARIABLE, "file")


@pytest.fixture
def processes() -> Iterator[Processes]:
    """Starts sandboxes, daemons and apps; ends them with the test."""
    started = Processes()
    yield started
    started.release()


@pytest.fixture
def sandbox(processes: Processes) -> Callable[..., SandboxProcess]:
    """``sandbox("--token-life", "2")`` starts one."""
    return processes.sandbox


@pytest.fixture
def daemon(processes: Processes) -> Callable[..., DaemonProcess]:
    """``daemon(home, services={"openswarm": base_url})`` starts one and waits until it is ready."""
    return processes.daemon
