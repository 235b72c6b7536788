"""Leases end with the start that gave them; a row over which daemons keep dying is set aside in the end."""

from pathlib import Path

import pytest

from swarm_analyticsd import policy
from swarm_analyticsd.outbox.lifecycle import State
from swarm_analyticsd.outbox.rows import Phase
from swarm_analyticsd.outbox.store import Outbox
from tests.outbox.given import (
    DELIVERED,
    FakeClock,
    admit,
    an_event,
    claim,
    later,
    open_outbox,
    settle,
    some_events,
    states,
)

pytestmark = pytest.mark.anyio


async def die(outbox: Outbox) -> None:
    """End as a killed daemon does: whatever is leased stays leased."""
    await outbox._end()


async def test_a_start_releases_the_leases_of_earlier_ones(tmp_path: Path) -> None:
    first = await open_outbox(tmp_path / "home")
    await admit(first, *some_events(3))
    stale = (await claim(first)).rows
    await die(first)
    second = await open_outbox(tmp_path / "home")
    assert (second.recovery.epoch, second.recovery.released) == (2, 3)
    assert await states(second) == {State.QUEUED: 3}
    assert await settle(second, stale, DELIVERED) == 0
    fresh = (await claim(second)).rows
    assert [row.seq for row in fresh] == [row.seq for row in stale]
    assert await settle(second, stale, DELIVERED) == 0
    assert await settle(second, fresh, DELIVERED) == 3
    assert await second.verify()
    await second.close()


async def test_an_orderly_end_loses_no_lease(tmp_path: Path) -> None:
    event = an_event()
    for _ in range(policy.LOSSES_BEFORE_ALONE + 1):
        outbox = await open_outbox(tmp_path / "home")
        await admit(outbox, event)
        assert outbox.recovery.released == 0
        (row,) = (await claim(outbox)).rows
        assert not row.alone
        await outbox.close()


async def test_an_ordered_row_keeps_its_turn_over_a_death(tmp_path: Path) -> None:
    outbox = await open_outbox(tmp_path / "home")
    ordered = some_events(2, ordering_key="agent:1")
    await admit(outbox, *ordered)
    await claim(outbox)
    await die(outbox)
    outbox = await open_outbox(tmp_path / "home")
    assert [row.key for row in (await claim(outbox)).rows] == [ordered[0].key]
    await outbox.close()


async def _suspicious(home: Path) -> Outbox:
    """An outbox whose first event lost its lease three times."""
    outbox = await open_outbox(home)
    await admit(outbox, an_event())
    for _ in range(policy.LOSSES_BEFORE_ALONE):
        (row,) = (await claim(outbox)).rows
        assert not row.alone
        await die(outbox)
        outbox = await open_outbox(home)
    return outbox


async def test_after_three_losses_a_row_is_leased_alone(tmp_path: Path) -> None:
    outbox = await _suspicious(tmp_path / "home")
    await admit(outbox, *some_events(2))
    alone = (await claim(outbox)).rows
    assert [row.alone for row in alone] == [True]
    assert [row.alone for row in (await claim(outbox)).rows] == [False, False]
    await outbox.close()


async def test_dying_in_a_network_wait_never_counts_against_it(tmp_path: Path) -> None:
    outbox = await _suspicious(tmp_path / "home")
    for _ in range(policy.DEATHS_WHEN_ALONE + 2):
        (row,) = (await claim(outbox)).rows
        assert await outbox.mark_phase({row.seq: row.lease}, Phase.HANDLING) == {row.seq}
        assert await outbox.mark_phase({row.seq: row.lease}, Phase.WAITING) == {row.seq}
        await die(outbox)
        outbox = await open_outbox(tmp_path / "home")
    assert await states(outbox) == {State.QUEUED: 1}
    await outbox.close()


async def test_three_deaths_while_it_was_handled_are_its_end(tmp_path: Path) -> None:
    outbox = await _suspicious(tmp_path / "home")
    for _ in range(policy.DEATHS_WHEN_ALONE):
        assert await states(outbox) == {State.QUEUED: 1}
        (row,) = (await claim(outbox)).rows
        await outbox.mark_phase({row.seq: row.lease}, Phase.HANDLING)
        await die(outbox)
        outbox = await open_outbox(tmp_path / "home")
    assert await states(outbox) == {State.DEAD: 1}
    (dropped,) = outbox.recovery.dropped
    assert dropped.outcome == "dead"
    (found,) = await outbox.find(dropped.key)
    assert found.outcome == "crashed"
    assert await outbox.verify()
    await outbox.close()


async def test_a_death_after_the_answer_was_settled_counts_nothing(tmp_path: Path) -> None:
    clock = FakeClock()
    outbox = await _suspicious(tmp_path / "home")
    (row,) = (await claim(outbox)).rows
    await outbox.mark_phase({row.seq: row.lease}, Phase.HANDLING)
    await settle(outbox, [row], later(outbox, 1))
    await die(outbox)
    clock.pass_(5)
    outbox = await open_outbox(tmp_path / "home", clock)
    (again,) = (await claim(outbox)).rows
    assert not await outbox.mark_phase({row.seq: row.lease + 1}, Phase.HANDLING)
    assert await outbox.mark_phase({again.seq: again.lease}, Phase.HANDLING)
    await settle(outbox, [again], DELIVERED)
    assert not await outbox.mark_phase({again.seq: again.lease}, Phase.WAITING)
    await outbox.close()
