"""Claiming: what goes next, in which order, and whose lease it is."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import Connection

from swarm_analyticsd import policy
from swarm_analyticsd.outbox import operate
from swarm_analyticsd.outbox.claim import interleave
from swarm_analyticsd.outbox.lifecycle import HeldReason, State, Trigger
from swarm_analyticsd.outbox.moves import SELECT_REFS, move, refs
from swarm_analyticsd.outbox.operate import Chosen
from swarm_analyticsd.outbox.rows import Claimed, Release, Settlement
from swarm_analyticsd.outbox.store import Outbox
from swarm_analyticsd.outbox.tables import IS_LEASED, IS_QUEUED
from tests.outbox.given import (
    DELIVERED,
    FAULTY,
    HERE,
    NO_CREDENTIAL,
    FakeClock,
    admit,
    an_event,
    claim,
    later,
    settle,
    some_events,
    states,
)
from tests.support.waiting import eventually_async

pytestmark = pytest.mark.anyio


def keys(rows: tuple[Claimed, ...]) -> list[str]:
    return [row.key for row in rows]


async def test_lower_priority_numbers_go_first_then_the_oldest(outbox: Outbox) -> None:
    product, diagnostic, second = an_event(), an_event(category="diagnostic"), an_event()
    consent, identity = an_event(category="consent"), an_event(category="identity")
    await admit(outbox, product, diagnostic, second, consent, identity)
    rows = (await claim(outbox)).rows
    assert keys(rows) == [event.key for event in (consent, identity, product, second, diagnostic)]
    assert (await claim(outbox)).rows == ()


async def test_limits_in_rows_and_bytes(outbox: Outbox) -> None:
    events = some_events(5, body=b'"0123456789"')
    await admit(outbox, *events)
    assert keys((await claim(outbox, limit=2)).rows) == [events[0].key, events[1].key]
    assert keys((await claim(outbox, max_bytes=30)).rows) == [events[2].key, events[3].key]
    assert keys((await claim(outbox, max_bytes=1)).rows) == [events[4].key]


async def test_what_is_not_due_waits_and_says_until_when(outbox: Outbox, clock: FakeClock) -> None:
    await admit(outbox, an_event(), an_event(category="diagnostic"))
    first, second = (await claim(outbox)).rows
    await settle(outbox, [first], later(outbox, 60))
    await settle(outbox, [second], later(outbox, 30))
    waiting = await claim(outbox)
    assert (waiting.rows, waiting.next_due_at) == ((), clock.now() + 30)
    clock.pass_(30)
    due = await claim(outbox)
    assert (keys(due.rows), due.next_due_at) == ([second.key], clock.now() + 30)
    assert (due.rows[0].attempts, due.rows[0].strikes) == (1, 0)
    clock.pass_(30)
    assert keys((await claim(outbox)).rows) == [first.key]
    assert (await claim(outbox)).next_due_at is None


async def test_the_event_to_avoid_is_taken_only_when_nothing_else_is_due(outbox: Outbox) -> None:
    await admit(outbox, *some_events(3))
    (suspect,) = (await claim(outbox, limit=1)).rows
    await settle(outbox, [suspect], Release())
    (other,) = (await claim(outbox, limit=1, avoid=suspect.seq)).rows
    assert other.seq != suspect.seq
    (third,) = (await claim(outbox, limit=5, avoid=suspect.seq)).rows
    assert third.seq not in (suspect.seq, other.seq)
    assert keys((await claim(outbox, limit=1, avoid=suspect.seq)).rows) == [suspect.key]


async def test_rows_of_shut_routes_are_held_where_they_are_met(outbox: Outbox) -> None:
    shut = some_events(3, route="events.agent.create")
    open_ = some_events(2)
    await admit(outbox, *shut, *open_)
    claimed = await claim(outbox, limit=1, shut_routes=frozenset({"events.agent.create"}))
    assert keys(claimed.rows) == [open_[0].key]
    assert await states(outbox) == {State.HELD: 3, State.LEASED: 1, State.QUEUED: 1}
    freed = await outbox.free(reason=HeldReason.ROUTE, destination_id=1, route="events.agent.create", limit=1)
    assert freed == 1
    assert await outbox.free(reason=HeldReason.ROUTE, route="logs.write") == 0
    assert await outbox.free(reason=HeldReason.ROUTE, service="openswarm") == 2
    assert await outbox.free(reason=HeldReason.CREDENTIAL) == 0


async def test_a_long_shut_route_does_not_hold_up_one_claim(
    outbox: Outbox, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("swarm_analyticsd.policy.STEP_ROWS", 10)
    monkeypatch.setattr("swarm_analyticsd.policy.SWEEP_ROWS", 20)
    await admit(outbox, *some_events(50, route="events.agent.create"), last := an_event())
    shut = frozenset({"events.agent.create"})
    first = await claim(outbox, limit=5, shut_routes=shut)
    assert (first.rows, first.next_due_at) == ((), clock.now())
    assert (await states(outbox))[State.HELD] == 20
    await claim(outbox, limit=5, shut_routes=shut)
    assert keys((await claim(outbox, limit=5, shut_routes=shut)).rows) == [last.key]


async def test_fresh_events_go_between_an_old_backlog(outbox: Outbox) -> None:
    events = some_events(40)
    await admit(outbox, *events)
    taken = keys((await claim(outbox, limit=8)).rows)
    assert taken == [event.key for event in (*events[:6], events[-1], events[-2])]
    single = [keys((await claim(outbox, limit=1)).rows)[0] for _ in range(4)]
    assert events[-3].key in single


@pytest.mark.parametrize(
    ("retries", "oldest", "newest", "room", "turn", "chosen"),
    [
        ([], [1, 2], [], 4, 1, [1, 2]),
        ([], [1, 2, 3, 4], [9, 8, 7, 6], 4, 1, [1, 2, 3, 9]),
        ([20, 21, 22, 23], [1, 2, 3, 4], [9, 8, 7, 6], 4, 1, [20, 21, 1, 9]),
        ([20, 21, 22, 23], [], [], 4, 1, [20, 21, 22, 23]),
        ([20], [1, 2, 3, 4], [9], 4, 1, [20, 1, 2, 9]),
        ([20, 21, 22, 23], [1], [], 4, 1, [20, 21, 22, 1]),
        ([], [1], [9], 1, 1, [1]),
        ([], [1], [9], 1, 4, [9]),
        ([20], [1], [9], 1, 1, [20]),
        ([20], [1], [9], 1, 4, [9]),
        ([], [], [], 3, 1, []),
    ],
)
def test_interleave(
    retries: list[int], oldest: list[int], newest: list[int], room: int, turn: int, chosen: list[int]
) -> None:
    assert interleave(retries, oldest, newest, room=room, turn=turn) == chosen


async def test_settling_is_compare_and_set(outbox: Outbox) -> None:
    await admit(outbox, an_event())
    (row,) = (await claim(outbox)).rows
    assert (await outbox.settle([Settlement(row.seq, row.lease + 1, DELIVERED)])).applied == 0
    assert await settle(outbox, [row], Release()) == 1
    assert await settle(outbox, [row], DELIVERED) == 0
    (again,) = (await claim(outbox)).rows
    assert again.lease != row.lease
    assert await settle(outbox, [row], FAULTY) == 0
    assert await states(outbox) == {State.LEASED: 1}
    twice = await outbox.settle([Settlement(again.seq, again.lease, DELIVERED)] * 2)
    assert twice.applied == 1


async def test_a_release_and_a_hold_count_no_attempt(outbox: Outbox) -> None:
    await admit(outbox, an_event())
    await settle(outbox, (await claim(outbox)).rows, Release())
    await settle(outbox, (await claim(outbox)).rows, NO_CREDENTIAL)
    await outbox.free(reason=HeldReason.CREDENTIAL, destination_id=1)
    (row,) = (await claim(outbox)).rows
    assert (row.attempts, row.strikes, row.suspect_mark) == (0, 0, None)


async def test_attempts_strikes_and_marks_are_kept(outbox: Outbox, clock: FakeClock) -> None:
    await admit(outbox, an_event())
    await settle(outbox, (await claim(outbox)).rows, later(outbox, 0, strike=True))
    clock.pass_(1)
    postpone = later(outbox, 0)
    marked = type(postpone)(postpone.due_at, "503", strike=False, mark=7)
    await settle(outbox, (await claim(outbox)).rows, marked)
    clock.pass_(1)
    claimed = await claim(outbox)
    (row,) = claimed.rows
    assert (row.attempts, row.strikes, row.suspect_mark, claimed.delivered) == (2, 1, 7, 0)
    await settle(outbox, [row], DELIVERED)
    assert (await claim(outbox)).delivered == 1


async def test_what_dies_again_while_the_dead_are_redriven_is_not_sent_a_third_time(
    outbox: Outbox, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy, "STEP_ROWS", 2)
    await admit(outbox, *some_events(6))
    await settle(outbox, (await claim(outbox)).rows, FAULTY)
    redrive = operate.redrive

    def while_the_service_rejects(connection: Connection, *details: Any) -> int:
        clock.pass_(1)
        count = redrive(connection, *details)
        rows = refs(connection, SELECT_REFS.where(IS_QUEUED), {})
        move(connection, rows, Trigger.CLAIM)
        move(
            connection,
            refs(connection, SELECT_REFS.where(IS_LEASED), {}),
            Trigger.REJECT,
            settled_at=clock.now(),
        )
        return count

    monkeypatch.setattr(operate, "redrive", while_the_service_rejects)
    assert await outbox.redrive(Chosen()) == 6
    clock.wall -= 10 * 365 * 86_400.0
    assert await outbox.redrive(Chosen()) == 6


async def test_the_dead_are_told_of_and_redriven_afresh(outbox: Outbox, clock: FakeClock) -> None:
    await admit(outbox, told := an_event(), an_event(client=None))
    rows = (await claim(outbox)).rows
    settled = await outbox.settle([Settlement(row.seq, row.lease, FAULTY) for row in rows])
    (dropped,) = settled.dropped
    assert (dropped.client, dropped.key, dropped.outcome) == ("app", told.key, "dead")
    assert (dropped.status, dropped.reason, dropped.attempts) == (422, "no such field", 1)
    assert dropped.body == {"content": "hello"}
    assert await outbox.pending("app") == 0
    assert await outbox.redrive(Chosen(keys=(told.key,))) == 1
    (again,) = (await claim(outbox)).rows
    assert (again.key, again.strikes, again.body) == (told.key, 0, told.body)
    assert await outbox.redrive(Chosen(service="segops")) == 0
    assert await outbox.drop_dead(Chosen(service="openswarm")) == 1
    assert await states(outbox) == {State.LEASED: 1, State.EVICTED: 1}


async def test_a_cancelled_claim_gives_its_leases_back(outbox: Outbox) -> None:
    await admit(outbox, *some_events(3))
    task = asyncio.create_task(claim(outbox))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    async def all_queued() -> bool:
        return await states(outbox) == {State.QUEUED: 3}

    await eventually_async(all_queued)


async def test_claiming_touches_one_destination_only(outbox: Outbox) -> None:
    await admit(outbox, *some_events(2))
    assert (await claim(outbox, destination_id=99)).rows == ()
    assert [known.ref for known in await outbox.destinations()] == [HERE.ref]
