"""What a person decided: consent and pauses, applied to rows in the transaction that keeps the decision."""

from collections.abc import Iterable
from typing import Final

from sqlalchemy import Connection, bindparam, select, update
from sqlalchemy.dialects.sqlite import insert

from swarm_analytics_models.contract import ConsentMode
from swarm_analyticsd.outbox.context import Context
from swarm_analyticsd.outbox.lifecycle import HeldReason, State, Trigger
from swarm_analyticsd.outbox.moves import LISTED, SELECT_REFS, as_list, move, refs, walk
from swarm_analyticsd.outbox.rows import Purged
from swarm_analyticsd.outbox.tables import IS_HELD, IS_QUEUED, destinations, events, services

_SERVICES: Final = select(services)
_DECIDE: Final = insert(services)
_SET_CONSENT: Final = _DECIDE.on_conflict_do_update(
    index_elements=[services.c.service], set_={"consent": _DECIDE.excluded.consent}
)
_SET_PAUSED: Final = _DECIDE.on_conflict_do_update(
    index_elements=[services.c.service], set_={"paused": _DECIDE.excluded.paused}
)
_OF_SERVICE: Final = select(destinations.c.id).where(destinations.c.service == bindparam("service"))
_UNKNOWN: Final = select(destinations.c.id).where(destinations.c.ref.is_(None))
_RELUCTANT: Final = (
    select(destinations.c.id)
    .join(services, services.c.service == destinations.c.service)
    .where(services.c.consent == ConsentMode.HOLD.value)
)

_MUTED: Final = SELECT_REFS.where(events.c.destination.in_(_OF_SERVICE), events.c.muted == 1)
_MUTED_QUEUED: Final = _MUTED.where(IS_QUEUED)
_MUTED_HELD: Final = _MUTED.where(IS_HELD)
_KEPT_BACK: Final = _MUTED_HELD.where(events.c.reason == HeldReason.CONSENT.value)
_TO_RESTRAIN: Final = SELECT_REFS.where(
    events.c.seq.in_(LISTED), events.c.muted == 1, events.c.destination.in_(_RELUCTANT)
)
_RELABEL: Final = update(events).where(events.c.seq.in_(LISTED)).values(reason=bindparam("because"))
_HOMELESS: Final = select(events.c.seq).where(events.c.seq.in_(LISTED), events.c.destination.in_(_UNKNOWN))


def modes(connection: Connection) -> dict[str, ConsentMode]:
    """The consent of each service about which a person decided anything."""
    return {row.service: ConsentMode(row.consent) for row in connection.execute(_SERVICES)}


def paused(connection: Connection) -> frozenset[str]:
    return frozenset(row.service for row in connection.execute(_SERVICES) if row.paused)


def set_paused(connection: Connection, service: str, value: bool) -> None:
    connection.execute(
        _SET_PAUSED, {"service": service, "consent": ConsentMode.FULL.value, "paused": int(value)}
    )


def set_consent(connection: Connection, context: Context, service: str, mode: ConsentMode) -> Purged:
    """Keep the decision and apply it to every row of the service that consent mutes."""
    connection.execute(_SET_CONSENT, {"service": service, "consent": mode.value, "paused": 0})
    withdrawn = 0
    match mode:
        case ConsentMode.MINIMAL:
            for rows in walk(connection, _MUTED, service=service):
                withdraw = {"settled_at": context.clock.now(), "observed_s": context.observed_s()}
                move(connection, rows, Trigger.WITHDRAW, reason=None, last_error=None, **withdraw)
                withdrawn += len(rows)
        case ConsentMode.HOLD:
            for rows in walk(connection, _MUTED_QUEUED, service=service):
                move(connection, rows, Trigger.HOLD, reason=HeldReason.CONSENT.value)
            for rows in walk(connection, _MUTED_HELD, service=service):
                _relabel(connection, (row.seq for row in rows), HeldReason.CONSENT)
        case ConsentMode.FULL:
            for rows in walk(connection, _KEPT_BACK, service=service):
                listed = {"seqs": as_list(row.seq for row in rows)}
                homeless = set(connection.execute(_HOMELESS, listed).scalars())
                _relabel(connection, homeless, HeldReason.NO_DESTINATION)
                freed = [row for row in rows if row.seq not in homeless]
                move(connection, freed, Trigger.FREE, reason=None, due_at=0.0)
    return Purged(withdrawn)


def restrain(connection: Connection, seqs: Iterable[int]) -> None:
    """Rows that are leased or dead no longer are held, as new ones are, where consent is `hold`."""
    rows = refs(connection, _TO_RESTRAIN, {"seqs": as_list(seqs)})
    queued = [row for row in rows if row.state is State.QUEUED]
    move(connection, queued, Trigger.HOLD, reason=HeldReason.CONSENT.value)
    _relabel(connection, (row.seq for row in rows if row.state is State.HELD), HeldReason.CONSENT)


def _relabel(connection: Connection, seqs: Iterable[int], reason: HeldReason) -> None:
    connection.execute(_RELABEL, {"seqs": as_list(seqs), "because": reason.value})
