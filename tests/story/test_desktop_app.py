"""The desktop app's own wrapper runs unchanged, and its loop never waits for us."""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from swarm_analytics_models.home import HOME_VARIABLE
from tests.story.scene import ARRIVAL_S, sequences
from tests.support.child import Child
from tests.support.homes import daemon_pid, lock_is_held
from tests.support.processes import Processes, SandboxProcess
from tests.support.waiting import eventually

PROGRAM = Path(__file__).with_name("desktop_app.py")
GENEROUS_S = 0.25
"""Beyond the baseline: far below any time limit of the client's (2 s to connect), far above a busy machine's
scheduling."""


@pytest.fixture
def desktop_app(home: Path, processes: Processes, service: SandboxProcess) -> Child:
    """Started as the seed's form starts: nothing says where the home is but the environment."""
    command = [sys.executable, "-P", str(PROGRAM), service.base_url, "desktop-install"]
    app = Child(command, environment={HOME_VARIABLE: str(home)})
    processes.keep(app)
    return app


def phase(app: Child, name: str) -> Any:
    app.say(name + "\n")
    return json.loads(app.line())


def test_the_desktop_apps_wrapper_runs_unchanged_and_its_loop_never_waits(
    home: Path, service: SandboxProcess, desktop_app: Child
) -> None:
    """Promises 5 and 15: it registers, emits, hangs nowhere while the daemon does, and quits in time."""
    token = json.loads(desktop_app.line())["token"]
    assert token.startswith("swaref_")
    daemon = daemon_pid(home)
    assert daemon is not None, "`register` started one, as a child of the app"

    usual = phase(desktop_app, "usual")
    os.kill(daemon, signal.SIGSTOP)
    hung = phase(desktop_app, "hung")
    hung_still = phase(desktop_app, "hung-still")
    os.kill(daemon, signal.SIGCONT)
    baseline = max(usual["idle"], usual["emitting"], hung["idle"])
    assert max(hung["emitting"], hung_still["emitting"]) < baseline + GENEROUS_S
    emitted = 3 + 12 * (40 + 3 + 2)
    eventually(lambda: len(service.good()) == emitted, timeout=ARRIVAL_S, what="what was emitted so far")
    assert phase(desktop_app, "quit") == {"drained": True}
    assert desktop_app.wait() == 0, desktop_app.errors

    events = service.good()
    agents = {f"{name}-{number}" for name in ("usual", "hung", "hung-still") for number in range(4)}
    assert sequences(events) == {agent: list(range(40)) for agent in agents}
    routes = [event["route"] for event in events]
    assert routes.count("events.agent.create") == routes.count("events.agent.title") == 12
    assert routes.count("events.onboarding.step") == 24
    assert routes.count("events.app_lifecycle.closed") == 1
    assert {event["install_id"] for event in events} == {"desktop-install"}
    (started,) = [event for event in events if event["route"] == "logs.write"]
    assert started["body"]["subtag"] == "backend_started"
    assert len(events) == emitted + 1
    eventually(lambda: not lock_is_held(home), what="the end of the app's daemon")


def test_the_desktop_app_ended_by_force_leaves_nothing_behind(
    home: Path, processes: Processes, service: SandboxProcess, desktop_app: Child
) -> None:
    """Promise 2, as on Windows, where the whole tree is killed at every quit: the next launch has it all."""
    desktop_app.line()
    daemon = daemon_pid(home)
    assert daemon is not None
    service.fail(503)
    phase(desktop_app, "last")
    desktop_app.kill()
    eventually(lambda: not lock_is_held(home), what="the end of the app's daemon")
    service.calm()
    processes.daemon(home)
    agents = {f"last-{number}": list(range(40)) for number in range(4)}
    eventually(lambda: sequences(service.good()) == agents, timeout=ARRIVAL_S, what="all that it had emitted")
