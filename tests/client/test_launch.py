"""Starting, adopting and ending a daemon, with a stand-in for its program."""

import json
import os
import sys
import textwrap
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from swarm_analytics import (
    AnalyticsClient,
    AuthError,
    DaemonRefused,
    DaemonStartError,
    DaemonUnavailable,
    TransportError,
    launch,
    start_daemon,
)
from swarm_analytics import child as child_module
from swarm_analytics.version import is_older
from swarm_analytics_models.home import AUTOSTART_VARIABLE, Home
from tests.client.scripted import ScriptedDaemon, scripted_daemon
from tests.support.waiting import eventually

READY = """
import json, os, sys
home = sys.argv[1]
os.makedirs(home, exist_ok=True)
with open(home + "/started", "a") as file:
    file.write(json.dumps({"pid": os.getpid(), "arguments": sys.argv[2:], "environment": dict(os.environ),
        "cwd": os.getcwd(), "umask": os.umask(0o077), "session": os.getsid(0)}) + "\\n")
# listen
print(json.dumps({"ready": True, "pid": os.getpid(), "address": "unix:" + home + "/daemon.sock", "home": home,
    "version": "0.1.0", "protocol": 1}), flush=True)
sys.stdin.read()
with open(home + "/ended", "w"):
    pass
"""

LISTENING = READY.replace(
    "# listen",
    f"""
sys.path[:0] = [{str(Path(__file__).parents[2])!r}]
from pathlib import Path
from tests.client.scripted import ScriptedDaemon
scripted = ScriptedDaemon(Path(home))
""",
)

Program = Callable[[str], None]


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> Program:
    """``program(source)`` is what runs in place of the daemon; its first argument is the home."""

    def use(source: str) -> None:
        monkeypatch.setattr(
            child_module,
            "command",
            lambda home, arguments: [
                sys.executable,
                "-I",
                "-c",
                textwrap.dedent(source),
                str(home.root),
                *arguments,
            ],
        )

    return use


def starts(home: Path) -> list[dict[str, Any]]:
    path = home / "started"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def child_pid(home: Path) -> int | None:
    child = launch._state.children.get(home)
    return None if child is None else child.pid


def test_a_daemon_is_started_and_ends_with_its_handle(home: Path, program: Program) -> None:
    program(READY)
    with start_daemon(
        home,
        services={"openswarm": "https://analytics.example"},
        durability="memory",
        listen="loopback",
    ) as daemon:
        [started] = starts(home)
        assert (daemon.home, daemon.pid, daemon.version) == (home, started["pid"], "0.1.0")
        assert daemon.address == f"unix:{home}/daemon.sock"
        assert daemon.started_here
        assert started["arguments"] == [
            "--service=openswarm=https://analytics.example",
            "--durability=memory",
            "--listen=loopback",
        ]
        assert started["cwd"] == str(home)
        assert started["umask"] == 0o077
        assert started["session"] == started["pid"]
    assert (home / "ended").exists()
    with pytest.raises(ProcessLookupError):
        os.kill(daemon.pid, 0)


def test_the_environment_is_scrubbed(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = {
        "HOME": "h", "LC_ALL": "C", "XDG_RUNTIME_DIR": "x", "https_proxy": "p", "NO_PROXY": "n",
        "DBUS_SESSION_BUS_ADDRESS": "d", "SWARM_ANALYTICSD_HOME": "s", "SSL_CERT_FILE": "c",
        "SystemRoot": "w", "SWARMS_API_KEY": "read by the daemon, see its contract",
    }  # fmt: skip
    removed = {
        "PATH": "p", "PYTHONPATH": "p", "PYTHONSTARTUP": "s", "LD_PRELOAD": "l", "DYLD_INSERT_LIBRARIES": "d",
        "VIRTUAL_ENV": "v", "API_KEY": "k",
    }  # fmt: skip
    assert child_module.scrubbed_environment(kept | removed) == kept


def test_the_command_names_this_interpreter_absolutely_and_isolates_it(home: Path) -> None:
    command = child_module.command(Home(home), ["--durability=fast"])
    assert Path(command[0]).is_absolute()
    assert command[1:] == [
        "-I",
        "-m",
        "swarm_analyticsd",
        "run",
        "--home",
        str(home),
        "--parent-pipe",
        "--durability=fast",
    ]


def test_a_frozen_program_is_not_started_as_if_it_were_python(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    with pytest.raises(DaemonStartError, match="--parent-pipe"):
        child_module.command(Home(home), [])


def test_a_start_that_fails_shows_what_the_daemon_said(home: Path, program: Program) -> None:
    program("import sys; sys.exit('the outbox is from the future')")
    with pytest.raises(DaemonStartError, match="exit code 1") as caught:
        start_daemon(home)
    assert caught.value.log == "the outbox is from the future"
    assert "the outbox is from the future" in str(caught.value)
    assert oct((home / "daemon.log").stat().st_mode & 0o777) == "0o600"
    program("import sys; sys.exit('again')")
    with pytest.raises(DaemonStartError) as caught:
        start_daemon(home)
    assert caught.value.log == "again"


def test_a_start_that_takes_too_long_is_killed(home: Path, program: Program) -> None:
    program("import sys; print('still busy', file=sys.stderr, flush=True); sys.stdin.read()")
    with pytest.raises(DaemonStartError, match="not ready in time") as caught:
        start_daemon(home, wait=0.5)
    assert caught.value.hint


def test_a_program_that_says_something_else_is_ended(home: Path, program: Program) -> None:
    program("import sys; print('hello', flush=True); sys.stdin.read()")
    with pytest.raises(DaemonStartError, match="hello"):
        start_daemon(home)


def test_a_home_of_another_kind_is_refused(home: Path, program: Program) -> None:
    program(READY)
    home.mkdir(mode=0o755)
    home.chmod(0o755)
    with pytest.raises(DaemonStartError, match="chmod 700"):
        start_daemon(home)
    assert starts(home) == []


def test_a_long_log_is_emptied_at_a_start(home: Path, program: Program) -> None:
    program(READY)
    home.mkdir(mode=0o700)
    (home / "daemon.log").write_bytes(b"x" * (1024 * 1024 + 1))
    (home / "daemon.log").chmod(0o600)
    with start_daemon(home):
        assert (home / "daemon.log").stat().st_size == 0


def test_a_running_daemon_is_adopted_and_given_the_services_it_lacks(home: Path, program: Program) -> None:
    program("import sys; sys.exit('must not be started')")
    with scripted_daemon(home) as running:
        services = {"openswarm": "https://analytics.example"}
        with start_daemon(home, services=services) as daemon:
            assert daemon.pid == os.getpid()
            assert not daemon.started_here
        assert running.asked("/v1/services") == [{"services": services}]
        assert not running.asked("/v1/stop")


def test_a_conflict_of_services_is_an_error(home: Path) -> None:
    problem = {"code": "conflict", "message": "https://a against https://b.", "hint": "Choose one."}

    def answer(method: str, path: str, *_: object) -> tuple[int, Any]:
        return (409, problem) if path == "/v1/services" else (200, running.ordinary(method, path))

    with (
        scripted_daemon(home, answer=answer) as running,
        pytest.raises(DaemonRefused, match="https://a against https://b"),
    ):
        start_daemon(home, services={"openswarm": "https://b"})


def test_who_loses_the_race_adopts_the_winner(home: Path, program: Program) -> None:
    program("import sys; print('held by pid 1', file=sys.stderr); sys.exit(75)")
    winners: list[ScriptedDaemon] = []

    def win() -> None:
        eventually(lambda: (home / "daemon.log").exists(), what="a start")
        winners.append(ScriptedDaemon(home))

    winning = threading.Thread(target=win)
    winning.start()
    assert start_daemon(home).pid == os.getpid()
    winning.join()
    winners[0].close()


def test_a_holder_that_never_answers_is_named(home: Path, program: Program) -> None:
    program("import sys; print('held by pid 1', file=sys.stderr); sys.exit(75)")
    with pytest.raises(DaemonStartError, match="held by pid 1"):
        start_daemon(home, wait=0.5)


def test_an_older_daemon_is_asked_to_stop_and_replaced(home: Path, program: Program) -> None:
    program(READY)

    def answer(method: str, path: str, *_: object) -> tuple[int, Any]:
        if path == "/v1/stop":
            threading.Thread(target=running.close).start()
        return 200, running.ordinary(method, path)

    running = ScriptedDaemon(home, version="0.0.9", answer=answer)
    with start_daemon(home) as daemon:
        assert running.asked("/v1/stop")
        assert daemon.pid == starts(home)[0]["pid"]


@pytest.mark.parametrize(
    ("version", "than", "older"),
    [
        ("0.1.0", "0.2.0", True),
        ("0.9", "0.10", True),
        ("0.2.0", "0.1.9", False),
        ("1.0", "1.0", False),
        ("unreadable", "1.0", False),
        ("1.0", "unreadable", False),
    ],
)
def test_versions_compare_by_number(version: str, than: str, older: bool) -> None:
    assert is_older(version, than) is older


def test_many_threads_start_one(home: Path, program: Program) -> None:
    program(LISTENING)
    daemons: list[launch.Daemon] = []
    threads = [threading.Thread(target=lambda: daemons.append(start_daemon(home))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(daemons) == 4
    started = len(starts(home))
    for daemon in daemons:
        daemon.stop()
    assert started == 1


def test_a_hand_off_that_finds_no_daemon_starts_one_and_again_when_it_crashed(
    home: Path, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(LISTENING)
    monkeypatch.delenv(AUTOSTART_VARIABLE)
    launch._state.arguments[home] = ["--durability=fast"]
    client = AnalyticsClient(home)
    assert not home.exists()
    client.logs.write(tag="t")
    eventually(lambda: len(starts(home)) == 1, what="a start")
    eventually(lambda: child_pid(home), what="the child")
    os.kill(starts(home)[0]["pid"], 9)
    eventually(lambda: len(starts(home)) == 2, what="another start")
    eventually(lambda: child_pid(home) == starts(home)[1]["pid"], what="the next child")
    assert [started["arguments"] for started in starts(home)] == [["--durability=fast"]] * 2
    handle = launch.Daemon(Home(home), "", starts(home)[1]["pid"], "0.1.0")
    handle.stop()
    assert not launch.autostart_allowed(Home(home))
    client.logs.write(tag="t")
    assert not client.flush(timeout=0.2)
    assert len(starts(home)) == 2


def test_autostart_may_be_forbidden(home: Path, program: Program) -> None:
    program(READY)
    client = AnalyticsClient(home)
    client.logs.write(tag="t")
    assert not client.flush(timeout=0.2)
    assert starts(home) == []
    with pytest.raises(DaemonUnavailable, match=AUTOSTART_VARIABLE):
        AnalyticsClient.register("https://analytics.example", "install-1", timeout=0.5, home=home)


def test_register_returns_what_the_daemon_answers(home: Path) -> None:
    with scripted_daemon(home) as running:
        running.answer = lambda method, path, *_: (
            200,
            {"reference": "swaref_x"} if path == "/v1/register" else running.ordinary(method, path),
        )
        reference = AnalyticsClient.register(
            base_url="https://analytics.example", install_id="install-1", home=home
        )
    assert reference == "swaref_x"


@pytest.mark.parametrize(("code", "error"), [("auth", AuthError), ("unreachable", TransportError)])
def test_register_raises_what_the_seed_raises(
    home: Path, code: str, error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(method: str, path: str, *_: object) -> tuple[int, Any]:
        if path == "/v1/register":
            return 502, {"code": code, "message": "No.", "hint": "Do this."}
        return 200, running.ordinary(method, path)

    with (
        scripted_daemon(home, answer=answer) as running,
        pytest.raises(TransportError if error is TransportError else AuthError, match="Do this") as caught,
    ):
        AnalyticsClient.register("https://analytics.example", "install-1", home=home)
    assert type(caught.value) is error
    [asked] = running.asked("/v1/register")
    assert 9.0 < asked.pop("wait_s") <= 10.0
    assert asked == {
        "service": "openswarm",
        "base_url": "https://analytics.example",
        "kind": "install",
        "identity": "install-1",
    }


@pytest.mark.parametrize(("base_url", "install_id"), [("nonsense", "i"), ("https://a.example", "")])
def test_register_refuses_bad_arguments_before_any_io(home: Path, base_url: str, install_id: str) -> None:
    with pytest.raises(ValueError, match=r"base URL|install_id"):
        AnalyticsClient.register(base_url, install_id, home=home)
    assert not home.exists()
