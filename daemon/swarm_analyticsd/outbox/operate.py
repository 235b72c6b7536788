"""What a person, the dispatcher or a start does to many rows: free, redrive, drop, release."""

import json
import math
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, bindparam, func, select

from swarm_analytics_models.handoff import DroppedEvent
from swarm_analyticsd import policy
from swarm_analyticsd.outbox import ledger as ledgers
from swarm_analyticsd.outbox.consent import restrain
from swarm_analyticsd.outbox.context import Context
from swarm_analyticsd.outbox.dropped import describe
from swarm_analyticsd.outbox.lifecycle import DeadReason, HeldReason, State, Trigger
from swarm_analyticsd.outbox.moves import SELECT_REFS, Ref, move, refs
from swarm_analyticsd.outbox.retention import give_up
from swarm_analyticsd.outbox.rows import Phase
from swarm_analyticsd.outbox.tables import IS_DEAD, IS_HELD, IS_LEASED, destinations, events


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which dead rows a person means: those with these keys, of this service, or (neither) all."""

    keys: tuple[str, ...] = ()
    service: str | None = None


_OF_SERVICE: Final = select(destinations.c.id).where(destinations.c.service == bindparam("service"))
_ALL: Final = select(destinations.c.id)
_KEYS: Final = select(func.json_each(bindparam("keys")).table_valued("value").c.value)
_HELD: Final = SELECT_REFS.where(IS_HELD, events.c.reason == bindparam("because"))
_DEAD: Final = SELECT_REFS.where(
    IS_DEAD, (events.c.settled_at <= bindparam("since")) | (events.c.settled_at > bindparam("now"))
)
_LEASED: Final = SELECT_REFS.where(IS_LEASED)
_DOUBTFUL: Final = _LEASED.add_columns(events.c.when_ambiguous).where(events.c.when_ambiguous.is_not(None))
_LOST: Final = _LEASED.add_columns(events.c.lease_losses, events.c.phase)


def free(
    connection: Connection,
    *,
    reason: HeldReason,
    destination: int | None,
    service: str | None,
    route: str | None,
    limit: int,
) -> int:
    """Put up to `limit` held rows back into the queue."""
    statement = _HELD.limit(limit)
    parameters: dict[str, object] = {"because": reason.value}
    if destination is not None:
        statement = statement.where(events.c.destination == destination)
    else:
        statement = statement.where(events.c.destination.in_(_ALL if service is None else _OF_SERVICE))
        parameters |= {} if service is None else {"service": service}
    if route is not None:
        statement = statement.where(events.c.route == route)
    rows = refs(connection, statement, parameters)
    move(connection, rows, Trigger.FREE, reason=None, due_at=0.0)
    return len(rows)


def redrive(connection: Connection, context: Context, chosen: Chosen, since: float) -> int:
    """Send dead rows again under the same key, outside the order; returns how many.

    What has died `since`, when a person asked, was sent again already, and is not sent a third time.
    """
    rows = _dead(connection, chosen, since, context.clock.now())
    move(
        connection,
        rows,
        Trigger.REDRIVE,
        reason=None,
        head=1,
        ordering_key=None,
        due_at=0.0,
        strikes=0,
        suspect_mark=None,
        lease_losses=0,
        settled_at=None,
    )
    restrain(connection, (row.seq for row in rows))
    return len(rows)


def drop_dead(connection: Connection, context: Context, chosen: Chosen) -> int:
    """Give up dead rows for good; they count as evicted by the operator."""
    rows = _dead(connection, chosen, math.inf, math.inf)
    give_up(connection, context, rows, Trigger.EVICT, "operator")
    return len(rows)


def release_own(connection: Connection, context: Context) -> int:
    """Give this start's leases back, at an orderly end: nothing was lost, nothing counts.

    But for what is with a service that would not know it again.
    """
    doubtful, _ = _settle_doubts(connection, context)
    rows = refs(connection, _LEASED, {})
    move(connection, rows, Trigger.RELEASE)
    restrain(connection, (row.seq for row in rows))
    return len(rows) + doubtful


def _settle_doubts(connection: Connection, context: Context) -> tuple[int, tuple[DroppedEvent, ...]]:
    """Count the rows that may have arrived at a service which would not know them again, and set aside those
    that are not to be sent twice. Returns how many those were, and whose clients want to know.
    """
    found = connection.execute(_DOUBTFUL).all()
    ledgers.note(connection, (row.destination for row in found if row.when_ambiguous == "resend"), resent=1)
    aside = [Ref(row[0], row[1], State(row[2]), *row[3:6]) for row in found if row.when_ambiguous != "resend"]
    ledgers.note(connection, (row.destination for row in aside), set_aside=1)
    epitaph = "the daemon ended while the request was under way"
    move(
        connection,
        aside,
        Trigger.REJECT,
        attempts=events.c.attempts + 1,
        reason=DeadReason.AMBIGUOUS.value,
        last_error=epitaph,
        settled_at=context.clock.now(),
    )
    return len(aside), describe(connection, (row.seq for row in aside), "dead", epitaph)


def release_lost(connection: Connection, context: Context) -> tuple[int, tuple[DroppedEvent, ...]]:
    """Release every lease, before this start gives any, and bury rows over which daemons died too often.

    Each lost lease counts until a row travels alone; from then on only those lost while it was handled.
    Returns how many leases there were, and the events that are dead now and whose client wants to know.
    """
    doubtful, told = _settle_doubts(connection, context)
    lost = connection.execute(_LOST).all()
    most = policy.LOSSES_BEFORE_ALONE + policy.DEATHS_WHEN_ALONE
    counted: list[Ref] = []
    spared: list[Ref] = []
    killers: list[Ref] = []
    for row in lost:
        ref = Ref(row[0], row[1], State(row[2]), *row[3:6])
        if row.lease_losses >= policy.LOSSES_BEFORE_ALONE and row.phase != Phase.HANDLING.value:
            spared.append(ref)
        elif row.lease_losses + 1 >= most:
            killers.append(ref)
        else:
            counted.append(ref)
    move(connection, spared, Trigger.RELEASE)
    move(connection, counted, Trigger.RELEASE, lease_losses=events.c.lease_losses + 1)
    epitaph = f"the daemon died {most} times while it was sending this event"
    move(
        connection,
        killers,
        Trigger.REJECT,
        lease_losses=events.c.lease_losses + 1,
        reason=DeadReason.CRASHED.value,
        last_error=epitaph,
        settled_at=context.clock.now(),
    )
    restrain(connection, (ref.seq for ref in (*spared, *counted)))
    told += describe(connection, (ref.seq for ref in killers), "dead", epitaph)
    return len(lost) + doubtful, told


def _dead(connection: Connection, chosen: Chosen, since: float, now: float) -> list[Ref]:
    """But for what died between `since` and `now`. (What died later did so before the clock was set back.)"""
    parameters: dict[str, object] = {"since": since, "now": now}
    if chosen.keys:
        by_key = _DEAD.where(events.c.key.in_(_KEYS))
        return refs(connection, by_key, parameters | {"keys": json.dumps(chosen.keys)})
    among = _ALL if chosen.service is None else _OF_SERVICE
    if chosen.service is not None:
        parameters["service"] = chosen.service
    return refs(connection, _DEAD.where(events.c.destination.in_(among)).limit(policy.STEP_ROWS), parameters)
