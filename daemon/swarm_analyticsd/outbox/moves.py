"""The one place where a row's state is changed: by the table in `lifecycle`, with all that hangs on it.

That is the ledger, the count of its client, its body once nobody will send it, and the turn of the
next event of its ordering key.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Select, bindparam, delete, func, select, update
from sqlalchemy.sql.selectable import ScalarSelect

from swarm_analytics_models.contract import Priority
from swarm_analyticsd import policy
from swarm_analyticsd.outbox.ledger import Entries
from swarm_analyticsd.outbox.lifecycle import KEEPS_BODY, LIVE, State, Trigger, after
from swarm_analyticsd.outbox.tables import IS_LIVE, KEEPS_ITS_BODY, bodies, events


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


def walk(connection: Connection, statement: Select[Any], **parameters: object) -> Iterator[list[Ref]]:
    """All rows that keep a body and match `statement`, in steps, each found by one range of `events_kept`.

    The caller may move the rows of a step before it asks for the next.
    """
    stepped = statement.where(
        KEEPS_ITS_BODY, events.c.priority == bindparam("rank"), events.c.seq > bindparam("behind")
    ).order_by(events.c.seq)
    for priority in Priority:
        behind = 0
        while rows := refs(
            connection,
            stepped.limit(policy.STEP_ROWS),
            {**parameters, "rank": priority.value, "behind": behind},
        ):
            yield rows
            behind = rows[-1].seq


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


def promote(connection: Connection, keys: Iterable[tuple[int, str]]) -> None:
    """Give each (destination, ordering key) its turn: its oldest event on the way may go."""
    parameters = [{"to": destination, "ordered": key} for destination, key in keys]
    if parameters:
        connection.execute(_PROMOTE, parameters)


def _write(connection: Connection, seqs: Sequence[int], target: State, values: dict[str, object]) -> None:
    cleared: dict[str, object] = {}
    if target is not State.LEASED:
        cleared |= {"lease": None, "phase": None}
    if target not in KEEPS_BODY:
        cleared |= {"ordering_key": None, "head": 0}
    listed = as_list(seqs)
    connection.execute(
        update(events).where(events.c.seq.in_(LISTED)).values({"state": target.value, **cleared, **values}),
        {"seqs": listed},
    )
    if target not in KEEPS_BODY:
        connection.execute(_BURY, {"seqs": listed})
