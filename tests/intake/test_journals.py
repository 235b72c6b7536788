"""The inbox: what no connection brought is taken, once; what is done is removed; what lives is left alone."""

import fcntl
import os
import shutil
from pathlib import Path

import pytest

from swarm_analytics_models.home import Home
from swarm_analyticsd import policy
from swarm_analyticsd.outbox.rows import Admission
from tests.intake.lines import DECLARATION, event, opt_out
from tests.intake.rig import rig_in
from tests.support.waiting import eventually_async

pytestmark = pytest.mark.anyio
DEAD = "4242-0123456789abcdef-000001.ndjson"


def leave_behind(home: Home, *lines: bytes, name: str = DEAD) -> Path:
    """A journal whose owner is dead."""
    path = home.inbox / name
    path.write_bytes(b"".join(lines))
    path.chmod(0o600)
    return path


async def _true(value: bool) -> bool:
    return value


async def test_a_dead_owners_journal_is_taken_and_removed(home: Path) -> None:
    async with rig_in(home, before=lambda made: _leave(made, DECLARATION, event(0), event(1))) as rig:
        await rig.reception.journals.scan()
        await rig.accepted(2)
        assert rig.journal_names() == []
        assert await rig.outbox.journal_positions() == {}


def _leave(home: Home, *lines: bytes) -> None:
    leave_behind(home, *lines)


async def test_a_torn_last_line_is_counted_and_harms_nothing(home: Path) -> None:
    torn = event(1)[:100]
    async with rig_in(home, before=lambda made: _leave(made, DECLARATION, event(0), torn)) as rig:
        await rig.reception.journals.scan()
        ledger = await rig.ledger()
        assert (ledger.accepted, ledger.refused) == (1, 1)
        assert rig.journal_names() == []


async def test_a_journal_of_torn_bytes_alone_is_removed_too(home: Path) -> None:
    async with rig_in(home, before=lambda made: _leave(made, b'{"type":"ev')) as rig:
        await rig.reception.journals.scan()
        assert (await rig.ledger()).refused == 1
        assert rig.journal_names() == []


async def test_a_living_owners_journal_is_taken_and_left_as_it_is(home: Path) -> None:
    async with rig_in(home) as rig:
        app = rig.app()
        content = app.write(DECLARATION, event(0), event(1), event(2)[:30])
        await rig.reception.journals.scan()
        await rig.accepted(2)
        assert app.path.read_bytes() == content
        assert (await rig.ledger()).refused == 0


async def test_a_half_line_of_a_living_owner_is_taken_once_it_is_whole(home: Path) -> None:
    async with rig_in(home) as rig:
        app = rig.app()
        line = event(0)
        app.write(DECLARATION, line[:30])
        await rig.reception.journals.scan()
        app.write(line[30:])
        await rig.reception.journals.scan()
        await rig.accepted(1)
        assert (await rig.ledger()).refused == 0


async def test_the_journal_of_an_app_that_dies_is_taken_when_its_connection_ends(home: Path) -> None:
    async with rig_in(home) as rig:
        app = rig.app()
        await app.connect()
        await app.hand_off(DECLARATION, event(0))
        app.write(event(1), event(2))
        app.die()
        await rig.accepted(3)
        await eventually_async(lambda: _true(rig.journal_names() == []))
        assert (await rig.ledger()).duplicates == 0


async def test_a_journal_that_is_about_to_be_locked_is_not_removed(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with rig_in(home) as rig:
        path = leave_behind(rig.home)
        await rig.reception.journals.scan()
        assert rig.journal_names() == [path.name]
        monkeypatch.setattr(policy, "NEWBORN_JOURNAL_S", 0.0)
        await rig.reception.journals.scan()
        assert rig.journal_names() == []


async def test_an_owner_can_lock_its_newborn_journal_while_the_inbox_is_scanned(home: Path) -> None:
    async with rig_in(home) as rig:
        for number in range(20):
            path = leave_behind(rig.home, name=f"9{number}-0123456789abcdef-000001.ndjson")
            descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)
            rig.reception.journals.scan_soon()
            await rig.outbox.journal_positions()
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.write(descriptor, DECLARATION + event(number))
            await rig.reception.journals.scan()
            assert path.exists()
            os.close(descriptor)
        await rig.accepted(20)


async def test_several_segments_of_a_dead_owner_are_taken_in_their_order(home: Path) -> None:
    def before(made: Home) -> None:
        for number in (3, 1, 2):
            leave_behind(
                made,
                DECLARATION,
                event(number, key=f"k{number}"),
                name=f"7-0123456789abcdef-{number:06}.ndjson",
            )

    async with rig_in(home, before=before) as rig:
        await rig.reception.journals.scan()
        assert await rig.keys() == ["k1", "k2", "k3"]


async def test_a_journal_is_kept_while_its_lines_cannot_be_committed(home: Path) -> None:
    async with rig_in(home) as rig:
        rig.outbox.failing = lambda _admission: True
        path = leave_behind(rig.home, DECLARATION, event(0))
        await rig.reception.journals.scan()
        assert path.exists()
        rig.outbox.failing = lambda _admission: False
        await rig.accepted(1)
        await rig.reception.journals.scan()
        assert not path.exists()


async def test_after_a_restart_taking_goes_on_where_it_was_committed(home: Path) -> None:
    async with rig_in(home) as rig:
        app = rig.app()
        app.write(DECLARATION, event(0, key="k0"))
        await rig.reception.journals.scan()
        app.write(event(1, key="k1"))
        shutil.copy(app.path, home.parent / app.name)
        app.path.rename(home.parent / "kept")
        name = app.name
    os.rename(home.parent / "kept", home / "inbox" / name)
    async with rig_in(home) as rig:
        await rig.reception.journals.scan()
        ledger = await rig.ledger()
        assert (ledger.accepted, ledger.duplicates) == (2, 0)
        assert rig.journal_names() == []


async def test_positions_of_journals_that_their_owners_removed_are_forgotten(home: Path) -> None:
    async with rig_in(home) as rig:
        app = rig.app()
        app.write(DECLARATION, event(0))
        await rig.reception.journals.scan()
        await rig.accepted(1)
        assert list(await rig.outbox.journal_positions()) == [app.name]
        app.path.unlink()
        await rig.reception.journals.scan()
        assert await rig.outbox.journal_positions() == {}


async def test_the_position_of_a_journal_in_use_is_not_forgotten(home: Path) -> None:
    async with rig_in(home) as rig:
        app = rig.app()
        await app.connect()
        await app.hand_off(DECLARATION, event(0))
        await app.receipt()
        app.path.unlink()
        await rig.reception.journals.scan()
        await app.send(event(1))
        await rig.accepted(2)


async def test_files_that_are_no_journals_are_left_alone(home: Path) -> None:
    async with rig_in(home) as rig:
        outside = home.parent / "secret"
        outside.write_bytes(DECLARATION + event(0))
        link = rig.home.inbox / DEAD
        link.symlink_to(outside)
        (rig.home.inbox / "notes.txt").write_text("hello")
        fifo = rig.home.inbox / "5-0123456789abcdef-000001.ndjson"
        os.mkfifo(fifo)
        await rig.reception.journals.scan()
        assert (await rig.ledger()).accepted == 0
        assert outside.exists()
        assert rig.journal_names() == sorted([DEAD, "notes.txt", fifo.name])


async def test_an_opt_out_in_any_journal_is_applied_before_older_lines_are_admitted(home: Path) -> None:
    body = "transcript-before-the-opt-out"

    def before(made: Home) -> None:
        leave_behind(made, DECLARATION, event(0, content=body), name="1-0123456789abcdef-000001.ndjson")
        leave_behind(
            made, DECLARATION, event(1, content=body), opt_out(), name="2-0123456789abcdef-000001.ndjson"
        )

    async with rig_in(home, before=before) as rig:
        stored: list[bytes] = []
        admit = rig.outbox.failing

        def watch(admission: Admission) -> bool:
            stored.extend(event.body for event in admission.events)
            return admit(admission)

        rig.outbox.failing = watch
        await rig.reception.journals.scan()
        await rig.reception.erasure.settle()
        ledger = await rig.ledger()
        assert (ledger.accepted, ledger.withdrawn, ledger.queued) == (3, 2, 1)
        assert rig.holding_bytes(body.encode()) == []


async def test_after_an_opt_out_and_an_opt_in_only_what_came_between_is_withdrawn(home: Path) -> None:
    lines = [DECLARATION, event(0), opt_out(), event(1), opt_out(False), event(2)]
    async with rig_in(home, before=lambda made: _leave(made, *lines)) as rig:
        await rig.reception.journals.scan()
        ledger = await rig.ledger()
        assert (ledger.accepted, ledger.withdrawn, ledger.queued) == (5, 2, 3)


async def test_a_large_journal_is_taken_in_chunks(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy, "READ_BYTES", 1_000)
    lines = [DECLARATION, *(event(number, content="x" * (number % 7) * 300) for number in range(100))]
    async with rig_in(home, before=lambda made: _leave(made, *lines)) as rig:
        await rig.reception.journals.scan()
        await rig.accepted(100)
        assert rig.journal_names() == []


async def test_a_journal_that_was_named_and_never_made_is_forgotten(home: Path) -> None:
    async with rig_in(home) as rig:
        await rig.reception.journals.reach("1-0123456789abcdef-000001.ndjson", 0)
        assert len(rig.reception._cursors.known()) == 1
        await rig.reception.journals.scan()
        assert rig.reception._cursors.known() == ()
