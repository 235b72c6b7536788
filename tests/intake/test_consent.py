"""Opting out: muted at once, purged before it returns, and nothing of it is left in any file."""

import asyncio
import os
from pathlib import Path

import pytest

from swarm_analytics_models.categories import ConsentMode
from swarm_analytics_models.home import Home
from swarm_analytics_models.identifiers import uuid7
from swarm_analyticsd.outbox.errors import OutboxUnavailable
from swarm_analyticsd.outbox.rows import Purged
from tests.intake.lines import DECLARATION, event, log_entry, opt_out
from tests.intake.rig import Rig, consent_of, rig_in
from tests.intake.test_journals import leave_behind

pytestmark = pytest.mark.anyio
SECRET = "what-the-user-said"


async def opted_out_over_the_api(rig: Rig) -> None:
    await rig.reception.consent.set("openswarm", ConsentMode.MINIMAL)
    await rig.reception.erasure.erase()


async def test_an_opt_out_leaves_no_bytes_of_what_it_forbids(home: Path) -> None:
    async with rig_in(home) as rig:
        app = rig.app()
        await app.connect()
        await app.hand_off(DECLARATION, *(event(number, content=SECRET * 50) for number in range(200)))
        await app.hand_off(log_entry("kept-diagnostic"))
        await app.receipt()
        app.write(event(900, content=SECRET))  # only in the journal so far
        assert rig.holding_bytes(SECRET.encode())
        await opted_out_over_the_api(rig)
        assert rig.holding_bytes(SECRET.encode()) == []
        assert rig.holding_bytes(b"kept-diagnostic")
        ledger = await rig.ledger()
        assert (ledger.accepted, ledger.withdrawn, ledger.queued) == (202, 201, 1)
        assert rig.dispatcher.muted == ["openswarm"]


async def test_an_opt_out_that_the_disk_does_not_take_silences_the_service_until_it_does(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with rig_in(home) as rig:

        async def full(service: str, mode: ConsentMode, moment: str) -> Purged:
            raise OutboxUnavailable("the disk is full", "Free some space.")

        with monkeypatch.context() as broken:
            broken.setattr(rig.outbox, "set_consent", full)
            with pytest.raises(OutboxUnavailable):
                await rig.reception.consent.set("openswarm", ConsentMode.FULL)
            assert rig.dispatcher.silenced == set()
            with pytest.raises(OutboxUnavailable):
                await rig.reception.consent.set("openswarm", ConsentMode.MINIMAL)
        assert rig.dispatcher.silenced == {"openswarm"}
        await rig.reception.consent.set("openswarm", ConsentMode.MINIMAL)
        assert rig.dispatcher.silenced == set()


async def test_a_blanked_journal_keeps_its_positions(home: Path) -> None:
    async with rig_in(home) as rig:
        app = rig.app()
        await app.connect()
        before = app.write(DECLARATION, event(0, content=SECRET), log_entry("d"))
        await app.send(before)
        await app.receipt()
        await opted_out_over_the_api(rig)
        after = app.path.read_bytes()
        assert len(after) == len(before)
        assert [len(line) for line in after.split(b"\n")] == [len(line) for line in before.split(b"\n")]
        assert after.startswith(DECLARATION)
        await app.hand_off(log_entry("e"))
        await app.receipt()
        assert (await rig.ledger()).refused == 0


async def test_what_arrives_while_muted_is_withdrawn_and_blanked(home: Path) -> None:
    async with rig_in(home) as rig:
        app = rig.app()
        await app.connect()
        await app.hear("welcome")
        await opted_out_over_the_api(rig)
        assert (await app.hear("consent"))["mode"] == "minimal"
        await app.hand_off(DECLARATION, event(0, content=SECRET), log_entry())
        await app.receipt()
        await rig.reception.erasure.settle()
        assert rig.holding_bytes(SECRET.encode()) == []
        ledger = await rig.ledger()
        assert (ledger.accepted, ledger.withdrawn, ledger.queued) == (2, 1, 1)


async def test_a_refused_line_is_blanked_too_while_muted(home: Path) -> None:
    """What it says is the user's, whatever is wrong with it."""
    async with rig_in(home) as rig:
        app = rig.app()
        await app.connect()
        await app.hear("welcome")
        await opted_out_over_the_api(rig)
        of_a_newer_app = event(0, content=SECRET).replace(b"events.agent.message", b"events.agent.thought")
        await app.hand_off(DECLARATION, of_a_newer_app, log_entry())
        assert [refusal["code"] for refusal in await app.receipt()] == ["unknown_route"]
        await rig.reception.erasure.settle()
        assert rig.holding_bytes(SECRET.encode()) == []


async def test_what_only_looks_like_a_journal_prevents_no_opt_out(home: Path) -> None:
    odd = "1-0123456789abcdef-000001.ndjson"
    async with rig_in(home, before=lambda made: (made.inbox / odd).mkdir()) as rig:
        answer = await rig.reception.decide(["openswarm"], ConsentMode.MINIMAL)
        assert (answer.consent["openswarm"], answer.journals_left) == (ConsentMode.MINIMAL, [odd])


async def test_bytes_beyond_the_committed_position_are_never_blanked(home: Path) -> None:
    async with rig_in(home) as rig:
        app = rig.app()
        await app.connect()
        await app.hand_off(DECLARATION, event(0))
        await app.receipt()
        rig.outbox.failing = lambda _admission: True
        kept = event(1, key="later")
        app.write(kept)
        await opted_out_over_the_api(rig)
        assert app.path.read_bytes().endswith(kept)
        assert await rig.reception.journals.untaken() == [app.name]
        rig.outbox.failing = lambda _admission: False
        app.disconnect()
        await app.connect()
        await app.receipt()
        assert (await rig.ledger()).withdrawn == 2


async def test_an_opt_out_on_the_stream_withdraws_what_came_before_and_after(home: Path) -> None:
    async with rig_in(home) as rig:
        app = rig.app()
        await app.connect()
        await app.hand_off(DECLARATION, event(0, content=SECRET))
        await app.receipt()
        await app.hand_off(event(1, content=SECRET), opt_out(), event(2, content=SECRET))
        await app.receipt()
        await rig.reception.erasure.settle()
        assert consent_of(rig) is ConsentMode.MINIMAL
        assert rig.holding_bytes(SECRET.encode()) == []
        ledger = await rig.ledger()
        assert (ledger.accepted, ledger.withdrawn, ledger.queued) == (4, 3, 1)


async def test_opting_in_again_lets_later_events_through(home: Path) -> None:
    async with rig_in(home) as rig:
        app = rig.app()
        await app.connect()
        await app.hand_off(DECLARATION, opt_out(), event(0), opt_out(False), event(1))
        await app.receipt()
        assert consent_of(rig) is ConsentMode.FULL
        ledger = await rig.ledger()
        assert (ledger.accepted, ledger.withdrawn, ledger.queued) == (4, 1, 3)


async def test_an_older_decision_that_comes_late_changes_nothing(home: Path) -> None:
    async with rig_in(home) as rig:
        app = rig.app()
        older = uuid7()
        await opted_out_over_the_api(rig)
        await app.connect()
        await app.hand_off(DECLARATION, opt_out(False, key=older), event(0))
        await app.receipt()
        assert consent_of(rig) is ConsentMode.MINIMAL
        assert (await rig.ledger()).withdrawn == 1


async def test_hold_keeps_what_minimal_erases(home: Path) -> None:
    async with rig_in(home) as rig:
        app = rig.app()
        await app.connect()
        await app.hand_off(DECLARATION, event(0, content=SECRET))
        await app.receipt()
        await rig.reception.consent.set("openswarm", ConsentMode.HOLD)
        await app.hand_off(event(1, content=SECRET))
        await app.receipt()
        ledger = await rig.ledger()
        assert (ledger.held, ledger.withdrawn) == (2, 0)
        assert app.path.name in "".join(rig.holding_bytes(SECRET.encode()))
        await rig.reception.consent.set("openswarm", ConsentMode.FULL)
        assert (await rig.ledger()).queued == 2
        assert rig.dispatcher.nudges


async def test_a_failing_decision_is_made_again_with_its_event(home: Path) -> None:
    async with rig_in(home) as rig:
        app = rig.app()
        await app.connect()
        await app.hand_off(DECLARATION, event(0))
        await app.receipt()
        real = rig.outbox.set_consent
        failures = 2

        async def failing(service: str, mode: ConsentMode, moment: str) -> object:
            nonlocal failures
            failures -= 1
            if failures >= 0:
                raise OSError("disk")
            return await real(service, mode, moment)

        rig.outbox.set_consent = failing  # type: ignore[method-assign, assignment]
        await app.hand_off(opt_out(), event(1))
        await app.receipt()
        assert consent_of(rig) is ConsentMode.MINIMAL
        ledger = await rig.ledger()
        assert (ledger.withdrawn, ledger.queued) == (2, 1)


async def test_consent_survives_a_restart(home: Path) -> None:
    async with rig_in(home) as rig:
        await opted_out_over_the_api(rig)
    async with rig_in(home) as rig:
        app = rig.app()
        await app.connect()
        assert (await app.hear("welcome"))["consent"]["openswarm"] == "minimal"


async def test_after_a_restart_an_older_decision_in_an_unread_journal_is_no_news(home: Path) -> None:
    opted_in = uuid7()
    async with rig_in(home) as rig:
        await opted_out_over_the_api(rig)

    def older(made: Home) -> None:
        opt_in = opt_out(False, key=opted_in)
        leave_behind(made, DECLARATION, event(0, content=SECRET), opt_in, event(1, content=SECRET))

    async with rig_in(home, before=older) as rig:
        await rig.reception.journals.scan()
        await rig.accepted(3)
        assert consent_of(rig) is ConsentMode.MINIMAL
        assert (await rig.ledger()).withdrawn == 2


async def test_a_decision_that_changes_nothing_is_still_the_newest_after_a_restart(home: Path) -> None:
    async with rig_in(home) as rig:
        await opted_out_over_the_api(rig)
        opted_in = uuid7()
        app = rig.app()
        await app.connect()
        await app.hand_off(DECLARATION, opt_out())
        await app.receipt()

    def between(made: Home) -> None:
        leave_behind(made, DECLARATION, opt_out(False, key=opted_in))

    async with rig_in(home, before=between) as rig:
        await rig.reception.journals.scan()
        await rig.accepted(2)
        assert consent_of(rig) is ConsentMode.MINIMAL


async def test_a_moment_to_come_is_not_believed_after_a_restart(home: Path) -> None:
    """The clock was years ahead when the user decided, and has been set right since."""
    async with rig_in(home) as rig:
        await rig.outbox.set_consent("openswarm", ConsentMode.FULL, f"ffff{uuid7()[4:]}")
    async with rig_in(home) as rig:
        app = rig.app()
        await app.connect()
        await app.hand_off(DECLARATION, opt_out())
        await app.receipt()
        assert consent_of(rig) is ConsentMode.MINIMAL


async def test_an_opt_out_survives_the_loss_of_the_whole_outbox(home: Path) -> None:
    async with rig_in(home) as rig:
        await opted_out_over_the_api(rig)
    (home / "outbox.db").write_bytes(os.urandom(8_192))
    async with rig_in(home) as rig:
        assert consent_of(rig) is ConsentMode.MINIMAL
        app = rig.app()
        await app.connect()
        assert (await app.hear("welcome"))["consent"]["openswarm"] == "minimal"
        await app.hand_off(DECLARATION, event(0, content=SECRET))
        await app.receipt()
        assert (await rig.ledger()).withdrawn == 1


async def test_an_opt_out_under_load_purges_everything(home: Path) -> None:
    async with rig_in(home) as rig:
        app = rig.app()
        await app.connect()
        await app.hand_off(DECLARATION)
        stop = asyncio.Event()

        async def flood() -> None:
            number = 0
            while not stop.is_set():
                await app.hand_off(*(event(number + each, content=SECRET) for each in range(20)))
                number += 20
                await asyncio.sleep(0)

        flooding = asyncio.create_task(flood())
        await rig.accepted_at_least(100)
        await opted_out_over_the_api(rig)
        stop.set()
        await flooding
        await app.receipt()
        await rig.reception.erasure.settle()
        assert rig.holding_bytes(SECRET.encode()) == []
        ledger = await rig.ledger()
        assert ledger.withdrawn == ledger.accepted
