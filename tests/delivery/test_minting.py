"""Asking a service for tokens: what is sent, and what each answer comes to."""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from pydantic import SecretStr

from swarm_analytics_models.api import SessionIdentity
from swarm_analytics_models.identifiers import Destination, IdentityKind
from swarm_analytics_models.services.openswarm.contract import OPENSWARM
from swarm_analyticsd.credentials.proof import Minted, MintResult, Unproven, Why
from swarm_analyticsd.credentials.schemes import registration_of
from swarm_analyticsd.delivery.answer import Answer, NoAnswer, NotSent, Obstacle, Reply
from swarm_analyticsd.delivery.bootstrap import Bootstrap
from swarm_analyticsd.delivery.minting import Minting
from swarm_analyticsd.delivery.request import Request
from tests.credentials.support import BASE, CONTRACT, KEY_DESTINATION, RESOURCE_KEY, SESSION, session_for
from tests.delivery.support import FakeClock

pytestmark = pytest.mark.anyio


@dataclass
class Double:
    """A transport that always answers the same."""

    answer: Answer
    sent: list[Request] = field(default_factory=list)

    async def send(self, request: Request) -> Answer:
        self.sent.append(request)
        return self.answer

    async def aclose(self) -> None:
        """Nothing is open."""


async def register(answer: Answer) -> tuple[MintResult, Double]:
    double, scheme = Double(answer), registration_of(OPENSWARM)
    assert scheme is not None
    destination = Destination("openswarm", "https://a.example/", IdentityKind.INSTALL, "i-1")
    return await Bootstrap(OPENSWARM, scheme, lambda: destination, double, FakeClock())(), double


async def test_registering_sends_the_install_id_and_no_credential() -> None:
    result, double = await register(Reply(200, (), b'{"token": "t", "install_id": "i-1"}'))
    assert result == Minted(SecretStr("t"))
    [request] = double.sent
    assert request.url == "https://a.example/public/identify/create_install_token"
    assert request.body == b'{"install_id":"i-1"}'
    assert request.authentication == ()
    assert "'t'" not in repr(result)


@pytest.mark.parametrize(
    ("answer", "temporary"),
    [
        (Reply(401), False),
        (Reply(422), False),
        (Reply(404), False),
        (Reply(500), True),
        (Reply(429, (("retry-after", "9"),)), True),
        (Reply(200, (("content-type", "text/html"),), b"<html>"), True),
        (Reply(302), True),
        (Reply(200, (), b'{"token": ""}'), True),
        (Reply(200, (), b'{"tok": "x"}'), True),
        (Reply(200, (), b'"token"'), True),
        (NoAnswer("reset"), True),
        (NotSent(Obstacle.NAME, "no host"), True),
    ],
)
async def test_what_a_registration_can_come_to(answer: Answer, temporary: bool) -> None:
    result, _ = await register(answer)
    assert isinstance(result, Unproven)
    assert result.temporary is temporary


async def test_a_registration_that_is_put_off_knows_until_when() -> None:
    result, _ = await register(Reply(503, (("retry-after", "9"),)))
    error = "registration put off: HTTP 503 Service Unavailable"
    assert result == Unproven(Why.ASKED_TO_WAIT, error, 503, 9.0)


IDENTITY = SessionIdentity(
    key="pk_1", user_id="ü-1", anonymous_id=None, user_id_sig="0a" * 32, user_id_ts=1_700_000_000
)


def opened(expires_at: Any = "2026-01-01T00:00:00Z", token: Any = "t-1") -> Reply:  # noqa: S107
    return Reply(200, (), json.dumps({"token": token, "expires_at": expires_at, "uid": "u"}).encode())


async def open_session(answer: Answer) -> tuple[MintResult, Double]:
    double = Double(answer)
    minting = Minting(CONTRACT, lambda: session_for("ü-1"), double, FakeClock())
    return await minting(SESSION, "", SecretStr(IDENTITY.model_dump_json())), double


async def test_a_session_is_opened_with_the_key_and_what_is_set_of_its_user() -> None:
    result, double = await open_session(opened())
    assert result == Minted(SecretStr("t-1"), 1_767_225_600.0)
    [request] = double.sent
    assert (request.method, request.url) == ("POST", f"{BASE}/session")
    assert {key: value for key, value in json.loads(request.body).items() if value is not None} == {
        "user_id": "ü-1",
        "user_id_sig": "0a" * 32,
        "user_id_ts": 1_700_000_000,
    }
    [proof] = request.authentication
    assert (proof.name, proof.value) == ("Authorization", "ApiKey pk_1")
    assert "t-1" not in repr(result)


@pytest.mark.parametrize(
    "expires_at",
    [
        "2026-01-01T00:00:00Z",
        "2026-01-01T00:00:00.000000+00:00",
        "2026-01-01T01:00:00+01:00",
        "2026-01-01T00:00:00",
        "2026-01-01 00:00:00",
    ],
)
async def test_a_sessions_end_is_read_in_every_iso_form(expires_at: str) -> None:
    result, _ = await open_session(opened(expires_at))
    assert isinstance(result, Minted)
    assert result.expires_at == 1_767_225_600.0


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (opened("soon"), Why.TROUBLE),
        (opened(1_767_225_600), Why.TROUBLE),
        (opened(token=""), Why.TROUBLE),
        (Reply(200, (), b"{}"), Why.TROUBLE),
        (Reply(200, (("content-type", "text/html"),), b"<html>"), Why.UNREACHED),
        (Reply(302), Why.UNREACHED),
        (Reply(400), Why.REJECTED),
        (Reply(401), Why.REFUSED),
        (Reply(403), Why.SHUT),
        (Reply(404), Why.SHUT),
        (Reply(429), Why.ASKED_TO_WAIT),
        (Reply(500), Why.TROUBLE),
        (NoAnswer("reset"), Why.TROUBLE),
        (NotSent(Obstacle.NAME, "no host"), Why.UNREACHED),
    ],
)
async def test_what_opening_a_session_can_come_to(answer: Answer, why: Why) -> None:
    result, _ = await open_session(answer)
    assert isinstance(result, Unproven)
    assert result.why is why
    if isinstance(answer, Reply) and answer.status >= 400:
        assert result.status == answer.status


async def make_key(
    answer: Answer, resource: str = "b/1", name: str | None = None
) -> tuple[MintResult, Double]:
    double = Double(answer)
    minting = Minting(CONTRACT, lambda: KEY_DESTINATION, double, FakeClock(), lambda: name)
    return await minting(RESOURCE_KEY, resource, SecretStr("k1")), double


def made(expires_at_ms: Any = 1_767_225_600_500) -> Reply:
    key = {"token": "rk-1", "key": {"id": "x", "expires_at_ms": expires_at_ms}}
    return Reply(201, (), json.dumps({"error": None, "data": key}).encode())


async def test_a_resources_key_is_made_with_the_destinations_own() -> None:
    result, double = await make_key(made())
    assert result == Minted(SecretStr("rk-1"), 1_767_225_600.5)
    [request] = double.sent
    assert request.url == f"{BASE}/boxes/b%2F1/keys"
    assert json.loads(request.body) == {"name": "key"}
    assert [(proof.name, proof.value) for proof in request.authentication] == [("Authorization", "ApiKey k1")]


async def test_a_resources_key_gets_the_name_that_an_app_chose() -> None:
    _, double = await make_key(made(), name="mine")
    assert json.loads(double.sent[0].body) == {"name": "mine"}


@pytest.mark.parametrize("answer", [made("soon"), made(True), made(None), Reply(200, (), b'{"data":{}}')])
async def test_a_key_without_token_or_end_is_none(answer: Answer) -> None:
    result, _ = await make_key(answer)
    assert isinstance(result, Unproven)
    assert result.why is Why.TROUBLE


@pytest.mark.parametrize("resource", [".", ".."])
async def test_a_resource_that_no_path_can_name_is_at_fault_itself(resource: str) -> None:
    result, double = await make_key(made(), resource)
    assert isinstance(result, Unproven)
    assert (result.why, double.sent) == (Why.REJECTED, [])
