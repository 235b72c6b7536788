"""Settling: what became of leased rows, applied only where the lease is still ours (compare-and-set)."""

from collections.abc import Iterable, Sequence
from typing import Final, assert_never

from sqlalchemy import Connection, bindparam, update

from swarm_analytics_models.handoff import DroppedEvent
from swarm_analyticsd.outbox import ledger as ledgers
from swarm_analyticsd.outbox.consent import restrain
from swarm_analyticsd.outbox.context import Context
from swarm_analyticsd.outbox.dropped import describe
from swarm_analyticsd.outbox.lifecycle import DeadReason, State, Trigger
from swarm_analyticsd.outbox.moves import LISTED, SELECT_REFS, Ref, as_list, move
from swarm_analyticsd.outbox.rows import (
    Acknowledge,
    Hold,
    Postpone,
    Reject,
    Release,
    Settled,
    Settlement,
    Verdict,
)
from swarm_analyticsd.outbox.tables import IS_LEASED, events, ledger

_LEASED: Final = SELECT_REFS.add_columns(events.c.lease).where(events.c.seq.in_(LISTED), IS_LEASED)
_NOTE: Final = update(ledger).where(ledger.c.destination == bindparam("of"))
_NOTE_DELIVERED: Final = _NOTE.values(last_delivered_at=bindparam("at"), last_error=None)
_NOTE_ERROR: Final = _NOTE.values(last_error=bindparam("error"))


def settle(connection: Connection, context: Context, settlements: Sequence[Settlement]) -> Settled:
    """Apply each verdict whose lease is still ours; ignore the others."""
    parameters = {"seqs": as_list(one.seq for one in settlements)}
    leased = {
        (row.seq, row.lease): Ref(row[0], row[1], State(row[2]), *row[3:6])
        for row in connection.execute(_LEASED, parameters)
    }
    by_verdict: dict[Verdict, list[Ref]] = {}
    for one in settlements:
        row = leased.pop((one.seq, one.lease), None)
        if row is not None:
            by_verdict.setdefault(one.verdict, []).append(row)
    dropped: list[DroppedEvent] = []
    for verdict, rows in by_verdict.items():
        dropped += _apply(connection, context, verdict, rows)
    restrain(connection, (row.seq for rows in by_verdict.values() for row in rows))
    return Settled(sum(map(len, by_verdict.values())), tuple(dropped))


def _apply(
    connection: Connection, context: Context, verdict: Verdict, rows: Sequence[Ref]
) -> tuple[DroppedEvent, ...]:
    now = context.clock.now()
    tried = events.c.attempts + 1
    match verdict:
        case Acknowledge():
            ended = {"settled_at": now, "observed_s": context.observed_s()}
            move(
                connection,
                rows,
                Trigger.ACKNOWLEDGE,
                attempts=tried,
                last_status=verdict.status,
                last_error=None,
                **ended,
            )
            _note(connection, rows, None, now)
            if verdict.skipped:
                ledgers.note(connection, (row.destination for row in rows), skipped=verdict.skipped)
        case Postpone():
            marked = {} if verdict.mark is None else {"suspect_mark": verdict.mark}
            move(
                connection,
                rows,
                Trigger.POSTPONE,
                attempts=tried,
                strikes=events.c.strikes + int(verdict.strike),
                due_at=verdict.due_at,
                last_error=verdict.error,
                **marked,
            )
            _note(connection, rows, verdict.error, now)
            if verdict.resent:
                ledgers.note(connection, (row.destination for row in rows), resent=1)
        case Hold():
            move(connection, rows, Trigger.HOLD, reason=verdict.reason.value, last_error=verdict.error)
            _note(connection, rows, verdict.error, now)
        case Reject():
            move(
                connection,
                rows,
                Trigger.REJECT,
                attempts=tried,
                reason=verdict.reason.value,
                last_status=verdict.status,
                last_error=verdict.error,
                settled_at=now,
            )
            _note(connection, rows, verdict.error, now)
            if verdict.reason is DeadReason.AMBIGUOUS:
                ledgers.note(connection, (row.destination for row in rows), set_aside=1)
            return describe(connection, (row.seq for row in rows), "dead", verdict.error)
        case Release():
            move(connection, rows, Trigger.RELEASE)
            if verdict.resent:
                ledgers.note(connection, (row.destination for row in rows), resent=1)
        case _:
            assert_never(verdict)
    return ()


def _note(connection: Connection, rows: Iterable[Ref], error: str | None, now: float) -> None:
    """Keep the destination's last delivery and last error, for `status`."""
    for destination in {row.destination for row in rows}:
        if error is None:
            connection.execute(_NOTE_DELIVERED, {"of": destination, "at": now})
        else:
            connection.execute(_NOTE_ERROR, {"of": destination, "error": error})
