"""Each command against a daemon that says what a test wants: what is asked, printed, and how it ends."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from swarm_analytics_models.status import BreakerState, EventDetail, EventSummary, Ledger, Status
from swarm_analyticsd.cli import main
from tests.cli.fake_daemon import FakeDaemon, fake_daemon
from tests.cli.test_status_page import daemon, service

ID = "01990000-0000-7000-8000-000000000001"


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeDaemon]:
    with fake_daemon(tmp_path / "h") as running:
        yield running


def summary(**changes: Any) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "id": ID,
        "service": "openswarm",
        "route": "events.agent.create",
        "destination": "d_ada",
        "state": "dead",
        "accepted_at": 1_790_000_000.0,
        "last_error": "422 \x1b[31mno such field",
    }
    return EventSummary(**(facts | changes)).model_dump(mode="json")


def detail(**changes: Any) -> dict[str, Any]:
    facts = summary() | {"category": "product", "priority": 2} | changes
    return EventDetail(**facts).model_dump(mode="json")


def command(fake: FakeDaemon, *arguments: str) -> int:
    return main([*arguments, "--home", str(fake.home.root)])


def status_answer(status: Status) -> tuple[int, Any]:
    return 200, status.model_dump(mode="json")


def test_status_is_0_when_balanced_even_if_something_is_wrong(
    fake: FakeDaemon, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = service(breaker=BreakerState.OPEN, queued=1)
    fake.answers["GET /v1/status"] = status_answer(Status(daemon=daemon(), services={"openswarm": broken}))
    assert command(fake, "status") == 0
    assert capsys.readouterr().out.startswith("NOT WELL: openswarm is out of reach")


def test_status_is_1_when_the_ledger_does_not_balance(fake: FakeDaemon) -> None:
    fake.answers["GET /v1/status"] = status_answer(Status(daemon=daemon(), ledger=Ledger(balanced=False)))
    assert command(fake, "status") == 1


def test_status_json_is_the_status_as_the_daemon_gave_it(
    fake: FakeDaemon, capsys: pytest.CaptureFixture[str]
) -> None:
    status = Status(daemon=daemon(), services={"openswarm": service(last_error="\x9b1m")})
    fake.answers["GET /v1/status"] = status_answer(status)
    assert command(fake, "status", "--json") == 0
    out = capsys.readouterr().out
    assert json.loads(out) == status.model_dump(mode="json")
    assert out.isascii()


def test_events_asks_for_what_was_named_and_escapes_what_comes(
    fake: FakeDaemon, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.answers["GET /v1/events"] = (200, {"events": [summary()]})
    assert command(fake, "events", "--state", "dead", "--service", "openswarm", "--limit", "7") == 0
    assert fake.requests[0][1] == "/v1/events?state=dead&service=openswarm&limit=7"
    out = capsys.readouterr().out
    assert r"422 \x1b[31mno such field" in out
    assert "\x1b" not in out


def test_events_that_are_none_leave_stdout_empty(
    fake: FakeDaemon, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.answers["GET /v1/events"] = (200, {"events": []})
    assert command(fake, "events") == 0
    assert capsys.readouterr() == ("", "No such events.\n")


def test_dead_list_is_the_events_that_are_dead(fake: FakeDaemon, capsys: pytest.CaptureFixture[str]) -> None:
    fake.answers["GET /v1/events"] = (200, {"events": [summary()]})
    assert command(fake, "dead", "list", "--json") == 0
    assert "state=dead" in fake.requests[0][1]
    assert json.loads(capsys.readouterr().out) == {"events": [summary()]}


def test_why_tells_the_story_without_the_body(fake: FakeDaemon, capsys: pytest.CaptureFixture[str]) -> None:
    fake.answers[f"GET /v1/events/{ID}"] = (200, {"events": [detail()]})
    assert command(fake, "why", ID) == 0
    assert fake.requests[0][1].endswith("?body=false")
    assert capsys.readouterr().out.startswith(f"{ID} is openswarm events.agent.create for d_ada.")


def test_s14_bodies_are_shown_only_where_asked_for_and_in_ascii(
    fake: FakeDaemon, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.answers[f"GET /v1/events/{ID}"] = (200, {"events": [detail(body={"name": "\x1b[2J"})]})
    assert command(fake, "why", ID) == 0
    assert "name" not in capsys.readouterr().out
    assert command(fake, "dead", "show", ID, "--body") == 0
    assert fake.requests[1][1].endswith("?body=true")
    assert r'"name": "\u001b[2J"' in capsys.readouterr().out


@pytest.mark.parametrize(
    "answer", [(200, {"events": []}), (404, {"code": "x", "message": "no", "hint": "h"})]
)
def test_an_unknown_id_is_1(fake: FakeDaemon, answer: Any, capsys: pytest.CaptureFixture[str]) -> None:
    fake.answers["GET /v1/events/nobody"] = answer
    assert command(fake, "why", "nobody") == 1
    assert capsys.readouterr().out == ""


def test_dead_show_knows_dead_events_only(fake: FakeDaemon) -> None:
    fake.answers[f"GET /v1/events/{ID}"] = (200, {"events": [detail(state="queued")]})
    assert command(fake, "dead", "show", ID) == 1


def test_an_id_cannot_leave_its_place_in_the_path(fake: FakeDaemon) -> None:
    assert command(fake, "why", "../stop?x=/#") == 1
    assert fake.requests[0][1] == "/v1/events/..%2Fstop%3Fx%3D%2F%23?body=false"


@pytest.mark.parametrize("verb", ["retry", "drop"])
@pytest.mark.parametrize(
    ("arguments", "asked"),
    [
        (["a", "b"], {"ids": ["a", "b"], "everything": False}),
        (["--service", "openswarm"], {"ids": [], "service": "openswarm", "everything": False}),
        (["--all"], {"ids": [], "everything": True}),
    ],
)
def test_dead_retry_and_drop_name_their_events(
    fake: FakeDaemon,
    verb: str,
    arguments: list[str],
    asked: dict[str, Any],
    capsys: pytest.CaptureFixture[str],
) -> None:
    fake.answers[f"POST /v1/dead/{verb}"] = (200, {"changed": 2})
    assert command(fake, "dead", verb, *arguments) == 0
    assert fake.requests == [("POST", f"/v1/dead/{verb}", asked)]
    assert capsys.readouterr().out == f"2 events {'sent again' if verb == 'retry' else 'dropped'}.\n"


def test_dead_retry_says_how_many_ids_were_unknown(
    fake: FakeDaemon, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.answers["POST /v1/dead/retry"] = (200, {"changed": 1})
    assert command(fake, "dead", "retry", ID, "nobody", "nobody") == 0
    assert capsys.readouterr() == ("1 event sent again.\n", "1 of the ids named no dead event.\n")


def test_dead_retry_of_nothing_known_is_1(fake: FakeDaemon) -> None:
    fake.answers["POST /v1/dead/retry"] = (200, {"changed": 0})
    assert command(fake, "dead", "retry", "nobody") == 1


@pytest.mark.parametrize("arguments", [[], ["a", "--all"], ["--all", "--service", "openswarm"]])
def test_dead_drop_never_guesses_what_is_meant(fake: FakeDaemon, arguments: list[str]) -> None:
    assert command(fake, "dead", "drop", *arguments) == 2
    assert fake.requests == []


def test_flush_is_0_when_drained_and_1_when_not(fake: FakeDaemon, capsys: pytest.CaptureFixture[str]) -> None:
    fake.answers["POST /v1/flush"] = (200, {"drained": True, "pending": 0})
    assert command(fake, "flush", "--timeout", "2.5") == 0
    assert fake.requests == [("POST", "/v1/flush", {"timeout_s": 2.5, "until": "drained"})]
    assert capsys.readouterr().out == "Drained: nothing is left to send.\n"
    fake.answers["POST /v1/flush"] = (200, {"drained": False, "pending": 3})
    assert command(fake, "flush") == 1
    assert capsys.readouterr().out == "Not drained: 3 events wait.\n"


def test_flush_says_how_far_it_has_come(fake: FakeDaemon, capsys: pytest.CaptureFixture[str]) -> None:
    import threading

    seen = threading.Event()

    def status(_body: Any) -> tuple[int, Any]:
        seen.set()
        return status_answer(Status(daemon=daemon(), ledger=Ledger(queued=2, held=1, delivered=9)))

    def flush(_body: Any) -> tuple[int, Any]:
        assert seen.wait(10)
        return 200, {"drained": True, "pending": 0}

    fake.answers |= {"GET /v1/status": status, "POST /v1/flush": flush}
    assert command(fake, "flush") == 0
    assert capsys.readouterr().err == "3 events wait, 9 delivered\n"


@pytest.mark.parametrize("verb", ["pause", "resume"])
def test_pause_and_resume_take_a_service_or_all(fake: FakeDaemon, verb: str) -> None:
    fake.answers[f"POST /v1/{verb}"] = (200, None)
    assert command(fake, verb, "openswarm") == 0
    assert command(fake, verb) == 0
    assert [body for _, _, body in fake.requests] == [{"service": "openswarm"}, {}]


def test_stop_asks_and_with_wait_returns_when_nobody_holds_the_home(
    fake: FakeDaemon, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.answers["POST /v1/stop"] = (200, {"stopping": True, "pid": 4242})
    assert command(fake, "stop") == 0
    assert capsys.readouterr().out == "The daemon (pid 4242) is stopping.\n"
    assert command(fake, "stop", "--wait") == 0
    assert capsys.readouterr().out == "The daemon (pid 4242) has ended.\n"


def test_register_refuses_an_install_id_that_no_service_takes(
    fake: FakeDaemon, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = ("--service", "openswarm", "--base-url", "https://x.example", "--install-id", "")
    assert command(fake, "register", *wanted) == 2
    assert capsys.readouterr().err == (
        "swarm-analyticsd: --install-id has 0 characters.\n  It must have 1 to 128.\n"
    )


def test_register_prints_the_reference_alone_on_stdout(
    fake: FakeDaemon, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = {"reference": "swaref_x", "destination": "d_x", "credential": "present"}
    fake.answers["POST /v1/register"] = (200, answer)
    wanted = ("--service", "openswarm", "--base-url", "https://x.example", "--install-id", "ada")
    assert command(fake, "register", *wanted) == 0
    assert capsys.readouterr().out == "swaref_x\n"
    assert fake.requests[0][2] == {
        "service": "openswarm",
        "base_url": "https://x.example",
        "kind": "install",
        "identity": "ada",
        "wait_s": 10.0,
    }


@pytest.mark.parametrize("mode", ["full", "minimal", "hold"])
def test_consent_is_set_for_a_service_or_all(
    fake: FakeDaemon, mode: str, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.answers["POST /v1/consent"] = (200, {"consent": {"openswarm": mode}, "withdrawn": 4})
    assert command(fake, "consent", mode, "openswarm") == 0
    assert command(fake, "consent", mode) == 0
    assert [body["service"] for _, _, body in fake.requests] == ["openswarm", None]
    assert f"openswarm: {mode}" in capsys.readouterr().out


def test_s11_a_secret_comes_from_stdin_and_is_not_shown(
    fake: FakeDaemon, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.answers["POST /v1/credentials"] = (200, {"destination": "d_ada", "base_url": "https://a.example"})
    monkeypatch.setattr("sys.stdin", io.StringIO("canary-secret\n"))
    assert command(fake, "credential", "set", "d_ada") == 0
    assert fake.requests[-1][2] == {
        "destination": "d_ada",
        "identity": "default",
        "secret": "canary-secret",
    }
    assert "canary" not in "".join(capsys.readouterr())


def test_no_secret_is_taken_from_the_command_line(fake: FakeDaemon) -> None:
    assert command(fake, "credential", "set", "d_ada", "canary-secret") == 2


def test_an_empty_secret_is_refused(fake: FakeDaemon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("\n"))
    assert command(fake, "credential", "set", "d_ada") == 2


def test_credential_list_shows_destinations_and_states(
    fake: FakeDaemon, capsys: pytest.CaptureFixture[str]
) -> None:
    status = Status(daemon=daemon(), services={"openswarm": service(identity="install:ada", ref="d_ada")})
    fake.answers["GET /v1/status"] = status_answer(status)
    assert command(fake, "credential", "list") == 0
    assert capsys.readouterr().out == "d_ada  openswarm  https://analytics.example  install:ada  present\n"


def test_credential_list_of_one_service_and_for_programs(
    fake: FakeDaemon, capsys: pytest.CaptureFixture[str]
) -> None:
    services = {
        "openswarm": service(identity="install:ada", ref="d_ada"),
        "swarms": service(identity="key:default", ref="d_key"),
    }
    fake.answers["GET /v1/status"] = status_answer(Status(daemon=daemon(), services=services))
    assert command(fake, "credential", "list", "swarms") == 0
    assert capsys.readouterr().out == "d_key  swarms  https://analytics.example  key:default  present\n"
    assert command(fake, "credential", "list", "swarms", "--json") == 0
    assert json.loads(capsys.readouterr().out)["credentials"] == [
        {
            "destination": "d_key",
            "service": "swarms",
            "base_url": "https://analytics.example",
            "identity": "key:default",
            "credential": "present",
            "last_error": None,
        }
    ]
    assert command(fake, "credential", "list", "segops") == 0
    assert "No destination" in capsys.readouterr().err


def test_a_services_key_is_named_by_its_place_and_name(
    fake: FakeDaemon, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = {"destination": "d_key", "base_url": "https://a.example", "forgotten": True}
    fake.answers["POST /v1/credentials"] = fake.answers["POST /v1/credentials/remove"] = (200, answer)
    monkeypatch.setattr("sys.stdin", io.StringIO("canary-secret\n" * 2))
    named = ("--base-url", "https://a.example", "--identity", "second")
    assert command(fake, "credential", "set", "swarms") == 0
    assert command(fake, "credential", "set", "swarms", *named) == 0
    assert command(fake, "credential", "remove", "swarms", *named) == 0
    assert command(fake, "credential", "remove", "d_key") == 0
    where = {"service": "swarms", "base_url": "https://a.example", "identity": "second"}
    assert [body for _, path, body in fake.requests if path.startswith("/v1/credentials")] == [
        {"service": "swarms", "identity": "default", "secret": "canary-secret"},
        where | {"secret": "canary-secret"},
        where,
        {"destination": "d_key", "identity": "default"},
    ]
    assert "canary" not in "".join(capsys.readouterr())


def test_who_loses_a_credential_and_keeps_events_is_told(
    fake: FakeDaemon, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = {"destination": "d_key", "base_url": "https://a.example", "forgotten": False}
    fake.answers["POST /v1/credentials/remove"] = (200, answer)
    assert command(fake, "credential", "remove", "d_key") == 0
    told = capsys.readouterr()
    assert "d_key (https://a.example)" in told.out
    assert "they wait for a new credential" in told.err


@pytest.mark.parametrize(
    "words",
    [
        ["set", "d_key", "--base-url", "https://a.example"],
        ["remove", "d_key", "--identity", "second"],
        ["remove", "swarms", "--identity", "x" * 129],
        ["set", "swarms", "--identity", ""],
        ["remove"],
    ],
)
def test_a_destination_is_named_in_one_way(fake: FakeDaemon, words: list[str]) -> None:
    assert command(fake, "credential", *words) == 2
    assert not [path for _, path, _ in fake.requests if path.startswith("/v1/credentials")]


def test_config_lists_settings(fake: FakeDaemon, capsys: pytest.CaptureFixture[str]) -> None:
    value = {"value": "durable", "source": "default", "where": "built in"}
    fake.answers["GET /v1/config"] = (200, {"settings": {"durability": value}})
    assert command(fake, "config") == 0
    assert capsys.readouterr().out == 'durability  "durable"  (default)\n'


def test_version_names_a_daemon_of_another_version(
    fake: FakeDaemon, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.answers["GET /v1/version"] = (200, {"version": "9.9.9", "protocol": 1, "pid": 4242})
    assert command(fake, "version") == 0
    assert "running daemon: 9.9.9 (protocol 1), pid 4242" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("status", "code"), [(400, 2), (401, 1), (409, 1), (422, 2), (500, 70), (503, 70), (504, 1)], ids=str
)
def test_a_problem_is_told_with_its_remedy_and_mapped_to_an_exit_code(
    fake: FakeDaemon, status: int, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.answers["POST /v1/pause"] = (status, {"code": "x", "message": "no \x1b[2J", "hint": "do this"})
    assert command(fake, "pause") == code
    assert capsys.readouterr().err == "swarm-analyticsd: no \\x1b[2J\n  do this\n"


def test_an_answer_of_another_version_is_70_without_a_traceback(
    fake: FakeDaemon, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.answers["POST /v1/stop"] = (200, {"farewell": True})
    assert command(fake, "stop") == 70
    assert "Traceback" not in capsys.readouterr().err
