"""Destinations: found, made, bound to the events that waited for one, and what is known of each."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, and_, bindparam, func, insert, select, update

from swarm_analytics_models.handoff import DeliverySettings
from swarm_analytics_models.identifiers import Destination, IdentityKind
from swarm_analytics_models.status import CredentialState
from swarm_analyticsd.outbox.ledger import Entries, open_account
from swarm_analyticsd.outbox.lifecycle import KEEPS_BODY, HeldReason, State, Trigger
from swarm_analyticsd.outbox.moves import move_all
from swarm_analyticsd.outbox.rows import KnownDestination
from swarm_analyticsd.outbox.tables import IS_HELD, destinations, events, ledger

_KNOWN: Final = select(destinations).where(destinations.c.ref.is_not(None)).order_by(destinations.c.id)
_BY_REF: Final = select(destinations).where(
    destinations.c.service == bindparam("service"), destinations.c.ref == bindparam("ref")
)
_BY_ID: Final = select(destinations).where(destinations.c.id == bindparam("id"))
_OF_SERVICE: Final = (
    select(destinations.c.id, destinations.c.ref, destinations.c.forgotten)
    .where(destinations.c.service == bindparam("service"))
    .order_by(destinations.c.id)
)
_KEPT: Final = select(ledger).where(ledger.c.destination == bindparam("of"))
_HELD_AT: Final = select(
    func.count().label("rows"), func.coalesce(func.sum(events.c.size), 0).label("size")
).where(events.c.destination == bindparam("unknown"), IS_HELD)
_REBIND: Final = (
    update(events)
    .where(events.c.destination == bindparam("unknown"), IS_HELD)
    .values(destination=bindparam("made"))
)
_WAITING: Final = and_(
    events.c.destination == bindparam("made"), events.c.reason == HeldReason.NO_DESTINATION.value
)


def known(row: Row[Any]) -> KnownDestination:
    """A row of a real destination as the rest of the daemon sees it."""
    return KnownDestination(
        id=row.id,
        destination=Destination(row.service, row.base_url, IdentityKind(row.kind), row.identity),
        credential=CredentialState(row.credential),
        credential_error=row.credential_error,
        backoff_until=row.backoff_until,
        backoff_failures=row.backoff_failures,
        backoff_reason=row.backoff_reason,
        settings=None if row.settings is None else DeliverySettings.model_validate_json(row.settings),
        forgotten=bool(row.forgotten),
    )


def all_known(connection: Connection) -> tuple[KnownDestination, ...]:
    return tuple(known(row) for row in connection.execute(_KNOWN))


@dataclass(frozen=True, slots=True)
class OfService:
    """Ids of a service's destinations."""

    by_ref: Mapping[str, int]
    declared: Mapping[str, int]
    """Of these, by ref, those that are not forgotten."""

    unknown: int | None
    """The row that stands in while nobody has said where the service is."""


def of_service(connection: Connection, service: str) -> OfService:
    rows = connection.execute(_OF_SERVICE, {"service": service}).all()
    return OfService(
        by_ref={row.ref: row.id for row in rows if row.ref is not None},
        declared={row.ref: row.id for row in rows if row.ref is not None and not row.forgotten},
        unknown=next((row.id for row in rows if row.ref is None), None),
    )


def ensure(
    connection: Connection, destination: Destination, settings: DeliverySettings | None = None
) -> tuple[KnownDestination, bool]:
    """The destination's row, made where it is new (True). The first takes the events that waited for one.

    `settings` replace those that are known; None leaves them.
    """
    told = None if settings is None else settings.model_dump_json(exclude_none=True)
    found = connection.execute(
        _BY_REF, {"service": destination.service, "ref": destination.ref}
    ).one_or_none()
    if found is not None:
        news: dict[str, object] = {"base_url": destination.base_url, "forgotten": 0}
        if told is not None:
            news["settings"] = told
        if any(getattr(found, name) != value for name, value in news.items()):
            service = of_service(connection, destination.service)
            change(connection, found.id, news)
            if not service.declared and service.unknown is not None:
                _bind(connection, service.unknown, found.id)
            found = connection.execute(_BY_ID, {"id": found.id}).one()
        return known(found), False
    service = of_service(connection, destination.service)
    made = _make(
        connection,
        service=destination.service,
        ref=destination.ref,
        base_url=destination.base_url,
        kind=destination.kind.value,
        identity=destination.identity,
        settings=told,
    )
    if not service.declared and service.unknown is not None:
        _bind(connection, service.unknown, made)
    return known(connection.execute(_BY_ID, {"id": made}).one()), True


def ensure_unknown(connection: Connection, service: str) -> int:
    """The id of the row that stands in while nobody has said where the service is."""
    unknown = of_service(connection, service).unknown
    return _make(connection, service=service) if unknown is None else unknown


def forget(connection: Connection, destination: int) -> bool:
    """Mark a destination as forgotten, unless it has events that are kept (False)."""
    row = connection.execute(_KEPT, {"of": destination}).one_or_none()
    if row is None or any(getattr(row, state.value) for state in KEEPS_BODY):
        return False
    change(connection, destination, {"forgotten": 1, "settings": None})
    return True


def change(connection: Connection, destination: int, values: Mapping[str, object]) -> None:
    connection.execute(update(destinations).where(destinations.c.id == destination).values(dict(values)))


def _make(connection: Connection, **values: str | None) -> int:
    result = connection.execute(
        insert(destinations).values(credential=CredentialState.ABSENT.value, backoff_failures=0, **values)
    )
    made = int(result.inserted_primary_key[0])  # type: ignore[index]  # an INSERT into one table always has it
    open_account(connection, made)
    return made


def _bind(connection: Connection, unknown: int, made: int) -> None:
    """Held events go from the stand-in to the service's first destination, which has none of its own yet."""
    held = connection.execute(_HELD_AT, {"unknown": unknown}).one()
    connection.execute(_REBIND, {"unknown": unknown, "made": made})
    entries = Entries()
    entries.rebind(unknown, made, State.HELD, size=held.size, rows=held.rows)
    entries.write(connection)
    move_all(connection, Trigger.FREE, _WAITING, {"made": made}, reason=None)
