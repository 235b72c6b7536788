"""Every refusal says what and where, and harms none of its neighbours."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarm_analytics_models.handoff import MAX_LINE_BYTES, Refusal, RefusalCode
from swarm_analytics_models.identifiers import uuid7
from swarm_analytics_models.services import contracts
from swarm_analytics_models.values import MAX_BODY_BYTES, MAX_DEPTH
from swarm_analyticsd import policy
from swarm_analyticsd.intake.admission import Screened, refuse_overlong, refuse_torn, screen
from swarm_analyticsd.intake.routes import RouteBook
from swarm_analyticsd.outbox.rows import NewEvent
from tests.intake.lines import DECLARATION, DESTINATION, event, log_entry, raw

BOOK = RouteBook(contracts())
KEY = "0198c0de-0000-7000-8000-000000000001"


def screened(data: bytes, at: int = 0) -> Screened:
    return screen(data, at=at, journal="j", book=BOOK, now=42.0, mint=lambda: KEY)


def refusal(line: bytes) -> Refusal:
    """The refusal of a line that stands between two good ones, which pass."""
    before, after = event(1), event(2)
    found = screened(before + line + after)
    assert [each.offset for each in found.admission.events] == [0, len(before) + len(line)]
    assert found.admission.refused == 1
    (refused,) = found.refusals
    assert refused.offset == len(before)
    assert refused.message
    assert refused.hint
    return refused


def only_event(line: bytes) -> NewEvent:
    found = screened(line)
    assert found.refusals == ()
    (accepted,) = found.admission.events
    return accepted


def log_line(data: str) -> bytes:
    """A log entry whose data is the JSON text given."""
    head = '{"service":"openswarm","route":"logs.write","body":{"ts":1,"tag":"t","data":'
    return head.encode() + data.encode("utf-8", "surrogatepass") + b"}}\n"


@pytest.mark.parametrize(
    "line",
    [b"garbage\n", b"{\n", b"[1]\n", b'"text"\n', b"17\n", b"\xff\xfe\n", b"null\n", b'{"a":1}{"b":2}\n'],
)
def test_what_is_not_one_json_object_is_garbled(line: bytes) -> None:
    assert refusal(line).code is RefusalCode.GARBLED


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_numbers_that_json_has_not_are_garbled(number: str) -> None:
    assert refusal(log_line(number)).code is RefusalCode.GARBLED


def test_a_number_too_large_for_a_float_is_refused() -> None:
    refused = refusal(log_line('{"a":[1e999]}'))
    assert refused.code is RefusalCode.INVALID
    assert "inf" in refused.message


def test_a_lone_surrogate_is_garbled() -> None:
    assert refusal(log_line(r'"\ud800"')).code is RefusalCode.GARBLED


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 10**400])
def test_integers_beyond_64_bits_are_refused(number: int) -> None:
    for line in (log_line(f'{{"a":{number}}}'), event(number)):
        assert refusal(line).code is RefusalCode.INVALID


def test_nesting_too_deep_is_refused_and_the_deepest_allowed_is_not() -> None:
    assert only_event(log_line("[" * MAX_DEPTH + "]" * MAX_DEPTH)).route == "logs.write"
    refused = refusal(log_line("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1)))
    assert refused.code is RefusalCode.INVALID
    assert "data" in refused.message


def test_hostile_nesting_does_not_exhaust_the_stack() -> None:
    assert refusal(log_line("[" * 100_000)).code is RefusalCode.GARBLED


def test_a_body_too_large_is_refused_and_says_the_limit() -> None:
    refused = refusal(event(content="x" * MAX_BODY_BYTES))
    assert refused.code is RefusalCode.TOO_LARGE
    assert f"{MAX_BODY_BYTES:,}" in refused.hint


def test_a_line_too_long_is_refused_unread() -> None:
    assert refusal(b"x" * MAX_LINE_BYTES + b"\n").code is RefusalCode.TOO_LARGE


def test_an_unknown_type_is_refused() -> None:
    assert refusal(raw(type="query", service="openswarm")).code is RefusalCode.UNKNOWN_TYPE


def test_a_hello_in_a_journal_is_not_taken_for_one() -> None:
    assert refusal(raw(type="hello", protocol=1)).code is RefusalCode.UNKNOWN_TYPE


def test_an_unknown_service_is_refused_and_the_known_are_named() -> None:
    refused = refusal(raw(service="nosuch", route="logs.write", body={}))
    assert refused.code is RefusalCode.UNKNOWN_SERVICE
    assert "openswarm" in refused.hint


@pytest.mark.parametrize("route", ["events.nosuch", "identify.register", ""])
def test_a_route_that_takes_no_events_is_refused(route: str) -> None:
    assert refusal(raw(service="openswarm", route=route, body={})).code is RefusalCode.UNKNOWN_ROUTE


@pytest.mark.parametrize(
    "fields",
    [
        {"body": []},
        {"body": None},
        {"body": {"tag": 5}},
        {"body": {"tag": "t", "ts": "soon"}},
        {"body": {}},
        {"body": {"tag": "t"}, "key": ""},
        {"body": {"tag": "t"}, "key": "k" * 201},
        {"body": {"tag": "t"}, "key": "a b"},
        {"body": {"tag": "t"}, "key": "a\u0000b"},
        {"body": {"tag": "t"}, "key": 5},
        {"body": {"tag": "t"}, "client": "c" * 65},
        {"body": {"tag": "t", "submission_id": "other"}, "key": "k1"},
        {"body": {"tag": "t", "submission_id": 5}},
        {},
    ],
)
def test_what_does_not_fit_the_route_is_invalid(fields: dict[str, Any]) -> None:
    assert refusal(raw(service="openswarm", route="logs.write", **fields)).code is RefusalCode.INVALID


def test_a_refusal_names_the_field_and_repeats_no_value() -> None:
    refused = refusal(raw(service="openswarm", route="identify.link_email", body={"email": 12345678}))
    assert "email" in refused.message
    assert "12345678" not in refused.message


def test_a_refusal_carries_what_the_app_needs_to_find_the_call() -> None:
    refused = refusal(raw(service="openswarm", route="logs.write", client="c9", key="k9", body={"tag": None}))
    assert (refused.client, refused.route, refused.key) == ("c9", "logs.write", "k9")


@pytest.mark.parametrize(
    "changes",
    [
        {"base_url": "ftp://x"},
        {"base_url": "https://user:pw@x"},
        {"base_url": "https://x/\r\nHost: y"},
        {"identity": ""},
        {"identity": "i" * 129},
        {"kind": "cookie"},
    ],
)
def test_a_destination_that_cannot_be_one_is_invalid(changes: dict[str, Any]) -> None:
    line = json.loads(DECLARATION) | changes
    assert refusal(raw(**line)).code is RefusalCode.INVALID


def test_a_destination_of_an_unknown_service_is_refused() -> None:
    line = json.loads(DECLARATION) | {"service": "nosuch"}
    assert refusal(raw(**line)).code is RefusalCode.UNKNOWN_SERVICE


def test_destinations_and_events_are_collected_with_their_positions() -> None:
    first = event(0)
    found = screened(DECLARATION + first + log_entry(), at=1_000)
    assert found.admission.destinations == (DESTINATION,)
    assert [each.offset for each in found.admission.events] == [
        1_000 + len(DECLARATION),
        1_000 + len(DECLARATION) + len(first),
    ]
    assert (found.admission.start, found.admission.end) == (
        1_000,
        1_000 + len(DECLARATION + first + log_entry()),
    )
    assert found.clients == {"c1"}


def test_what_a_clients_line_holds_is_stored_byte_for_byte() -> None:
    key = uuid7()
    body = {
        "ts": 1.5,
        "submission_id": key,
        "id": "s",
        "dashboard_id": None,
    }
    line = raw(service="openswarm", route="events.agent.create", key=key, body=body)
    accepted = only_event(line)
    assert json.loads(accepted.body) == body
    assert accepted.body in line
    assert accepted.key == key
    assert accepted.ordering_key == "agent:s"


def test_equal_events_in_other_words_have_one_canonical_body() -> None:
    plain = {"ts": 1, "submission_id": "k", "agent_id": "s"}
    reordered = {"agent_id": "s", "submission_id": "k", "ts": 1.0, "unknown": [1]}
    bodies = {
        only_event(raw(service="openswarm", route="events.agent.create", key="k", body=body)).body
        for body in (plain, reordered)
    }
    assert len(bodies) == 1


def test_the_ordering_key_is_found_under_the_fields_other_name_too() -> None:
    line = raw(service="openswarm", route="events.agent.create", body={"agent_id": "s"})
    assert only_event(line).ordering_key == "agent:s"


def test_identity_and_consent_share_one_order() -> None:
    link = raw(service="openswarm", route="identify.link_email", body={"email": "a@b.c"})
    leave = raw(service="openswarm", route="preferences.opt_out", body={"opted_out": True})
    assert only_event(link).ordering_key == only_event(leave).ordering_key == "person"


def test_a_hand_written_line_gets_the_stamps_it_lacks() -> None:
    accepted = only_event(raw(service="openswarm", route="logs.write", body={"tag": "t"}))
    body = json.loads(accepted.body)
    assert (accepted.key, body["submission_id"], body["ts"]) == (KEY, KEY, 42.0)


def test_a_hand_written_line_may_state_its_key_in_either_place() -> None:
    in_body = raw(service="openswarm", route="logs.write", body={"tag": "t", "submission_id": "k7"})
    beside = raw(service="openswarm", route="logs.write", key="k7", body={"tag": "t"})
    for line in (in_body, beside):
        accepted = only_event(line)
        assert accepted.key == json.loads(accepted.body)["submission_id"] == "k7"


def test_a_route_without_stamps_gets_none() -> None:
    accepted = only_event(raw(service="openswarm", route="preferences.opt_out", body={"opted_out": True}))
    assert accepted.body == b'{"opted_out":true}'


def test_blank_lines_are_what_erasing_leaves() -> None:
    data = b"   \n\n" + event() + b" " * 500 + b"\n"
    found = screened(data)
    assert len(found.admission.events) == 1
    assert found.admission.refused == 0
    assert found.admission.end == len(data)


def test_refusals_are_told_up_to_a_number_and_counted_beyond() -> None:
    found = screened(b"x\n" * (policy.REFUSALS_KEPT + 5) + event())
    assert len(found.refusals) == policy.REFUSALS_KEPT
    assert found.admission.refused == policy.REFUSALS_KEPT + 5
    assert len(found.admission.events) == 1


def test_overlong_and_torn_lines_are_counted_and_committed_past() -> None:
    overlong = refuse_overlong(9_000_000, at=10, journal="j", book=BOOK)
    torn = refuse_torn(7, at=10, journal="j", book=BOOK)
    assert (overlong.admission.refused, overlong.admission.end) == (1, 9_000_010)
    assert overlong.refusals[0].code is RefusalCode.TOO_LARGE
    assert (torn.admission.refused, torn.admission.end) == (1, 17)
    assert torn.refusals[0].code is RefusalCode.TORN


@given(st.lists(st.one_of(st.binary(max_size=60), st.sampled_from([event(), log_entry(), DECLARATION]))))
def test_any_bytes_are_screened_and_every_line_is_accounted_for(parts: list[bytes]) -> None:
    data = b"\n".join(part.strip(b"\n") for part in parts) + b"\n"
    found = screened(data, at=5)
    written = sum(1 for line in data.split(b"\n") if line.strip())
    admission = found.admission
    assert len(admission.events) + len(admission.destinations) + admission.refused == written
    assert (admission.start, admission.end) == (5, 5 + len(data))
    offsets = [each.offset - 5 for each in admission.events] + [each.offset - 5 for each in found.refusals]
    assert all(offset == 0 or data[offset - 1 : offset] == b"\n" for offset in offsets)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3),
)


@given(st.dictionaries(st.sampled_from(["type", "service", "route", "key", "client", "body"]), JSON))
def test_any_json_object_is_either_taken_or_refused(record: dict[str, Any]) -> None:
    line = json.dumps({"service": "openswarm", "route": "logs.write"} | record).encode() + b"\n"
    found = screened(line)
    admission = found.admission
    assert len(admission.events) + len(admission.destinations) + admission.refused == 1
