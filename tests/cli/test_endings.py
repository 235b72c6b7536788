"""However a command ends, a person is told in a line or two, and never by a traceback."""

import subprocess
import sys
from pathlib import Path

import pytest

from swarm_analyticsd.cli import DEBUG_VARIABLE, link, main
from tests.support.child import child_environment


def test_what_nobody_expected_is_70_and_names_the_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_daemon: link.Daemon) -> None:
        raise RuntimeError("boom \x1b[2J")

    monkeypatch.setattr(link.Daemon, "config", broken)
    assert main(["config", "--home", str(tmp_path)]) == 70
    assert capsys.readouterr().err.splitlines() == [
        "swarm-analyticsd: internal error: RuntimeError: boom \\x1b[2J",
        f"  The daemon's log is {tmp_path / 'daemon.log'}. For the traceback set {DEBUG_VARIABLE}=1.",
    ]
    monkeypatch.setenv(DEBUG_VARIABLE, "1")
    with pytest.raises(RuntimeError):
        main(["config", "--home", str(tmp_path)])


def test_a_reader_that_stops_reading_is_no_failure() -> None:
    done = subprocess.Popen(
        [sys.executable, "-m", "swarm_analyticsd", "events", "--help"],
        env=child_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert done.stdout
    done.stdout.close()
    _, errors = done.communicate(timeout=20)
    assert done.returncode in (0, 1)
    assert errors == ""


def test_letters_that_the_terminal_lacks_do_not_end_a_command(tmp_path: Path) -> None:
    home = tmp_path / "h世me"
    done = subprocess.run(
        [sys.executable, "-m", "swarm_analyticsd", "status", "--home", str(home)],
        env=child_environment({"PYTHONIOENCODING": "cp1252"}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 69
    assert "h\\u4e16me" in done.stdout
    assert "Traceback" not in done.stderr


def test_run_imports_nothing_of_the_other_commands() -> None:
    script = "import sys; from swarm_analyticsd.cli import run; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert not loaded & {"typer", "rich", "click", "swarm_analyticsd.cli.app", "swarm_analytics"}
