"""Events whose URL takes fields of theirs, as requests; and what a batch's answer skipped."""

import json
from typing import Any

import pytest

from swarm_analyticsd.delivery.answer import Reply
from swarm_analyticsd.delivery.outcome import Delivered, Portal, classify
from swarm_analyticsd.delivery.request import Item, batch_request, single_request
from swarm_analyticsd.delivery.wire import Unsendable
from tests.delivery.lab import MEASURED, RENAMED, TOLD
from tests.delivery.support import KEYED, toy_route

BASE = "https://lab.example/api"


def item(key: str = "k", **fields: Any) -> Item:
    return Item(key, json.dumps(fields).encode())


def test_path_and_query_take_their_fields_out_of_each_body() -> None:
    items = [item(lab_id="a/b ü", reading_id=f"r{value}", value=value, urgent=True) for value in (1.0, 2.5)]
    request = batch_request(MEASURED, BASE, items)
    assert request.url == f"{BASE}/v1/labs/a%2Fb%20%C3%BC/readings?urgent=true"
    assert request.body == b'{"data":[{"reading_id":"r1.0","value":1.0},{"reading_id":"r2.5","value":2.5}]}'


def test_a_single_event_may_travel_in_a_batchs_form_and_without() -> None:
    one = item(lab_id="a", reading_id="r", value=1, urgent=None)
    framed = batch_request(MEASURED, BASE, [one])
    assert (framed.url, framed.body) == (
        f"{BASE}/v1/labs/a/readings",
        b'{"data":[{"reading_id":"r","value":1}]}',
    )
    plain = single_request(MEASURED, BASE, one)
    assert (plain.url, plain.body) == (f"{BASE}/v1/labs/a/reading", b'{"reading_id":"r","value":1}')


def test_the_same_row_gives_the_same_bytes() -> None:
    one = item(lab_id="a", shelf=7, name="süß \u2028 🧪", extra={"b": [1e-7, 10**15, True], "a": "é"})
    first, again = (single_request(RENAMED, BASE, one) for _ in range(2))
    assert (first.method, first.url, first.body) == (again.method, again.url, again.body)
    assert json.loads(first.body) == {"name": "süß \u2028 🧪", "extra": {"b": [1e-7, 10**15, True], "a": "é"}}
    assert first.url == f"{BASE}/v1/labs/a/shelves/7"


@pytest.mark.parametrize("lab", ["", ".", "..", None])
def test_a_resource_that_no_path_can_name_is_the_events_own_fault(lab: str | None) -> None:
    with pytest.raises(Unsendable, match="lab_id"):
        single_request(RENAMED, BASE, item(lab_id=lab, shelf=1, name="n"))


def test_a_route_whose_url_takes_nothing_sends_what_was_accepted_byte_for_byte() -> None:
    odd = Item("k", b'{ "text" :  "a"}')
    assert single_request(TOLD, BASE, odd).body == odd.body
    assert batch_request(TOLD, BASE, [odd]).body == b'{"events":[{ "text" :  "a"}]}'


def test_a_framed_event_alone_carries_its_key_as_elsewhere() -> None:
    route = toy_route("toy.framed", idempotency=KEYED.idempotency, batching=TOLD.batching)
    assert ("Idempotency-Key", "k1") in batch_request(route, BASE, [Item("k1", b"{}")]).headers


def skipped(body: bytes, status: int = 202, kind: str = "application/json", cut: bool = False) -> Any:
    return classify(Reply(status, (("content-type", kind),), body, cut), TOLD, now=0.0)


@pytest.mark.parametrize(
    ("body", "count"),
    [
        (b'{"queued":3,"skipped":2}', 2),
        (b'{"skipped":0}', 0),
        (b'{"queued":3}', 0),
        (b'{"skipped":-1}', 0),
        (b'{"skipped":true}', 0),
        (b'{"skipped":"2"}', 0),
        (b'{"skipped":null}', 0),
        (b"[2]", 0),
        (b"", 0),
        (b"ok", 0),
        (b"\xff", 0),
    ],
)
def test_what_a_batch_skipped_is_read_where_it_is_told(body: bytes, count: int) -> None:
    assert skipped(body) == Delivered(202, count)


def test_nothing_is_read_of_an_answer_that_is_cut_or_not_the_services() -> None:
    assert skipped(b'{"skipped":2}', cut=True) == Delivered(202)
    assert isinstance(skipped(b"<html>", kind="text/html"), Portal)
    assert classify(Reply(202, (), b'{"skipped":2}'), RENAMED, now=0.0) == Delivered(202)
