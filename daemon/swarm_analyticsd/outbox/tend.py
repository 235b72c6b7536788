"""What a start and the upkeep do to the outbox as a whole: time, space, erasure."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, bindparam, func, select, update

from swarm_analytics_models.categories import Priority
from swarm_analytics_models.handoff import DroppedEvent
from swarm_analyticsd import policy
from swarm_analyticsd.outbox.context import Context, Observed
from swarm_analyticsd.outbox.driver import raw
from swarm_analyticsd.outbox.errors import OutboxUnavailable
from swarm_analyticsd.outbox.operate import release_lost
from swarm_analyticsd.outbox.tables import IS_READY, destinations, events, home

_HOME: Final = select(home)
_NEWEST: Final = select(events.c.observed_s).order_by(events.c.seq.desc()).limit(1)
_START: Final = update(home).values(epoch=bindparam("number"))
_OBSERVE: Final = update(home).values(observed_s=bindparam("observed"), observed_wall=bindparam("wall"))
_SHIFTED: Final = func.max(1.0, func.min(events.c.due_at + bindparam("shift"), bindparam("latest")))
_SHIFT_EVENTS: Final = (
    update(events)
    .where(
        IS_READY,
        events.c.destination.in_(select(destinations.c.id)),
        events.c.priority.in_([priority.value for priority in Priority]),
        events.c.due_at > 0.0,
    )
    .values(due_at=_SHIFTED)
)
_SHIFT_BACKOFF: Final = (
    update(destinations)
    .where(destinations.c.backoff_until.is_not(None))
    .values(backoff_until=func.min(destinations.c.backoff_until + bindparam("shift"), bindparam("latest")))
)


def start(connection: Connection, context: Context) -> tuple[int, tuple[DroppedEvent, ...]]:
    """Begin a new epoch: leases of earlier ones are released, time goes on, nothing is due too late.

    Returns how many leases there were, and the events that died of too many.
    """
    row = connection.execute(_HOME).one()
    context.epoch = row.epoch + 1
    connection.execute(_START, {"number": context.epoch})
    gap = context.clock.now() - row.observed_wall if row.observed_wall else 0.0
    passed = row.observed_s + min(max(gap, 0.0), policy.RESTART_GAP_MOST_S)
    newest = connection.execute(_NEWEST).scalar() or 0.0
    context.observed = Observed(max(passed, newest), context.clock.monotonic())
    observe(connection, context)
    released = release_lost(connection, context)
    shift_clock(connection, context, 0.0)
    return released


def observe(connection: Connection, context: Context) -> None:
    """Keep the observed time."""
    connection.execute(_OBSERVE, {"observed": context.observed_s(), "wall": context.clock.now()})


def shift_clock(connection: Connection, context: Context, shift: float) -> None:
    """After the wall clock jumped by `shift` seconds: what was due in a minute still is."""
    parameters = {"shift": shift, "latest": context.clock.now() + policy.LONGEST_DELAY_S}
    connection.execute(_SHIFT_EVENTS, parameters)
    connection.execute(_SHIFT_BACKOFF, parameters)
    observe(connection, context)


def vacuum_step(connection: Connection) -> bool:
    """Give some free pages back to the file system. True when there are more."""
    file = raw(connection)
    (free,) = file.execute("PRAGMA freelist_count").fetchone()
    if free:
        # Its rows have no columns, so that `execute` would stop after the first page.
        file.executescript(f"PRAGMA incremental_vacuum({policy.VACUUM_PAGES})")
    return bool(free > policy.VACUUM_PAGES)


def erase(connection: Connection, set_aside: Iterable[Path]) -> None:
    """Leave nothing of deleted rows in any file: it is written anew, the log emptied, copies overwritten.

    Secure deletion alone leaves what moved between pages, and what the log still holds.
    """
    file = raw(connection)
    file.execute("VACUUM")
    (busy, _, _) = file.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        raise OutboxUnavailable(
            "another program is reading the outbox, so that its log cannot be erased",
            "End that program; the daemon completes the erasure by itself, within a minute.",
        )
    for path in set_aside:
        _shred(path)


def _shred(path: Path) -> None:
    with path.open("r+b", buffering=0) as file:
        left = os.fstat(file.fileno()).st_size
        while left > 0:
            left -= file.write(bytes(min(left, 1 << 20)))
        os.fsync(file.fileno())
    path.unlink()
