"""The writer thread: one commit for all who wait, and what it does when the disk refuses."""

import asyncio
import resource
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from sqlalchemy import Connection
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.exc import DBAPIError

from swarm_analytics_models.home import Home
from swarm_analyticsd.outbox.context import Space
from swarm_analyticsd.outbox.driver import raw
from swarm_analyticsd.outbox.errors import OutboxUnavailable, UnfitOutbox
from swarm_analyticsd.outbox.lifecycle import State
from swarm_analyticsd.outbox.rows import Admission
from swarm_analyticsd.outbox.store import Outbox
from tests.outbox.given import (
    DELIVERED,
    HERE,
    FakeClock,
    admit,
    an_event,
    claim,
    open_outbox,
    settle,
    some_events,
    sql,
    states,
)
from tests.support.waiting import eventually

pytestmark = pytest.mark.anyio


async def busy(outbox: Outbox) -> Callable[[], None]:
    """Keep the writer thread at work until the answer is called."""
    import threading

    begun, go_on = threading.Event(), threading.Event()

    def wait(connection: Connection) -> None:
        begun.set()
        go_on.wait(10)

    waiting = asyncio.ensure_future(outbox._write(wait))
    await asyncio.to_thread(begun.wait, 10)

    def release() -> None:
        go_on.set()
        waiting.add_done_callback(lambda done: done.exception())

    return release


async def test_all_that_wait_share_one_commit(outbox: Outbox) -> None:
    await outbox.ensure_destination(HERE)
    release = await busy(outbox)
    before = outbox.counters.commits
    tasks = [asyncio.create_task(admit(outbox, an_event())) for _ in range(200)]
    await asyncio.sleep(0)
    release()
    admitted = await asyncio.gather(*tasks)
    assert sum(one.accepted for one in admitted) == 200
    assert outbox.counters.commits - before == 1


async def test_an_operation_that_fails_harms_none_of_its_neighbours(outbox: Outbox) -> None:
    await outbox.ensure_destination(HERE)
    release = await busy(outbox)
    before = outbox.counters.commits

    def broken(connection: Connection) -> None:
        connection.exec_driver_sql("DELETE FROM destinations")
        raise ZeroDivisionError

    first = asyncio.create_task(admit(outbox, *some_events(3)))
    await asyncio.sleep(0)
    guilty = asyncio.ensure_future(outbox._write(broken))
    ill_formed = asyncio.ensure_future(sql(outbox, "SELECT * FROM nowhere"))
    await asyncio.sleep(0)
    last = asyncio.create_task(admit(outbox, *some_events(2)))
    await asyncio.sleep(0)
    release()
    with pytest.raises(ZeroDivisionError):
        await guilty
    with pytest.raises(Exception, match="nowhere"):
        await ill_formed
    assert ((await first).accepted, (await last).accepted) == (3, 2)
    assert outbox.counters.commits - before == 1
    assert outbox.counters.reruns == 1
    assert len(await outbox.destinations()) == 1


async def test_no_error_repeats_what_was_to_be_written(outbox: Outbox) -> None:
    with pytest.raises(DBAPIError, match="no such table") as caught:
        await sql(outbox, "INSERT INTO nowhere VALUES (?)", "swarm-canary")
    assert "swarm-canary" not in f"{caught.value!s} {caught.value!r} {caught.value.__cause__!r}"


async def test_reading_alone_commits_nothing(outbox: Outbox) -> None:
    await outbox.ensure_destination(HERE)
    before = outbox.counters.commits
    await outbox.destinations()
    await outbox.consent()
    assert (await claim(outbox)).rows == ()
    assert outbox.counters.commits == before


async def test_a_cancelled_waiter_does_not_undo_its_commit(outbox: Outbox) -> None:
    release = await busy(outbox)
    task = asyncio.create_task(admit(outbox, *some_events(3)))
    await asyncio.sleep(0)
    task.cancel()
    release()
    with pytest.raises(asyncio.CancelledError):
        await task
    await outbox.destinations()
    assert await states(outbox) == {State.QUEUED: 3}


async def test_nothing_is_accepted_after_the_end(tmp_path: Path) -> None:
    outbox = await open_outbox(tmp_path / "home")
    await outbox.close()
    with pytest.raises(OutboxUnavailable, match="closed"):
        await admit(outbox, an_event())
    with pytest.raises(OutboxUnavailable, match="closed"):
        await outbox.tallies()


@contextmanager
def no_file_may_grow(beyond: int) -> Iterator[None]:
    """A disk that gives I/O errors for whatever is written past `beyond` bytes of a file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (beyond, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on a file's size")
async def test_after_an_io_error_nothing_was_accepted_and_all_goes_on(tmp_path: Path) -> None:
    outbox = await open_outbox(tmp_path / "home")
    told: list[OutboxUnavailable] = []
    outbox.on_commit_error(told.append)
    await admit(outbox, *some_events(2))
    (row, _) = (await claim(outbox)).rows
    body = b'"' + b"x" * 200_000 + b'"'
    lost = Admission(events=some_events(3, body=body), journal="j", start=0, end=9)
    with no_file_may_grow((await outbox.size()).log + 50_000):
        with pytest.raises(OutboxUnavailable, match="disk") as caught:
            await outbox.admit(lost)
        with pytest.raises(OutboxUnavailable):
            await outbox.admit(lost)
    assert caught.value.hint
    assert str(caught.value) in {str(error) for error in told}
    assert await outbox.journal_position("j") == 0
    assert await outbox.verify()
    assert await settle(outbox, [row], DELIVERED) == 1
    assert (await outbox.admit(lost)).accepted == 3
    assert await states(outbox) == {State.QUEUED: 3, State.LEASED: 1, State.DELIVERED: 1}
    assert outbox.recovery.warnings == outbox.warnings
    await outbox.close()


async def test_a_commit_that_fails_resolves_no_future(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    await outbox.ensure_destination(HERE)
    failing = sqlite3.OperationalError("disk I/O error")
    failing.sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC

    def refuse(dialect: DefaultDialect, driver: object) -> None:
        raise failing

    release = await busy(outbox)
    tasks = [asyncio.create_task(admit(outbox, an_event())) for _ in range(5)]
    await asyncio.sleep(0)
    with monkeypatch.context() as patch:
        patch.setattr(DefaultDialect, "do_commit", refuse)
        release()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(result, OutboxUnavailable) for result in results)
    assert await states(outbox) == {}
    assert outbox.counters.failures == 2
    assert (await admit(outbox, an_event())).accepted == 1


async def test_after_a_failed_sync_the_log_is_written_into_the_file(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    await admit(outbox, *some_events(10))
    assert (await outbox.size()).log > 0
    failed = sqlite3.OperationalError("pretended")
    await outbox._alone(lambda _: outbox._writer._fail((), failed))
    await outbox.destinations()
    assert (await outbox.size()).log == 0
    assert await states(outbox) == {State.QUEUED: 10}


async def _fill(outbox: Outbox) -> None:
    def stop_growth(connection: Connection) -> None:
        file = raw(connection)
        (pages,) = file.execute("PRAGMA page_count").fetchone()
        file.execute(f"PRAGMA max_page_count = {pages}")

    await outbox._alone(stop_growth)


async def test_a_full_disk_refuses_what_grows_and_lets_the_rest_settle(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = outbox._home
    assert home.ballast.stat().st_size == 256 * 1024
    await admit(outbox, *some_events(3))
    rows = (await claim(outbox)).rows
    await _fill(outbox)
    release = await busy(outbox)
    full = asyncio.create_task(admit(outbox, *some_events(5, body=b'"' + b"x" * 9_000 + b'"')))
    await asyncio.sleep(0)
    settled = asyncio.create_task(settle(outbox, rows, DELIVERED))
    await asyncio.sleep(0)
    release()
    assert await settled == 3
    with pytest.raises(OutboxUnavailable, match="disk is full"):
        await full
    assert not home.ballast.exists()
    assert any("disk is full" in warning for warning in outbox.warnings)
    assert await outbox.restore_ballast()
    assert home.ballast.exists()
    with pytest.raises(OutboxUnavailable, match="disk is full"):
        await admit(outbox, *some_events(50, body=b'"' + b"x" * 9_000 + b'"'))


async def test_where_space_is_short_the_log_lags_by_nothing(tmp_path: Path) -> None:
    lean = await open_outbox(tmp_path / "lean", space=lambda: Space(1 << 20, 1 << 40))
    ample = await open_outbox(tmp_path / "ample")
    copied: dict[Outbox, bool] = {}
    for outbox in (lean, ample):
        await admit(outbox, *some_events(50, category="consent"))
        file = (await outbox.size()).file
        await admit(outbox, *some_events(50, category="consent"))
        copied[outbox] = (await outbox.size()).file > file
        await outbox.close()
    assert copied == {lean: True, ample: False}


@pytest.mark.long
async def test_a_really_full_disk_lets_everything_settle(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["/bin/mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(small)], check=False)
    if mounted.returncode:
        pytest.skip("this user may not mount a file system")
    try:
        outbox = await open_outbox(small / "home", space=lambda: Space(1 << 20, 1 << 20))
        accepted = 0
        with suppress(OutboxUnavailable):
            while accepted < 10_000:
                accepted += (await admit(outbox, *some_events(20, body=b'"' + b"x" * 2_000 + b'"'))).accepted
        assert 0 < accepted < 10_000
        while rows := (await claim(outbox, limit=20)).rows:
            accepted -= await settle(outbox, rows, DELIVERED)
        assert accepted == 0
        while await outbox.vacuum_step():
            continue
        await outbox.checkpoint()
        assert await outbox.restore_ballast()
        assert (await admit(outbox, an_event())).accepted == 1
        assert await outbox.verify()
        await outbox.close()
    finally:
        subprocess.run(["/bin/umount", str(small)], check=True)


async def test_a_locked_database_is_told_and_waited_out(outbox: Outbox) -> None:
    await admit(outbox, an_event())
    with sqlite3.connect(outbox._home.outbox, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(OutboxUnavailable, match="another program"):
            await admit(outbox, an_event())
        other.execute("ROLLBACK")
    other.close()
    assert (await admit(outbox, an_event())).accepted == 1


async def test_fast_mode_syncs_within_a_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("swarm_analyticsd.policy.FAST_SYNC_S", 0.02)
    outbox = await open_outbox(tmp_path / "home", durability="fast")
    synced: list[int] = []
    original = outbox._database.sync

    def sync(connection: Connection) -> None:
        synced.append(outbox.counters.commits)
        original(connection)

    monkeypatch.setattr(outbox._database, "sync", sync)
    await admit(outbox, *some_events(3))
    commits = outbox.counters.commits
    await asyncio.to_thread(eventually, lambda: commits in synced)
    count = len(synced)
    await outbox.destinations()
    assert len(synced) == count
    assert await sql(outbox, "PRAGMA synchronous") == [(1,)]
    await outbox.close()


@pytest.mark.parametrize(("durability", "level"), [("durable", 2), ("fast", 1), ("memory", 0)])
async def test_pragmas(tmp_path: Path, durability: str, level: int) -> None:
    outbox = await open_outbox(tmp_path / "home", durability=durability)
    journal = "memory" if durability == "memory" else "wal"
    expected = {
        "synchronous": level,
        "journal_mode": journal,
        "auto_vacuum": 2,
        "secure_delete": 1,
        "fullfsync": 1,
        "checkpoint_fullfsync": 1,
    }
    for pragma, value in expected.items():
        assert await sql(outbox, f"PRAGMA {pragma}") == [(value,)], pragma
    await admit(outbox, an_event())
    assert await outbox.verify()
    await outbox.close()


async def test_a_home_that_takes_no_file_is_unfit(tmp_path: Path) -> None:
    with pytest.raises(UnfitOutbox, match="cannot be made") as caught:
        await Outbox.open(Home(tmp_path / "absent"), durability="durable", clock=FakeClock())
    assert caught.value.hint


async def test_every_file_is_private(outbox: Outbox) -> None:
    await admit(outbox, an_event())
    modes = {path.name: path.stat().st_mode & 0o777 for path in outbox._home.root.iterdir()}
    assert modes == dict.fromkeys(("outbox.db", "outbox.db-wal", "outbox.db-shm", "ballast"), 0o600)
