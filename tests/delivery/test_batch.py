"""Rows to parcels, and halves to find the guilty. OpenSwarm has no batches: a toy contract stands in."""

import json
import time
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from swarm_analytics_models.handoff import DeliverySettings
from swarm_analyticsd.delivery.batch import Parcel, pack
from swarm_analyticsd.delivery.tuning import tuned_routes
from swarm_analyticsd.outbox.rows import Claimed
from tests.delivery.lab import LAB, MEASURED
from tests.delivery.support import BATCHED, KEYED, TOY, row

ROUTES = dict(TOY.by_key)


def batched(seq: int, body: bytes = b'{"value":1}', *, alone: bool = False) -> Claimed:
    return row(seq, route=BATCHED.key, body=body, alone=alone)


def shape(parcels: tuple[Parcel, ...]) -> list[list[int]]:
    return [[one.seq for one in parcel.rows] for parcel in parcels]


def test_a_route_without_batches_travels_one_by_one() -> None:
    parcels = pack([row(1, route=KEYED.key), row(2, route=KEYED.key)], ROUTES)
    assert shape(parcels) == [[1], [2]]
    assert not any(parcel.open for parcel in parcels)


def test_a_batch_closes_when_it_is_full() -> None:
    parcels = pack([batched(seq) for seq in range(1, 7)], ROUTES)
    assert shape(parcels) == [[1, 2, 3, 4], [5, 6]]
    assert [parcel.open for parcel in parcels] == [False, True]


def test_a_batch_closes_when_the_next_row_would_make_it_too_large() -> None:
    parcels = pack([batched(1, b"1" * 100), batched(2, b"2" * 100), batched(3, b"3")], ROUTES)
    assert shape(parcels) == [[1], [2, 3]]
    assert [parcel.open for parcel in parcels] == [False, True]


def test_a_row_larger_than_a_batch_travels_all_the_same() -> None:
    assert shape(pack([batched(1, b"1" * 500)], ROUTES)) == [[1]]


def test_a_row_to_be_sent_alone_is_alone_and_does_not_part_its_neighbours() -> None:
    parcels = pack([batched(1), batched(2, alone=True), batched(3)], ROUTES)
    assert shape(parcels) == [[1, 3], [2]]
    assert [parcel.open for parcel in parcels] == [True, False]


def suspect(seq: int, attempts: int) -> Claimed:
    return row(seq, route=BATCHED.key, body=b'{"value":1}', suspect_mark=3, attempts=attempts)


def test_rows_under_suspicion_travel_with_their_like_and_wait_for_nobody() -> None:
    rows = [batched(1), suspect(2, 1), batched(3), suspect(4, 1), suspect(5, 1), suspect(6, 2), suspect(7, 2)]
    parcels = pack(rows, ROUTES)
    assert shape(parcels) == [[1, 3], [2, 4], [5], [6], [7]]
    assert [parcel.open for parcel in parcels] == [True, False, False, False, False]


def measured(seq: int, lab: str, **fields: object) -> Claimed:
    body = json.dumps(
        {"lab_id": lab, "reading_id": f"r{seq}", "value": 1.0, "urgent": None} | fields
    ).encode()
    return row(seq, route=MEASURED.key, body=body, resource=lab)


def test_only_events_of_one_resource_travel_together() -> None:
    rows = [measured(1, "a"), measured(2, "b"), measured(3, "a"), measured(4, "b"), measured(5, "c")]
    assert shape(pack(rows, LAB.by_key)) == [[1, 3], [2, 4], [5]]


def test_events_whose_queries_differ_travel_apart() -> None:
    rows = [measured(1, "a"), measured(2, "a", urgent=True), measured(3, "a"), measured(4, "a", urgent=True)]
    assert shape(pack(rows, LAB.by_key)) == [[1, 3], [2, 4]]


@given(st.integers(1, 10_000), st.integers(1, 70))
def test_what_keeps_failing_is_alone_in_the_end(size: int, attempts: int) -> None:
    batching = replace(MEASURED.batching, max_items=size, max_bytes=10_000_000)  # type: ignore[type-var]
    routes = {MEASURED.key: replace(MEASURED, batching=batching)}
    failed = [replace(measured(seq, "a"), suspect_mark=0, attempts=attempts) for seq in range(20)]
    largest = max(len(parcel.rows) for parcel in pack(failed, routes))
    assert largest <= max(1, size // 2**attempts)


def test_a_batch_no_larger_than_one_is_never_waited_with() -> None:
    routes = tuned_routes(TOY, DeliverySettings(max_items=1))
    parcels = pack([batched(1), batched(2)], routes)
    assert shape(parcels) == [[1], [2]]
    assert not any(parcel.open for parcel in parcels)


def test_packing_a_large_batch_takes_no_more_time_for_each_row_than_a_small_one() -> None:
    batching = replace(MEASURED.batching, max_items=4_000, max_bytes=10_000_000)  # type: ignore[type-var]
    routes = {MEASURED.key: replace(MEASURED, batching=batching)}
    rows = [measured(seq, "a") for seq in range(4_000)]

    def seconds(count: int) -> float:
        began = time.process_time()
        assert len(pack(rows[:count], routes)) == 1
        return time.process_time() - began

    seconds(400)
    assert min(seconds(4_000) for _ in range(3)) < 40 * min(seconds(400) for _ in range(3))


@given(st.lists(st.tuples(st.integers(1, 150), st.booleans(), st.booleans()), max_size=40))
def test_every_row_travels_once_in_order_and_within_the_limits(rows: list[tuple[int, bool, bool]]) -> None:
    claimed = [
        batched(seq, b"x" * size, alone=alone) if joins else row(seq, route=KEYED.key)
        for seq, (size, alone, joins) in enumerate(rows)
    ]
    parcels = pack(claimed, ROUTES)
    assert sorted(one.seq for parcel in parcels for one in parcel.rows) == [one.seq for one in claimed]
    for parcel in parcels:
        assert [one.seq for one in parcel.rows] == sorted(one.seq for one in parcel.rows)
        assert len({one.route for one in parcel.rows}) == 1
        assert len(parcel.rows) <= 4
        assert len(parcel.rows) == 1 or parcel.size_bytes + len(parcel.rows) + 10 <= 200
        assert len(parcel.rows) == 1 or not any(one.alone for one in parcel.rows)


@given(st.integers(2, 64))
def test_halves_are_smaller_and_lose_nothing(count: int) -> None:
    whole = Parcel(BATCHED, tuple(batched(seq) for seq in range(count)))
    first, second = whole.halves()
    assert first.rows + second.rows == whole.rows
    assert first.rows
    assert second.rows
