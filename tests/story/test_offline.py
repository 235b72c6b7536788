"""No network: before the first launch, in mid-use, for long. Then there is one."""

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from swarm_analytics import AnalyticsClient, TransportError
from tests.story.scene import ARRIVAL_S, Emitter, HomeView, assert_in_order, assert_once, wait_for
from tests.support.processes import Processes
from tests.support.waiting import eventually


@pytest.fixture
def unused_port() -> int:
    """A port at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def test_what_was_emitted_offline_arrives_when_there_is_a_network(
    home: Path, view: HomeView, processes: Processes, app: Callable[..., Emitter]
) -> None:
    """Promise 11: being offline uses up no attempts and kills nothing, however often it is tried."""
    before = processes.sandbox()
    processes.daemon(home)
    emitter = app(before.base_url)
    first = emitter.do("message", "a", 3, "online")
    wait_for(before, first)

    before.kill()
    offline = [key for agent in "abc" for key in emitter.do("message", agent, 12, "offline")]
    view.accepted(3 + 36)
    for _ in range(8):
        assert not view.flush(0.05)
    assert view.openswarm["breaker"] != "closed"
    assert view.openswarm["credential"] == "present", "nobody has refused it"
    assert {view.why(key)["attempts"] for key in offline[::12]} == {0}

    after = processes.sandbox("--port", str(before.port))
    taken = wait_for(after, offline, hasten=view)
    assert [event["body"]["seq"] for event in taken if event["body"]["agent_id"] == "a"] == list(range(3, 15))
    assert_in_order(event for event in taken if event["body"]["agent_id"] != "a")
    assert_once(after, offline)
    assert view.drained()["delivered"] == 39
    assert emitter.dropped == {}


def test_a_first_launch_offline_registers_later_and_loses_nothing(
    home: Path, view: HomeView, processes: Processes, app: Callable[..., Emitter], unused_port: int
) -> None:
    """Promises 5, 11 and 12: events are accepted before there is any token."""
    processes.daemon(home)
    emitter = app(f"http://127.0.0.1:{unused_port}")
    keys = emitter.do("message", "a", 25, "first") + emitter.do("log", 5, "first")
    view.accepted(30)
    eventually(lambda: view.openswarm["last_error"] is not None, what="a registration that failed")
    assert view.openswarm["credential"] == "pending"
    assert view.ledger["queued"] == 30

    service = processes.sandbox("--port", str(unused_port))
    assert_in_order(wait_for(service, keys))
    assert_once(service, keys)
    assert service.ledger()["tokens_minted"] == 1
    assert service.ledger()["unauthorized"] == 0
    assert view.drained()["delivered"] == 30
    assert view.openswarm["credential"] == "present"


def test_a_registration_that_cannot_wait_any_longer_is_made_good_by_the_daemon(
    home: Path, view: HomeView, processes: Processes, unused_port: int
) -> None:
    """Promise 11, at the seed's own call: `register` raises in time, and yet nothing needs to be repeated."""
    base_url = f"http://127.0.0.1:{unused_port}"
    processes.daemon(home)
    with pytest.raises(TransportError, match="trying"):
        AnalyticsClient.register(base_url=base_url, install_id="patient", timeout=0.5, home=home)
    service = processes.sandbox("--port", str(unused_port))
    eventually(lambda: view.openswarm["credential"] == "present", timeout=ARRIVAL_S)
    assert service.ledger()["tokens_minted"] == 1
