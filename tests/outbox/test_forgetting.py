"""A destination that a person forgets costs no event, and comes back when it is named again."""

import pytest

from swarm_analyticsd.outbox.rows import Admission
from swarm_analyticsd.outbox.store import Outbox
from tests.outbox.given import DELIVERED, HERE, THERE, admit, an_event, claim, settle

pytestmark = pytest.mark.anyio


async def test_a_forgotten_destination_is_listed_no_more_and_loses_no_event(outbox: Outbox) -> None:
    known = await outbox.ensure_destination(HERE)
    await outbox.ensure_destination(THERE)
    event = an_event()
    await admit(outbox, event)
    assert not await outbox.forget_destination(known.id), "it has an event"
    await settle(outbox, (await claim(outbox)).rows, DELIVERED)
    assert await outbox.forget_destination(known.id)
    assert [each.forgotten for each in await outbox.destinations()] == [True, False]

    unnamed = an_event(destination=None)
    assert (await outbox.admit(Admission(events=(unnamed,)))).accepted == 1, "there is one that it can mean"
    late = an_event()
    assert (await outbox.admit(Admission(events=(late,)))).accepted == 1, "of an app that still runs"
    assert (await outbox.admit(Admission(events=(event,)))).duplicates == 1
    assert not (await outbox.ensure_destination(HERE)).forgotten
    assert await outbox.verify()


async def test_after_a_mistyped_destination_was_forgotten_the_right_one_takes_what_waited(
    outbox: Outbox,
) -> None:
    mistyped = await outbox.ensure_destination(THERE)
    assert await outbox.forget_destination(mistyped.id)
    unnamed = an_event(destination=None)
    await outbox.admit(Admission(events=(unnamed,)))
    right = await outbox.ensure_destination(HERE)
    rows = (await claim(outbox, destination_id=right.id)).rows
    assert [row.key for row in rows] == [unnamed.key]
    assert await outbox.verify()


async def test_it_may_itself_be_the_right_one(outbox: Outbox) -> None:
    known = await outbox.ensure_destination(HERE)
    await outbox.forget_destination(known.id)
    unnamed = an_event(destination=None)
    await outbox.admit(Admission(events=(unnamed,)))
    await outbox.ensure_destination(HERE)
    rows = (await claim(outbox, destination_id=known.id)).rows
    assert [row.key for row in rows] == [unnamed.key]


async def test_what_nobody_knows_cannot_be_forgotten(outbox: Outbox) -> None:
    assert not await outbox.forget_destination(7)
