"""The one place where a row's state is changed: by the table in `lifecycle`, with all that hangs on it.

That is the ledger, the count of its client, its body once nobody will send it, and the turn of the
next event of its ordering key.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, and_, bindparam, delete, func, select, update
from sqlalchemy.sql.selectable import ScalarSelect

from swarm_analyticsd.outbox.ledger import Entries
from swarm_analyticsd.outbox.lifecycle import KEEPS_BODY, LIVE, State, Trigger, after, sources
from swarm_analyticsd.outbox.tables import IS_LIVE, bodies, events, in_states


@dataclass(frozen=True, slots=True)
class Ref:
    """What must be known of a row to move it."""

    seq: int
    destination: int
    state: State
    ordering_key: str | None
    size: int
    client: str | None


SELECT_REFS: Final = select(
    events.c.seq,
    events.c.destination,
    events.c.state,
    events.c.ordering_key,
    events.c.size,
    events.c.client,
)
LISTED: Final = select(func.json_each(bindparam("seqs")).table_valued("value").c.value)
"""The sequence numbers in the parameter `seqs`, a JSON array: one statement for any number of rows."""

_GROUPS: Final = select(
    events.c.destination,
    events.c.state,
    events.c.client,
    func.count().label("rows"),
    func.sum(events.c.size).label("size"),
).group_by(events.c.destination, events.c.state, events.c.client)
_KEYS: Final = (
    select(events.c.destination, events.c.ordering_key).where(events.c.ordering_key.is_not(None)).distinct()
)
_BURY: Final = delete(bodies).where(bodies.c.seq.in_(LISTED))
_NEXT_OF_KEY: Final[ScalarSelect[Any]] = (
    select(func.min(events.c.seq))
    .where(
        events.c.destination == bindparam("to"),
        events.c.ordering_key == bindparam("ordered"),
        IS_LIVE,
    )
    .scalar_subquery()
)
_PROMOTE: Final = update(events).where(events.c.seq == _NEXT_OF_KEY).values(head=1)


def as_list(seqs: Iterable[int]) -> str:
    """The value of the parameter `seqs`."""
    return json.dumps(list(seqs), separators=(",", ":"))


def refs(connection: Connection, statement: Select[Any], parameters: Mapping[str, object]) -> list[Ref]:
    """The rows that `statement`, a refinement of `SELECT_REFS`, finds."""
    return [Ref(row[0], row[1], State(row[2]), *row[3:]) for row in connection.execute(statement, parameters)]


def move(connection: Connection, rows: Sequence[Ref], trigger: Trigger, **values: object) -> None:
    """Put the rows through `trigger`, setting the columns in `values` besides.

    Raises IllegalTransition, having changed nothing, when one of them is in a state that does not know it.
    """
    if not rows:
        return
    entries = Entries()
    targets: dict[State, list[int]] = {}
    released: dict[tuple[int, str], None] = {}
    for row in rows:
        target = after(row.state, trigger)
        targets.setdefault(target, []).append(row.seq)
        entries.move(row.destination, row.state, target, size=row.size, client=row.client)
        if row.ordering_key is not None and target not in LIVE:
            released[row.destination, row.ordering_key] = None
    for target, seqs in targets.items():
        _write(connection, seqs, target, values)
    promote(connection, released)
    entries.write(connection)


def move_all(
    connection: Connection,
    trigger: Trigger,
    where: ColumnElement[bool],
    parameters: Mapping[str, object],
    **values: object,
) -> int:
    """Put every row that matches `where` and knows `trigger` through it; returns how many.

    For decisions that concern a whole outbox: a few statements however many rows there are.
    """
    (target,) = {after(state, trigger) for state in sources(trigger)}
    matching = and_(in_states(sources(trigger)), where)
    entries = Entries()
    moved = 0
    for row in connection.execute(_GROUPS.where(matching), parameters):
        moved += row.rows
        entries.move(
            row.destination, State(row.state), target, size=row.size, client=row.client, rows=row.rows
        )
    released: list[tuple[int, str]] = []
    if target not in LIVE:
        released = [(row[0], row[1]) for row in connection.execute(_KEYS.where(matching), parameters)]
    if target not in KEEPS_BODY:
        buried = select(events.c.seq).where(matching)
        connection.execute(delete(bodies).where(bodies.c.seq.in_(buried)), parameters)
    connection.execute(update(events).where(matching).values(_columns(target, values)), parameters)
    promote(connection, released)
    entries.write(connection)
    return moved


def promote(connection: Connection, keys: Iterable[tuple[int, str]]) -> None:
    """Give each (destination, ordering key) its turn: its oldest event on the way may go."""
    parameters = [{"to": destination, "ordered": key} for destination, key in keys]
    if parameters:
        connection.execute(_PROMOTE, parameters)


def _write(connection: Connection, seqs: Sequence[int], target: State, values: dict[str, object]) -> None:
    listed = {"seqs": as_list(seqs)}
    connection.execute(
        update(events).where(events.c.seq.in_(LISTED)).values(_columns(target, values)), listed
    )
    if target not in KEEPS_BODY:
        connection.execute(_BURY, listed)


def _columns(target: State, values: Mapping[str, object]) -> dict[str, object]:
    """What an UPDATE to `target` sets."""
    cleared: dict[str, object] = {}
    if target is not State.LEASED:
        cleared |= {"lease": None, "phase": None, "when_ambiguous": None}
    if target not in KEEPS_BODY:
        cleared |= {"ordering_key": None, "head": 0}
    return {"state": target.value, **cleared, **values}
