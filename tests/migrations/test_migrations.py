"""Migrations end where the tables say, and a file that is not ours to change is not changed."""

import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from swarm_analyticsd.outbox.errors import NewerOutbox, UnfitOutbox
from swarm_analyticsd.outbox.migrations import APPLICATION_ID, MIGRATIONS, SCHEMA_VERSION
from swarm_analyticsd.outbox.tables import METADATA
from tests.outbox.given import admit, an_event, claim, open_outbox

pytestmark = pytest.mark.anyio


def schema(path: Path) -> dict[str, str]:
    """Every object's definition, in one spelling."""
    with closing(sqlite3.connect(path)) as file:
        rows = file.execute("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL").fetchall()
    return {name: re.sub(r"\s*([(),])\s*", r"\1", re.sub(r"\s+", " ", text)) for name, text in rows}


def columns(path: Path) -> dict[str, list[tuple[object, ...]]]:
    with closing(sqlite3.connect(path)) as file:
        tables = [name for (name,) in file.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        return {name: file.execute(f"PRAGMA table_info({name})").fetchall() for name in tables}


async def test_the_migrated_schema_is_a_fresh_one(tmp_path: Path) -> None:
    outbox = await open_outbox(tmp_path / "home")
    await outbox.close()
    migrated = tmp_path / "home" / "outbox.db"
    fresh = tmp_path / "fresh.db"
    engine = create_engine(f"sqlite:///{fresh}")
    METADATA.create_all(engine)
    engine.dispose()
    assert schema(migrated) == schema(fresh)
    assert columns(migrated) == columns(fresh)


def _as_version_1(path: Path) -> bytes:
    """The same rows as an outbox of the first version kept them: later columns stand at the end."""
    with closing(sqlite3.connect(path)) as now, closing(sqlite3.connect(":memory:")) as then:
        for statement in MIGRATIONS[0]:
            then.execute(statement)
        then.execute("DELETE FROM home")
        for table in ("home", "destinations", "ledger", "clients", "events", "bodies"):
            width = len(then.execute(f"PRAGMA table_info({table})").fetchall())
            marks = ", ".join("?" * width)
            for row in now.execute(f"SELECT * FROM {table}"):
                then.execute(f"INSERT INTO {table} VALUES ({marks})", row[:width])
        then.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        then.execute("PRAGMA user_version = 1")
        then.commit()
        return then.serialize()


async def test_an_outbox_of_the_first_version_is_taken_over_with_its_events(tmp_path: Path) -> None:
    home = tmp_path / "home"
    outbox = await open_outbox(home)
    event = an_event()
    await admit(outbox, event)
    await outbox.close()
    path = home / "outbox.db"
    path.write_bytes(_as_version_1(path))
    assert "resource" not in schema(path)["events"]
    outbox = await open_outbox(home)
    (row,) = (await claim(outbox)).rows
    assert (row.key, row.resource, row.body) == (event.key, "", event.body)
    assert (await admit(outbox, event)).duplicates == 1
    assert await outbox.verify()
    await outbox.close()
    assert "resource" in schema(path)["events_by_key"]


async def test_the_file_says_whose_it_is(tmp_path: Path) -> None:
    outbox = await open_outbox(tmp_path / "home")
    await outbox.close()
    with closing(sqlite3.connect(tmp_path / "home" / "outbox.db")) as file:
        assert file.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
        assert file.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)


async def test_opening_again_migrates_nothing(tmp_path: Path) -> None:
    outbox = await open_outbox(tmp_path / "home")
    await admit(outbox, an_event())
    await outbox.close()
    before = schema(tmp_path / "home" / "outbox.db")
    outbox = await open_outbox(tmp_path / "home")
    assert await outbox.pending() == 1
    await outbox.close()
    assert schema(tmp_path / "home" / "outbox.db") == before


async def test_each_step_is_kept_and_a_failing_one_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox = await open_outbox(tmp_path / "home")
    await admit(outbox, an_event())
    await outbox.close()
    good, bad = ("CREATE TABLE extra (id INTEGER)",), ("CREATE TABLE more (id INTEGER)", "NONSENSE")
    path = "swarm_analyticsd.outbox.migrations."
    monkeypatch.setattr(f"{path}MIGRATIONS", (*MIGRATIONS, good, bad))
    monkeypatch.setattr(f"{path}SCHEMA_VERSION", SCHEMA_VERSION + 2)
    with pytest.raises(Exception, match="NONSENSE"):
        await open_outbox(tmp_path / "home")
    found = schema(tmp_path / "home" / "outbox.db")
    assert "extra" in found
    assert "more" not in found
    monkeypatch.setattr(f"{path}MIGRATIONS", (*MIGRATIONS, good))
    monkeypatch.setattr(f"{path}SCHEMA_VERSION", SCHEMA_VERSION + 1)
    outbox = await open_outbox(tmp_path / "home")
    assert await outbox.pending() == 1
    await outbox.close()


def _newer(file: sqlite3.Connection) -> None:
    file.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")


def _foreign(file: sqlite3.Connection) -> None:
    file.execute("PRAGMA application_id = 1")


def _unnamed(file: sqlite3.Connection) -> None:
    file.execute("PRAGMA application_id = 0")
    file.execute("PRAGMA user_version = 0")


@pytest.mark.parametrize(
    ("change", "error"), [(_newer, NewerOutbox), (_foreign, UnfitOutbox), (_unnamed, UnfitOutbox)]
)
async def test_a_newer_or_foreign_file_is_refused_and_left_as_it_is(
    tmp_path: Path, change: Callable[[sqlite3.Connection], None], error: type[UnfitOutbox]
) -> None:
    home = tmp_path / "home"
    outbox = await open_outbox(home)
    await admit(outbox, an_event())
    await outbox.close()
    path = home / "outbox.db"
    with closing(sqlite3.connect(path)) as file:
        change(file)
        file.commit()
        file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = path.read_bytes()
    with pytest.raises(error) as caught:
        await open_outbox(home)
    assert caught.value.hint
    assert path.read_bytes() == before
    assert list(home.glob("set-aside-*")) == []


async def test_another_programs_database_keeps_its_journal_mode(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    with closing(sqlite3.connect(home / "outbox.db")) as file:
        file.execute("CREATE TABLE theirs (id INTEGER)")
        file.commit()
    before = (home / "outbox.db").read_bytes()
    with pytest.raises(UnfitOutbox, match="another program"):
        await open_outbox(home)
    assert (home / "outbox.db").read_bytes() == before
