"""What is given up: by priority and age, counted and told; never by a jump of the clock."""

from pathlib import Path

import pytest

from swarm_analyticsd import policy
from swarm_analyticsd.outbox.ledger import footprint
from swarm_analyticsd.outbox.lifecycle import State
from swarm_analyticsd.outbox.operate import Chosen
from swarm_analyticsd.outbox.store import Outbox
from tests.outbox.given import (
    DAY,
    DELIVERED,
    FAULTY,
    HERE,
    FakeClock,
    admit,
    an_event,
    bring,
    claim,
    later,
    open_outbox,
    settle,
    some_events,
    sql,
    state_of,
    states,
)

pytestmark = pytest.mark.anyio


async def test_the_lowest_priority_and_the_oldest_make_room(tmp_path: Path) -> None:
    cap = 10 * footprint(100)
    outbox = await open_outbox(tmp_path / "home", max_bytes=cap)
    body = b'"' + b"x" * 98 + b'"'
    product = some_events(6, body=body)
    diagnostic = some_events(3, category="diagnostic", body=body)
    said = an_event(category="consent", body=body)
    await admit(outbox, *product, *diagnostic, said)
    assert await states(outbox) == {State.QUEUED: 10}
    more = some_events(2, body=body)
    told = (await admit(outbox, *more)).dropped
    assert [(one.key, one.outcome, one.reason) for one in told] == [
        (event.key, "evicted", "size") for event in diagnostic
    ]
    again = some_events(3, body=body)
    told = (await admit(outbox, *again)).dropped
    assert [one.key for one in told] == [event.key for event in product[:3]]
    assert await state_of(outbox, said) is State.QUEUED
    tallies = await outbox.tallies()
    assert tallies.live_bytes <= cap
    assert tallies.ledger.evicted == 6
    assert await outbox.verify()
    await outbox.close()


async def test_consent_identity_and_what_is_being_sent_are_never_evicted(tmp_path: Path) -> None:
    outbox = await open_outbox(tmp_path / "home", max_bytes=footprint(20))
    await bring(outbox, State.LEASED)
    await admit(outbox, an_event(category="consent"), an_event(category="identity"))
    assert await outbox.evict() == ()
    assert await states(outbox) == {State.LEASED: 1, State.QUEUED: 2}
    await outbox.close()


async def test_a_lowered_cap_is_reached_in_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("swarm_analyticsd.policy.EVICT_ROWS", 10)
    outbox = await open_outbox(tmp_path / "home")
    await admit(outbox, *some_events(100, body=b'""'))
    object.__setattr__(outbox._context.limits, "max_bytes", 50 * footprint(2))
    commits = outbox.counters.commits
    assert len(await outbox.evict()) == 50
    assert outbox.counters.commits - commits == 5
    await outbox.close()


async def test_eviction_reaches_the_held_and_the_dead(tmp_path: Path) -> None:
    outbox = await open_outbox(tmp_path / "home")
    dead, held = await bring(outbox, State.DEAD), await bring(outbox, State.HELD)
    object.__setattr__(outbox._context.limits, "max_bytes", 0)
    assert {one.key for one in await outbox.evict()} == {dead.key, held.key}
    await outbox.close()


async def test_age_ends_what_may_be_given_up(outbox: Outbox, clock: FakeClock) -> None:
    dead = await bring(outbox, State.DEAD, category="consent")
    held = await bring(outbox, State.HELD)
    leased = await bring(outbox, State.LEASED)
    said = an_event(category="consent")
    await admit(outbox, queued := an_event(), said, silent := an_event(client=None))
    clock.pass_(15 * DAY)
    await admit(outbox, young := an_event())
    clock.pass_(14.9 * DAY)
    assert await outbox.expire() == ()
    clock.pass_(0.2 * DAY)
    told = {(one.key, one.outcome, one.reason) for one in await outbox.expire()}
    assert told == {(event.key, "expired", "age") for event in (dead, held, queued)}
    assert await state_of(outbox, silent) is State.EXPIRED
    for event, state in ((leased, State.LEASED), (said, State.QUEUED), (young, State.QUEUED)):
        assert await state_of(outbox, event) is state


async def test_many_expire_in_steps(
    outbox: Outbox, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await admit(outbox, *some_events(1_500), *some_events(1_000, category="identity"))
    clock.pass_(31 * DAY)
    commits = outbox.counters.commits
    assert len(await outbox.expire()) == 1_500
    assert outbox.counters.commits - commits == 2
    assert await states(outbox) == {State.QUEUED: 1_000, State.EXPIRED: 1_500}


@pytest.mark.parametrize("jump", [3_650 * DAY, -3_650 * DAY])
async def test_a_jump_of_years_expires_nothing(tmp_path: Path, jump: float) -> None:
    clock = FakeClock()
    outbox = await open_outbox(tmp_path / "home", clock)
    await admit(outbox, an_event())
    clock.wall += jump
    await outbox.clock_jumped(min(0.0, jump))
    assert await outbox.expire() == ()
    await outbox.close()
    clock.wall += jump
    clock.up = 5.0
    outbox = await open_outbox(tmp_path / "home", clock)
    assert await outbox.expire() == ()
    assert await states(outbox) == {State.QUEUED: 1}
    await outbox.close()


async def test_age_goes_on_over_starts(tmp_path: Path) -> None:
    clock = FakeClock()
    for _ in range(31):
        outbox = await open_outbox(tmp_path / "home", clock)
        if clock.wall < 1_800_000_000.0 + 1:
            await admit(outbox, an_event())
        assert await outbox.expire() == ()
        await outbox.close()
        clock.wall += DAY
        clock.up = 3.0
    outbox = await open_outbox(tmp_path / "home", clock)
    assert len(await outbox.expire()) == 1
    await outbox.close()


async def test_observed_time_never_goes_back(tmp_path: Path) -> None:
    clock = FakeClock()
    outbox = await open_outbox(tmp_path / "home", clock)
    clock.pass_(10 * DAY)
    await admit(outbox, an_event())
    observed = outbox._context.observed_s()
    await outbox._end()
    clock.wall -= 20 * DAY
    clock.up = 1.0
    outbox = await open_outbox(tmp_path / "home", clock)
    assert outbox._context.observed_s() >= observed
    await outbox.close()


async def test_after_a_jump_back_nothing_is_due_too_late(outbox: Outbox, clock: FakeClock) -> None:
    await admit(outbox, an_event(), an_event())
    soon, never = (await claim(outbox)).rows
    await settle(outbox, [soon], later(outbox, 60))
    await settle(outbox, [never], later(outbox, 400 * DAY))
    await outbox.set_backoff(1, clock.now() + 60, 3, "503")
    clock.wall -= 3_650 * DAY
    await outbox.clock_jumped(-3_650 * DAY)
    assert (await claim(outbox)).next_due_at == clock.now() + 60
    (known,) = await outbox.destinations()
    assert known.backoff_until == clock.now() + 60
    clock.pass_(policy.LONGEST_DELAY_S)
    assert len((await claim(outbox)).rows) == 2


async def test_a_start_with_a_clock_set_back_waits_for_nothing_too_long(tmp_path: Path) -> None:
    clock = FakeClock()
    outbox = await open_outbox(tmp_path / "home", clock)
    await admit(outbox, an_event())
    await settle(outbox, (await claim(outbox)).rows, later(outbox, 60))
    await outbox.close()
    clock.wall -= 3_650 * DAY
    outbox = await open_outbox(tmp_path / "home", clock)
    due = (await claim(outbox)).next_due_at
    assert due is not None
    assert due <= clock.now() + policy.LONGEST_DELAY_S
    await outbox.close()


async def test_the_trail_is_forgotten_by_age(outbox: Outbox, clock: FakeClock) -> None:
    old = await bring(outbox, State.DELIVERED)
    clock.pass_(5 * DAY)
    recent = await bring(outbox, State.DELIVERED)
    dead = await bring(outbox, State.DEAD)
    clock.pass_(2.5 * DAY)
    await outbox.prune()
    assert await outbox.find(old.key) == ()
    assert await state_of(outbox, recent) is State.DELIVERED
    assert await state_of(outbox, dead) is State.DEAD
    assert (await outbox.tallies()).ledger.delivered == 2


async def test_the_trail_is_forgotten_by_count(outbox: Outbox, clock: FakeClock) -> None:
    object.__setattr__(outbox._context.limits, "trail_rows", 10)
    for _ in range(15):
        await bring(outbox, State.DELIVERED)
        clock.pass_(1)
    await outbox.prune()
    assert await sql(outbox, "SELECT count(*), min(seq) FROM events") == [(10, 6)]


async def test_space_is_given_back(outbox: Outbox) -> None:
    await admit(outbox, *some_events(2_000, body=b'"' + b"x" * 1_000 + b'"'))
    await outbox.checkpoint()
    full = (await outbox.size()).file
    await settle(outbox, (await claim(outbox, limit=2_000)).rows, DELIVERED)
    steps = 1
    while await outbox.vacuum_step():
        steps += 1
    await outbox.checkpoint()
    size = await outbox.size()
    assert size.live == size.log == 0
    assert size.file < full / 3


async def test_operators_drop_the_dead(outbox: Outbox) -> None:
    dead = await bring(outbox, State.DEAD)
    await admit(outbox, an_event())
    assert await outbox.drop_dead(Chosen(keys=("unknown",))) == 0
    assert await outbox.drop_dead(Chosen(service=HERE.service)) == 1
    (found,) = await outbox.find(dead.key)
    assert (found.state, found.outcome) == ("evicted", "operator")
    await settle(outbox, (await claim(outbox)).rows, FAULTY)
    assert await outbox.drop_dead(Chosen()) == 1
