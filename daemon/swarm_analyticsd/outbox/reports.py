"""Reports: what the outbox holds, for a person. They read, and never write."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, bindparam, func, select

from swarm_analytics_models.categories import Priority
from swarm_analytics_models.status import CredentialState, EventDetail, EventSummary, Ledger
from swarm_analyticsd import policy
from swarm_analyticsd.outbox.destinations import known
from swarm_analyticsd.outbox.explain import Facts, explain
from swarm_analyticsd.outbox.ledger import COUNTED, footprint
from swarm_analyticsd.outbox.lifecycle import KEEPS_BODY, LIVE, HeldReason, State
from swarm_analyticsd.outbox.rows import KnownDestination
from swarm_analyticsd.outbox.tables import (
    IS_DEAD,
    IS_HELD,
    IS_LIVE,
    IS_READY,
    KEEPS_ITS_BODY,
    bodies,
    clients,
    destinations,
    events,
    home,
    ledger,
    services,
)


@dataclass(frozen=True, slots=True)
class Tally:
    """What the ledger says of one destination, or of a service's events that have none yet."""

    service: str
    destination: KnownDestination | None
    counts: dict[State, int]
    accepted: int
    bytes: int
    held_reasons: tuple[HeldReason, ...]
    oldest_queued_at: float | None
    """Unix time of acceptance."""

    last_delivered_at: float | None
    last_error: str | None
    skipped: int = 0
    resent: int = 0
    set_aside: int = 0


@dataclass(frozen=True, slots=True)
class Tallies:
    destinations: tuple[Tally, ...]
    ledger: Ledger
    """The sum, and whether it balances."""

    live_bytes: int


@dataclass(frozen=True, slots=True)
class Size:
    """Bytes."""

    live: int
    """Bodies that are kept, and what their rows take."""

    file: int
    log: int


_LEDGER: Final = (
    select(destinations, *(column for column in ledger.c if column.name != "destination"))
    .join(ledger, ledger.c.destination == destinations.c.id)
    .order_by(destinations.c.id)
)
_BESIDE: Final = select(home.c.refused, home.c.duplicates)
_RECOUNT: Final = (
    select(
        events.c.destination,
        events.c.state,
        func.count().label("rows"),
        func.sum(events.c.size).label("size"),
    )
    .where(KEEPS_ITS_BODY)
    .group_by(events.c.destination, events.c.state)
)
_BODIES: Final = select(func.count()).select_from(bodies)
_HELD_FOR: Final = (
    select(events.c.seq)
    .where(IS_HELD, events.c.destination == bindparam("destination"), events.c.reason == bindparam("because"))
    .limit(1)
)
_READY: Final = select(events.c.accepted_at).where(
    IS_READY, events.c.destination == bindparam("destination"), events.c.priority == bindparam("rank")
)
_OLDEST_FRESH: Final = _READY.where(events.c.due_at == 0.0).order_by(events.c.seq).limit(1)
_RETRIES: Final = select(
    func.min(_READY.where(events.c.due_at > 0.0).limit(policy.STEP_ROWS).subquery().c.accepted_at)
)
_PENDING: Final = select(func.coalesce(func.sum(ledger.c.queued + ledger.c.leased + ledger.c.held), 0))
_PENDING_OF: Final = select(clients.c.pending).where(clients.c.client == bindparam("client"))

_WAITING_AT: Final = (
    select(events.c.destination)
    .where(KEEPS_ITS_BODY, IS_LIVE, events.c.client == bindparam("client"))
    .distinct()
)

_LISTED: Final = select(
    events,
    destinations.c.service,
    destinations.c.ref,
    destinations.c.backoff_until,
    destinations.c.backoff_reason,
    destinations.c.credential,
    destinations.c.credential_error,
    services.c.paused,
).select_from(
    events.join(destinations, destinations.c.id == events.c.destination).outerjoin(
        services, services.c.service == destinations.c.service
    )
)
_NEWEST_FIRST: Final = _LISTED.order_by(events.c.seq.desc()).limit(bindparam("most"))
_BY_KEY: Final = _LISTED.where(events.c.key == bindparam("key")).order_by(events.c.seq)
_BEFORE: Final = (
    select(events.c.key)
    .where(
        events.c.destination == bindparam("destination"),
        events.c.ordering_key == bindparam("ordered"),
        events.c.seq < bindparam("seq"),
        IS_LIVE,
    )
    .order_by(events.c.seq.desc())
    .limit(1)
)
_BODY: Final = select(bodies.c.body).where(bodies.c.seq == bindparam("seq"))


def tallies(connection: Connection) -> Tallies:
    """Every destination's counts and their sum. Balanced: as `verify` says; for many rows, by the sums."""
    rows = connection.execute(_LEDGER).all()
    total = {name: sum(getattr(row, name) for row in rows) for name in COUNTED}
    live_bytes = total.pop("bytes")
    beside = connection.execute(_BESIDE).one()
    kept = sum(total[state.value] for state in KEEPS_BODY)
    balanced = verify(connection) if kept <= policy.RECOUNT_ROWS else _sums_balance(rows)
    return Tallies(
        destinations=tuple(_tally(connection, row) for row in rows),
        ledger=Ledger(**total, refused=beside.refused, duplicates=beside.duplicates, balanced=balanced),
        live_bytes=live_bytes,
    )


def verify(connection: Connection) -> bool:
    """Count the rows, and say whether the ledger's sums and each of its counts are right."""
    rows = connection.execute(_LEDGER).all()
    found: dict[tuple[int, str], int] = {}
    sizes: dict[int, int] = {}
    for row in connection.execute(_RECOUNT):
        found[row.destination, row.state] = row.rows
        sizes[row.destination] = sizes.get(row.destination, 0) + row.size + row.rows * footprint(0)
    counted = all(
        getattr(row, state.value) == found.get((row.id, state.value), 0)
        for row in rows
        for state in KEEPS_BODY
    )
    weighed = all(row.bytes == sizes.get(row.id, 0) for row in rows)
    whole = connection.execute(_BODIES).scalar() == sum(found.values())
    return counted and weighed and whole and _sums_balance(rows)


def pending(connection: Connection, client: str | None) -> int:
    """Events on their way: of one client object, or all."""
    statement, parameters = (_PENDING, {}) if client is None else (_PENDING_OF, {"client": client})
    return int(connection.execute(statement, parameters).scalar() or 0)


def waiting_at(connection: Connection, client: str) -> frozenset[int]:
    """The destinations at which events of a client object are on their way."""
    return frozenset(connection.execute(_WAITING_AT, {"client": client}).scalars())


def listed(
    connection: Connection, state: State | None, service: str | None, limit: int
) -> tuple[EventSummary, ...]:
    """The newest events first."""
    statement: Select[Any] = _NEWEST_FIRST
    if state is State.DEAD:
        statement = statement.where(IS_DEAD)
    elif state is State.HELD:
        statement = statement.where(IS_HELD)
    elif state is not None:
        statement = statement.where(events.c.state == state.value)
    if service is not None:
        statement = statement.where(destinations.c.service == service)
    return tuple(EventSummary(**_summary(row)) for row in connection.execute(statement, {"most": limit}))


def find(connection: Connection, key: str, *, body: bool, now: float) -> tuple[EventDetail, ...]:
    """All that is known of the events with this key, one for each destination and route."""
    return tuple(
        _detail(connection, row, body=body, now=now)
        for row in connection.execute(_BY_KEY, {"key": key}).all()
    )


def _sums_balance(rows: Sequence[Row[Any]]) -> bool:
    return all(row.accepted == sum(getattr(row, state.value) for state in State) for row in rows)


def _tally(connection: Connection, row: Row[Any]) -> Tally:
    return Tally(
        service=row.service,
        destination=None if row.ref is None else known(row),
        counts={state: getattr(row, state.value) for state in State},
        accepted=row.accepted,
        bytes=row.bytes,
        held_reasons=_held_reasons(connection, row.id) if row.held else (),
        oldest_queued_at=_oldest_queued_at(connection, row.id) if row.queued else None,
        last_delivered_at=row.last_delivered_at,
        last_error=row.last_error,
        skipped=row.skipped,
        resent=row.resent,
        set_aside=row.set_aside,
    )


def _held_reasons(connection: Connection, destination: int) -> tuple[HeldReason, ...]:
    return tuple(
        reason
        for reason in HeldReason
        if connection.execute(_HELD_FOR, {"destination": destination, "because": reason.value}).scalar()
    )


def _oldest_queued_at(connection: Connection, destination: int) -> float | None:
    """Of what may go out now or at its due time; what waits behind it for its turn is younger."""
    times = [
        connection.execute(statement, {"destination": destination, "rank": priority.value}).scalar()
        for priority in Priority
        for statement in (_OLDEST_FRESH, _RETRIES)
    ]
    return min((at for at in times if at is not None), default=None)


def _summary(row: Row[Any]) -> dict[str, Any]:
    state = State(row.state)
    return {
        "id": row.key,
        "service": row.service,
        "route": row.route,
        "destination": row.ref,
        "state": state.value,
        "held_reason": row.reason if state is State.HELD else None,
        "attempts": row.attempts,
        "accepted_at": row.accepted_at,
        "due_at": row.due_at if state is State.QUEUED and row.due_at else None,
        "settled_at": row.settled_at,
        "last_error": row.last_error,
        "outcome": None if state in LIVE else row.reason or state.value,
        "size_bytes": row.size,
    }


def _detail(connection: Connection, row: Row[Any], *, body: bool, now: float) -> EventDetail:
    behind = None
    if row.state == State.QUEUED and not row.head:
        parameters = {"destination": row.destination, "ordered": row.ordering_key, "seq": row.seq}
        behind = connection.execute(_BEFORE, parameters).scalar()
    content = connection.execute(_BODY, {"seq": row.seq}).scalar() if body else None
    return EventDetail(
        **_summary(row),
        category=row.category,
        priority=row.priority,
        ordering_key=row.ordering_key,
        behind=behind,
        explanation=explain(
            Facts(
                state=State(row.state),
                reason=row.reason,
                due_at=row.due_at,
                behind=behind,
                last_error=row.last_error,
                last_status=row.last_status,
                attempts=row.attempts,
                backoff_until=row.backoff_until,
                backoff_reason=row.backoff_reason,
                credential_pending=row.credential == CredentialState.PENDING,
                credential_error=row.credential_error,
                paused=bool(row.paused),
            ),
            now,
        ),
        body=None if content is None else json.loads(content),
    )
