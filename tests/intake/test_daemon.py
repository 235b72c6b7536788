"""The daemon as a process: ready, exit codes, races, idling, stopping."""

import json
import os
import shutil
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from swarm_analytics_models.handoff import PROTOCOL
from swarm_analytics_models.home import Home, read_address
from swarm_analyticsd import VERSION, policy
from tests.intake.lines import DECLARATION, event, hello
from tests.support.child import Child
from tests.support.homes import kill_daemon
from tests.support.processes import DaemonProcess, Processes, command_line, status
from tests.support.waiting import eventually

Start = Callable[..., DaemonProcess]


def connected(home: Path) -> socket.socket:
    address = read_address(Home(home))
    assert address is not None
    assert address.handoff is not None
    app = socket.socket(socket.AF_UNIX)
    app.settimeout(20)
    app.connect(address.handoff)
    return app


def heard(app: socket.socket, kind: str) -> dict[str, object]:
    file = app.makefile("rb")
    while True:
        message: dict[str, object] = json.loads(file.readline())
        if message["type"] == kind:
            return message


def test_ready_says_all_that_an_app_needs_and_hand_off_is_accepted(home: Path, daemon: Start) -> None:
    process = daemon(home)
    assert process.ready == {
        "ready": True,
        "pid": process.pid,
        "address": f"unix:{home / 'daemon.sock'}",
        "home": str(home),
        "version": VERSION,
        "protocol": PROTOCOL,
    }
    with connected(home) as app:
        journal = home / "inbox" / "1-0123456789abcdef-000001.ndjson"
        journal.write_bytes(DECLARATION + event())
        app.sendall(hello(journal.name))
        assert heard(app, "welcome")["pid"] == process.pid
    eventually(lambda: process.status()["ledger"]["accepted"] == 1)
    eventually(lambda: not journal.exists())


def test_everything_in_a_home_is_its_owners_alone(home: Path, daemon: Start) -> None:
    process = daemon(home)
    process.status()
    for path in (home, *home.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) in (0o600, 0o700), path


def test_no_core_is_dumped(home: Path, daemon: Start) -> None:
    process = daemon(home)
    limits = Path(f"/proc/{process.pid}/limits").read_text()
    (line,) = [line for line in limits.splitlines() if line.startswith("Max core file size")]
    assert int(line.split()[4]) <= 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_to_stop_ends_it_well(home: Path, daemon: Start, number: signal.Signals) -> None:
    process = daemon(home)
    os.kill(process.pid, number)
    assert process.wait() == 0
    assert read_address(Home(home)) is None
    assert not (home / "daemon.sock").exists()
    assert not (home / "handoff.sock").exists()


def test_it_ends_when_its_parent_does(home: Path, daemon: Start) -> None:
    process = daemon(home)
    process.say("ignored")
    assert process.status()["daemon"]["pid"] == process.pid
    process.hang_up()
    assert process.wait() == 0


def test_without_parent_pipe_it_outlives_its_stdin(home: Path, processes: Processes) -> None:
    process = Child([sys.executable, "-m", "swarm_analyticsd", "run", "--home", str(home)])
    processes.keep(process)
    process.read_ready()
    process.hang_up()
    assert status(home)["daemon"]["pid"] == process.pid
    assert process.running


def test_stopping_takes_bounded_time_with_open_streams_and_requests(home: Path, daemon: Start) -> None:
    process = daemon(home)
    with connected(home) as app, connected(home) as silent:
        app.sendall(hello("1-0123456789abcdef-000001.ndjson") + event()[:50])
        assert silent.fileno() > 0
        flushing = threading.Thread(
            target=command_line, args=("flush", "--home", str(home), "--timeout", "60")
        )
        flushing.start()
        begun = time.monotonic()
        assert process.stop() == 0
        assert time.monotonic() - begun < policy.STOP_TOTAL_S
        flushing.join()


def test_a_second_daemon_exits_75_and_names_the_holder(home: Path, daemon: Start) -> None:
    first = daemon(home)
    second = command_line("run", "--home", str(home))
    assert second.returncode == 75
    assert str(first.pid) in second.stderr
    assert second.stdout == ""
    assert first.status()["daemon"]["pid"] == first.pid


def test_of_many_daemons_at_once_one_serves_and_the_others_name_it(home: Path, processes: Processes) -> None:
    starters = [
        Child([sys.executable, "-m", "swarm_analyticsd", "run", "--home", str(home)]) for _ in range(6)
    ]
    for starter in starters:
        processes.keep(starter)
    eventually(lambda: sum(starter.running for starter in starters) == 1, timeout=60)
    (serving,) = [starter for starter in starters if starter.running]
    assert serving.read_ready()["pid"] == serving.pid
    for starter in starters:
        if starter is not serving:
            assert starter.wait() == 75
            assert str(serving.pid) in starter.errors
            assert starter.rest() == []


def test_a_killed_daemon_leaves_nothing_in_the_way_of_the_next(home: Path, daemon: Start) -> None:
    daemon(home)
    kill_daemon(home)
    assert (home / "daemon.sock").exists()
    assert daemon(home).status()["ledger"]["balanced"]


def test_a_home_open_to_others_is_refused_with_the_remedy(home: Path) -> None:
    home.mkdir(mode=0o755)
    home.chmod(0o755)
    done = command_line("run", "--home", str(home))
    assert done.returncode == 78
    assert f"chmod 700 '{home}'" in done.stderr
    assert done.stdout == ""


def test_settings_that_cannot_be_used_are_refused_with_the_place(home: Path) -> None:
    home.mkdir(mode=0o700)
    (home / "config.toml").write_text("durability = 'sometimes'")
    (home / "config.toml").chmod(0o600)
    done = command_line("run", "--home", str(home))
    assert done.returncode == 78
    assert "config.toml" in done.stderr
    assert "durability" in done.stderr


def test_a_newer_outbox_is_refused_and_not_touched(home: Path, daemon: Start) -> None:
    daemon(home).stop()
    with closing(sqlite3.connect(home / "outbox.db")) as database:
        database.execute("PRAGMA user_version = 9999")
    before = (home / "outbox.db").read_bytes()
    done = command_line("run", "--home", str(home))
    assert done.returncode == 78
    assert done.stdout == ""
    assert (home / "outbox.db").read_bytes() == before


def context_switches(pid: int) -> int:
    """Times that any thread of the process went to sleep by itself, so far."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        for line in (task / "status").read_text().splitlines():
            if line.startswith("voluntary_ctxt_switches"):
                total += int(line.split()[1])
    return total


@pytest.mark.skipif(sys.platform != "linux", reason="counts context switches in /proc")
def test_an_idle_daemon_does_not_tick(home: Path, daemon: Start) -> None:
    process = daemon(home)
    with connected(home) as app:
        app.sendall(hello("1-0123456789abcdef-000001.ndjson"))
        heard(app, "receipt")

        def quiet_for_a_second() -> bool:
            before = context_switches(process.pid)
            threading.Event().wait(1.0)  # a rate is measured over time
            return context_switches(process.pid) - before <= 3

        eventually(quiet_for_a_second, timeout=20, what="an idle second")


def test_a_long_home_is_served_too(home: Path, daemon: Start) -> None:
    long = home / ("d" * 50) / ("e" * 50)
    run = home.parent / "run"
    run.mkdir(mode=0o700)
    process = daemon(long, environment={"XDG_RUNTIME_DIR": str(run)})
    assert process.address.startswith(f"unix:{run}/")
    assert process.status()["daemon"]["home"] == str(long)


def test_on_loopback_the_same_is_served_behind_a_capability(home: Path, daemon: Start) -> None:
    process = daemon(home, "--listen", "loopback")
    assert process.address.startswith("http://127.0.0.1:")
    address = read_address(Home(home))
    assert address is not None
    assert address.handoff is None
    assert process.status()["daemon"]["address"] == process.address
    capability = (home / "capability").read_text()
    command = (
        Path(f"/proc/{process.pid}/cmdline").read_bytes() + Path(f"/proc/{process.pid}/environ").read_bytes()
    )
    assert capability.encode() not in command
    process.stop()
    assert capability not in process.errors
    assert not (home / "capability").exists()


def test_what_an_app_died_over_is_taken_at_the_next_start(home: Path, daemon: Start) -> None:
    daemon(home).stop()
    journal = home / "inbox" / "4242-0123456789abcdef-000001.ndjson"
    journal.write_bytes(DECLARATION + event(0) + event(1))
    process = daemon(home)
    eventually(lambda: process.status()["ledger"]["accepted"] == 2)
    eventually(lambda: not journal.exists())


@pytest.mark.parametrize("durability", ["fast", "memory"])
def test_every_durability_serves(home: Path, daemon: Start, durability: str) -> None:
    assert daemon(home, "--durability", durability).status()["daemon"]["durability"] == durability


def test_a_continued_daemon_looks_at_its_inbox_at_once(home: Path, daemon: Start) -> None:
    process = daemon(home)
    process.status()
    process.freeze()
    (home / "inbox" / "4242-0123456789abcdef-000001.ndjson").write_bytes(DECLARATION + event(0))
    process.thaw()
    eventually(lambda: process.status()["ledger"]["accepted"] == 1)


def wipe(home: Path) -> None:
    for path in home.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def test_a_daemon_whose_home_was_wiped_leaves_its_successor_alone(home: Path, daemon: Start) -> None:
    former = daemon(home)
    former.status()
    wipe(home)
    successor = daemon(home)
    assert former.stop() == 0
    assert successor.status()["daemon"]["pid"] == successor.pid
    connected(home).close()


def test_a_daemon_whose_home_was_wiped_ends_at_its_next_look(home: Path, daemon: Start) -> None:
    process = daemon(home)
    process.status()
    wipe(home)
    process.freeze()
    process.thaw()
    assert process.wait() == 0
    assert "wiped" in process.errors


def test_the_run_command_starts_without_a_terminal_or_stdin(home: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "swarm_analyticsd", "run", "--home", str(home), "--parent-pipe"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    )
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert out == b"" or json.loads(out)["ready"]


STRANGER = """
import os, socket, sys
os.setgroups([]); os.setgid(65534); os.setuid(65534)
for path in sys.argv[1:]:
    with socket.socket(socket.AF_UNIX) as stranger:
        stranger.settimeout(20)
        stranger.connect(path)
        try:
            stranger.sendall(b"GET /v1/version HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n")
            answer = stranger.recv(100)
        except ConnectionError:
            answer = b""
        print(len(answer))
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_s3_another_user_is_turned_away_from_sockets_whose_modes_were_loosened(
    home: Path, daemon: Start
) -> None:
    process = daemon(home)
    sockets = [home / "daemon.sock", home / "handoff.sock"]
    for path in (home.parent, home):
        path.chmod(0o755)
    for path in sockets:
        path.chmod(0o666)
    done = subprocess.run(
        [sys.executable, "-c", STRANGER, *map(str, sockets)], capture_output=True, text=True, timeout=30
    )
    assert done.stdout.split() == ["0", "0"], done.stderr
    home.chmod(0o700)
    assert process.status()["daemon"]["pid"] == process.pid
    process.stop()
    assert "65534" in process.errors
