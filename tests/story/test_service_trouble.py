"""A service, or something before it, that answers wrongly, not here, or not now."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.story.scene import Emitter, HomeView, assert_once, sequences, wait_for
from tests.support.processes import Processes, SandboxProcess
from tests.support.waiting import eventually


@pytest.mark.parametrize("registered", [True, False], ids=["in mid-use", "at first launch"])
def test_behind_a_captive_portal_nothing_is_delivered_and_nothing_dies(
    home: Path,
    view: HomeView,
    processes: Processes,
    service: SandboxProcess,
    app: Callable[..., Emitter],
    registered: bool,
) -> None:
    """Promises 10 and 11: 200 with a web page is no acknowledgement, and no token either."""
    processes.daemon(home)
    emitter = app(service.base_url)
    before = emitter.do("log", 1, "before") if registered else []
    wait_for(service, before)
    service.script({"action": {"kind": "portal"}})
    keys = emitter.do("message", "a", 20, "x") + emitter.do("log", 5, "x")
    view.accepted(len(before) + 25)
    eventually(lambda: service.struck()[0] >= 3 or view.flush(0.1), timeout=20.0, what="three tries")
    assert "portal" in view.openswarm["last_error"]
    assert view.openswarm["credential"] == ("present" if registered else "pending")
    ledger = view.ledger
    assert (ledger["delivered"], ledger["dead"]) == (len(before), 0)
    service.calm()
    wait_for(service, keys, hasten=view)
    assert_once(service, [*before, *keys])
    assert view.drained()["delivered"] == len(before) + 25
    assert view.why(keys[0])["attempts"] == 1, "only the try that reached the service counts"


def test_a_shut_route_holds_its_own_events_only(
    home: Path, view: HomeView, processes: Processes, service: SandboxProcess, app: Callable[..., Emitter]
) -> None:
    """Promise 11: 403 holds the route, probes with single events, and opens with the first that passes."""
    daemon = processes.daemon(home)
    emitter = app(service.base_url)
    wait_for(service, emitter.do("log", 1, "before"))
    service.fail(403, path="/public/logs")
    shut = emitter.do("log", 30, "shut")
    wait_for(service, emitter.do("message", "a", 10, "open"))
    eventually(lambda: view.ledger["held"] == 30, timeout=20.0, what="all of the route, held")
    assert view.openswarm["held_reason"] == "route"
    assert view.openswarm["breaker"] == "closed"
    asked = service.struck()[0]
    assert asked < 30, "not every event was tried"
    for _ in range(3):
        view.flush(0.1)
    assert service.struck()[0] <= asked + 6, "each probe is one event, or a second one beside it"
    assert "has shut a route" in daemon.cli("status").stdout
    assert view.ledger["dead"] == 0
    service.calm()
    wait_for(service, shut, hasten=view)


def wait_until_kept(view: HomeView, key: str) -> None:
    """Until the pause is in the outbox, which `why` looks at; a daemon killed before that knows of none."""
    eventually(lambda: "Waits for its service" in view.why(key)["explanation"], what="the pause, committed")


def test_a_pause_that_the_service_asked_for_outlives_the_daemon(
    home: Path, view: HomeView, processes: Processes, service: SandboxProcess, app: Callable[..., Emitter]
) -> None:
    """Promises 8 and 11: Retry-After is kept over a restart, and no flush shortens it."""
    daemon = processes.daemon(home)
    emitter = app(service.base_url)
    wait_for(service, emitter.do("log", 1, "before"))
    later = {"kind": "status", "status": 429, "retry_after": "3600"}
    service.script({"action": later})
    keys = emitter.do("message", "a", 5, "x")
    wait_until_kept(view, keys[0])
    named = view.openswarm["next_attempt_at"]
    assert view.ledger["queued"] == 5
    daemon.kill()
    processes.daemon(home)
    service.calm()
    tried = len(service.requests())
    assert not view.flush(0.5)
    assert view.openswarm["next_attempt_at"] == pytest.approx(named, abs=2.0)
    assert view.openswarm["breaker"] == "open"
    assert "429" in view.openswarm["last_error"]
    assert len(service.requests()) == tried


def test_after_the_pause_everything_arrives_by_itself_and_in_order(
    home: Path, view: HomeView, processes: Processes, service: SandboxProcess, app: Callable[..., Emitter]
) -> None:
    """Promises 11 and 12: 503 with Retry-After, over a restart."""
    daemon = processes.daemon(home)
    emitter = app(service.base_url)
    wait_for(service, emitter.do("log", 1, "before"))
    service.script({"match": {"count": 8}, "action": {"kind": "status", "status": 503, "retry_after": "2"}})
    keys = emitter.do("message", "a", 4, "x") + emitter.do("message", "b", 4, "x")
    wait_until_kept(view, keys[0])
    daemon.kill()
    processes.daemon(home)
    asked = [request["received_at"] for request in service.requests() if request["answered"] == "status"]
    service.calm()
    taken = wait_for(service, keys)
    assert sequences(taken) == {"a": [0, 1, 2, 3], "b": [0, 1, 2, 3]}
    first = min(event["received_at"] for event in taken if event["route"] == "events.agent.message")
    assert first - max(asked) >= 1.9
