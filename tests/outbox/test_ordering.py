"""One ordering key is one line: its head alone may go, and what ends makes room for the next."""

from typing import Any

import pytest

from swarm_analytics_models.categories import ConsentMode
from swarm_analyticsd.outbox.lifecycle import HeldReason, State
from swarm_analyticsd.outbox.operate import Chosen
from swarm_analyticsd.outbox.rows import Admission, NewEvent, Release
from swarm_analyticsd.outbox.store import Outbox
from tests.outbox.given import (
    DAY,
    DELIVERED,
    FAULTY,
    HERE,
    NO_CREDENTIAL,
    THERE,
    FakeClock,
    admit,
    an_event,
    claim,
    later,
    settle,
    some_events,
    state_of,
)

pytestmark = pytest.mark.anyio


async def next_up(outbox: Outbox, **more: Any) -> list[str]:
    """Keys of what may go now; gives it back."""
    rows = (await claim(outbox, **more)).rows
    await settle(outbox, rows, Release())
    return [row.key for row in rows]


@pytest.fixture
async def line(outbox: Outbox) -> tuple[NewEvent, ...]:
    """Three events of one key, and one that is free."""
    ordered = some_events(3, ordering_key="agent:1")
    await admit(outbox, *ordered[:2])
    await admit(outbox, ordered[2], an_event(ordering_key="agent:2"))
    return ordered


async def test_only_the_head_goes_and_the_next_follows_it(outbox: Outbox, line: tuple[NewEvent, ...]) -> None:
    delivered = []
    while rows := (await claim(outbox)).rows:
        assert len({row.ordering_key for row in rows}) == len(rows)
        delivered += [row.key for row in rows if row.ordering_key == "agent:1"]
        await settle(outbox, rows, DELIVERED)
    assert delivered == [event.key for event in line]


async def test_a_retry_and_a_hold_keep_the_line_waiting(
    outbox: Outbox, line: tuple[NewEvent, ...], clock: FakeClock
) -> None:
    head = (await claim(outbox)).rows[0]
    assert await next_up(outbox) == []
    await settle(outbox, [head], later(outbox, 60))
    assert await next_up(outbox) == []
    clock.pass_(60)
    assert line[0].key in await next_up(outbox)
    (head, *_) = (await claim(outbox)).rows
    await settle(outbox, [head], NO_CREDENTIAL)
    assert await next_up(outbox) == []
    (second,) = await outbox.find(line[1].key)
    assert second.behind == line[0].key
    assert line[0].key in second.explanation
    await outbox.free(reason=HeldReason.CREDENTIAL)
    assert await next_up(outbox) == [line[0].key]


async def test_the_dead_release_the_line_and_come_back_outside_it(
    outbox: Outbox, line: tuple[NewEvent, ...]
) -> None:
    head = (await claim(outbox)).rows[0]
    await settle(outbox, [head], FAULTY)
    assert await next_up(outbox) == [line[1].key]
    await outbox.redrive(Chosen())
    assert set(await next_up(outbox)) == {line[0].key, line[1].key}


async def test_giving_up_a_head_releases_the_line(
    outbox: Outbox, clock: FakeClock, line: tuple[NewEvent, ...]
) -> None:
    clock.pass_(20 * DAY)
    await admit(outbox, young := an_event(ordering_key="agent:1"))
    clock.pass_(11 * DAY)
    await outbox.expire()
    assert await state_of(outbox, line[2]) is State.EXPIRED
    assert await next_up(outbox) == [young.key]


async def test_withdrawing_a_head_releases_what_is_not_muted(outbox: Outbox) -> None:
    kept = an_event(category="identity", ordering_key="person")
    await admit(outbox, an_event(ordering_key="person"), kept)
    await claim(outbox)
    await outbox.set_consent("openswarm", ConsentMode.MINIMAL)
    assert await next_up(outbox) == [kept.key]


async def test_a_withdrawn_arrival_takes_no_turn(outbox: Outbox) -> None:
    await outbox.set_consent("openswarm", ConsentMode.MINIMAL)
    kept = an_event(category="identity", ordering_key="person")
    await admit(outbox, an_event(ordering_key="person"), kept)
    assert await next_up(outbox) == [kept.key]


async def test_a_duplicate_takes_no_turn(outbox: Outbox) -> None:
    await admit(outbox, first := an_event(ordering_key="agent:1"))
    await settle(outbox, (await claim(outbox)).rows, DELIVERED)
    follower = an_event(ordering_key="agent:1")
    assert (await admit(outbox, first, follower)).duplicates == 1
    assert await next_up(outbox) == [follower.key]


async def test_lines_of_two_destinations_are_two_lines(outbox: Outbox) -> None:
    here, there = an_event(ordering_key="agent:1"), an_event(ordering_key="agent:1", destination=THERE.ref)
    await outbox.admit(Admission(events=(here, there), destinations=(HERE, THERE)))
    assert await next_up(outbox) == [here.key]
    assert await next_up(outbox, destination_id=2) == [there.key]
