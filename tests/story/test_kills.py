"""`kill -9` of the app, of the daemon, of both at once: what a call returned is at the service in the end."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from swarm_analytics_models.home import AUTOSTART_VARIABLE
from tests.story.scene import INSTALL, Emitter, HomeView, assert_in_order, wait_for
from tests.support.homes import kill_together
from tests.support.processes import AppProcess, DaemonProcess, Processes, SandboxProcess

DIES_AT_ONCE: Final = """
import os, sys
from swarm_analytics import AgentMessage, AnalyticsClient
home, base_url, install_id = sys.argv[1:]
client = AnalyticsClient(home=home, base_url=base_url, install_id=install_id)
keys = [client.events.agent.message(agent_id="a", seq=number, message=AgentMessage(id="m", role="user"))
        for number in range(100)]
os.write(1, " ".join(keys).encode() + b"\\n")
os.kill(os.getpid(), 9)
"""
"""Nothing between the return of the last call and the kill but one write."""


def dies_at_once(processes: Processes, home: Path, service: SandboxProcess) -> list[str]:
    arguments = str(home), service.base_url, INSTALL
    app: AppProcess = processes.app(DIES_AT_ONCE, *arguments, environment={AUTOSTART_VARIABLE: "0"})
    keys = app.line().split()
    assert app.wait() == -9
    return keys


@pytest.mark.parametrize("state", ["up", "hung", "down"])
def test_an_app_killed_right_after_its_last_call_has_lost_nothing(
    home: Path, view: HomeView, processes: Processes, service: SandboxProcess, state: str
) -> None:
    """Promises 2 and 5: whatever the daemon did meanwhile."""
    daemon: DaemonProcess | None = None if state == "down" else processes.daemon(home)
    if daemon is not None and state == "hung":
        daemon.freeze()
    keys = dies_at_once(processes, home, service)
    if daemon is None:
        processes.daemon(home)
    elif state == "hung":
        assert service.keys() == []
        daemon.thaw()
    events = wait_for(service, keys)
    assert [event["key"] for event in events] == keys
    assert view.drained()["accepted"] == 100
    assert service.ledger()["duplicates"] == 0


def test_a_daemon_killed_while_it_takes_has_taken_everything_or_left_it(
    home: Path, view: HomeView, processes: Processes, service: SandboxProcess, app: Callable[..., Emitter]
) -> None:
    """Promises 3 and 5: what has no receipt is taken from the journal, nothing twice."""
    emitter = app(service.base_url)
    emitter.begin("stream", "a,b,c,d,e,f,g,h,i,j", 20, 0.2)
    keys: list[str] = []
    for _ in range(3):
        daemon = processes.daemon(home)
        keys += emitter.ids(110)
        daemon.kill()
    emitter.begin("stop")
    keys += emitter.until_done()
    processes.daemon(home)
    assert_in_order(wait_for(service, keys))
    ledger = view.drained()
    assert sorted(service.keys()) == sorted(keys)
    assert (ledger["accepted"], ledger["delivered"], ledger["refused"]) == (len(keys), len(keys), 0)


@pytest.mark.parametrize("seed", [1, 2])
def test_app_and_daemon_killed_at_the_same_instant_lose_nothing_that_was_returned(
    home: Path,
    view: HomeView,
    processes: Processes,
    service: SandboxProcess,
    app: Callable[..., Emitter],
    seed: int,
) -> None:
    """Promises 2, 3, 8 and 12, in five rounds on one home: busy app, both dead at a random moment."""
    chance = random.Random(seed)
    returned: list[str] = []
    for number in range(5):
        emitter = app(service.base_url)
        agents = ",".join(f"{number}-{agent}" for agent in "abcdefghijkl")
        emitter.begin("stream", agents, chance.randint(10, 40), 0.2)
        daemon = processes.daemon(home)
        returned += emitter.ids(chance.randint(1, 200))
        kill_together(emitter.pid, daemon.pid)
        returned += emitter.last_words()
    processes.daemon(home)
    assert_in_order(wait_for(service, returned))
    ledger = view.drained()
    taken = service.ledger()
    assert (taken["conflicts"], taken["bad"]) == (0, 0)
    assert ledger["delivered"] == ledger["accepted"] == taken["unique"] == len(set(service.keys()))
    assert ledger["accepted"] - len(returned) in range(6), "at most one call a round had not returned"
