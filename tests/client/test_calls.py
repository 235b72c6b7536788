"""Calls through the daemon, from threads and from asyncio alike: what is sent, and what comes of it."""

import json
import logging
import pickle
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from swarm_analytics import errors, launch, policy
from swarm_analytics.calls import CallFailed, combined
from swarm_analytics.calls.failure import Fail, default_failure
from swarm_analytics_models.calls import CallSettings, CallTrouble
from swarm_analytics_models.home import Home
from tests.client.call_daemon import DESTINATION, Asked, call_daemon, envelope
from tests.client.calling import (
    BILLED,
    REPEATABLE,
    SECRET,
    Awaiting,
    Blocking,
    Calling,
    Receipt,
    target,
)

MakeCalling = Callable[..., Calling]


@pytest.fixture(params=[Blocking, Awaiting], ids=["blocking", "awaited"])
def calling(request: pytest.FixtureRequest, home: Path) -> MakeCalling:
    def make(fail: Fail = default_failure, **rest: Any) -> Calling:
        made: Calling = request.param(target(home, **rest), fail)
        return made

    return make


@pytest.fixture(params=[False, True], ids=["unix", "loopback"])
def loopback(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def done(asked: Asked) -> None:
    asked.reply(200, envelope({"number": 7}))


def problem(code: str, detail: Any = None) -> dict[str, Any]:
    return {"code": code, "message": f"It is {code}.", "hint": "Do so.", "detail": detail}


def failure(trouble: CallTrouble, **facts: Any) -> dict[str, Any]:
    return problem(trouble, {"trouble": trouble, "service": "toy", "operation": "orders.create", **facts})


def test_a_call_registers_once_sends_its_arguments_and_returns_a_model(
    calling: MakeCalling, home: Path, loopback: bool
) -> None:
    settings = CallSettings(timeout_s=9, cache=False)
    with call_daemon(home, done, loopback=loopback) as daemon:
        caller = calling(settings=settings, base_url="https://toy.example/v1")
        assert caller.call(BILLED, {"what": "tea"}, Receipt) == Receipt(number=7)
        assert caller.call(BILLED, {"what": "milk"}, Receipt) == Receipt(number=7)
    assert daemon.registrations() == [
        {
            "service": "toy",
            "base_url": "https://toy.example/v1",
            "kind": "key",
            "identity": "default",
            "adopt": SECRET,
        }
    ]
    first, second = daemon.calls()
    assert first.path == "/v1/call/toy/orders.create"
    assert first.headers["connection"] == "close"
    assert ("authorization" in first.headers) is loopback
    assert first.json.keys() == {"destination", "arguments", "key", "settings"}
    assert first.json["destination"] == DESTINATION
    assert first.json["arguments"] == {"what": "tea", "stream": False}
    assert first.json["settings"] == {"timeout_s": 9.0, "cache": False}
    assert uuid.UUID(first.json["key"]) != uuid.UUID(second.json["key"])


def test_bad_arguments_raise_before_any_io(calling: MakeCalling, home: Path) -> None:
    caller = calling()
    with pytest.raises(ValidationError):
        caller.call(BILLED, {"what": 3}, Receipt)
    with pytest.raises(ValidationError, match="send it in several calls"):
        caller.call(BILLED, {"what": "x" * 9_000_000}, Receipt)
    assert not home.exists()


def test_a_destination_that_the_daemon_has_lost_is_registered_anew(calling: MakeCalling, home: Path) -> None:
    lost = iter([problem("unknown_destination")])

    def script(asked: Asked) -> None:
        refusal = next(lost, None)
        asked.reply(404, refusal) if refusal else done(asked)

    with call_daemon(home, script) as daemon:
        assert calling().call(BILLED, {"what": "tea"}, Receipt).number == 7
    assert len(daemon.registrations()) == 2
    first, second = daemon.calls()
    assert first.json["key"] == second.json["key"]


def test_a_destination_that_stays_unknown_is_the_daemons_trouble(calling: MakeCalling, home: Path) -> None:
    with (
        call_daemon(home, lambda asked: asked.reply(404, problem("unknown_destination"))) as daemon,
        pytest.raises(errors.DaemonMissing) as caught,
    ):
        calling().call(BILLED, {"what": "tea"}, Receipt)
    assert len(daemon.calls()) == 2
    assert isinstance(caught.value, errors.DaemonError)
    assert isinstance(caught.value.__cause__, errors.DaemonRefused)
    assert (caught.value.service, caught.value.operation) == ("toy", "orders.create")


@pytest.mark.parametrize(("secret", "calls"), [(True, 2), (False, 1)])
def test_a_secret_that_the_daemon_has_lost_is_given_again_where_there_is_one(
    calling: MakeCalling, home: Path, secret: bool, calls: int
) -> None:
    def script(asked: Asked) -> None:
        asked.reply(424, failure(CallTrouble.CREDENTIAL_ABSENT))

    caller = calling() if secret else calling(secret=None)
    with call_daemon(home, script) as daemon, pytest.raises(errors.CredentialMissing):
        caller.call(BILLED, {"what": "tea"}, Receipt)
    assert len(daemon.calls()) == calls
    assert len(daemon.registrations()) == calls


KINDS = {
    CallTrouble.REJECTED: errors.CallError,
    CallTrouble.RATE_LIMITED: errors.ServiceBusy,
    CallTrouble.CREDENTIAL_ABSENT: errors.CredentialMissing,
    CallTrouble.CREDENTIAL_REFUSED: errors.CredentialRefused,
    CallTrouble.NOT_REACHED: errors.NotReached,
    CallTrouble.TIMED_OUT: errors.CallTimedOut,
    CallTrouble.BROKEN_OFF: errors.BrokenOff,
    CallTrouble.MAY_BE_EXECUTED: errors.MayBeExecuted,
    CallTrouble.MALFORMED: errors.MalformedAnswer,
    CallTrouble.TOO_LARGE: errors.MalformedAnswer,
    CallTrouble.BREAKER_OPEN: errors.BreakerOpen,
    CallTrouble.BUSY: errors.ServiceBusy,
    CallTrouble.PAUSED: errors.ServicePaused,
}


@pytest.mark.parametrize("trouble", list(CallTrouble))
def test_each_trouble_is_an_error_of_its_own_that_says_what_the_service_said(
    calling: MakeCalling, home: Path, trouble: CallTrouble
) -> None:
    told = failure(
        trouble,
        status=402,
        http_status=500,
        code="no_credit",
        request_id="req-1",
        body={"detail": "402: pay"},
        retry_after_s=2.5,
        attempts=3,
    )
    with (
        call_daemon(home, lambda asked: asked.reply(502, told)) as daemon,
        pytest.raises(errors.CallError) as caught,
    ):
        calling(secret=None).call(BILLED, {"what": "tea"}, Receipt)
    error = caught.value
    assert type(error) is KINDS[trouble]
    assert (error.status, error.code, error.request_id) == (402, "no_credit", "req-1")
    assert (error.body, error.retry_after_s, error.attempts) == ({"detail": "402: pay"}, 2.5, 3)
    assert (error.service, error.operation, error.hint) == ("toy", "orders.create", "Do so.")
    assert str(error) == f"It is {trouble}. Do so."
    assert len(daemon.calls()) == 1


def test_a_services_client_makes_its_own_error_of_it(calling: MakeCalling, home: Path) -> None:
    class ToyError(errors.CallError):
        """The toy's own."""

    seen: list[CallFailed] = []

    def fail(failed: CallFailed) -> Exception:
        seen.append(failed)
        return combined(ToyError, failed)(failed.message, failed.hint, **failed.facts)

    told = failure(CallTrouble.BREAKER_OPEN, status=500)
    with call_daemon(home, lambda asked: asked.reply(503, told)), pytest.raises(ToyError) as caught:
        calling(fail).call(BILLED, {"what": "tea"}, Receipt)
    assert isinstance(caught.value, errors.BreakerOpen)
    assert type(caught.value).__name__ == "ToyError"
    assert (seen[0].trouble, seen[0].status) == (CallTrouble.BREAKER_OPEN, 500)


def hang_up(asked: Asked) -> None:
    asked.hang_up()


def stopping(asked: Asked) -> None:
    asked.reply(503, problem("stopping"))


@pytest.mark.parametrize("break_off", [hang_up, stopping])
def test_what_may_be_repeated_is_sent_again_under_the_same_key_when_the_daemon_breaks_off(
    calling: MakeCalling, home: Path, break_off: Callable[[Asked], None]
) -> None:
    scripts = iter([break_off, done])
    with call_daemon(home, lambda asked: next(scripts)(asked)) as daemon:
        assert calling().call(REPEATABLE, {"what": "tea"}, Receipt).number == 7
    first, second = daemon.calls()
    assert first.json == second.json


@pytest.mark.parametrize("break_off", [hang_up, stopping])
def test_what_may_not_be_repeated_is_sent_once_and_may_be_executed(
    calling: MakeCalling, home: Path, break_off: Callable[[Asked], None]
) -> None:
    with call_daemon(home, break_off) as daemon, pytest.raises(errors.MayBeExecuted, match="look before you"):
        calling().call(BILLED, {"what": "tea"}, Receipt)
    assert len(daemon.calls()) == 1


def test_a_daemon_that_breaks_off_again_is_told_as_broken_off(calling: MakeCalling, home: Path) -> None:
    with call_daemon(home, hang_up) as daemon, pytest.raises(errors.BrokenOff):
        calling().call(REPEATABLE, {"what": "tea"}, Receipt)
    assert len(daemon.calls()) == 2


@pytest.mark.parametrize(("route", "kind"), [(BILLED, errors.MayBeExecuted), (REPEATABLE, errors.BrokenOff)])
def test_an_answer_that_breaks_in_the_middle_is_not_asked_for_again(
    calling: MakeCalling, home: Path, route: Any, kind: type[errors.CallError]
) -> None:
    def script(asked: Asked) -> None:
        asked.begin(200, "application/json", "content-length: 99")
        asked.send(b'{"status":')
        asked.hang_up()

    with call_daemon(home, script) as daemon, pytest.raises(kind):
        calling().call(route, {"what": "tea"}, Receipt)
    assert len(daemon.calls()) == 1


@pytest.mark.parametrize(
    ("route", "kind"), [(BILLED, errors.MayBeExecuted), (REPEATABLE, errors.CallTimedOut)]
)
def test_when_the_time_is_up_the_connection_is_closed(
    calling: MakeCalling,
    home: Path,
    route: Any,
    kind: type[errors.CallError],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(policy, "CALL_MARGIN_S", 0.0)
    with call_daemon(home, Asked.await_leaving) as daemon:
        with pytest.raises(kind, match="the time was up"):
            calling(settings=CallSettings(deadline_s=0.2)).call(route, {"what": "tea"}, Receipt)
        assert daemon.calls()[0].gone.wait(10)


def test_a_success_of_another_shape_is_malformed_and_its_text_shows_no_values(
    calling: MakeCalling, home: Path
) -> None:
    told = envelope({"number": "s3cret"}, status=201, request_id="req-2")
    with (
        call_daemon(home, lambda asked: asked.reply(200, told)),
        pytest.raises(errors.MalformedAnswer, match="number: Input should be a valid integer") as caught,
    ):
        calling().call(BILLED, {"what": "tea"}, Receipt)
    assert (caught.value.status, caught.value.request_id) == (201, "req-2")
    assert caught.value.body == {"number": "s3cret"}
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("answer", [b"", b"<html>", b"[]", b'{"attempts": "many"}'])
def test_an_answer_that_is_no_daemons_is_malformed(calling: MakeCalling, home: Path, answer: bytes) -> None:
    with call_daemon(home, lambda asked: asked.reply(200, answer)), pytest.raises(errors.MalformedAnswer):
        calling().call(BILLED, {"what": "tea"}, Receipt)


def test_what_is_no_http_is_broken_off(calling: MakeCalling, home: Path) -> None:
    with (
        call_daemon(home, lambda asked: asked.send(b"220 mail.example ESMTP\r\n\r\n")),
        pytest.raises(errors.MayBeExecuted, match="no HTTP"),
    ):
        calling().call(BILLED, {"what": "tea"}, Receipt)


def test_an_answer_without_end_is_given_up(
    calling: MakeCalling, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("swarm_analytics.calls.desk.MAX_CALL_ANSWER_BYTES", 1000)
    monkeypatch.setattr(policy, "MAX_ENVELOPE_BYTES", 0)
    with (
        call_daemon(home, lambda asked: asked.reply(200, b" " * 2000)),
        pytest.raises(errors.MayBeExecuted, match="longer than 1000 bytes"),
    ):
        calling().call(BILLED, {"what": "tea"}, Receipt)


def test_without_a_daemon_that_may_be_started_nothing_is_sent(calling: MakeCalling, home: Path) -> None:
    with pytest.raises(errors.DaemonMissing, match="no daemon runs") as caught:
        calling().call(BILLED, {"what": "tea"}, Receipt)
    assert isinstance(caught.value.__cause__, errors.DaemonUnavailable)


def test_a_daemon_is_started_where_none_runs_and_the_call_goes_on(
    calling: MakeCalling, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[Path] = []

    def ensure(chosen: Home) -> None:
        started.append(chosen.root)
        daemons.append(context.__enter__())

    context, daemons = call_daemon(home, done), []  # type: ignore[var-annotated]
    monkeypatch.setattr(launch, "autostart_allowed", lambda chosen: chosen.root == home)
    monkeypatch.setattr(launch, "ensure_daemon", ensure)
    assert calling().call(BILLED, {"what": "tea"}, Receipt).number == 7
    assert started == [home]
    context.__exit__(None, None, None)


def test_an_older_daemon_is_replaced_first(
    calling: MakeCalling, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with call_daemon(home, done, version="0.0.1") as older:

        def replace(chosen: Home) -> None:
            found = json.loads(chosen.address.read_text())
            chosen.address.write_text(json.dumps(found | {"version": "0.1.0"}))

        monkeypatch.setattr(launch, "autostart_allowed", lambda chosen: chosen.root == home)
        monkeypatch.setattr(launch, "ensure_daemon", replace)
        assert calling().call(BILLED, {"what": "tea"}, Receipt).number == 7
        assert len(older.calls()) == 1


def test_an_older_daemon_is_used_where_none_may_be_started(calling: MakeCalling, home: Path) -> None:
    with call_daemon(home, done, version="0.0.1"):
        assert calling().call(BILLED, {"what": "tea"}, Receipt).number == 7


def test_a_registration_that_is_refused_is_the_daemons_word(
    calling: MakeCalling, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reply(self: Asked, status: int, body: Any) -> None:
        original(self, 422, problem("base_url"))

    original = Asked.reply
    monkeypatch.setattr(Asked, "reply", reply)
    with call_daemon(home, done) as daemon, pytest.raises(errors.DaemonMissing, match="It is base_url"):
        calling().call(BILLED, {"what": "tea"}, Receipt)
    assert daemon.calls() == []


def test_the_cache_is_cleared_for_this_target_and_these_settings(calling: MakeCalling, home: Path) -> None:
    with call_daemon(home, lambda asked: asked.reply(200, b"null")) as daemon:
        calling(settings=CallSettings(pool_size=3)).clear_cache()
    (asked,) = daemon.calls()
    assert asked.path == "/v1/call-cache/clear"
    assert asked.json == {"destination": DESTINATION, "settings": {"pool_size": 3}}


def test_secrets_and_bodies_are_in_no_log_and_no_repr(
    calling: MakeCalling, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with call_daemon(home, done):
        caller = calling()
        caller.call(BILLED, {"what": "b0dy_canary"}, Receipt)
    with pytest.raises(errors.DaemonMissing) as caught:
        caller.call(BILLED, {"what": "b0dy_canary"}, Receipt)
    told = caplog.text + repr(target(home)) + repr(caught.value) + str(caught.value)
    assert SECRET not in told
    assert "b0dy_canary" not in told


def test_a_request_that_is_turned_away_before_its_end_is_a_refusal(calling: MakeCalling, home: Path) -> None:
    with (
        call_daemon(home, lambda asked: asked.reply(413, problem("too_large")), most_read=1000) as daemon,
        pytest.raises(errors.DaemonMissing, match="It is too_large"),
    ):
        calling().call(BILLED, {"what": "x" * 4_000_000}, Receipt)
    assert len(daemon.calls()) == 1


def test_a_request_that_was_not_taken_whole_was_not_executed(calling: MakeCalling, home: Path) -> None:
    """Nothing may be started here, so that the next try finds no daemon either."""
    with call_daemon(home, hang_up, most_read=1000), pytest.raises(errors.DaemonMissing):
        calling().call(BILLED, {"what": "x" * 4_000_000}, Receipt)


def test_a_combined_error_survives_pickling(calling: MakeCalling, home: Path) -> None:
    def fail(failed: CallFailed) -> Exception:
        return combined(OwnError, failed)(failed.message, failed.hint, **failed.facts)

    with call_daemon(home, hang_up), pytest.raises(OwnError) as caught:
        calling(fail).call(BILLED, {"what": "tea"}, Receipt)
    again = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - what was written just now
    assert isinstance(again, OwnError)
    assert isinstance(again, errors.MayBeExecuted)
    assert (str(again), again.operation) == (str(caught.value), "orders.create")


class OwnError(errors.CallError):
    """A service's own."""
