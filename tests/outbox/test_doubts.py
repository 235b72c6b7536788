"""What may have arrived at a service that would not know it again: counted, and resent or set aside."""

from pathlib import Path
from typing import Any

import pytest

from swarm_analyticsd import policy
from swarm_analyticsd.outbox.lifecycle import DeadReason, State
from swarm_analyticsd.outbox.operate import Chosen
from swarm_analyticsd.outbox.reports import Tally
from swarm_analyticsd.outbox.rows import Acknowledge, Phase, Postpone, Reject, Release, Settlement
from swarm_analyticsd.outbox.store import Outbox
from tests.outbox.given import admit, claim, open_outbox, settle, some_events, states

pytestmark = pytest.mark.anyio


async def tally(outbox: Outbox) -> Tally:
    (found,) = (await outbox.tallies()).destinations
    return found


async def incidents(outbox: Outbox) -> tuple[int, int, int]:
    """Skipped, resent, set aside."""
    found = await tally(outbox)
    return found.skipped, found.resent, found.set_aside


async def on_the_way(outbox: Outbox, events: int, choice: Any) -> None:
    """Events whose request is with the service."""
    rows = (await claim(outbox, limit=events)).rows
    leases = {row.seq: row.lease for row in rows}
    assert await outbox.mark_phase(leases, Phase.WAITING, choice) == leases.keys()


async def test_what_a_service_skipped_is_counted_once_for_a_request(outbox: Outbox) -> None:
    await admit(outbox, *some_events(3))
    first, *others = (await claim(outbox)).rows
    verdicts = [(first, Acknowledge(202, skipped=2)), *((row, Acknowledge(202)) for row in others)]
    await outbox.settle([Settlement(row.seq, row.lease, verdict) for row, verdict in verdicts])
    assert await incidents(outbox) == (2, 0, 0)
    assert await states(outbox) == {State.DELIVERED: 3}


async def test_two_requests_that_skipped_as_many_are_both_counted(outbox: Outbox) -> None:
    await admit(outbox, *some_events(2))
    await settle(outbox, (await claim(outbox)).rows, Acknowledge(202, skipped=3))
    assert await incidents(outbox) == (6, 0, 0)


@pytest.mark.parametrize(
    "verdict", [Postpone(0.0, "HTTP 500", strike=False, resent=True), Release(resent=True)]
)
async def test_what_is_sent_again_in_doubt_is_counted(outbox: Outbox, verdict: Postpone | Release) -> None:
    await admit(outbox, *some_events(3))
    await settle(outbox, (await claim(outbox)).rows, verdict)
    assert await incidents(outbox) == (0, 3, 0)
    assert await states(outbox) == {State.QUEUED: 3}


async def test_what_is_set_aside_is_counted_told_and_may_be_sent_again_by_a_person(outbox: Outbox) -> None:
    await admit(outbox, *some_events(2))
    rows = (await claim(outbox)).rows
    verdict = Reject(DeadReason.AMBIGUOUS, "HTTP 500", 500)
    settled = await outbox.settle([Settlement(row.seq, row.lease, verdict) for row in rows])
    assert [dropped.outcome for dropped in settled.dropped] == ["dead", "dead"]
    assert await incidents(outbox) == (0, 0, 2)
    (found,) = await outbox.find(rows[0].key)
    assert found.outcome == "ambiguous"
    assert "may have arrived" in found.explanation
    assert await outbox.redrive(Chosen(keys=(rows[0].key,))) == 1
    assert await states(outbox) == {State.QUEUED: 1, State.DEAD: 1}
    assert await outbox.verify()


async def test_a_death_sets_aside_what_was_under_way_and_only_that(tmp_path: Path) -> None:
    outbox = await open_outbox(tmp_path / "home")
    await admit(outbox, *some_events(3))
    await on_the_way(outbox, 2, "set_aside")
    await claim(outbox)
    await outbox._end()
    outbox = await open_outbox(tmp_path / "home")
    assert outbox.recovery.released == 3
    assert await states(outbox) == {State.DEAD: 2, State.QUEUED: 1}
    assert {dropped.outcome for dropped in outbox.recovery.dropped} == {"dead"}
    assert len(outbox.recovery.dropped) == 2
    assert await incidents(outbox) == (0, 0, 2)
    assert await outbox.verify()
    await outbox.close()


async def test_a_death_counts_what_will_be_sent_again(tmp_path: Path) -> None:
    outbox = await open_outbox(tmp_path / "home")
    await admit(outbox, *some_events(3))
    await on_the_way(outbox, 2, "resend")
    await claim(outbox)
    await outbox._end()
    outbox = await open_outbox(tmp_path / "home")
    assert await states(outbox) == {State.QUEUED: 3}
    assert await incidents(outbox) == (0, 2, 0)
    assert [row.attempts for row in (await claim(outbox)).rows] == [0, 0, 0]
    await outbox.close()
    outbox = await open_outbox(tmp_path / "home")
    assert await incidents(outbox) == (0, 2, 0), "an orderly end gave back what had not been sent"
    await outbox.close()


@pytest.mark.parametrize(("choice", "expected"), [("resend", (0, 1, 0)), ("set_aside", (0, 0, 1))])
async def test_an_end_that_could_not_settle_leaves_no_doubt_uncounted(
    tmp_path: Path, choice: str, expected: tuple[int, int, int]
) -> None:
    outbox = await open_outbox(tmp_path / "home")
    await admit(outbox, *some_events(1))
    await on_the_way(outbox, 1, choice)
    await outbox.close()
    outbox = await open_outbox(tmp_path / "home")
    assert await incidents(outbox) == expected
    await outbox.close()


async def test_the_doubt_ends_with_the_lease(tmp_path: Path) -> None:
    outbox = await open_outbox(tmp_path / "home")
    await admit(outbox, *some_events(1))
    (row,) = (await claim(outbox)).rows
    await outbox.mark_phase({row.seq: row.lease}, Phase.WAITING, "set_aside")
    await settle(outbox, [row], Release())
    await claim(outbox)
    await outbox._end()
    outbox = await open_outbox(tmp_path / "home")
    assert await states(outbox) == {State.QUEUED: 1}, "this time it had not left"
    await outbox.close()


async def test_only_rows_that_are_still_ours_are_marked(outbox: Outbox) -> None:
    await admit(outbox, *some_events(2))
    first, second = (await claim(outbox)).rows
    await settle(outbox, [first], Release())
    leases = {first.seq: first.lease, second.seq: second.lease}
    assert await outbox.mark_phase(leases, Phase.WAITING, "resend") == {second.seq}
    assert await outbox.mark_phase({second.seq: second.lease + 1}, Phase.WAITING) == frozenset()


async def test_a_death_in_doubt_counts_towards_being_sent_alone(tmp_path: Path) -> None:
    outbox = await open_outbox(tmp_path / "home")
    await admit(outbox, *some_events(1))
    for _ in range(policy.LOSSES_BEFORE_ALONE):
        await on_the_way(outbox, 1, "resend")
        await outbox._end()
        outbox = await open_outbox(tmp_path / "home")
    (row,) = (await claim(outbox)).rows
    assert row.alone
    assert await incidents(outbox) == (0, policy.LOSSES_BEFORE_ALONE, 0)
    await outbox.close()
