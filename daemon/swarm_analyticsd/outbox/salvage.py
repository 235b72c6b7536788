"""A damaged outbox, read as far as it can be read, and its rows put into a new one.

The ledger restarts from the rows that were saved. Journal positions are not taken over: journals that apps
still keep are read again from their start, which brings back what the damage took; known keys deduplicate.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Table, insert, select, update

from swarm_analytics_models.categories import ConsentMode
from swarm_analyticsd.outbox.bulk import insert_new
from swarm_analyticsd.outbox.consent_file import Decided
from swarm_analyticsd.outbox.destinations import ensure_unknown
from swarm_analyticsd.outbox.digest import digest
from swarm_analyticsd.outbox.ledger import Entries, open_account
from swarm_analyticsd.outbox.lifecycle import KEEPS_BODY, LIVE, HeldReason, State
from swarm_analyticsd.outbox.tables import bodies, destinations, events, services
from swarm_analyticsd.outbox.tables import home as home_table

_MOST_PROBES: Final = 200_000
_BATCH: Final = 512
_EVENTS: Final = """SELECT e.*, b.body AS body FROM events AS e LEFT JOIN bodies AS b ON b.seq = e.seq
WHERE e.seq BETWEEN ? AND ? ORDER BY e.seq"""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the events of an old destination go."""

    destination: int
    homeless: bool
    """It is a stand-in: they wait until somebody says where the service is."""


def recover(damaged: Path, connection: Connection, copy: Mapping[str, Decided] | None) -> str:
    """Fill the new outbox behind `connection` from the damaged one; returns what to tell a person.

    `copy`: what was decided about consent, as it is known outside of it.
    """
    with closing(sqlite3.connect(damaged, isolation_level=None)) as source, connection.begin():
        source.row_factory = sqlite3.Row
        _take_over_home(source, connection)
        places = _take_over_destinations(source, connection)
        consent_known = _take_over_consent(source, connection, places, copy)
        saved, lost = _take_over_events(source, connection, places, hold_muted=not consent_known)
    told = f"the outbox was damaged: {saved} events were saved, {_how_many(lost)} could not be read"
    if not consent_known:
        told += (
            "; what was said about consent could not, so that what it governs is held until it is said again"
        )
    return told


def _how_many(lost: int | None) -> str:
    return "an unknown number" if lost is None else str(lost)


def _all(
    source: sqlite3.Connection, query: str, parameters: tuple[int, ...] = ()
) -> list[sqlite3.Row] | None:
    """Every row, or None when they cannot all be read."""
    try:
        return source.execute(query, parameters).fetchall()
    except sqlite3.DatabaseError:
        return None


def _shared(source: sqlite3.Connection, table: Table) -> tuple[str, ...]:
    """The columns that the old table has, too."""
    there = {row["name"] for row in _all(source, f"PRAGMA table_info({table.name})") or ()}
    return tuple(column.name for column in table.columns if column.name in there)


def _take_over_home(source: sqlite3.Connection, connection: Connection) -> None:
    found = _all(source, "SELECT * FROM home")
    if found:
        kept = {name: found[0][name] for name in _shared(source, home_table)}
        connection.execute(update(home_table).values(kept))


def _take_over_destinations(source: sqlite3.Connection, connection: Connection) -> dict[int, _Place]:
    """The new places by the old ids. Where only the index can be read, a stand-in replaces the only one."""
    columns = _shared(source, destinations)
    rows = _all(source, "SELECT * FROM destinations")
    if rows is not None:
        for row in rows:
            connection.execute(insert(destinations).values({name: row[name] for name in columns}))
            open_account(connection, row["id"])
        return {row["id"]: _Place(row["id"], homeless=row["ref"] is None) for row in rows}
    listed = _all(source, "SELECT service, id FROM destinations INDEXED BY destinations_by_ref") or []
    number = Counter(row["service"] for row in listed)
    return {
        row["id"]: _Place(ensure_unknown(connection, row["service"]), homeless=True)
        for row in listed
        if number[row["service"]] == 1
    }


def _take_over_consent(
    source: sqlite3.Connection,
    connection: Connection,
    places: dict[int, _Place],
    copy: Mapping[str, Decided] | None,
) -> bool:
    """Keep what a person decided. Where nobody knows that, muted events of every service are held."""
    rows = _all(source, "SELECT * FROM services")
    if rows is not None:
        for row in rows:
            connection.execute(insert(services).values(dict(row)))
        return True
    if copy is not None:
        for name, kept in copy.items():
            told = {"service": name, "consent": kept.mode.value, "paused": 0, "decided_at": kept.moment}
            connection.execute(insert(services).values(told))
        return True
    for service in connection.execute(select(destinations.c.service).distinct()).scalars().all():
        connection.execute(insert(services).values(service=service, consent=ConsentMode.HOLD.value, paused=0))
    return not places


class _Reader:
    """Reads the rows of a damaged table in order, around what cannot be read."""

    def __init__(self, source: sqlite3.Connection) -> None:
        self._source = source
        self._probes = _MOST_PROBES

    def rows(self) -> Iterator[sqlite3.Row]:
        yield from self._between(1, self._last())

    def _last(self) -> int:
        for table in ("events", "bodies"):
            found = _all(self._source, f"SELECT max(seq) AS last FROM {table}")  # noqa: S608 - our tables
            if found and found[0]["last"] is not None:
                return int(found[0]["last"])
        return 2**24

    def _between(self, low: int, high: int) -> Iterator[sqlite3.Row]:
        """Halves a range that cannot be read as a whole, down to single rows."""
        ranges = [(low, high)]
        while ranges and self._probes > 0:
            low, high = ranges.pop()
            if high - low >= _BATCH:
                middle = (low + high) // 2
                ranges += [(middle + 1, high), (low, middle)]
                continue
            self._probes -= 1
            rows = _all(self._source, _EVENTS, (low, high))
            if rows is not None:
                yield from rows
            elif low < high:
                middle = (low + high) // 2
                ranges += [(middle + 1, high), (low, middle)]


def _expected(source: sqlite3.Connection) -> int | None:
    """How many rows with a body the old ledger knew."""
    found = _all(source, "SELECT sum(queued + leased + held + dead) AS kept FROM ledger")
    return None if not found else found[0]["kept"]


def _take_over_events(
    source: sqlite3.Connection, connection: Connection, places: dict[int, _Place], *, hold_muted: bool
) -> tuple[int, int | None]:
    """Returns how many rows with a body were saved, and how many were not, where that is known."""
    columns = _shared(source, events)
    if not columns:
        return 0, None
    heads: set[tuple[int, str]] = set()
    saved = 0
    batch: list[_Saved] = []
    for row in _Reader(source).rows():
        one = _restored(row, columns, places, heads, hold_muted=hold_muted)
        if one is None:
            continue
        saved += one.body is not None
        batch.append(one)
        if len(batch) == _BATCH:
            _insert(connection, columns, batch)
            batch = []
    _insert(connection, columns, batch)
    expected = _expected(source)
    return saved, None if expected is None else max(0, expected - saved)


@dataclass(frozen=True, slots=True)
class _Saved:
    values: dict[str, Any]
    body: bytes | None


def _restored(
    row: sqlite3.Row,
    columns: tuple[str, ...],
    places: dict[int, _Place],
    heads: set[tuple[int, str]],
    *,
    hold_muted: bool,
) -> _Saved | None:
    """The row as the new outbox takes it; None where its content contradicts itself."""
    values = {name: row[name] for name in columns}
    try:
        state = State(values["state"])
        whole = state not in KEEPS_BODY or digest(row["key"], row["route"], row["body"]) == row["digest"]
    except (ValueError, TypeError, AttributeError):
        return None
    if not whole or values["destination"] not in places:
        return None
    body = row["body"] if state in KEEPS_BODY else None
    place = places[values["destination"]]
    if state is State.LEASED:
        state = State.QUEUED
    if state is State.QUEUED and place.homeless:
        state, values["reason"] = State.HELD, HeldReason.NO_DESTINATION.value
    if state is State.QUEUED and hold_muted and values["muted"]:
        state, values["reason"] = State.HELD, HeldReason.CONSENT.value
    turn = (place.destination, values["ordering_key"])
    values |= {"state": state.value, "destination": place.destination, "lease": None, "phase": None}
    values["head"] = int(state in LIVE and (turn[1] is None or turn not in heads))
    if state in LIVE and turn[1] is not None:
        heads.add(turn)
    return _Saved(values, body)


def _insert(connection: Connection, columns: tuple[str, ...], batch: list[_Saved]) -> None:
    insert_new(connection, events, columns, [tuple(one.values[name] for name in columns) for one in batch])
    insert_new(
        connection,
        bodies,
        ("seq", "body"),
        [(one.values["seq"], one.body) for one in batch if one.body is not None],
    )
    entries = Entries()
    for one in batch:
        values = one.values
        entries.accept(
            values["destination"], State(values["state"]), size=values["size"], client=values["client"]
        )
    entries.write(connection)
