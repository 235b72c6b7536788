"""Upkeep: what is due when, and that a round does it."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from swarm_analytics_models.handoff import DroppedEvent
from swarm_analyticsd import policy
from swarm_analyticsd.outbox.errors import OutboxUnavailable
from swarm_analyticsd.outbox.lifecycle import State
from swarm_analyticsd.outbox.store import Outbox
from swarm_analyticsd.upkeep import INTERVALS, Reading, Task, Upkeep, due, jump
from tests.outbox.given import (
    DAY,
    DELIVERED,
    FakeClock,
    admit,
    an_event,
    bring,
    claim,
    later,
    open_outbox,
    settle,
    some_events,
    states,
)

pytestmark = pytest.mark.anyio


class Stopped(Exception):
    """Ends `run` in a test."""


class Watched:
    """An upkeep, its outbox's clock, and what it told."""

    def __init__(self, outbox: Outbox, clock: FakeClock) -> None:
        self.dropped: list[DroppedEvent] = []
        self.jumps = 0
        self.naps: list[float] = []
        self.clock = clock
        self.upkeep = Upkeep(outbox, clock, on_dropped=self._dropped, on_jump=self._jumped, sleep=self._sleep)

    def _dropped(self, events: Sequence[DroppedEvent]) -> None:
        self.dropped += events

    def _jumped(self) -> None:
        self.jumps += 1

    async def _sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.clock.pass_(seconds)
        if len(self.naps) == 30:
            raise Stopped


@pytest.fixture
def watched(outbox: Outbox, clock: FakeClock) -> Watched:
    return Watched(outbox, clock)


def test_everything_is_due_at_first_and_then_each_in_its_time() -> None:
    assert due({}, 0.0) == tuple(Task)
    done = dict.fromkeys(Task, 100.0)
    assert due(done, 100.0 + policy.UPKEEP_INTERVAL_S - 1) == ()
    assert due(done, 100.0 + policy.UPKEEP_INTERVAL_S) == (Task.CHECKPOINT, Task.BALLAST)
    assert set(due(done, 100.0 + policy.TIDY_INTERVAL_S)) == set(Task) - {Task.OBSERVE}
    assert due(done, 100.0 + policy.OBSERVE_INTERVAL_S) == tuple(Task)
    assert INTERVALS.keys() == set(Task)


@pytest.mark.parametrize(
    ("wall", "monotonic", "jumped"),
    [
        (60, 60, None),
        (89, 60, None),
        (91, 60, 31.0),
        (60 - 1e8, 60, -1e8),
        (3_660, 3_660, None),
        (0, 60, -60.0),
    ],
)
def test_jumps(wall: float, monotonic: float, jumped: float | None) -> None:
    assert jump(Reading(1e9, 5.0), Reading(1e9 + wall, 5.0 + monotonic)) == jumped


async def test_it_wakes_once_a_minute(watched: Watched) -> None:
    with pytest.raises(Stopped):
        await watched.upkeep.run()
    assert set(watched.naps) == {60.0}
    assert watched.jumps == 0


async def test_a_quiet_half_hour_costs_two_commits(outbox: Outbox, watched: Watched) -> None:
    before = outbox.counters.commits
    with pytest.raises(Stopped):
        await watched.upkeep.run()
    assert outbox.counters.commits - before == 2
    assert (await outbox.size()).log == 0


async def test_a_round_gives_up_what_is_too_old(outbox: Outbox, watched: Watched) -> None:
    event = await bring(outbox, State.QUEUED)
    await watched.upkeep.round()
    assert watched.dropped == []
    watched.clock.pass_(31 * DAY)
    await watched.upkeep.round()
    assert [(one.key, one.outcome) for one in watched.dropped] == [(event.key, "expired")]


async def test_a_round_evicts_prunes_and_vacuums(outbox: Outbox, watched: Watched) -> None:
    body = b'"' + b"x" * 1_000 + b'"'
    await admit(outbox, *some_events(1_000, body=body, client=None))
    await settle(outbox, (await claim(outbox, limit=500)).rows, DELIVERED)
    object.__setattr__(outbox._context.limits, "max_bytes", 100_000)
    await outbox.checkpoint()
    before = (await outbox.size()).file
    watched.clock.pass_(8 * DAY)
    await watched.upkeep.round()
    await outbox.checkpoint()
    assert (await states(outbox))[State.EVICTED] > 400
    assert await outbox.find("x") == ()
    size = await outbox.size()
    assert size.live <= 100_000
    assert size.file < before / 2


@pytest.mark.parametrize("years", [10, -10])
async def test_a_jump_is_followed_and_told(outbox: Outbox, watched: Watched, years: int) -> None:
    await admit(outbox, an_event())
    await settle(outbox, (await claim(outbox)).rows, later(outbox, 120))
    watched.clock.wall += years * 365 * DAY
    watched.clock.pass_(60)
    await watched.upkeep.round()
    assert watched.jumps == 1
    claimed = await claim(outbox)
    if years > 0:
        assert len(claimed.rows) == 1
    else:
        assert claimed.next_due_at == watched.clock.now() + 60
    await watched.upkeep.round()
    assert watched.jumps == 1
    assert watched.dropped == []


async def test_the_ballast_is_laid_in_again(outbox: Outbox, watched: Watched) -> None:
    outbox._home.ballast.unlink()
    await watched.upkeep.round()
    assert outbox._home.ballast.stat().st_size == policy.BALLAST_BYTES


async def test_trouble_ends_a_round_and_not_the_upkeep(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    clock = FakeClock()
    outbox = await open_outbox(tmp_path / "home", clock)
    watched = Watched(outbox, clock)
    await admit(outbox, an_event())
    clock.pass_(31 * DAY)

    async def refuse() -> tuple[DroppedEvent, ...]:
        raise OutboxUnavailable("the disk is full", "Free some space.")

    with monkeypatch.context() as patch:
        patch.setattr(outbox, "expire", refuse)
        await watched.upkeep.round()
    assert "the disk is full" in caplog.text
    assert await states(outbox) == {State.QUEUED: 1}
    clock.pass_(60)
    await watched.upkeep.round()
    assert await states(outbox) == {State.EXPIRED: 1}
    await outbox.close()
