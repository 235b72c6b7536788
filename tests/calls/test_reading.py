"""What an attempt brought is read as the service means it, redacted, and checked before it is passed on."""

import json
from typing import Any

import pytest

from swarm_analytics_models.contract import Route
from swarm_analytics_models.handling import Acknowledgement, Verdict
from swarm_analytics_models.idempotency import NaturallyIdempotent
from swarm_analyticsd import policy
from swarm_analyticsd.calls.reading import Failure, Nature, Reader, Reading, Success
from swarm_analyticsd.calls.redaction import REDACTED
from swarm_analyticsd.delivery.answer import Answer, NoAnswer, NotSent, Obstacle, Reply
from tests.calls.support import LEAK, PAY, READ, WRITE, read_error, route

SECRET = "sk-canary-very-secret"


def read(answer: Answer, route: Route = READ, **more: Any) -> Reading:
    return Reader(route, read_error).read(answer, now=1_000.0, **more)


def reply(status: int, body: Any = None, *, raw: bytes | None = None, **headers: str) -> Reply:
    fields = {"content-type": "application/json"}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    content = raw if raw is not None else json.dumps(body).encode()
    return Reply(status, tuple(fields.items()), content)


def failure(answer: Answer, route: Route = READ, **more: Any) -> Failure:
    found = read(answer, route, **more)
    assert isinstance(found, Failure)
    return found


@pytest.mark.parametrize(
    ("status", "nature"),
    [
        (400, Nature.REJECTED),
        (401, Nature.CREDENTIAL),
        (402, Nature.REJECTED),
        (403, Nature.REJECTED),
        (404, Nature.REJECTED),
        (408, Nature.FAULT),
        (409, Nature.REJECTED),
        (410, Nature.REJECTED),
        (413, Nature.REJECTED),
        (421, Nature.REJECTED),
        (422, Nature.REJECTED),
        (423, Nature.REJECTED),
        (425, Nature.FAULT),
        (429, Nature.UNEXECUTED),
        (500, Nature.FAULT),
        (502, Nature.FAULT),
        (503, Nature.FAULT),
        (504, Nature.FAULT),
        (511, Nature.FAULT),
        (302, Nature.REJECTED),
        (100, Nature.FAULT),
    ],
)
def test_the_nature_of_each_status(status: int, nature: Nature) -> None:
    found = failure(reply(status, {"error": "why"}))
    assert (found.nature, found.status, found.http_status) == (nature, status, status)


def test_a_503_that_asks_for_a_pause_does_not_prove_that_nothing_was_done() -> None:
    found = failure(reply(503, {}, retry_after="9"))
    assert (found.nature, found.retry_after_s) == (Nature.FAULT, 9.0)


@pytest.mark.parametrize(
    ("verdict", "nature"),
    [
        (Verdict.EVENT, Nature.REJECTED),
        (Verdict.ROUTE, Nature.REJECTED),
        (Verdict.CREDENTIAL, Nature.CREDENTIAL),
        (Verdict.SERVICE, Nature.FAULT),
        (Verdict.UNEXECUTED, Nature.UNEXECUTED),
    ],
)
def test_the_contracts_verdict_comes_first(verdict: Verdict, nature: Nature) -> None:
    named = route("things.named", NaturallyIdempotent(), verdicts={418: verdict})
    assert failure(reply(418, {}), named).nature is nature


def test_an_error_wrapped_in_a_500_is_what_it_means() -> None:
    found = failure(reply(500, {"error": "no credits", "code": "broke", "means": 402}))
    assert (found.nature, found.status, found.http_status) == (Nature.REJECTED, 402, 500)
    assert (found.error, found.code) == ("no credits", "broke")
    assert found.body == {"error": "no credits", "code": "broke", "means": 402}
    assert failure(reply(500, {"means": 429}), PAY).nature is Nature.UNEXECUTED
    assert failure(reply(500, {"means": 200})).status == 500


def test_in_progress_is_a_status_and_a_code() -> None:
    assert failure(reply(409, {"code": "busy_with_it"}), WRITE).nature is Nature.IN_PROGRESS
    assert failure(reply(409, {"code": "taken"}), WRITE).nature is Nature.REJECTED


def test_a_status_that_refuses_the_credential_here_says_so() -> None:
    assert failure(reply(403, {}), refusals=frozenset({401, 403})).nature is Nature.CREDENTIAL


def test_silence_and_what_was_never_sent() -> None:
    assert failure(NoAnswer("x", timed_out=True)).nature is Nature.TIMED_OUT
    assert failure(NoAnswer("x")).nature is Nature.BROKEN_OFF
    for obstacle in Obstacle:
        in_time = obstacle is Obstacle.TIME_OUT
        expected = Nature.UNREACHED_IN_TIME if in_time else Nature.UNREACHED
        assert failure(NotSent(obstacle, "x")).nature is expected


def test_a_success_is_passed_through_byte_for_byte() -> None:
    body = b'{ "name" : "\\u00e9", "extra": 1.0 }'
    found = read(reply(201, raw=body, x_request_id="r-1"))
    assert found == Success(201, "r-1", body)


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"[]", b"nonsense", b'{"name": 1}', b'{"name":"n"', b"\xff"],
)
def test_a_success_that_is_not_what_was_agreed_is_malformed(body: bytes) -> None:
    found = failure(reply(200, raw=body))
    assert (found.nature, found.status) == (Nature.MALFORMED, 200)


def test_a_web_page_is_no_answer() -> None:
    page = Reply(200, (("content-type", "text/html"),), b"<html>Log in</html>")
    assert failure(page).nature is Nature.MALFORMED


def test_what_is_wrong_with_a_shape_is_told_without_what_is_in_it() -> None:
    found = failure(reply(200, {"name": {"token": SECRET}}), LEAK)
    assert "Things at things" in found.error
    assert SECRET not in found.error


def test_a_cut_answer_is_too_large() -> None:
    cut = Reply(200, (), b"x" * 10, cut=True)
    assert failure(cut).nature is Nature.TOO_LARGE


def test_an_answer_without_a_model_may_be_empty_or_any_json() -> None:
    loose = route(
        "things.loose",
        NaturallyIdempotent(),
        response=None,
        acknowledgement=Acknowledgement.ANY_API_ANSWER,
    )
    assert read(Reply(204), loose) == Success(204, None, b"null")
    assert read(reply(200, [1]), loose) == Success(200, None, b"[1]")
    assert failure(reply(200, raw=b"plainly not"), loose).nature is Nature.MALFORMED


def test_what_the_contract_calls_a_leak_is_replaced_wherever_it_stands() -> None:
    leaking = {
        "things": [{"api_key": SECRET, "n": 1}, {"deep": {"api_key": {"a": SECRET}}}, {"api_key": None}]
    }
    found = read(reply(200, leaking), LEAK)
    assert isinstance(found, Success)
    assert json.loads(found.body) == {
        "things": [{"api_key": REDACTED, "n": 1}, {"deep": {"api_key": REDACTED}}, {"api_key": None}]
    }


@pytest.mark.parametrize(
    "answer",
    [
        reply(500, {"api_key": SECRET, "error": "x"}),
        reply(200, {"api_key": SECRET}),
        reply(200, raw=f'{{"api_key": "{SECRET}"'.encode()),
        reply(500, raw=f"api_key={SECRET}".encode()),
    ],
)
def test_a_leak_is_replaced_in_errors_and_in_what_is_malformed(answer: Reply) -> None:
    found = failure(answer, LEAK)
    assert SECRET not in json.dumps(found.body)


@pytest.mark.parametrize("secret", [SECRET, 'quoted"\\secret'])
def test_the_credential_that_a_service_echoes_does_not_come_back(secret: str) -> None:
    found = read(reply(200, {"name": f"key {secret}"}), secrets=[secret])
    assert isinstance(found, Success)
    assert json.loads(found.body) == {"name": f"key {REDACTED}"}
    refused = failure(reply(401, {"error": f"bad key {secret}"}), secrets=[secret])
    assert refused.error == f"bad key {REDACTED}"
    assert secret not in json.dumps(refused.body)


@pytest.mark.parametrize("spelled", [r"sk-a\/b\u002bc9", r"sk-a/b\u002Bc9", r"\u0073k-a\u002fb+c9"])
def test_an_echo_is_recognised_however_json_spells_it(spelled: str) -> None:
    found = read(reply(200, raw=b'{"name":"key %b, \\u00e9"}' % spelled.encode()), secrets=["sk-a/b+c9"])
    assert isinstance(found, Success)
    assert json.loads(found.body) == {"name": f"key {REDACTED}, é"}


def test_a_short_credential_is_not_looked_for() -> None:
    found = read(reply(200, {"name": "banana"}), secrets=["an"])
    assert isinstance(found, Success)
    assert json.loads(found.body) == {"name": "banana"}


def test_errors_are_told_within_limits() -> None:
    found = failure(reply(500, {"error": "x" * 10_000, "code": "c" * 1_000}))
    assert (len(found.error), len(found.code or "")) == (
        policy.CALL_MESSAGE_CHARACTERS,
        policy.CALL_FIELD_CHARACTERS,
    )
    endless = failure(reply(500, {"error": "x" * policy.CALL_ERROR_BYTES})).body
    assert isinstance(endless, str)
    assert len(endless) == policy.CALL_TEXT_CHARACTERS
    assert failure(reply(500, raw=b"")).body is None
