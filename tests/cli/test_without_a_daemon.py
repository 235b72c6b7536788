"""With no daemon: what can be answered from the home's files is, and everything ends with 69."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from swarm_analytics.channel import DaemonChannel
from swarm_analytics_models.home import Home
from swarm_analytics_models.identifiers import uuid7
from swarm_analyticsd.cli import main
from swarm_analyticsd.homedir import prepare_home
from tests.support.homes import holding, lock_is_held
from tests.support.processes import Processes

CANARY = "canary-77b1e0"


class Shell:
    def __init__(self, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.home = home
        self._capsys = capsys

    def __call__(self, *arguments: str) -> tuple[int, str, str]:
        code = main([*arguments, "--home", str(self.home)])
        said = self._capsys.readouterr()
        assert not lock_is_held(self.home)
        return code, said.out, said.err


@pytest.fixture
def shell(home: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(home, capsys)


@pytest.fixture
def left(home: Path, processes: Processes) -> list[str]:
    """A home that a daemon left behind with three product events, queued for a service that is not there."""
    daemon = processes.daemon(home, services={"openswarm": "http://127.0.0.1:1"})
    channel = DaemonChannel(Home(home))
    channel.request(
        "POST",
        "/v1/register",
        {"service": "openswarm", "base_url": "http://127.0.0.1:1", "kind": "install", "identity": "ada"},
    )
    body = {"dashboard_id": CANARY, "action": "open"}
    line = {"type": "event", "service": "openswarm", "route": "events.dashboard.event", "body": body}
    content = (json.dumps(line) + "\n").encode() * 3
    keys: list[str] = channel.send("POST", "/v1/hand-off", content, {"Content-Type": "application/x-ndjson"})[
        "keys"
    ]
    daemon.kill()
    return keys


def carriers(home: Path) -> list[str]:
    """Files of the home in which the canary is found."""
    return [path.name for path in home.rglob("*") if path.is_file() and CANARY.encode() in path.read_bytes()]


def test_status_reads_the_file_and_says_so(shell: Shell, left: list[str]) -> None:
    code, out, err = shell("status")
    assert code == 69
    assert "no daemon" in err.lower()
    assert out.startswith(
        "NOT WELL: No daemon runs; 3 events wait.\n  -> Start the app, or: swarm-analyticsd run\n"
    )
    assert "Ledger balanced: 3 accepted = 3 queued" in out


def test_status_json_has_the_same_shape(shell: Shell, left: list[str]) -> None:
    code, out, _ = shell("status", "--json")
    assert code == 69
    answer = json.loads(out)
    assert answer["daemon"]["pid"] == 0
    assert answer["ledger"]["accepted"] == 3
    assert answer["services"]["openswarm"]["queued"] == 3
    assert [each["identity"] for each in answer["services"]["openswarm"]["destinations"]] == ["install:ada"]


def test_events_why_and_the_dead_are_read(shell: Shell, left: list[str]) -> None:
    code, out, _ = shell("events", "--state", "queued", "--json")
    assert code == 69
    assert {event["id"] for event in json.loads(out)["events"]} == set(left)
    code, out, _ = shell("why", left[0], "--body")
    assert code == 69
    assert CANARY in out
    assert shell("dead", "list")[0] == 69
    code, out, err = shell("dead", "show", left[0])
    assert (code, out) == (69, "")
    assert "No dead event" in err
    assert shell("credential", "list")[0] == 69


def test_opting_out_erases_rows_and_journals(shell: Shell, left: list[str]) -> None:
    abandoned = shell.home / "inbox" / f"4242-{uuid7()[-12:]}-000000.ndjson"
    body = {"ts": 1.0, "submission_id": uuid7(), "dashboard_id": CANARY, "action": "open"}
    line: dict[str, Any] = {"type": "event", "service": "openswarm", "route": "events.dashboard.event"}
    abandoned.write_text(json.dumps(line | {"key": body["submission_id"], "body": body}) + "\n")
    abandoned.chmod(0o600)
    assert carriers(shell.home)
    code, out, err = shell("consent", "minimal")
    assert code == 69
    assert "openswarm: minimal" in out
    assert "no daemon" in err.lower()
    assert carriers(shell.home) == []
    ledger = json.loads(shell("status", "--json")[1])["ledger"]
    assert ledger["withdrawn"] == ledger["accepted"] >= 3


def test_consent_is_kept_for_the_next_daemon(shell: Shell, processes: Processes) -> None:
    assert shell("consent", "hold", "openswarm")[0] == 69
    daemon = processes.daemon(shell.home, services={"openswarm": "http://127.0.0.1:1"})
    assert daemon.status()["services"]["openswarm"]["consent"] == "hold"


def test_a_decision_stays_the_newest_over_one_that_waits_in_a_journal(
    shell: Shell, processes: Processes
) -> None:
    waiting = shell.home / "inbox" / f"4242-{uuid7()[-12:]}-000000.ndjson"
    assert shell("consent", "hold")[0] == 69
    opt_out = {"type": "event", "service": "openswarm", "route": "preferences.opt_out", "key": uuid7()}
    waiting.write_text(json.dumps(opt_out | {"body": {"opted_out": True}}) + "\n")
    waiting.chmod(0o600)
    assert shell("consent", "full")[0] == 69
    assert not waiting.exists()
    daemon = processes.daemon(shell.home, services={"openswarm": "http://127.0.0.1:1"})
    assert daemon.status()["services"]["openswarm"]["consent"] == "full"


def test_an_unknown_service_is_refused(shell: Shell) -> None:
    code, _, err = shell("consent", "minimal", "nobody")
    assert code != 0
    assert "nobody" in err


@pytest.mark.parametrize(
    "words", [["status"], ["events"], ["why", "x"], ["dead", "list"], ["dead", "show", "x"]], ids=" ".join
)
def test_looking_at_a_home_that_is_not_there_makes_none(shell: Shell, words: list[str]) -> None:
    code, _, err = shell(*words)
    assert code == 69
    assert str(shell.home) in err
    assert not shell.home.exists()


@pytest.mark.parametrize(
    "words",
    [
        ["flush"],
        ["pause"],
        ["resume"],
        ["config"],
        ["dead", "retry", "--all"],
        ["dead", "drop", "--all"],
        ["credential", "set", "d_x"],
        ["credential", "set", "swarms"],
        ["credential", "remove", "swarms"],
        ["register", "--service", "openswarm", "--base-url", "http://127.0.0.1:1", "--install-id", "ada"],
    ],
    ids=" ".join,
)
def test_what_needs_a_daemon_says_how_to_start_one(shell: Shell, words: list[str]) -> None:
    code, out, err = shell(*words)
    assert (code, out) == (69, "")
    assert "swarm-analyticsd run" in err
    assert len(err.splitlines()) == 2


def test_stop_has_nothing_to_stop(shell: Shell) -> None:
    code, out, err = shell("stop")
    assert (code, out) == (69, "")
    assert "nothing to stop" in err
    assert "run" not in err


def test_journals_count_while_they_hold_what_no_daemon_took(shell: Shell, left: list[str]) -> None:
    journal = shell.home / "inbox" / "1-0123456789abcdef-000001.ndjson"
    journal.touch(0o600)
    assert json.loads(shell("status", "--json")[1])["daemon"]["journals"] == 0
    journal.write_text("{}\n")
    assert json.loads(shell("status", "--json")[1])["daemon"]["journals"] == 1


def test_version_needs_none(shell: Shell) -> None:
    code, out, err = shell("version")
    assert code == 0
    assert len(out.splitlines()) == 1
    assert err == ""


def test_a_home_that_somebody_holds_without_answering_is_75(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("swarm_analyticsd.cli.policy.HOLDER_PATIENCE_S", 0.2)
    prepare_home(Home(home))
    with holding(Home(home)):
        assert main(["status", "--home", str(home)]) == 75
    assert (
        f"does not answer.\n  If it hangs, end it; what was accepted is on disk: kill -9 {os.getpid()}\n"
        in (capsys.readouterr().err)
    )


def test_a_home_that_we_may_not_read_is_78_and_no_wrong_usage(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare_home(Home(home))
    ours = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: ours + 1)
    monkeypatch.setattr(os, "access", lambda *_, **__: False)
    assert main(["status", "--home", str(home)]) == 78
    assert f"belongs to user id {ours}" in capsys.readouterr().err


def test_a_home_that_others_can_open_is_78(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    prepare_home(Home(home))
    home.chmod(0o755)
    assert main(["status", "--home", str(home)]) == 78
    assert "chmod 700" in capsys.readouterr().err
