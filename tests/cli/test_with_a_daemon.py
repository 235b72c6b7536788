"""The commands against a real daemon and a real stand-in for the service, each a process."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from swarm_analytics.channel import DaemonChannel
from swarm_analytics_models.home import Home
from swarm_analytics_models.status import Status
from swarm_analyticsd.cli import main
from tests.support.child import Child, child_environment
from tests.support.homes import lock_is_held, short_directory
from tests.support.processes import DaemonProcess, Processes, SandboxProcess, command_line
from tests.support.waiting import eventually

CANARY = "canary-3f9a1c"


@dataclass
class World:
    home: Path
    service: SandboxProcess
    daemon: DaemonProcess
    capsys: pytest.CaptureFixture[str]

    def __call__(self, *arguments: str) -> tuple[int, str, str]:
        code = main([*arguments, "--home", str(self.home)])
        said = self.capsys.readouterr()
        return code, said.out, said.err

    def hand_off(self, *bodies: dict[str, Any], route: str = "logs.write") -> list[str]:
        lines = [{"type": "event", "service": "openswarm", "route": route, "body": body} for body in bodies]
        content = "".join(json.dumps(line) + "\n" for line in lines).encode()
        answer = DaemonChannel(Home(self.home)).send(
            "POST", "/v1/hand-off", content, {"Content-Type": "application/x-ndjson"}
        )
        assert answer["refused"] == []
        keys: list[str] = answer["keys"]
        return keys

    def register(self) -> str:
        code, out, err = self(
            "register", "--service", "openswarm", "--base-url", self.service.base_url, "--install-id", "ada"
        )
        assert code == 0, err
        return out.strip()

    def ledger(self) -> dict[str, Any]:
        ledger: dict[str, Any] = self.daemon.status()["ledger"]
        return ledger


@pytest.fixture
def fresh(home: Path, processes: Processes, capsys: pytest.CaptureFixture[str]) -> World:
    """A daemon and a service of the test's own."""
    service = processes.sandbox()
    return World(home, service, processes.daemon(home, services={"openswarm": service.base_url}), capsys)


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[Path, SandboxProcess, DaemonProcess]]:
    started = Processes()
    with short_directory() as directory:
        try:
            service = started.sandbox()
            home = directory / "home"
            yield home, service, started.daemon(home, services={"openswarm": service.base_url})
        finally:
            started.release()


@pytest.fixture
def world(running: tuple[Path, SandboxProcess, DaemonProcess], capsys: pytest.CaptureFixture[str]) -> World:
    """A daemon that serves several tests, which leave it as they found it."""
    return World(*running, capsys)


def test_register_then_status_then_why(fresh: World) -> None:
    reference = fresh.register()
    assert reference.startswith("swaref_")
    (key,) = fresh.hand_off({"tag": "cli"})
    code, out, _ = fresh("flush", "--timeout", "10")
    assert (code, out) == (0, "Drained: nothing is left to send.\n")
    code, out, _ = fresh("status")
    assert code == 0
    assert out.startswith("All is well.\n")
    assert "Ledger balanced: 1 accepted = 1 delivered" in out
    code, out, _ = fresh("why", key)
    assert code == 0
    assert out.startswith(f"{key} is openswarm logs.write for d_")
    assert "It was delivered at" in out


def test_status_json_has_the_fixed_shape(world: World) -> None:
    world.register()
    code, out, _ = world("status", "--json")
    assert code == 0
    answer = json.loads(out)
    assert Status.model_validate(answer).model_dump(mode="json") == answer
    assert answer["daemon"]["pid"] == world.daemon.pid
    assert answer["daemon"]["home"] == str(world.home)
    assert answer["services"]["openswarm"]["credential"] == "present"


def test_an_unknown_id_is_1(world: World) -> None:
    code, out, err = world("why", "nobody")
    assert (code, out) == (1, "")
    assert "nobody" in err


def test_paused_events_wait_and_resume_sends_them(fresh: World) -> None:
    fresh.register()
    assert fresh("pause", "openswarm")[0] == 0
    (key,) = fresh.hand_off({"tag": "cli"})
    code, out, _ = fresh("flush", "--timeout", "0.2")
    assert code == 1
    assert out == "Not drained: 1 event waits.\n"
    assert fresh("status")[1].startswith("NOT WELL: openswarm is paused; 1 event waits.")
    code, out, _ = fresh("events", "--state", "queued", "--json")
    assert [event["id"] for event in json.loads(out)["events"]] == [key]
    assert fresh("resume", "openswarm")[0] == 0
    assert fresh("flush", "--timeout", "10")[0] == 0


def test_dead_events_are_listed_shown_sent_again_and_dropped(fresh: World) -> None:
    fresh.register()
    fresh.service.fail(422, route="logs.write")
    first, second = fresh.hand_off({"tag": CANARY}, {"tag": "other"})
    eventually(lambda: fresh.ledger()["dead"] == 2, what="two dead events")
    code, out, _ = fresh("dead", "list")
    assert code == 0
    assert first in out
    assert "422" in out
    assert CANARY not in out
    assert fresh("dead", "show", first, "--body")[1].count(CANARY) == 1
    assert fresh("status")[1].startswith("NOT WELL: 2 events of openswarm rejected")
    fresh.service.calm()
    assert fresh("dead", "retry", first)[:2] == (0, "1 event sent again.\n")
    eventually(lambda: fresh.ledger()["delivered"] == 1, what="the event that was sent again")
    assert fresh("dead", "drop", "--all")[:2] == (0, "1 event dropped.\n")
    assert fresh("dead", "show", second)[0] == 1
    assert fresh("dead", "retry", second)[0] == 1
    ledger = fresh.ledger()
    assert (ledger["dead"], ledger["evicted"], ledger["balanced"]) == (0, 1, True)


def test_consent_is_set_shown_and_lifted(fresh: World) -> None:
    assert fresh("pause")[0] == 0
    fresh.register()
    body = {"dashboard_id": CANARY, "action": "open"}
    fresh.hand_off(body, route="events.dashboard.event")
    code, out, _ = fresh("consent", "minimal", "openswarm")
    assert (code, out) == (0, "openswarm: minimal\n1 withdrawn and erased.\n")
    assert [
        path for path in fresh.home.rglob("*") if path.is_file() and CANARY.encode() in path.read_bytes()
    ] == []
    assert "NOTE: Consent for openswarm is minimal" in fresh("status")[1]
    code, out, _ = fresh("consent", "full")
    assert code == 0
    assert "openswarm: full\n" in out


def test_a_secret_is_taken_from_stdin_and_shown_nowhere(world: World) -> None:
    world.register()
    listed = world("credential", "list")[1]
    destination = listed.split()[0]
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "swarm_analyticsd",
            "credential",
            "set",
            destination,
            "--home",
            str(world.home),
        ],
        input=f"{CANARY}\n",
        capture_output=True,
        text=True,
        env=child_environment(),
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    told = [done.stdout, *(world(*words)[1] for words in (["credential", "list"], ["status", "--json"]))]
    assert not [text for text in told if CANARY in text]


def test_config_says_where_a_setting_comes_from(world: World) -> None:
    code, out, _ = world("config")
    assert code == 0
    assert f'services.openswarm  "{world.service.base_url}"' in " ".join(out.split(" ")).replace("   ", "  ")
    assert "(flag: --service)" in out
    assert "(environment: SWARM_ANALYTICSD_CREDENTIAL_STORE)" in out


def test_version_is_this_programs(world: World) -> None:
    code, out, _ = world("version")
    assert code == 0
    assert out.startswith("swarm-analyticsd ")
    assert "running" not in out


def test_stop_waits_for_the_end(fresh: World) -> None:
    code, out, _ = fresh("stop", "--wait")
    assert (code, out) == (0, f"The daemon (pid {fresh.daemon.pid}) has ended.\n")
    assert not lock_is_held(fresh.home)
    assert fresh.daemon.wait() == 0


def test_a_second_run_is_75_and_names_the_holder(world: World) -> None:
    done = command_line("run", "--home", str(world.home))
    assert done.returncode == 75
    assert done.stdout == ""
    assert str(world.daemon.pid) in done.stderr


@pytest.mark.parametrize(("options", "start"), [([], "--- "), (["--json"], '{"daemon": {')])
def test_watch_shows_it_again_and_again_until_ctrl_c(
    world: World, processes: Processes, options: list[str], start: str
) -> None:
    command = [sys.executable, "-m", "swarm_analyticsd", "status", "--watch", *options]
    watching = Child([*command, "--home", str(world.home)])
    processes.keep(watching)
    for _ in range(2):
        while not watching.line().startswith(start):
            continue
    os.kill(watching.pid, signal.SIGINT)
    assert watching.wait() == 0
    assert "Traceback" not in watching.errors


def test_watch_outlives_the_daemon_and_says_that_it_is_gone(fresh: World, processes: Processes) -> None:
    command = [sys.executable, "-m", "swarm_analyticsd", "status", "--watch", "--home", str(fresh.home)]
    watching = Child(command)
    processes.keep(watching)
    watching.line()
    fresh.daemon.kill()
    while not watching.line().startswith("NOT WELL: no daemon"):
        continue
    os.kill(watching.pid, signal.SIGINT)
    assert watching.wait() == 0


def test_watch_waits_for_a_daemon(home: Path, processes: Processes) -> None:
    watching = Child([sys.executable, "-m", "swarm_analyticsd", "status", "--watch", "--home", str(home)])
    processes.keep(watching)
    while not watching.line().startswith("NOT WELL: "):
        continue
    processes.daemon(home)
    while not watching.line().startswith("All is well."):
        continue
    os.kill(watching.pid, signal.SIGINT)
    assert watching.wait() == 0


def on_a_terminal(*arguments: str, environment: dict[str, str]) -> str:
    """What a command writes to a terminal of 80x24."""
    import fcntl
    import pty
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    running = subprocess.Popen(
        [sys.executable, "-m", "swarm_analyticsd", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        env=child_environment({"TERM": "xterm-256color", "NO_COLOR": None, **environment}),
    )
    os.close(theirs)
    shown = b""
    try:
        while part := os.read(ours, 65536):
            shown += part
    except OSError:
        pass  # what Linux says when the last writer is gone
    finally:
        os.close(ours)
        running.wait(20)
    return shown.decode()


def test_colours_are_for_terminals_that_want_them(world: World) -> None:
    plain = world("status")[1]
    assert "\x1b" not in plain
    coloured = on_a_terminal("status", "--home", str(world.home), environment={})
    assert "\x1b[32mAll is well.\x1b[0m" in coloured
    bare = on_a_terminal("status", "--home", str(world.home), environment={"NO_COLOR": "1"})
    assert "\x1b[3" not in bare
    assert bare.startswith("All is well.")
