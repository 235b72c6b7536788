"""Claiming: which rows a destination sends next, and the leases on them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Row, Select, bindparam, func, select, update

from swarm_analytics_models.categories import Priority
from swarm_analyticsd import policy
from swarm_analyticsd.outbox.context import Context
from swarm_analyticsd.outbox.lifecycle import HeldReason, State, Trigger
from swarm_analyticsd.outbox.moves import LISTED, Ref, as_list, move
from swarm_analyticsd.outbox.rows import Claim, Claimed, Phase, WhenAmbiguous
from swarm_analyticsd.outbox.tables import IS_LEASED, IS_READY, bodies, events, ledger

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Wish:
    """What a caller asks for; see `Outbox.claim`."""

    destination: int
    limit: int
    now: float
    avoid: int | None
    shut_routes: frozenset[str]
    max_bytes: int


_CANDIDATE: Final = select(
    events.c.seq,
    events.c.destination,
    events.c.route,
    events.c.category,
    events.c.key,
    events.c.ordering_key,
    events.c.attempts,
    events.c.strikes,
    events.c.suspect_mark,
    events.c.lease_losses,
    events.c.client,
    events.c.accepted_at,
    events.c.size,
    events.c.resource,
).where(IS_READY, events.c.destination == bindparam("destination"), events.c.priority == bindparam("rank"))
_FRESH: Final = _CANDIDATE.where(events.c.due_at == 0.0)
_RETRIES: Final = (
    _CANDIDATE.where(events.c.due_at > 0.0, events.c.due_at <= bindparam("now"))
    .order_by(events.c.due_at, events.c.seq)
    .limit(bindparam("most"))
)
_OLDEST: Final = _FRESH.order_by(events.c.seq).limit(bindparam("most"))
_NEWEST: Final = _FRESH.order_by(events.c.seq.desc()).limit(bindparam("most"))
_NEXT_DUE: Final = select(func.min(events.c.due_at)).where(
    IS_READY,
    events.c.destination == bindparam("destination"),
    events.c.priority == bindparam("rank"),
    events.c.due_at > bindparam("now"),
)
_BODIES: Final = select(bodies.c.seq, bodies.c.body).where(bodies.c.seq.in_(LISTED))
_DELIVERED: Final = select(ledger.c.delivered).where(ledger.c.destination == bindparam("destination"))
_LEASES: Final = select(events.c.seq, events.c.lease).where(events.c.seq.in_(LISTED), IS_LEASED)
_MARK: Final = update(events).where(events.c.seq.in_(LISTED))


def claim(connection: Connection, context: Context, number: int, wish: Wish) -> Claim:
    """Lease rows. Those of shut routes that are met on the way are held, so each is passed over once."""
    lease = (context.epoch << 32) + number
    sweep = _Sweep(connection, wish)
    chosen = _choose(sweep, number, wish.avoid)
    if not chosen and wish.avoid is not None:
        chosen = _choose(sweep, number, None)
    if chosen:
        move(connection, [_ref(row) for row in chosen], Trigger.CLAIM, lease=lease)
    listed = {"seqs": as_list(row.seq for row in chosen)}
    contents = {row.seq: row.body for row in connection.execute(_BODIES, listed)} if chosen else {}
    delivered = connection.execute(_DELIVERED, {"destination": wish.destination}).scalar()
    return Claim(
        rows=tuple(_claimed(row, lease, contents[row.seq]) for row in chosen),
        next_due_at=wish.now if sweep.spent and not chosen else _next_due(connection, wish),
        delivered=delivered or 0,
    )


def mark_phase(
    connection: Connection, leases: Mapping[int, int], phase: Phase, when_ambiguous: WhenAmbiguous | None
) -> frozenset[int]:
    """Keep what is about to be done with rows. Returns those whose lease is still ours."""
    found = connection.execute(_LEASES, {"seqs": as_list(leases)})
    ours = frozenset(row.seq for row in found if leases[row.seq] == row.lease)
    values = {"phase": phase.value} | ({} if when_ambiguous is None else {"when_ambiguous": when_ambiguous})
    connection.execute(_MARK.values(values), {"seqs": as_list(ours)})
    return ours


def interleave(
    retries: Sequence[T], oldest: Sequence[T], newest: Sequence[T], *, room: int, turn: int
) -> list[T]:
    """Choose `room` rows of one priority: retries get up to half, the newest a quarter, the oldest the rest.

    What one kind leaves over goes to the others. With less than four places, the newest get
    each fourth turn. `newest` is empty unless `oldest` fills the room, so no row is chosen twice.
    """
    share = room // policy.FRESH_SHARE or int(turn % policy.FRESH_SHARE == 0)
    fresh = list(newest[:share])
    behind = room - len(fresh)
    again = list(retries[: max(behind - len(oldest), (behind + 1) // 2)])
    return again + list(oldest[: behind - len(again)]) + fresh


class _Sweep:
    """Reads candidates, and holds those of shut routes within a budget."""

    def __init__(self, connection: Connection, wish: Wish) -> None:
        self.wish = wish
        self._connection = connection
        self._budget = policy.SWEEP_ROWS

    @property
    def spent(self) -> bool:
        return self._budget <= 0

    def find(self, statement: Select[Any], rank: Priority, most: int) -> list[Row[Any]]:
        shut_routes = self.wish.shut_routes
        step = max(most, policy.STEP_ROWS) if shut_routes else most
        parameters = {
            "destination": self.wish.destination,
            "rank": rank.value,
            "now": self.wish.now,
            "most": step,
        }
        while True:
            rows = list(self._connection.execute(statement, parameters))
            shut = [row for row in rows if row.route in shut_routes]
            if shut:
                self._budget -= len(shut)
                move(
                    self._connection,
                    [_ref(row) for row in shut],
                    Trigger.HOLD,
                    reason=HeldReason.ROUTE.value,
                )
            if len(rows) < step or not shut or self.spent:
                return [row for row in rows if row.route not in shut_routes][:most]


def _choose(sweep: _Sweep, turn: int, avoid: int | None) -> list[Row[Any]]:
    wish = sweep.wish
    chosen: list[Row[Any]] = []
    for priority in Priority:
        room = wish.limit - len(chosen)
        if room <= 0 or sweep.spent:
            break
        most = room + (avoid is not None)
        retries = _without(sweep.find(_RETRIES, priority, most), avoid)
        oldest = _without(sweep.find(_OLDEST, priority, most), avoid)
        newest = _without(sweep.find(_NEWEST, priority, most), avoid) if len(oldest) >= room else []
        chosen += interleave(retries, oldest, newest, room=room, turn=turn)
    return _fitting(chosen, wish.max_bytes)


def _without(rows: list[Row[Any]], avoid: int | None) -> list[Row[Any]]:
    return [row for row in rows if row.seq != avoid]


def _fitting(rows: list[Row[Any]], max_bytes: int) -> list[Row[Any]]:
    """The first rows whose bodies fit together, and always one; a row to be sent alone comes alone."""
    fitting: list[Row[Any]] = []
    total = 0
    for row in rows:
        total += row.size
        if fitting and (total > max_bytes or _alone(row)):
            break
        fitting.append(row)
        if _alone(row):
            break
    return fitting


def _alone(row: Row[Any]) -> bool:
    return bool(row.lease_losses >= policy.LOSSES_BEFORE_ALONE)


def _next_due(connection: Connection, wish: Wish) -> float | None:
    parameters = {"destination": wish.destination, "now": wish.now}
    due = [
        connection.execute(_NEXT_DUE, {**parameters, "rank": priority.value}).scalar()
        for priority in Priority
    ]
    return min((at for at in due if at is not None), default=None)


def _ref(row: Row[Any]) -> Ref:
    return Ref(row.seq, row.destination, State.QUEUED, row.ordering_key, row.size, row.client)


def _claimed(row: Row[Any], lease: int, body: bytes) -> Claimed:
    return Claimed(
        seq=row.seq,
        lease=lease,
        destination=row.destination,
        route=row.route,
        category=row.category,
        key=row.key,
        body=body,
        ordering_key=row.ordering_key,
        attempts=row.attempts,
        strikes=row.strikes,
        suspect_mark=row.suspect_mark,
        alone=_alone(row),
        client=row.client,
        accepted_at=row.accepted_at,
        resource=row.resource,
    )
