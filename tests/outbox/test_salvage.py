"""A damaged file is set aside, what can be read is saved, and the daemon starts."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from swarm_analytics_models.categories import ConsentMode
from swarm_analyticsd.outbox import salvage
from swarm_analyticsd.outbox.lifecycle import State
from swarm_analyticsd.outbox.writer import Opening
from tests.outbox.given import (
    DELIVERED,
    HERE,
    NO_CREDENTIAL,
    THERE,
    admit,
    an_event,
    bring,
    claim,
    open_outbox,
    settle,
    some_events,
    sql,
    state_of,
    states,
)

pytestmark = pytest.mark.anyio
PAGE = 4096


async def a_home(home: Path) -> list[str]:
    """A closed outbox with 1,000 queued events and a few in other states; their keys."""
    outbox = await open_outbox(home)
    await bring(outbox, State.DELIVERED)
    await bring(outbox, State.DEAD)
    await bring(outbox, State.HELD)
    events = some_events(1_000, body=b'{"content":"' + b"x" * 300 + b'"}', ordering_key="agent:1")
    await admit(outbox, *events, journal="j", start=0, end=500)
    await claim(outbox, limit=1)
    await outbox._end()
    return [event.key for event in events]


def pages_of(path: Path, name: str) -> list[int]:
    with closing(sqlite3.connect(path)) as file:
        return [
            row[0]
            for row in file.execute("SELECT pageno FROM dbstat WHERE name = ? ORDER BY pageno", (name,))
        ]


def scribble(path: Path, *pages: int) -> None:
    with path.open("r+b") as file:
        for page in pages:
            file.seek((page - 1) * PAGE)
            file.write(b"\xaa" * PAGE)


def set_aside(home: Path) -> list[str]:
    return sorted(path.name for path in home.glob("set-aside-*.db"))


@pytest.mark.parametrize("table", ["events", "bodies"])
async def test_a_damaged_page_costs_its_rows_only(tmp_path: Path, table: str) -> None:
    home = tmp_path / "home"
    keys = await a_home(home)
    leaves = pages_of(home / "outbox.db", table)
    scribble(home / "outbox.db", leaves[len(leaves) // 2])
    outbox = await open_outbox(home)
    column = {"bodies": "body", "events": "digest"}[table]
    await sql(outbox, f"SELECT count(*) FROM {table} NOT INDEXED WHERE length({column}) > 0")
    found = await states(outbox)
    assert 900 < found[State.QUEUED] < 1_000
    assert State.LEASED not in found
    assert {state: found[state] for state in found if state is not State.QUEUED} == {
        State.DELIVERED: 1,
        State.DEAD: 1,
        State.HELD: 1,
    }
    assert await outbox.verify()
    assert len(set_aside(home)) == 1
    (warning,) = [text for text in outbox.warnings if "damaged" in text]
    lost = 1_000 - found[State.QUEUED]
    assert f"{lost} could not be read" in warning
    assert (await claim(outbox, limit=1)).rows[0].key in keys[:2]
    again = [an_event(key=key, body=b'{"content":"' + b"x" * 300 + b'"}') for key in keys]
    returned = await admit(outbox, *again, journal="j", start=0, end=500)
    assert returned.accepted == lost
    assert returned.duplicates == 1_000 - lost
    assert await outbox.verify()
    await outbox.close()


async def test_a_body_that_was_changed_is_not_saved(tmp_path: Path) -> None:
    home = tmp_path / "home"
    outbox = await open_outbox(home)
    await admit(outbox, good := an_event(), bad := an_event(body=b'{"content":"before"}'))
    await outbox.close()
    path = home / "outbox.db"
    path.write_bytes(path.read_bytes().replace(b"before", b"b\xfffore"))
    scribble(path, *pages_of(path, "journals"))
    outbox = await open_outbox(home)
    assert await outbox.journal_positions() == {}
    assert await state_of(outbox, good) is State.QUEUED
    assert await outbox.find(bad.key) == ()
    await outbox.close()


async def test_what_is_no_database_any_more_is_set_aside(tmp_path: Path) -> None:
    home = tmp_path / "home"
    await a_home(home)
    scribble(home / "outbox.db", 1)
    outbox = await open_outbox(home)
    assert await states(outbox) == {}
    assert "unknown number" in " ".join(outbox.recovery.warnings)
    await admit(outbox, an_event())
    assert await outbox.verify()
    await outbox.erase()
    assert set_aside(home) == []
    await outbox.close()


async def test_consent_and_destinations_are_saved(tmp_path: Path) -> None:
    home = tmp_path / "home"
    outbox = await open_outbox(home)
    await admit(outbox, an_event(category="diagnostic"))
    await outbox.ensure_destination(THERE)
    await outbox.set_consent("openswarm", ConsentMode.MINIMAL)
    await outbox.close()
    path = home / "outbox.db"
    scribble(path, *pages_of(path, "journals"))
    outbox = await open_outbox(home)
    assert await outbox.journal_positions() == {}
    assert await outbox.consent() == {"openswarm": ConsentMode.MINIMAL}
    assert [known.destination for known in await outbox.destinations()] == [HERE, THERE]
    assert await states(outbox) == {State.QUEUED: 1}
    await outbox.close()


async def test_where_consent_cannot_be_read_product_events_are_held(tmp_path: Path) -> None:
    home = tmp_path / "home"
    await a_home(home)
    path = home / "outbox.db"
    scribble(path, *pages_of(path, "services"))
    outbox = await open_outbox(home)
    assert outbox.recovery.consent == {"openswarm": ConsentMode.HOLD}
    assert "consent" in " ".join(outbox.warnings)
    assert await states(outbox) == {State.DELIVERED: 1, State.DEAD: 1, State.HELD: 1_001}
    await outbox.set_consent("openswarm", ConsentMode.FULL)
    assert (await states(outbox))[State.QUEUED] == 1_000
    await outbox.close()


async def test_where_a_destination_cannot_be_read_its_events_wait_for_it(tmp_path: Path) -> None:
    home = tmp_path / "home"
    await a_home(home)
    path = home / "outbox.db"
    scribble(path, *pages_of(path, "destinations"))
    outbox = await open_outbox(home)
    assert await outbox.destinations() == ()
    assert (await states(outbox))[State.HELD] == 1_001
    known = await outbox.ensure_destination(HERE)
    assert len((await claim(outbox, destination_id=known.id)).rows) == 1
    assert await outbox.verify()
    await outbox.close()


async def test_a_damage_met_while_running_is_salvaged_at_once(tmp_path: Path) -> None:
    home = tmp_path / "home"
    outbox = await open_outbox(home)
    await admit(outbox, *some_events(500, body=b'{"content":"' + b"x" * 300 + b'"}'))
    await outbox.checkpoint()
    rows = (await claim(outbox, limit=5)).rows
    await outbox.checkpoint()
    leaves = pages_of(home / "outbox.db", "bodies")
    await outbox._end()
    outbox = await open_outbox(home)
    scribble(home / "outbox.db", *leaves[-3:])
    saved = (await claim(outbox, limit=500)).rows
    assert 400 < len(saved) < 500
    assert await settle(outbox, rows, DELIVERED) == 0
    assert await states(outbox) == {State.LEASED: len(saved)}
    assert (await admit(outbox, an_event())).accepted == 1
    await settle(outbox, (await claim(outbox)).rows, NO_CREDENTIAL)
    assert await outbox.verify()
    await outbox.close()
    reopened = await open_outbox(home)
    assert await reopened.verify()
    await reopened.close()


async def test_a_damage_met_by_a_report_is_salvaged_too(tmp_path: Path) -> None:
    home = tmp_path / "home"
    await a_home(home)
    outbox = await open_outbox(home)
    leaves = pages_of(home / "outbox.db", "events")
    scribble(home / "outbox.db", leaves[len(leaves) // 2])
    assert len(await outbox.events(limit=1_000)) > 900
    assert any("damaged" in warning for warning in outbox.warnings)
    assert await outbox.verify()
    await outbox.close()


class Killed(BaseException):
    """Ends a salvage as `kill -9` would."""


@pytest.mark.parametrize("step", range(7))
async def test_a_salvage_that_is_killed_goes_on_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """Killed in the middle of filling the new file, and before each rename."""
    home = tmp_path / "home"
    await a_home(home)
    scribble(home / "outbox.db", *pages_of(home / "outbox.db", "journals"))
    replace, insert, calls = os.replace, salvage._insert, iter(range(100))

    def dying(work: Callable[..., None]) -> Callable[..., None]:
        def maybe(*arguments: Any) -> None:
            if next(calls) == step:
                raise Killed
            work(*arguments)

        return maybe

    outbox = await open_outbox(home)
    with monkeypatch.context() as patch:
        patch.setattr(salvage, "_insert", dying(insert))
        patch.setattr(os, "replace", dying(replace))
        database = outbox._database
        await outbox._end()
        try:
            database.connect(Opening.DAMAGED)
        except Killed:
            database.close()
        else:
            assert next(calls) <= step
            database.close()
    outbox = await open_outbox(home)
    await outbox.journal_positions()
    assert await states(outbox) == {
        State.QUEUED: 1_000,
        State.DELIVERED: 1,
        State.DEAD: 1,
        State.HELD: 1,
    }
    assert await outbox.verify()
    await outbox.erase()
    assert sorted(path.name for path in home.iterdir() if path.name.startswith("set-aside")) == []
    await outbox.close()
