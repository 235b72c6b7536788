"""The user opts out: at once, of everything that waits, in every file; and may change their mind."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final

from swarm_analytics_models.home import Home
from tests.story.scene import Emitter, HomeView, wait_for
from tests.support.processes import Processes, SandboxProcess
from tests.support.waiting import eventually

MARKER: Final = "what-the-user-wrote-in-confidence"
ALL_OF_IT: Final = MARKER.encode()


def test_opting_out_erases_a_full_queue_from_every_file(
    home: Path, view: HomeView, processes: Processes, service: SandboxProcess, app: Callable[..., Emitter]
) -> None:
    """Promise 13, with a hung app beside it: withdrawn, erased, and the opt-out itself goes first."""
    processes.daemon(home)
    emitter, hung = app(service.base_url), app(service.base_url)
    before = emitter.do("log", 1, "before")
    wait_for(service, before)
    service.fail(422)
    emitter.do("message", "rejected", 2, MARKER)
    eventually(lambda: view.ledger["dead"] == 2, what="two dead events")
    service.fail(503)
    product = emitter.do("message", "a", 300, MARKER)
    of_the_hung = hung.do("message", "b", 40, MARKER)
    hung.freeze()
    diagnostic = emitter.do("log", 5, "diagnostic")
    view.accepted(1 + 2 + 300 + 40 + 5)
    assert "outbox.db" in {name.partition("-")[0] for name in view.files_with(ALL_OF_IT)}
    assert [name for name in view.files_with(ALL_OF_IT) if name.startswith("inbox/")]

    emitter.do("opt-out", "yes")
    assert view.files_with(ALL_OF_IT) == [], "when the call has returned, it is gone"
    assert view.openswarm["consent"] == "minimal"
    assert (view.ledger["withdrawn"], view.ledger["dead"]) == (342, 0)
    assert view.why(product[-1])["state"] == "withdrawn"
    assert emitter.do("message", "a", 3, MARKER), "a muted call still validates, and returns an id"

    service.calm()
    taken = wait_for(service, [*before, *diagnostic], hasten=view)
    routes = [event["route"] for event in taken[1:]]
    assert sorted(routes) == [*["logs.write"] * 5, "preferences.opt_out"]
    assert "preferences.opt_out" in routes[:2], "before all that waits, but for one probe of the service"
    hung.thaw()
    late = hung.do("log", 1, "late")
    hung.do("message", "b", 3, MARKER)
    wait_for(service, late)
    assert not set(service.keys()) & {*product, *of_the_hung}
    assert view.drained()["withdrawn"] >= 342
    assert view.files_with(ALL_OF_IT) == []

    emitter.do("opt-out", "no")
    wait_for(service, emitter.do("message", "c", 2, "allowed-again"))
    assert view.openswarm["consent"] == "full"


def test_an_opt_out_without_a_daemon_is_applied_before_older_lines_are_admitted(
    home: Path, view: HomeView, processes: Processes, service: SandboxProcess, app: Callable[..., Emitter]
) -> None:
    """Promise 13: in the journals of a dead app and of the living one, older lines are never sent."""
    gone = app(service.base_url)
    lost = gone.do("message", "a", 30, MARKER)
    gone.kill()
    emitter = app(service.base_url)
    lost += emitter.do("message", "b", 30, MARKER)
    kept = emitter.do("log", 2, "diagnostic")
    emitter.do("opt-out", "yes")
    assert view.files_with(ALL_OF_IT), "there is no daemon that could erase it"

    processes.daemon(home)
    assert {event["route"] for event in wait_for(service, kept)} == {"logs.write", "preferences.opt_out"}
    ledger = view.drained()
    assert (ledger["accepted"], ledger["withdrawn"], ledger["delivered"]) == (63, 60, 3)
    assert not [request for request in service.requests() if MARKER in request["body"]], "not even once"
    assert {view.why(key)["state"] for key in lost[::15]} == {"withdrawn"}
    eventually(lambda: view.files_with(ALL_OF_IT) == [], what="the erasure of every file")


def test_a_decision_survives_the_daemon(
    home: Path, view: HomeView, processes: Processes, service: SandboxProcess, app: Callable[..., Emitter]
) -> None:
    """Promises 4 and 13: killed right after the opt-out returned, the next daemon keeps to it."""
    daemon = processes.daemon(home)
    service.fail(503)
    emitter = app(service.base_url)
    product = emitter.do("message", "a", 20, MARKER)
    view.accepted(20)
    emitter.do("opt-out", "yes")
    daemon.kill()
    service.calm()
    processes.daemon(home)
    late = app(service.base_url)
    late.do("message", "b", 3, MARKER)
    wait_for(service, late.do("log", 1, "diagnostic"), hasten=view)
    ledger = view.drained()
    assert view.openswarm["consent"] == "minimal"
    assert not set(service.keys()) & set(product)
    assert {event["route"] for event in service.good()} == {"preferences.opt_out", "logs.write"}
    assert ledger["withdrawn"] == ledger["accepted"] - 2
    assert view.files_with(ALL_OF_IT) == []


def test_what_is_under_way_is_cancelled_and_the_last_decision_counts(
    home: Path, view: HomeView, processes: Processes, service: SandboxProcess, app: Callable[..., Emitter]
) -> None:
    """Promise 13: an opt-out does not wait for a service that hangs; deciding often leaves no doubt."""
    processes.daemon(home)
    emitter = app(service.base_url)
    wait_for(service, emitter.do("log", 1, "before"))
    service.script({"match": {"route": "events.*"}, "action": {"kind": "hang"}})
    under_way = [key for agent in "ab" for key in emitter.do("message", agent, 3, MARKER)]
    eventually(lambda: view.ledger["leased"] >= 2, what="requests under way")
    emitter.do("opt-out", "yes")
    assert {view.why(key)["state"] for key in under_way} == {"withdrawn"}
    assert view.files_with(ALL_OF_IT) == []
    service.calm()
    for decision in ("no", "yes") * 5:
        emitter.do("opt-out", decision)
    view.drained()
    assert view.openswarm["consent"] == "minimal"
    (standing,) = service.state()
    assert standing["body"] == {"opted_out": True}
    assert {event["route"] for event in service.good()} == {"logs.write", "preferences.opt_out"}


def test_an_erasure_that_was_prevented_is_made_up_for(
    home: Path, view: HomeView, processes: Processes, service: SandboxProcess, app: Callable[..., Emitter]
) -> None:
    """Promise 13: another program reads the outbox while the user opts out, and the daemon is killed then."""
    daemon = processes.daemon(home)
    service.fail(503)
    emitter = app(service.base_url)
    emitter.do("message", "a", 20, MARKER)
    view.accepted(20)
    reader = sqlite3.connect(f"file:{Home(home).outbox}?mode=ro", uri=True, isolation_level=None)
    reader.execute("BEGIN")
    assert reader.execute("SELECT count(*) FROM events").fetchone() == (20,)
    emitter.do("opt-out", "yes")
    assert view.ledger["withdrawn"] == 20, "nothing of it will be sent, in any case"
    assert view.files_with(ALL_OF_IT), "the other program keeps the log from being erased"
    daemon.kill()
    reader.close()
    processes.daemon(home)
    eventually(lambda: view.files_with(ALL_OF_IT) == [], what="the erasure, made up for")


def test_copies_of_a_damaged_outbox_are_erased_with_it(
    home: Path, view: HomeView, processes: Processes, service: SandboxProcess, app: Callable[..., Emitter]
) -> None:
    """Promise 13: what was set aside is no hiding place."""
    daemon = processes.daemon(home)
    service.fail(503)
    emitter = app(service.base_url)
    emitter.do("message", "a", 20, MARKER)
    view.accepted(20)
    assert daemon.cli("stop", "--wait").returncode == 0
    with Home(home).outbox.open("r+b") as outbox:
        outbox.write(b"not a database any more" * 8)
    processes.daemon(home)
    assert [name for name in view.files_with(ALL_OF_IT) if name.startswith("set-aside-")]
    assert any("set" in warning for warning in view.status()["daemon"]["warnings"])
    app(service.base_url).do("opt-out", "yes")
    assert view.files_with(ALL_OF_IT) == []


def test_held_back_until_the_user_decides(
    home: Path, view: HomeView, processes: Processes, service: SandboxProcess, app: Callable[..., Emitter]
) -> None:
    """Promise 13: `consent hold` keeps product events, sends the others, and `full` lets them go in order."""
    daemon = processes.daemon(home)
    assert daemon.cli("consent", "hold").returncode == 0
    emitter = app(service.base_url)
    product = emitter.do("message", "a", 10, "wait")
    wait_for(service, emitter.do("log", 1, "diagnostic"))
    assert view.ledger["held"] == 10
    assert view.why(product[0])["held_reason"] == "consent"
    assert daemon.cli("consent", "full").returncode == 0
    events = wait_for(service, product)
    assert [event["key"] for event in events if event["route"] == "events.agent.message"] == product
