"""Several daemons, several starters, apps that die: one home, one daemon, nothing lost."""

import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Final

from swarm_analytics.channel import DaemonChannel
from swarm_analytics_models.home import AUTOSTART_VARIABLE, Home
from tests.story.scene import Emitter, HomeView, assert_once, wait_for
from tests.support.homes import daemon_pid, lock_is_held
from tests.support.processes import Processes, SandboxProcess, command_line
from tests.support.waiting import eventually

TAKEN: Final = 75

RACERS: Final = """
import os, sys
from swarm_analytics import start_daemon
home, base_url, racers = sys.argv[1:]
read, write = os.pipe()
for number in range(int(racers)):
    if os.fork() == 0:
        os.close(write)
        os.read(read, 1)
        daemon = start_daemon(home=home, services={"openswarm": base_url})
        os.write(1, f"{daemon.pid} {daemon.started_here}\\n".encode())
        sys.stdin.read()
        os._exit(0)
os.close(write)
for number in range(int(racers)):
    os.wait()
"""
"""Processes that start a daemon at the same moment, each for itself, and live until stdin ends."""


def test_a_second_daemon_leaves_the_home_to_the_first_and_names_it(
    home: Path, view: HomeView, processes: Processes, service: SandboxProcess, app: Callable[..., Emitter]
) -> None:
    """Exit 75, with the holder's pid; the first goes on as if nothing had been."""
    daemon = processes.daemon(home)
    second = command_line("run", "--home", str(home))
    assert second.returncode == TAKEN
    assert str(daemon.pid) in second.stderr
    assert second.stdout == "", "it never said ready"
    wait_for(service, app(service.base_url).do("log", 1, "x"))
    assert view.status()["daemon"]["pid"] == daemon.pid


def test_of_ten_that_start_a_daemon_at_once_one_does_and_the_others_adopt_it(
    home: Path, view: HomeView, processes: Processes, service: SandboxProcess
) -> None:
    """The home's lock picks one of many starters; the rest are served by it."""
    racers = processes.app(RACERS, str(home), service.base_url, "10")
    ready = [racers.line().split() for _ in range(10)]
    assert len({pid for pid, _ in ready}) == 1
    assert sorted(started for _, started in ready) == ["False"] * 9 + ["True"]
    assert daemon_pid(home) == int(ready[0][0])
    assert view.openswarm["base_url"] == service.base_url
    racers.hang_up()
    assert racers.wait() == 0
    eventually(lambda: not lock_is_held(home), what="the end of the daemon, with the one who started it")


def test_the_end_of_an_app_ends_its_daemon_and_another_app_starts_its_own(
    home: Path, view: HomeView, processes: Processes, service: SandboxProcess, app: Callable[..., Emitter]
) -> None:
    """Promise 5: no orphan, no gap, and nobody notices."""
    first = app(service.base_url, autostart=True)
    keys = first.do("message", "a", 10, "x")
    wait_for(service, keys)
    daemon = daemon_pid(home)
    assert daemon is not None
    second = app(service.base_url, autostart=True)
    keys += second.do("message", "b", 10, "x")
    wait_for(service, keys)
    assert daemon_pid(home) == daemon, "the second app uses the first one's"

    first.kill()
    keys += second.do("message", "b", 10, "orphaned")
    wait_for(service, keys)
    successor = eventually(lambda: daemon_pid(home), what="the second app's own daemon")
    assert successor != daemon
    keys += second.do("message", "b", 10, "x")
    wait_for(service, keys)
    assert_once(service, keys)
    assert view.drained()["accepted"] == 40


def test_a_hung_daemon_that_is_killed_at_last_is_replaced_without_a_loss(
    home: Path, processes: Processes, service: SandboxProcess, app: Callable[..., Emitter]
) -> None:
    """Promise 5: what was emitted while it hung is taken from the journal by its successor."""
    emitter = app(service.base_url, autostart=True)
    keys = emitter.do("message", "a", 5, "x")
    wait_for(service, keys)
    hung = daemon_pid(home)
    assert hung is not None
    os.kill(hung, signal.SIGSTOP)
    keys += emitter.do("log", 300, "while-it-hangs")
    assert len(service.keys()) == 5
    os.kill(hung, signal.SIGKILL)
    wait_for(service, keys)
    assert daemon_pid(home) != hung
    assert_once(service, keys)


def test_journals_of_dead_apps_are_adopted_torn_line_and_all(
    home: Path, view: HomeView, processes: Processes, service: SandboxProcess, app: Callable[..., Emitter]
) -> None:
    """Promises 2 and 7: everything but the line that was never finished, which is counted as refused."""
    keys: list[str] = []
    for agent in "abc":
        gone = app(service.base_url, install_id=f"install-{agent}")
        keys += gone.do("message", agent, 20, "x")
        gone.kill()
    inbox = Home(home).inbox
    journals = sorted(inbox.iterdir())
    assert len(journals) == 3
    with journals[1].open("ab") as torn:
        torn.write(b'{"type":"event","service":"openswarm","rou')

    processes.daemon(home)
    events = wait_for(service, keys)
    assert {event["install_id"] for event in events} == {"install-a", "install-b", "install-c"}
    eventually(lambda: not list(inbox.iterdir()), what="an empty inbox")
    ledger = view.drained()
    assert (ledger["accepted"], ledger["refused"], ledger["duplicates"]) == (60, 1, 0)
    assert_once(service, keys)


def test_a_daemon_that_is_asked_to_stop_hears_the_request_out(home: Path, processes: Processes) -> None:
    """Or its sender, whose last bytes meet a closed connection, never learns that it was obeyed."""
    daemon = processes.daemon(home)
    with socket.socket(socket.AF_UNIX) as sender:
        sender.connect(daemon.address.removeprefix("unix:"))
        sender.sendall(
            b"POST /v1/stop HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n"
        )
        for _ in range(20):
            assert DaemonChannel(home).request("GET", "/v1/version")["pid"] == daemon.pid, (
                "it goes on until then"
            )
        sender.sendall(b"{}")
        answer = b"".join(iter(lambda: sender.recv(4_096), b""))
    assert answer.startswith(b"HTTP/1.1 200")
    assert b'"stopping":true' in answer
    assert daemon.wait() == 0


def test_an_upgrade_in_place_under_a_running_app(
    home: Path, view: HomeView, processes: Processes, service: SandboxProcess, app: Callable[..., Emitter]
) -> None:
    """Promises 5 and 12: stopped, waited for, started anew, twice, while the app goes on emitting."""
    emitter = app(service.base_url)
    emitter.begin("stream", "a,b,c,d,e,f,g,h", 8, 0.1)
    keys: list[str] = []
    for _ in range(2):
        daemon = processes.daemon(home)
        keys += emitter.ids(40)
        stopped = daemon.cli("stop", "--wait")
        assert stopped.returncode == 0, stopped.stderr
        assert daemon.wait() == 0
    processes.daemon(home)
    keys += emitter.ids(40)
    emitter.begin("stop")
    keys += emitter.until_done()
    events = wait_for(service, keys)
    assert_once(service, keys)
    for agent in "abcdefgh":
        seqs = [event["body"]["seq"] for event in events if event["body"]["agent_id"] == agent]
        assert seqs == list(range(len(seqs)))
    assert view.drained()["refused"] == 0


FORKS: Final = """
import multiprocessing, os, sys, threading, warnings
warnings.simplefilter("ignore", DeprecationWarning)
from swarm_analytics import AnalyticsClient
home, base_url = sys.argv[1:]
client = AnalyticsClient(home=home, base_url=base_url, install_id="forking")
def emit(who, count=10):
    for number in range(count):
        os.write(1, (client.logs.write(tag=who, data=number) + "\\n").encode())
emit("parent")
assert client.flush(timeout=20)
child = os.fork()
if child == 0:
    emit("child")
    os._exit(0 if client.flush(timeout=20) else 1)
emit("parent")
worker = multiprocessing.get_context("fork").Process(target=emit, args=("worker",))
worker.start()
emit("parent")
worker.join()
assert os.waitpid(child, 0)[1] == 0 and worker.exitcode == 0
print("end")
"""


def test_a_forking_app_emits_from_every_process_once(
    home: Path, view: HomeView, processes: Processes, service: SandboxProcess
) -> None:
    """Fork: the child starts afresh; nothing of the parent's is sent twice, nothing is left out."""
    processes.daemon(home)
    forking = processes.app(FORKS, str(home), service.base_url, environment={AUTOSTART_VARIABLE: "0"})
    assert forking.wait(40.0) == 0, forking.errors
    *keys, end = [line.strip() for line in forking.rest()]
    assert end == "end"
    assert len(keys) == 50
    events = wait_for(service, keys)
    assert_once(service, keys)
    for who, count in (("parent", 30), ("child", 10), ("worker", 10)):
        assert sum(event["body"]["tag"] == who for event in events) == count
    assert view.drained()["duplicates"] == 0, "nothing was even handed off twice"
