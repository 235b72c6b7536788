"""The tests' own tools tell the truth."""

import sys
from pathlib import Path

import pytest

from swarm_analytics_models.home import HOME_VARIABLE, MAX_SOCKET_PATH_BYTES
from tests.support.child import CREDENTIAL_STORE_VARIABLE, child_environment
from tests.support.homes import kill_daemon, lock_is_held
from tests.support.processes import Processes
from tests.support.waiting import eventually, eventually_async


def test_eventually_answers_with_the_first_true_value() -> None:
    answers = iter([0, None, "", "yes", "no"])
    assert eventually(lambda: next(answers)) == "yes"


def test_eventually_says_what_it_waited_for_and_what_it_last_heard() -> None:
    with pytest.raises(AssertionError, match=r"the moon did not come true in 0.01 s; last answer: \[\]"):
        eventually(list, timeout=0.01, what="the moon")


@pytest.mark.anyio
async def test_eventually_async() -> None:
    answers = iter([0, 7])

    async def ask() -> int:
        return next(answers)

    async def never() -> bool:
        return False

    assert await eventually_async(ask) == 7
    with pytest.raises(AssertionError, match="last answer: False"):
        await eventually_async(never, timeout=0.01)


def test_a_home_leaves_room_for_socket_names(home: Path) -> None:
    assert not home.exists()
    assert len(str(home / "handoff.sock").encode()) <= MAX_SOCKET_PATH_BYTES


def test_nobody_serves_a_home_that_is_not_there(home: Path) -> None:
    assert not lock_is_held(home)
    assert kill_daemon(home) is None


def test_children_get_no_real_home_and_no_keyring(home: Path) -> None:
    environment = child_environment({HOME_VARIABLE: str(home), "PATH": None})
    assert environment[CREDENTIAL_STORE_VARIABLE] == "file"
    assert environment[HOME_VARIABLE] == str(home)
    assert "PATH" not in environment
    assert "nobodys-home" in child_environment()[HOME_VARIABLE]


def test_an_app_is_heard_spoken_to_and_killed(processes: Processes) -> None:
    app = processes.app("import sys\nfor line in sys.stdin: print(line.strip()[::-1], flush=True)")
    app.say("abc\n")
    assert app.line() == "cba\n"
    app.freeze()
    assert app.running
    app.thaw()
    app.kill()
    assert not app.running
    with pytest.raises(AssertionError, match="exit code -9"):
        app.line()


def test_a_child_that_does_not_start_shows_its_stderr(processes: Processes) -> None:
    app = processes.app("raise SystemExit('no luck')")
    with pytest.raises(AssertionError, match=r"exit code 1; stderr:\n.*no luck"):
        app.line()


def test_processes_are_gone_after_release() -> None:
    started = Processes()
    app = started.app(f"import subprocess; subprocess.run([{sys.executable!r}, '-c', 'input()'])")
    assert app.running
    started.release()
    assert not app.running
