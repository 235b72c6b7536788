"""What the sandbox takes, refuses and counts, over real HTTP."""

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.processes import Processes, SandboxProcess
from tests.support.waiting import eventually

LOGS = "/public/logs"
MESSAGE = "/public/events/agent/message"


@pytest.fixture(scope="module")
def shared() -> Iterator[SandboxProcess]:
    """One process for the tests of this module; each starts from nothing."""
    started = Processes()
    yield started.sandbox()
    started.release()


@pytest.fixture
def service(shared: SandboxProcess) -> SandboxProcess:
    shared.reset()
    return shared


def post(service: SandboxProcess, path: str, body: Any, token: str | None, **headers: str) -> httpx.Response:
    if token is not None:
        headers["authorization"] = f"Bearer {token}"
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return service.http.post(
        service.base_url + path, content=content, headers={"content-type": "application/json"} | headers
    )


def log(submission_id: str, tag: str = "app") -> dict[str, Any]:
    return {"ts": 1.5, "submission_id": submission_id, "tag": tag}


def message(submission_id: str, seq: int, content: Any) -> dict[str, Any]:
    return {
        "ts": 1.5,
        "submission_id": submission_id,
        "agent_id": "a1",
        "seq": seq,
        "message": {"id": "m", "role": "user", "content": content},
    }


def counts(service: SandboxProcess) -> dict[str, int]:
    names = ("received", "unique", "duplicates", "conflicts", "bad")
    return {name: service.ledger()[name] for name in names}


def test_registering_answers_with_a_token_that_names_the_install(service: SandboxProcess) -> None:
    token = service.register("install-1")
    header, claims, _ = (part + "=" * (-len(part) % 4) for part in token.split("."))
    assert json.loads(base64.urlsafe_b64decode(header))["alg"] == "HS256"
    decoded = json.loads(base64.urlsafe_b64decode(claims))
    assert decoded["install_id"] == "install-1"
    assert decoded["exp"] > decoded["iat"]


def test_registering_again_answers_with_another_token_and_the_first_stays_valid(
    service: SandboxProcess,
) -> None:
    first, second = service.register("install-1"), service.register("install-1")
    assert first != second
    assert [post(service, LOGS, log(token), token).status_code for token in (first, second)] == [200, 200]


def test_an_event_is_taken_counted_and_shown(service: SandboxProcess) -> None:
    token = service.register("install-1")
    answer = post(service, LOGS, log("k1"), token)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    (event,) = service.good()
    assert event["body"] == log("k1")
    assert (event["number"], event["service"], event["route"]) == (1, "openswarm", "logs.write")
    assert (event["install_id"], event["key"]) == ("install-1", "k1")
    one = {"received": 1, "unique": 1, "duplicates": 0, "conflicts": 0, "bad": 0}
    ledger = service.ledger()
    assert counts(service) == one
    assert ledger["routes"] == {"openswarm": {"logs.write": one}}
    assert ledger["installs"] == {"openswarm": {"install-1": one}}


def test_the_same_submission_id_is_taken_once_per_install(service: SandboxProcess) -> None:
    first, second = service.register("install-1"), service.register("install-2")
    for token in (first, first, second):
        assert post(service, LOGS, log("k1"), token).status_code == 200
    assert counts(service) == {"received": 3, "unique": 2, "duplicates": 1, "conflicts": 0, "bad": 0}
    assert service.ledger()["installs"]["openswarm"]["install-1"]["duplicates"] == 1


def test_the_same_submission_id_with_another_body_is_a_conflict_and_the_first_stays(
    service: SandboxProcess,
) -> None:
    token = service.register("install-1")
    assert post(service, LOGS, log("k1", tag="first"), token).status_code == 200
    assert post(service, LOGS, log("k1", tag="second"), token).status_code == 409
    assert counts(service)["conflicts"] == 1
    assert [event["body"]["tag"] for event in service.good()] == ["first"]


def test_an_upsert_counts_when_it_changes_the_value_and_the_last_stands(service: SandboxProcess) -> None:
    token = service.register("install-1")
    for email in ("a@x.org", "a@x.org", "b@x.org"):
        answer = post(service, "/public/identify/link_email_to_install", {"email": email}, token)
        assert answer.status_code == 200
    assert counts(service) == {"received": 3, "unique": 2, "duplicates": 1, "conflicts": 0, "bad": 0}
    (standing,) = service.state()
    assert (standing["route"], standing["body"]) == ("identify.link_email", {"email": "b@x.org"})


def test_the_same_agent_and_seq_keeps_the_last_message(service: SandboxProcess) -> None:
    token = service.register("install-1")
    for key, seq, content in (("k1", 0, "old"), ("k2", 1, "other"), ("k3", 0, "new")):
        assert post(service, MESSAGE, message(key, seq, content), token).status_code == 200
    assert service.ledger()["unique"] == 3
    standing = {each["of"]["seq"]: each["body"]["message"]["content"] for each in service.state()}
    assert standing == {0: "new", 1: "other"}


@pytest.mark.parametrize("token", [None, "made-up", "a.b.c"])
def test_a_missing_or_unknown_token_is_401(service: SandboxProcess, token: str | None) -> None:
    answer = post(service, LOGS, log("k1"), token)
    assert answer.status_code == 401
    assert answer.json() == {"detail": "token unknown" if token else "token missing"}
    assert service.ledger()["unauthorized"] == 1
    assert counts(service)["received"] == 0


def test_a_revoked_token_is_401_and_others_stay(service: SandboxProcess) -> None:
    first, second = service.register("install-1"), service.register("install-2")
    assert service.revoke(install_id="install-1") >= 1
    assert post(service, LOGS, log("k1"), first).json() == {"detail": "token revoked"}
    assert post(service, LOGS, log("k1"), second).status_code == 200
    assert service.revoke(token=second) == 1
    assert post(service, LOGS, log("k2"), second).status_code == 401
    third = service.register("install-1")
    assert service.revoke() >= 1
    assert post(service, LOGS, log("k3"), third).status_code == 401


def test_a_token_expires(service: SandboxProcess) -> None:
    service.token_life(0.0)
    try:
        token = service.register("install-1")
    finally:
        service.token_life(3600.0)
    assert post(service, LOGS, log("k1"), token).json() == {"detail": "token expired"}


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"ts": 1.5, "tag": "app"}, ["body", "submission_id"]),
        ({"ts": "soon", "submission_id": "k", "tag": "app"}, ["body", "ts"]),
        (b'{"ts": 1.5, "submission_id": "k", "tag": "app", "data": NaN}', ["body", "data"]),
        (b'{"ts": 1.5, "submission_id":', ["body"]),
        (b"\xff\xfe", ["body"]),
        (b"", ["body"]),
    ],
)
def test_a_body_that_does_not_fit_is_422_and_shown_as_it_came(
    service: SandboxProcess, body: Any, place: list[str]
) -> None:
    token = service.register("install-1")
    answer = post(service, LOGS, body, token)
    assert answer.status_code == 422
    assert [each["loc"] for each in answer.json()["detail"]] == [place]
    (bad,) = service.bad()
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    assert bad["body"] == raw.decode("utf-8", "backslashreplace")
    assert bad["reason"] == answer.json()["detail"]
    assert (bad["route"], bad["install_id"]) == ("logs.write", "install-1")
    assert counts(service) == {"received": 1, "unique": 0, "duplicates": 0, "conflicts": 0, "bad": 1}


def test_a_bad_registration_is_422_and_mints_nothing(service: SandboxProcess) -> None:
    minted = service.ledger()["tokens_minted"]
    answer = post(service, "/public/identify/create_install_token", {"install_id": ""}, None)
    assert answer.status_code == 422
    assert service.ledger()["tokens_minted"] == minted


def test_another_content_type_is_422(service: SandboxProcess) -> None:
    token = service.register("install-1")
    answer = post(service, LOGS, log("k1"), token, **{"content-type": "text/plain"})
    assert answer.status_code == 422
    assert "text/plain" in answer.json()["detail"]


def test_a_body_beyond_the_limit_is_413(service: SandboxProcess) -> None:
    token = service.register("install-1")
    answer = post(service, LOGS, b" " * (9 * 1024 * 1024), token)
    assert answer.status_code == 413
    assert counts(service)["bad"] == 1


def test_unknown_paths_and_methods_are_404_and_405(service: SandboxProcess) -> None:
    assert service.http.post(f"{service.base_url}/public/nothing").status_code == 404
    assert service.http.get(f"{service.base_url}{LOGS}").status_code == 405


def test_requests_are_shown_with_the_token_blotted_out(service: SandboxProcess) -> None:
    token = service.register("install-1")
    post(service, LOGS, log("k1"), token)
    post(service, LOGS, log("k2"), None)
    shown = service.requests()
    assert [(each["method"], each["path"], each["answered"]) for each in shown] == [
        ("POST", "/public/identify/create_install_token", "200"),
        ("POST", LOGS, "200"),
        ("POST", LOGS, "401"),
    ]
    assert shown[1]["headers"]["authorization"].startswith("Bearer <secret ")
    assert token not in json.dumps(shown)
    assert json.loads(shown[1]["body"]) == log("k1")


def test_good_events_can_be_asked_for_by_route_install_and_place(service: SandboxProcess) -> None:
    token = service.register("install-1")
    for number in range(4):
        post(service, LOGS, log(f"k{number}"), token)
    post(service, MESSAGE, message("m0", 0, "x"), token)
    assert service.keys(route="events.agent.message") == ["m0"]
    assert service.keys(route="logs.write", after=2) == ["k2", "k3"]
    assert service.keys(limit=2) == ["k0", "k1"]
    assert service.keys(install_id="another") == []
    assert service.keys(service="another") == []


def test_reset_forgets_all_but_tokens(service: SandboxProcess) -> None:
    token = service.register("install-1")
    post(service, LOGS, log("k1"), token)
    service.fail(503)
    service.reset()
    assert counts(service)["received"] == 0
    assert (service.good(), service.bad(), service.requests(), service.struck()) == ([], [], [], [])
    assert post(service, LOGS, log("k1"), token).status_code == 200
    assert service.ledger()["unique"] == 1


def test_only_so_many_are_kept_and_all_are_counted(sandbox: Callable[..., SandboxProcess]) -> None:
    service = sandbox("--keep", "2")
    token = service.register("install-1")
    for key in ("k1", "k2", "k3", "k1"):
        post(service, LOGS, log(key), token)
    assert [(each["number"], each["key"]) for each in service.good()] == [(2, "k2"), (3, "k3")]
    assert len(service.requests()) == 2
    assert counts(service) == {"received": 4, "unique": 3, "duplicates": 1, "conflicts": 0, "bad": 0}


def test_the_ledger_file_survives_a_kill(sandbox: Callable[..., SandboxProcess], tmp_path: Path) -> None:
    file = tmp_path / "ledger.ndjson"
    first = sandbox("--ledger", str(file))
    token = first.register("install-1")
    for body in (log("k1"), log("k1"), json.dumps(log("k2"), indent=2).encode()):
        assert post(first, LOGS, body, token).status_code == 200
    post(first, "/public/preferences/opt_out", {"opted_out": False}, token)
    before, good = counts(first), first.good()
    first.kill()
    with file.open("ab") as torn:
        torn.write(b'{"service":"openswarm","rou')
    second = sandbox("--ledger", str(file))
    assert counts(second) == before == {"received": 4, "unique": 3, "duplicates": 1, "conflicts": 0, "bad": 0}
    assert second.good() == good
    token = second.register("install-1")
    post(second, LOGS, log("k2"), token)
    assert counts(second)["conflicts"] == 1
    assert [json.loads(line)["key"] for line in file.read_text().splitlines()] == [
        "k1",
        "k1",
        "k2",
        None,
        "k2",
    ]
    second.reset()
    assert file.read_bytes() == b""


def test_it_stops_at_once_though_a_client_hangs_in_it(sandbox: Callable[..., SandboxProcess]) -> None:
    service = sandbox()
    service.script({"action": {"kind": "hang"}})
    with httpx.Client(trust_env=False) as client:
        with pytest.raises(httpx.ReadTimeout):
            client.post(f"{service.base_url}{LOGS}", content=b"{}", timeout=0.1)
        eventually(lambda: service.requests(), what="the hanging request in the log")
        assert service.stop() == 0
