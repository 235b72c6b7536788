"""The daemon dies after the service took the events and before it could note that."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.story.scene import Emitter, HomeView, assert_in_order, assert_once, wait_for
from tests.support.processes import Processes, SandboxProcess
from tests.support.waiting import eventually


@pytest.mark.parametrize("end", ["hang", "reset"])
def test_what_was_sent_and_not_settled_is_sent_again_and_takes_effect_once(
    home: Path,
    view: HomeView,
    processes: Processes,
    service: SandboxProcess,
    app: Callable[..., Emitter],
    end: str,
) -> None:
    """Promises 6 to 8: at least once on the wire, once in effect, once in the ledger."""
    daemon = processes.daemon(home)
    emitter = app(service.base_url)
    before = emitter.do("log", 1, "before")
    wait_for(service, before)

    service.script({"match": {"route": "events.*"}, "action": {"kind": end, "accept": True}})
    keys = [key for agent in "abcd" for key in emitter.do("message", agent, 5, "unsettled")]
    view.accepted(21)
    eventually(lambda: len(service.keys()) >= 3, timeout=20.0, what="events taken and not acknowledged")
    unsettled = set(service.keys()) - set(before)
    daemon.kill()
    service.calm()

    processes.daemon(home)
    assert_in_order(wait_for(service, [*before, *keys]))
    ledger = view.drained()
    assert_once(service, [*before, *keys])
    assert service.ledger()["duplicates"] >= len(unsettled), "each of them was sent once more"
    assert (ledger["accepted"], ledger["delivered"], ledger["duplicates"]) == (21, 21, 0)
    sent = [r["body"] for r in service.requests() if any(key in r["body"] for key in unsettled)]
    assert len(set(sent)) == len(unsettled), "every resend is byte-identical"


def test_a_daemon_that_is_stopped_does_not_wait_for_a_service_that_hangs(
    home: Path, view: HomeView, processes: Processes, service: SandboxProcess, app: Callable[..., Emitter]
) -> None:
    """Promise 15 and the life of a row: stopping cancels what is under way and settles nothing."""
    daemon = processes.daemon(home)
    emitter = app(service.base_url)
    before = emitter.do("log", 1, "before")
    wait_for(service, before)
    service.script({"action": {"kind": "hang"}})
    keys = emitter.do("log", 20, "x")
    eventually(lambda: view.ledger["leased"] >= 4, what="requests under way")
    stopped = daemon.cli("stop", "--wait")
    assert stopped.returncode == 0, stopped.stderr
    assert daemon.wait() == 0
    service.calm()
    processes.daemon(home)
    wait_for(service, keys)
    assert_once(service, [*before, *keys])
    assert view.drained()["dead"] == 0
