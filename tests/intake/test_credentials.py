"""Credentials over the API of a real daemon: they go in and are never shown, for each kind of destination."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from swarm_analytics_models.identifiers import (
    Destination,
    IdentityKind,
    fingerprint,
    key_destination,
    session_destination,
)
from tests.intake.test_api import Service
from tests.support.homes import short_directory
from tests.support.processes import Processes

ELSEWHERE = "https://elsewhere.example"


@pytest.fixture(scope="module")
def surroundings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("config")


@pytest.fixture(scope="module")
def service(surroundings: Path) -> Iterator[Service]:
    processes = Processes()
    with short_directory() as directory:
        sandbox = processes.sandbox()
        daemon = processes.daemon(
            directory / "home",
            services={"openswarm": sandbox.base_url, "swarms": sandbox.base_url},
            environment={
                "SWARMS_API_KEY": "canary-from-the-environment",
                "XDG_CONFIG_HOME": str(surroundings),
            },
        )
        yield Service(daemon, sandbox)
        processes.release()


def refusal(answer: tuple[int, Any]) -> tuple[int, str]:
    status, content = answer
    assert set(content) == {"code", "message", "hint", "detail"}
    assert content["hint"]
    return status, content["code"]


def listed(service: Service, name: str) -> dict[str, Any]:
    found = service.ask("GET", "/v1/status")[1]["services"][name]["destinations"]
    return {each["ref"]: each for each in found}


def test_a_key_that_an_app_brings_is_known_by_its_fingerprint(service: Service) -> None:
    answer = service.post(
        "/v1/register",
        service="segops",
        base_url=ELSEWHERE,
        kind="key",
        identity=fingerprint("sk_canary-1"),
        adopt="sk_canary-1",
    )
    wanted = key_destination("segops", ELSEWHERE, "sk_canary-1")
    assert (answer["destination"], answer["base_url"], answer["credential"]) == (
        wanted.ref,
        ELSEWHERE,
        "present",
    )
    assert "canary" not in json.dumps(answer)
    again = service.post(
        "/v1/register", service="segops", base_url=ELSEWHERE, kind="key", identity=wanted.identity
    )
    assert again == answer, "it needs to be told once"


def test_where_a_service_is_may_be_left_to_its_contract(service: Service) -> None:
    answer = service.post("/v1/register", service="syvain", kind="key", identity=fingerprint("k"), adopt="k")
    assert answer["base_url"] == "https://metrics.syvain.com"
    configured = service.post(
        "/v1/register", service="swarms", kind="key", identity=fingerprint("k"), adopt="k"
    )
    assert configured["base_url"] == service.sandbox.base_url


def test_a_sessions_identity_is_bound_to_its_user(service: Service) -> None:
    wanted = session_destination("segops", ELSEWHERE, "pk_1", "u-1", None)
    body = {"service": "segops", "base_url": ELSEWHERE, "kind": "session", "identity": wanted.identity}
    user = {"key": "pk_1", "user_id": "u-1", "user_id_sig": "0a" * 32, "user_id_ts": int(time.time())}
    answer = service.post("/v1/register", **body, adopt=json.dumps(user))
    assert (answer["destination"], answer["credential"]) == (wanted.ref, "present")
    for other in (user | {"user_id": "u-2"}, user | {"key": "pk_2"}):
        asked = body | {"adopt": json.dumps(other)}
        assert refusal(service.ask("POST", "/v1/register", asked)) == (422, "unusable_secret")
    status, content = service.ask("POST", "/v1/register", body | {"adopt": "canary-no-json"})
    assert (status, "canary" in json.dumps(content)) == (422, False)


def test_a_variable_of_the_daemons_is_the_key_called_default(service: Service) -> None:
    answer = service.post("/v1/register", service="swarms", kind="key", identity="default")
    assert answer["credential"] == "present"
    asked = {"service": "swarms", "secret": "canary-2"}
    assert refusal(service.ask("POST", "/v1/credentials", asked)) == (409, "kept_elsewhere")
    assert refusal(service.ask("POST", "/v1/credentials/remove", {"service": "swarms"})) == (
        409,
        "kept_elsewhere",
    )
    elsewhere = service.post(
        "/v1/register", service="swarms", base_url=ELSEWHERE, kind="key", identity="default"
    )
    assert elsewhere["credential"] == "absent", "S8: it goes to the service's own place alone"


def test_another_programs_file_is_a_key_of_its_name(service: Service, surroundings: Path) -> None:
    absent = service.post("/v1/register", service="syvain", kind="key", identity="local")
    assert absent["credential"] == "absent"
    [known] = [each for each in listed(service, "syvain").values() if each["identity"] == "key:local"]
    assert "auth.json" in known["last_error"]
    file = surroundings / "syvain-metrics" / "auth.json"
    file.parent.mkdir()
    file.write_text(json.dumps({"apiKey": "canary-file", "host": service.sandbox.base_url}))
    present = service.post("/v1/register", service="syvain", kind="key", identity="local")
    assert (present["base_url"], present["credential"]) == (service.sandbox.base_url, "present")


def test_a_persons_key_is_set_used_and_removed(service: Service) -> None:
    answer = service.post("/v1/credentials", service="openspawn", base_url=ELSEWHERE, secret="osp_canary-3")
    wanted = Destination("openspawn", ELSEWHERE, IdentityKind.KEY, "default")
    assert answer == {"destination": wanted.ref, "base_url": ELSEWHERE}
    known = service.post(
        "/v1/register", service="openspawn", base_url=ELSEWHERE, kind="key", identity="default"
    )
    assert known["credential"] == "present"
    removed = service.post("/v1/credentials/remove", service="openspawn", base_url=ELSEWHERE)
    assert removed == answer | {"forgotten": True}
    assert wanted.ref not in listed(service, "openspawn")
    assert refusal(service.ask("POST", "/v1/credentials", {"destination": "d_none", "secret": "s"})) == (
        404,
        "unknown_destination",
    )
    back = service.post(
        "/v1/register", service="openspawn", base_url=ELSEWHERE, kind="key", identity="default"
    )
    assert (back["destination"], back["credential"]) == (wanted.ref, "absent")
    assert wanted.ref in listed(service, "openspawn")


def test_who_waits_for_a_key_that_nobody_gave_is_told_at_once(service: Service) -> None:
    asked = {"service": "segops", "base_url": ELSEWHERE, "kind": "key", "identity": "nobody", "wait_s": 60}
    assert refusal(service.ask("POST", "/v1/register", asked)) == (409, "credential_absent")


def test_a_token_that_was_removed_is_minted_anew_when_it_is_needed(service: Service) -> None:
    wanted = service.destination("removed")
    service.register("removed")
    answer = service.post("/v1/credentials/remove", destination=wanted.ref)
    assert answer["forgotten"]
    minted = service.sandbox.ledger()["tokens_minted"]
    service.register("removed")
    assert service.sandbox.ledger()["tokens_minted"] == minted + 1, "no token was kept, so one is minted"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"secret": "s"}, (404, "unknown_service")),
        ({"service": "nosuch", "secret": "s"}, (404, "unknown_service")),
        ({"service": "openswarm", "secret": "s"}, (422, "no_key")),
        ({"service": "segops", "base_url": "ftp://x", "secret": "s"}, (422, "base_url")),
        ({"service": "segops", "base_url": ELSEWHERE, "secret": ""}, (422, "unusable_secret")),
        ({"service": "segops", "base_url": ELSEWHERE, "secret": "a\nb"}, (422, "unusable_secret")),
        ({"service": "segops", "base_url": ELSEWHERE, "secret": "s", "url": "x"}, (422, "invalid")),
    ],
)
def test_what_cannot_be_set_is_refused_with_a_reason(
    service: Service, body: dict[str, Any], expected: tuple[int, str]
) -> None:
    assert refusal(service.ask("POST", "/v1/credentials", body)) == expected


def test_what_cannot_be_removed_is_refused_with_a_reason(service: Service) -> None:
    for body in ({}, {"service": "segops", "destination": "d_1"}):
        assert refusal(service.ask("POST", "/v1/credentials/remove", body)) == (422, "choice")
    unknown = {"service": "segops", "base_url": "https://nobody.example"}
    assert refusal(service.ask("POST", "/v1/credentials/remove", unknown)) == (404, "unknown_destination")


def test_no_answer_and_no_file_but_the_vault_shows_a_secret(service: Service) -> None:
    """S7 and S11: after all of the above."""
    for path in ("/v1/status", "/v1/config", "/v1/events"):
        assert "canary" not in json.dumps(service.ask("GET", path)[1])
    home = service.daemon.home
    holding = [
        str(path.relative_to(home))
        for path in sorted(home.rglob("*"))
        if path.is_file() and b"canary" in path.read_bytes()
    ]
    assert holding == ["credentials.json"]
    kept = json.loads((home / "credentials.json").read_text())["secrets"]
    assert set(kept.values()) >= {"sk_canary-1"}
    assert not {"canary-from-the-environment", "canary-file", "osp_canary-3"} & set(kept.values())
