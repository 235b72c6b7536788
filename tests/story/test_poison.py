"""One event that a service can never take, and its neighbours."""

import json
from collections.abc import Callable
from pathlib import Path

from tests.story.scene import Emitter, HomeView, sequences, wait_for
from tests.support.processes import Processes, SandboxProcess
from tests.support.waiting import eventually


def test_a_poison_event_dies_of_its_own_attempts_and_harms_nobody(
    home: Path, view: HomeView, processes: Processes, service: SandboxProcess, app: Callable[..., Emitter]
) -> None:
    """Promises 6, 11 and 12: set aside after eight failures of its own, inspected, redriven, dropped."""
    daemon = processes.daemon(home)
    emitter = app(service.base_url)
    wait_for(service, emitter.do("log", 1, "before"))
    service.fail(500, contains="poison")
    (poison,) = emitter.do("message", "sick", 1, "poison")
    behind = emitter.do("message", "sick", 3, "behind-it")
    neighbours = [key for agent in "abc" for key in emitter.do("message", agent, 5, "healthy")]
    wait_for(service, neighbours)
    assert "sick" not in sequences(service.good()), "its own key waits for it"

    eventually(lambda: view.flush(0.1), timeout=30.0, what="the poison event's end")
    assert service.struck()[0] >= 9, "the service was blamed for the first failure, the event for eight"
    ledger = view.ledger
    assert (ledger["dead"], ledger["delivered"], ledger["accepted"]) == (1, 19, 20)
    wait_for(service, behind)
    assert sequences(service.good())["sick"] == [1, 2, 3], "a dead event releases its key"
    emitter.do("stop")
    assert emitter.dropped == {poison: "500"}

    assert poison in daemon.cli("dead", "list").stdout
    shown = daemon.cli("dead", "show", poison).stdout
    assert "500" in shown
    assert "swarm-analyticsd dead retry" in shown or "dead retry" in shown
    service.calm()
    assert daemon.cli("dead", "retry", poison).returncode == 0
    wait_for(service, [poison])
    assert sequences(service.good())["sick"] == [1, 2, 3, 0], "redriven outside the order, under its key"
    assert view.drained()["dead"] == 0


def test_rejected_events_are_listed_and_given_up_by_a_person(
    home: Path, view: HomeView, processes: Processes, service: SandboxProcess, app: Callable[..., Emitter]
) -> None:
    """Promise 6: dead is not gone until somebody says so, and then it is counted as evicted."""
    daemon = processes.daemon(home)
    emitter = app(service.base_url)
    service.fail(422, contains="faulty")
    rejected = emitter.do("log", 2, "faulty")
    wait_for(service, emitter.do("log", 3, "fine"))
    eventually(lambda: view.ledger["dead"] == 2, what="both rejections")
    listed = json.loads(daemon.cli("dead", "list", "--json").stdout)
    assert {event["id"] for event in (listed if isinstance(listed, list) else listed["events"])} == {
        *rejected
    }
    assert daemon.cli("dead", "drop", rejected[0]).returncode == 0
    assert daemon.cli("dead", "drop", rejected[0]).returncode == 1, "there is no such dead event any more"
    assert view.why(rejected[0])["state"] == "evicted"
    ledger = view.ledger
    assert (ledger["dead"], ledger["evicted"], ledger["delivered"]) == (1, 1, 3)
