"""Consent: applied to every row in one commit, kept over starts, and erased to the last byte."""

import random
from pathlib import Path

import anyio
import pytest

from swarm_analytics_models.categories import ConsentMode
from swarm_analyticsd.outbox.lifecycle import HeldReason, State
from swarm_analyticsd.outbox.operate import Chosen
from swarm_analyticsd.outbox.rows import Admission, NewEvent, Release, Verdict
from swarm_analyticsd.outbox.store import Outbox
from tests.outbox.given import (
    DELIVERED,
    ELSEWHERE,
    FAULTY,
    HERE,
    NO_CREDENTIAL,
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
FULL, MINIMAL, HOLD = ConsentMode.FULL, ConsentMode.MINIMAL, ConsentMode.HOLD


async def test_minimal_withdraws_product_events_wherever_they_are(outbox: Outbox) -> None:
    dead = await bring(outbox, State.DEAD)
    held = await bring(outbox, State.HELD)
    leased = await bring(outbox, State.LEASED)
    queued, diagnostic, said = an_event(), an_event(category="diagnostic"), an_event(category="consent")
    elsewhere = an_event(service="segops", destination=ELSEWHERE.ref)
    await outbox.admit(
        Admission(events=(queued, diagnostic, said, elsewhere), destinations=(HERE, ELSEWHERE))
    )
    assert (await outbox.set_consent("openswarm", MINIMAL)).withdrawn == 4
    for event in (dead, held, leased, queued):
        assert await state_of(outbox, event) is State.WITHDRAWN
    assert await states(outbox) == {State.QUEUED: 3, State.WITHDRAWN: 4}
    assert await sql(outbox, "SELECT count(*) FROM bodies") == [(3,)]
    assert await outbox.pending("app") == 3
    assert [row.key for row in (await claim(outbox)).rows] == [said.key, diagnostic.key]


async def test_a_late_answer_to_a_withdrawn_event_changes_nothing(outbox: Outbox) -> None:
    await admit(outbox, event := an_event())
    rows = (await claim(outbox)).rows
    await outbox.set_consent("openswarm", MINIMAL)
    assert await settle(outbox, rows, DELIVERED) == 0
    assert await state_of(outbox, event) is State.WITHDRAWN


async def test_hold_keeps_and_full_frees(outbox: Outbox) -> None:
    queued = await bring(outbox, State.QUEUED)
    await settle(outbox, (await claim(outbox)).rows, NO_CREDENTIAL)
    await admit(outbox, second := an_event(), free := an_event(category="diagnostic"))
    await outbox.set_consent("openswarm", HOLD)
    for event in (queued, second):
        (found,) = await outbox.find(event.key)
        assert (found.state, found.held_reason) == ("held", "consent")
    assert [row.key for row in (await claim(outbox)).rows] == [free.key]
    assert await outbox.free(reason=HeldReason.CREDENTIAL) == 0
    await outbox.set_consent("openswarm", FULL)
    assert [row.key for row in (await claim(outbox)).rows] == [queued.key, second.key]


@pytest.mark.parametrize("verdict", ["postpone", "release", "hold"])
async def test_what_comes_back_under_hold_is_held(outbox: Outbox, verdict: str) -> None:
    await admit(outbox, event := an_event())
    rows = (await claim(outbox)).rows
    await outbox.set_consent("openswarm", HOLD)
    assert await state_of(outbox, event) is State.LEASED
    verdicts: dict[str, Verdict] = {"postpone": later(outbox), "release": Release(), "hold": NO_CREDENTIAL}
    await settle(outbox, rows, verdicts[verdict])
    assert await state_of(outbox, event) is State.HELD
    await outbox.free(reason=HeldReason.CREDENTIAL)
    (found,) = await outbox.find(event.key)
    assert (found.state, found.held_reason) == ("held", "consent")


async def test_under_hold_the_redriven_and_the_lost_are_held(tmp_path: Path) -> None:
    outbox = await open_outbox(tmp_path / "home")
    dead = await bring(outbox, State.DEAD)
    await bring(outbox, State.LEASED)
    await outbox.set_consent("openswarm", HOLD)
    await outbox.redrive(Chosen())
    assert await state_of(outbox, dead) is State.HELD
    await outbox._end()
    outbox = await open_outbox(tmp_path / "home")
    assert outbox.recovery.consent == {"openswarm": HOLD}
    assert await states(outbox) == {State.HELD: 2}
    assert (await claim(outbox)).rows == ()
    await outbox.close()


async def test_full_does_not_free_what_has_no_destination(outbox: Outbox) -> None:
    await outbox.set_consent("openswarm", HOLD)
    await outbox.admit(Admission(events=(homeless := an_event(destination=None),)))
    await outbox.set_consent("openswarm", FULL)
    (found,) = await outbox.find(homeless.key)
    assert found.held_reason == "no_destination"
    await outbox.set_consent("openswarm", HOLD)
    known = await outbox.ensure_destination(HERE)
    assert (await claim(outbox, destination_id=known.id)).rows == ()
    await outbox.set_consent("openswarm", FULL)
    rows = (await claim(outbox, destination_id=known.id)).rows
    assert [row.key for row in rows] == [homeless.key]


async def test_decisions_survive_a_start(tmp_path: Path) -> None:
    outbox = await open_outbox(tmp_path / "home")
    await outbox.set_consent("openswarm", MINIMAL)
    await outbox.set_paused("segops", True)
    await outbox.set_paused("openswarm", True)
    await outbox.set_paused("openswarm", False)
    await outbox.close()
    outbox = await open_outbox(tmp_path / "home")
    assert outbox.recovery.consent["openswarm"] is MINIMAL
    assert outbox.recovery.paused == {"segops"}
    assert await outbox.consent() == {"openswarm": MINIMAL, "segops": FULL}
    assert await outbox.paused() == {"segops"}
    await outbox.close()


def _files_with(root: Path, content: bytes) -> list[str]:
    return sorted(path.name for path in root.rglob("*") if path.is_file() and content in path.read_bytes())


@pytest.mark.parametrize("size", [40, 5_000, 300_000])
async def test_erasure_leaves_no_byte_of_a_body_in_any_file(tmp_path: Path, size: int) -> None:
    home = tmp_path / "home"
    outbox = await open_outbox(home)
    secret = b"marzipan-canary"
    body = b'{"content":"' + secret * (size // len(secret)) + b'"}'
    many = 200 if size < 10_000 else 5
    await admit(outbox, *some_events(many, body=body, ordering_key="agent:marzipan-canary"))
    await settle(outbox, (await claim(outbox, limit=3)).rows, FAULTY)
    kept = an_event(category="diagnostic", body=b'{"data":"kept"}')
    await admit(outbox, kept, *some_events(20, body=body))
    await outbox.checkpoint()
    await admit(outbox, *some_events(20, body=body))
    (home / "set-aside-20260101T000000Z-0.db").write_bytes(secret * 10)
    assert _files_with(home, secret) == ["outbox.db", "outbox.db-wal", "set-aside-20260101T000000Z-0.db"]
    await outbox.set_consent("openswarm", MINIMAL)
    await outbox.erase()
    assert _files_with(home, secret) == []
    assert (await claim(outbox)).rows[0].body == kept.body
    assert await outbox.verify()
    await outbox.close()
    assert _files_with(home, secret) == []


async def test_erasure_waits_for_reports_and_they_go_on_after(outbox: Outbox) -> None:
    await admit(outbox, *some_events(50))
    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(outbox.tallies)
            tasks.start_soon(outbox.erase)
    assert (await outbox.tallies()).ledger.queued == 50


@pytest.mark.parametrize("seed", [14, 20])
async def test_erasure_finds_what_moved_between_pages(tmp_path: Path, seed: int) -> None:
    """A busy history, after which secure deletion alone leaves traces in the free parts of pages."""
    chance = random.Random(seed)
    home = tmp_path / "home"
    outbox = await open_outbox(home)
    for _ in range(6):
        await admit(outbox, *(_marked(chance) for _ in range(150)))
        for row in (await claim(outbox, limit=40)).rows:
            verdicts: list[Verdict] = [DELIVERED, FAULTY, NO_CREDENTIAL, later(outbox)]
            await settle(outbox, [row], chance.choice(verdicts))
    await outbox.set_consent("openswarm", MINIMAL)
    await outbox.checkpoint()
    await outbox.erase()
    assert _files_with(home, b"marzipan") == []
    await outbox.close()


def _marked(chance: random.Random) -> NewEvent:
    key = f"k{chance.random()}"
    if chance.random() < 0.3:
        return an_event(category="diagnostic", body=b'"' + b"k" * chance.choice([3, 900]) + b'"', key=key)
    body = b'"' + b"marzipan" * chance.choice([1, 5, 60, 300]) + b'"'
    return an_event(body=body, ordering_key=f"agent:marzipan{chance.randrange(99)}", key=key)
