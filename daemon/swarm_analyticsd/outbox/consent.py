"""What a person decided: consent and pauses, applied to rows in the transaction that keeps the decision."""

from collections.abc import Iterable, Mapping
from typing import Final

from sqlalchemy import Connection, and_, bindparam, select, update
from sqlalchemy.dialects.sqlite import insert

from swarm_analytics_models.categories import ConsentMode
from swarm_analyticsd.outbox.consent_file import Decided
from swarm_analyticsd.outbox.context import Context
from swarm_analyticsd.outbox.lifecycle import HeldReason, State, Trigger
from swarm_analyticsd.outbox.moves import LISTED, SELECT_REFS, as_list, move, move_all, refs
from swarm_analyticsd.outbox.rows import Purged
from swarm_analyticsd.outbox.tables import IS_HELD, IS_QUEUED, destinations, events, services

_SERVICES: Final = select(services)
_DECIDE: Final = insert(services)
_SET_CONSENT: Final = _DECIDE.on_conflict_do_update(
    index_elements=[services.c.service],
    set_={"consent": _DECIDE.excluded.consent, "decided_at": _DECIDE.excluded.decided_at},
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

_MUTED: Final = and_(events.c.destination.in_(_OF_SERVICE), events.c.muted == 1)
_KEPT_BACK: Final = and_(_MUTED, events.c.reason == HeldReason.CONSENT.value)
_HOLD_BACK: Final = update(events).where(_MUTED, IS_HELD).values(reason=HeldReason.CONSENT.value)
_LEAVE_HOMELESS: Final = (
    update(events)
    .where(_KEPT_BACK, IS_HELD, events.c.destination.in_(_UNKNOWN))
    .values(reason=HeldReason.NO_DESTINATION.value)
)
_TO_RESTRAIN: Final = SELECT_REFS.where(
    events.c.seq.in_(LISTED), events.c.muted == 1, events.c.destination.in_(_RELUCTANT)
)
_RELABEL: Final = update(events).where(events.c.seq.in_(LISTED)).values(reason=HeldReason.CONSENT.value)


def modes(connection: Connection) -> dict[str, ConsentMode]:
    """The consent of each service about which a person decided anything."""
    return {service: each.mode for service, each in decided(connection).items()}


def decided(connection: Connection) -> dict[str, Decided]:
    """As `modes`, with the moment of each decision."""
    return {
        row.service: Decided(ConsentMode(row.consent), row.decided_at)
        for row in connection.execute(_SERVICES)
    }


def restore(connection: Connection, context: Context, copy: Mapping[str, Decided]) -> None:
    """Apply what the copy knows and the database has lost, or never heard of."""
    known = decided(connection)
    for service, kept in copy.items():
        ours = known.get(service)
        if ours is None or (kept.moment or "") > (ours.moment or ""):
            set_consent(connection, context, service, kept.mode, kept.moment)


def paused(connection: Connection) -> frozenset[str]:
    return frozenset(row.service for row in connection.execute(_SERVICES) if row.paused)


def set_paused(connection: Connection, service: str, value: bool) -> None:
    connection.execute(
        _SET_PAUSED, {"service": service, "consent": ConsentMode.FULL.value, "paused": int(value)}
    )


def set_consent(
    connection: Connection, context: Context, service: str, mode: ConsentMode, moment: str | None
) -> Purged:
    """Keep the decision and apply it to every row of the service that consent mutes."""
    decision = {"service": service, "consent": mode.value, "paused": 0, "decided_at": moment}
    connection.execute(_SET_CONSENT, decision)
    meant = {"service": service}
    match mode:
        case ConsentMode.MINIMAL:
            now, observed = context.clock.now(), context.observed_s()
            ended = {"settled_at": now, "observed_s": observed, "reason": None, "last_error": None}
            return Purged(move_all(connection, Trigger.WITHDRAW, _MUTED, meant, **ended))
        case ConsentMode.HOLD:
            connection.execute(_HOLD_BACK, meant)
            queued = and_(_MUTED, IS_QUEUED)
            move_all(connection, Trigger.HOLD, queued, meant, reason=HeldReason.CONSENT.value)
        case ConsentMode.FULL:
            connection.execute(_LEAVE_HOMELESS, meant)
            move_all(connection, Trigger.FREE, _KEPT_BACK, meant, reason=None, due_at=0.0)
    return Purged(0)


def restrain(connection: Connection, seqs: Iterable[int]) -> None:
    """Rows that are leased or dead no longer are held, as new ones are, where consent is `hold`."""
    rows = refs(connection, _TO_RESTRAIN, {"seqs": as_list(seqs)})
    queued = [row for row in rows if row.state is State.QUEUED]
    move(connection, queued, Trigger.HOLD, reason=HeldReason.CONSENT.value)
    held = as_list(row.seq for row in rows if row.state is State.HELD)
    connection.execute(_RELABEL, {"seqs": held})
