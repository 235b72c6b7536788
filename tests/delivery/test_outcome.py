"""Whose fault each answer is: every status, every kind of silence, every form of Retry-After."""

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarm_analytics_models.services.openswarm.contract import OPENSWARM
from swarm_analyticsd import policy
from swarm_analyticsd.delivery.answer import NoAnswer, NotSent, Obstacle, Reply
from swarm_analyticsd.delivery.outcome import (
    CredentialRefused,
    Delivered,
    EventFault,
    FlowControl,
    NotReached,
    Outcome,
    Portal,
    RouteShut,
    ServiceFault,
    classify,
)
from swarm_analyticsd.delivery.retry_after import retry_after_s
from tests.delivery.support import REGISTER, STRICT, TITLE

JSON = (("content-type", "application/json"),)
HTML = (("content-type", "text/html; charset=utf-8"),)

EXPECTED: dict[int, type[Outcome]] = (
    dict.fromkeys(range(100, 600), ServiceFault)
    | dict.fromkeys(range(200, 300), Delivered)
    | dict.fromkeys(range(300, 400), Portal)
    | dict.fromkeys((400, 413, 422), EventFault)
    | {401: CredentialRefused}
    | dict.fromkeys((403, 404, 405, 407, 410, 426, 451), RouteShut)
    | {429: FlowControl, 511: Portal}
)


def outcome(status: int, headers: tuple[tuple[str, str], ...] = JSON, body: bytes = b"{}") -> Outcome:
    return classify(Reply(status, headers, body), TITLE, now=0.0)


@pytest.mark.parametrize("status", range(100, 600))
def test_every_status_has_its_outcome(status: int) -> None:
    assert type(outcome(status)) is EXPECTED[status]


@pytest.mark.parametrize("status", [0, 99, 600, 999])
def test_what_is_no_status_is_the_services_trouble(status: int) -> None:
    assert isinstance(outcome(status), ServiceFault)


def test_the_contract_of_openswarm_overrides_nothing() -> None:
    assert all(not route.verdicts for route in OPENSWARM.routes)


@pytest.mark.parametrize("status", [200, 201, 202, 203, 206])
@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (HTML, b"<html>Log in to HotelNet</html>"),
        (HTML, b""),
        ((), b"\xef\xbb\xbf  \r\n<!DOCTYPE html><html>"),
        (JSON, b"<html>"),
        ((("content-type", "TEXT/HTML"),), b"ok"),
        ((("content-type", "image/png"),), b"\x89PNG"),
        ((("content-type", "text/javascript"),), b"location='x'"),
    ],
)
def test_a_web_page_delivers_nothing(status: int, headers: tuple[tuple[str, str], ...], body: bytes) -> None:
    assert isinstance(outcome(status, headers, body), Portal)


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (200, JSON, b""),
        (200, (), b""),
        (200, (("content-type", "text/plain"),), b"OK"),
        (204, HTML, b""),
        (200, JSON, b'{"html":"<html>"}'),
        (200, (("content-encoding", "gzip"), *JSON), b"\x1f\x8b" + bytes(50)),
    ],
)
def test_any_api_answer_delivers(status: int, headers: tuple[tuple[str, str], ...], body: bytes) -> None:
    assert outcome(status, headers, body) == Delivered(status)


@pytest.mark.parametrize("status", [400, 422])
def test_a_middlebox_that_says_400_in_html_kills_no_event(status: int) -> None:
    assert isinstance(outcome(status, HTML, b"<html>"), ServiceFault)


def test_too_large_is_the_events_fault_whoever_says_so() -> None:
    assert isinstance(outcome(413, HTML, b"<html>nginx"), EventFault)


@pytest.mark.parametrize(
    ("location", "told"),
    [
        ("https://new.example/path?token=canary", "HTTP 308 Permanent Redirect to https://new.example"),
        ("/elsewhere", "HTTP 308 Permanent Redirect"),
        ("https://user:canary@new.example/", "HTTP 308 Permanent Redirect"),
        ("\x1b[31mhttp://x", "HTTP 308 Permanent Redirect"),
    ],
)
def test_a_redirect_says_where_it_leads_and_no_more(location: str, told: str) -> None:
    assert outcome(308, (("location", location),)) == Portal(308, f"{told}, which is not followed")


def test_503_is_a_pause_only_where_it_names_a_time() -> None:
    assert outcome(503) == ServiceFault(503, "HTTP 503 Service Unavailable", ambiguous=True)
    paused = outcome(503, (("retry-after", "7"),))
    assert paused == FlowControl(503, "HTTP 503 Service Unavailable", 7.0)
    assert outcome(500, (("retry-after", "7"),)) == ServiceFault(
        500, "HTTP 500 Internal Server Error", ambiguous=True, retry_after_s=7.0
    )


@pytest.mark.parametrize("status", [408, 421, 425, 431])
def test_what_the_server_did_not_take_up_is_not_ambiguous(status: int) -> None:
    found = outcome(status)
    assert isinstance(found, ServiceFault)
    assert not found.ambiguous


def test_silence_after_sending_may_have_arrived_and_nothing_sent_has_not() -> None:
    assert classify(NoAnswer("reset"), TITLE, now=0.0) == ServiceFault(None, "reset", ambiguous=True)
    not_sent = classify(NotSent(Obstacle.NAME, "no such host"), TITLE, now=0.0)
    assert not_sent == NotReached(Obstacle.NAME, "no such host")


def test_an_acknowledgement_must_fit_where_the_contract_describes_one() -> None:
    assert classify(Reply(200, JSON, b'{"accepted":1}'), STRICT, now=0.0) == Delivered(200)
    for body, cut in ((b"", False), (b"[]", False), (b'{"accepted":"no"}', False), (b'{"accepted":1}', True)):
        found = classify(Reply(200, JSON, body, cut), STRICT, now=0.0)
        assert isinstance(found, ServiceFault), body
        assert found.ambiguous
    assert isinstance(classify(Reply(200, JSON, b'{"token":""}'), REGISTER, now=0.0), ServiceFault)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(402, CredentialRefused), (409, EventFault), (418, RouteShut), (400, ServiceFault), (403, RouteShut)],
)
def test_a_contracts_own_verdicts_come_first(status: int, kind: type[Outcome]) -> None:
    assert type(classify(Reply(status, JSON), STRICT, now=0.0)) is kind


@given(st.integers(100, 599), st.binary(max_size=64), st.booleans())
def test_no_outcome_repeats_what_the_service_sent_back(status: int, body: bytes, cut: bool) -> None:
    marked = b"canary-7f3a" + body
    found = classify(Reply(status, JSON, marked, cut), STRICT, now=0.0)
    assert "canary" not in repr(found)


def test_a_long_complaint_is_cut() -> None:
    found = classify(NoAnswer("x" * 5000), TITLE, now=0.0)
    assert isinstance(found, ServiceFault)
    assert len(found.error) == policy.ERROR_CHARACTERS


NOON = datetime(2026, 11, 6, 8, 49, 37, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        (" 120 ", 120.0),
        ("120.7", 120.0),
        ("-5", 0.0),
        ("+5", 5.0),
        ("0000000000000000000005", 5.0),
        ("9" * 400, policy.RETRY_AFTER_MOST_S),
        ("99999999999", policy.RETRY_AFTER_MOST_S),
        ("Fri, 06 Nov 2026 08:50:37 GMT", 60.0),
        ("Friday, 06-Nov-26 08:50:37 GMT", 60.0),
        ("Fri Nov  6 08:50:37 2026", 60.0),
        ("Fri, 06 Nov 1994 08:49:37 GMT", 0.0),
        ("Fri, 06 Nov 2099 08:49:37 GMT", policy.RETRY_AFTER_MOST_S),
        ("soon", None),
        ("", None),
        ("1e3", None),
        ("٣", None),
        ("\x00", None),
        (None, None),
    ],
)
def test_every_form_of_retry_after(value: str | None, seconds: float | None) -> None:
    assert retry_after_s(value, now=NOON.timestamp()) == seconds


def test_a_date_counts_from_the_services_clock_not_ours() -> None:
    wrong = NOON.timestamp() + 10 * 365 * 86_400
    wait = retry_after_s("Fri, 06 Nov 2026 08:50:37 GMT", date=format_datetime(NOON, usegmt=True), now=wrong)
    assert wait == 60.0


@given(st.text(max_size=40), st.text(max_size=40), st.floats(0, 4e9))
def test_no_header_breaks_the_reading(value: str, date: str, now: float) -> None:
    wait = retry_after_s(value, date=date, now=now)
    assert wait is None or 0.0 <= wait <= policy.RETRY_AFTER_MOST_S


@given(st.integers(-(10**30), 10**30))
def test_seconds_are_obeyed_and_clamped(seconds: int) -> None:
    wait = retry_after_s(str(seconds), now=0.0)
    assert wait == min(max(seconds, 0), policy.RETRY_AFTER_MOST_S)


@given(st.datetimes(datetime(1970, 1, 2), datetime(2068, 1, 1)), st.integers(-200_000, 200_000))  # noqa: DTZ001
def test_dates_in_all_three_forms_are_obeyed_and_clamped(at: datetime, ahead: int) -> None:
    at = at.replace(microsecond=0, tzinfo=UTC)
    now = at.timestamp() - ahead
    expected = min(max(ahead, 0), policy.RETRY_AFTER_MOST_S)
    for form in (
        format_datetime(at, usegmt=True),
        f"{at:%A}, {at:%d}-{at:%b}-{at:%y} {at:%H:%M:%S} GMT",
        f"{at:%a} {at:%b} {at.day:2d} {at:%H:%M:%S} {at.year:04d}",
    ):
        assert retry_after_s(form, now=now) == expected
