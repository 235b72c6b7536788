"""Rows to parcels, and halves to find the guilty. OpenSwarm has no batches: a toy contract stands in."""

from hypothesis import given
from hypothesis import strategies as st

from swarm_analyticsd.delivery.batch import Parcel, pack
from swarm_analyticsd.outbox.rows import Claimed
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


def test_a_row_under_suspicion_travels_alone() -> None:
    parcels = pack([batched(1), row(2, route=BATCHED.key, suspect_mark=3), batched(3)], ROUTES)
    assert shape(parcels) == [[1, 3], [2]]


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
