"""Admission: rows for what an app handed off, and its journal's position with them, in one transaction."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy import Connection, bindparam, delete, func, select
from sqlalchemy.dialects.sqlite import insert

from swarm_analytics_models.categories import ConsentMode
from swarm_analyticsd.outbox import consent, destinations
from swarm_analyticsd.outbox.bulk import insert_new
from swarm_analyticsd.outbox.context import Context
from swarm_analyticsd.outbox.digest import digest
from swarm_analyticsd.outbox.ledger import Entries, count_beside
from swarm_analyticsd.outbox.lifecycle import KEEPS_BODY, LIVE, HeldReason, State
from swarm_analyticsd.outbox.moves import promote
from swarm_analyticsd.outbox.retention import evict_overflow, refused_priority
from swarm_analyticsd.outbox.rows import (
    Admission,
    Admitted,
    Conflict,
    NewEvent,
    NoDestination,
    NoSpace,
    RefusedEvent,
)
from swarm_analyticsd.outbox.tables import IS_LIVE, bodies, events, journals

_POSITION: Final = select(journals.c.position).where(journals.c.name == bindparam("name"))
_POSITIONS: Final = select(journals.c.name, journals.c.position)
_MOVE_ON: Final = insert(journals).on_conflict_do_update(
    index_elements=[journals.c.name], set_={"position": insert(journals).excluded.position}
)
_FORGET: Final = delete(journals).where(journals.c.name == bindparam("of"))

_NEWEST: Final = select(func.max(events.c.seq))
_INSERTED: Final = select(events.c.seq).where(
    events.c.seq >= bindparam("first"), events.c.seq <= bindparam("last")
)
_KEYS: Final = func.json_each(bindparam("keys")).table_valued("value")
_SAME_KEY: Final = select(
    events.c.key, events.c.destination, events.c.route, events.c.resource, events.c.digest
).where(events.c.key.in_(select(_KEYS.c.value)))
_BUSY: Final = select(_KEYS.c.value).where(
    select(events.c.seq)
    .where(
        events.c.destination == bindparam("destination"),
        events.c.ordering_key == _KEYS.c.value,
        events.c.ordering_key.is_not(None),
        IS_LIVE,
    )
    .correlate(_KEYS)
    .exists()
)
_EVENT_COLUMNS: Final = (
    "seq", "destination", "route", "category", "priority", "muted", "evictable", "ordering_key", "key",
    "digest", "client", "size", "state", "reason", "head", "accepted_at", "observed_s", "settled_at",
    "resource",
)  # fmt: skip
_BODY_COLUMNS: Final = ("seq", "body")


@dataclass(frozen=True, slots=True)
class _Planned:
    """Where an event goes and in which state it starts."""

    event: NewEvent
    destination: int
    state: State
    reason: HeldReason | None


def journal_position(connection: Connection, name: str) -> int:
    position = connection.execute(_POSITION, {"name": name}).scalar()
    return 0 if position is None else int(position)


def journal_positions(connection: Connection) -> dict[str, int]:
    return {row.name: row.position for row in connection.execute(_POSITIONS)}


def forget_journal(connection: Connection, name: str) -> None:
    connection.execute(_FORGET, {"of": name})


def admit(connection: Connection, context: Context, admission: Admission) -> Admitted:
    """Insert what is new. See `Outbox.admit`."""
    if admission.journal is not None:
        position = journal_position(connection, admission.journal)
        if position != admission.start:
            return Admitted(0, 0, stale=position)
        connection.execute(_MOVE_ON, {"name": admission.journal, "position": admission.end})
    woken: set[int] = set()
    for destination in admission.destinations:
        row, new = destinations.ensure(connection, destination, admission.settings.get(destination.ref))
        if new:
            woken.add(row.id)
    planned, refused = _plan(connection, context, admission.events)
    inserted, duplicates, conflicts = _insert(connection, context, planned)
    refused.extend(conflicts)
    woken.update(row.destination for row in inserted if row.state is State.QUEUED)
    count_beside(connection, refused=admission.refused + len(refused), duplicates=duplicates)
    return Admitted(
        accepted=len(inserted),
        duplicates=duplicates,
        refused=tuple(refused),
        woken=frozenset(woken),
        dropped=evict_overflow(connection, context).told if inserted else (),
    )


def _plan(
    connection: Connection, context: Context, arriving: Sequence[NewEvent]
) -> tuple[list[_Planned], list[RefusedEvent]]:
    planned: list[_Planned] = []
    refused: list[RefusedEvent] = []
    shut = refused_priority(context.space())
    modes = consent.modes(connection)
    by_service = {
        service: destinations.of_service(connection, service)
        for service in {event.service for event in arriving}
    }
    for event in arriving:
        known = by_service[event.service]
        if event.evictable and event.priority >= shut:
            refused.append(NoSpace(event))
            continue
        where: int | None
        if event.destination is not None:
            where = known.by_ref.get(event.destination)
        elif len(known.declared) == 1:
            (where,) = known.declared.values()
        elif not known.declared:
            if known.unknown is None:
                unknown = destinations.ensure_unknown(connection, event.service)
                known = by_service[event.service] = replace(known, unknown=unknown)
            where = known.unknown
        else:
            where = None
        if where is None:
            refused.append(NoDestination(event, tuple(known.declared)))
            continue
        mode = modes.get(event.service, ConsentMode.FULL)
        state, reason = _first_state(event, mode, where == known.unknown)
        planned.append(_Planned(event, where, state, reason))
    return planned, refused


def _first_state(event: NewEvent, mode: ConsentMode, homeless: bool) -> tuple[State, HeldReason | None]:
    if event.muted_without_consent and mode is ConsentMode.MINIMAL:
        return State.WITHDRAWN, None
    if event.muted_without_consent and mode is ConsentMode.HOLD:
        return State.HELD, HeldReason.CONSENT
    if homeless:
        return State.HELD, HeldReason.NO_DESTINATION
    return State.QUEUED, None


def _insert(
    connection: Connection, context: Context, planned: Sequence[_Planned]
) -> tuple[Sequence[_Planned], int, list[Conflict]]:
    """Returns the rows that are new, the number of duplicates, and the conflicts."""
    if not planned:
        return (), 0, []
    first = (connection.execute(_NEWEST).scalar() or 0) + 1
    digests = [digest(row.event.key, row.event.route, row.event.body) for row in planned]
    rows = _event_rows(planned, digests, first, _heads(connection, planned), context)
    if insert_new(connection, events, _EVENT_COLUMNS, rows) == len(rows):
        arrived = set(range(first, first + len(rows)))
    else:
        span = {"first": first, "last": first + len(rows) - 1}
        arrived = set(connection.execute(_INSERTED, span).scalars())
        promote(
            connection,
            {(row.destination, row.event.ordering_key): None for row in planned if row.event.ordering_key},
        )
    kept = [
        (seq, row.event.body)
        for seq, row in enumerate(planned, first)
        if row.state in KEEPS_BODY and seq in arrived
    ]
    insert_new(connection, bodies, _BODY_COLUMNS, kept)
    entries = Entries()
    inserted = [row for seq, row in enumerate(planned, first) if seq in arrived]
    for row in inserted:
        entries.accept(row.destination, row.state, size=len(row.event.body), client=row.event.client)
    entries.write(connection)
    missed = [
        (row, told)
        for seq, (row, told) in enumerate(zip(planned, digests, strict=True), first)
        if seq not in arrived
    ]
    conflicts = _conflicts(connection, missed)
    return inserted, len(missed) - len(conflicts), conflicts


def _heads(connection: Connection, planned: Sequence[_Planned]) -> list[bool]:
    """Which of the rows has nothing of its ordering key before it."""
    wanted: dict[int, dict[str, None]] = {}
    for row in planned:
        if row.event.ordering_key is not None:
            wanted.setdefault(row.destination, {})[row.event.ordering_key] = None
    taken: set[tuple[int, str]] = set()
    for destination, keys in wanted.items():
        busy = connection.execute(_BUSY, {"keys": json.dumps(list(keys)), "destination": destination})
        taken.update((destination, key) for key in busy.scalars())
    heads: list[bool] = []
    for row in planned:
        if row.event.ordering_key is None or row.state not in LIVE:
            heads.append(row.state in LIVE)
            continue
        turn = (row.destination, row.event.ordering_key)
        heads.append(turn not in taken)
        taken.add(turn)
    return heads


def _event_rows(
    planned: Sequence[_Planned],
    digests: Sequence[bytes],
    first: int,
    heads: Sequence[bool],
    context: Context,
) -> list[tuple[object, ...]]:
    now = context.clock.now()
    observed = context.observed_s()
    return [
        (
            seq,
            row.destination,
            row.event.route,
            row.event.category,
            row.event.priority,
            row.event.muted_without_consent,
            row.event.evictable,
            row.event.ordering_key if row.state in KEEPS_BODY else None,
            row.event.key,
            told,
            row.event.client,
            len(row.event.body),
            row.state.value,
            None if row.reason is None else row.reason.value,
            head,
            now,
            observed,
            None if row.state in KEEPS_BODY else now,
            row.event.resource,
        )
        for seq, (row, told, head) in enumerate(zip(planned, digests, heads, strict=True), first)
    ]


def _conflicts(connection: Connection, missed: Sequence[tuple[_Planned, bytes]]) -> list[Conflict]:
    """Of the rows whose key was there already: those with another body."""
    if not missed:
        return []
    keys = json.dumps([row.event.key for row, _ in missed])
    there = {
        (row.key, row.destination, row.route, row.resource): row.digest
        for row in connection.execute(_SAME_KEY, {"keys": keys})
    }
    return [
        Conflict(row.event)
        for row, told in missed
        if there[row.event.key, row.destination, row.event.route, row.event.resource] != told
    ]
