"""What the outbox gives up, and when: caps by priority, age by observed time, the trail, and a full disk."""

from dataclasses import dataclass
from typing import Final, Literal

from sqlalchemy import Connection, bindparam, delete, func, select

from swarm_analytics_models.categories import Priority
from swarm_analytics_models.handoff import DroppedEvent
from swarm_analyticsd import policy
from swarm_analyticsd.outbox.context import Context, Space
from swarm_analyticsd.outbox.dropped import describe
from swarm_analyticsd.outbox.ledger import footprint
from swarm_analyticsd.outbox.lifecycle import State, Trigger, sources
from swarm_analyticsd.outbox.moves import LISTED, SELECT_REFS, Ref, as_list, move, refs
from swarm_analyticsd.outbox.tables import IS_SETTLED, KEEPS_ITS_BODY, events, ledger

_LIVE_BYTES: Final = select(func.coalesce(func.sum(ledger.c.bytes), 0))
_OLDEST: Final = (
    SELECT_REFS.where(
        KEEPS_ITS_BODY, events.c.priority == bindparam("rank"), events.c.seq > bindparam("behind")
    )
    .order_by(events.c.seq)
    .limit(policy.STEP_ROWS)
)
_EVICTABLE: Final = _OLDEST.where(events.c.evictable == 1)
_AGE: Final = select(events.c.observed_s).where(events.c.seq == bindparam("of"))
_MORTAL: Final = select(events.c.seq).where(
    events.c.seq.in_(LISTED),
    events.c.observed_s < bindparam("born_before"),
    (events.c.evictable == 1) | (events.c.state == State.DEAD.value),
)

_OLD_TRAIL: Final = (
    select(events.c.seq, events.c.observed_s)
    .where(IS_SETTLED, events.c.observed_s <= bindparam("settled_before"))
    .order_by(events.c.observed_s)
    .limit(policy.STEP_ROWS)
)
_OLDEST_TO_KEEP: Final = (
    select(events.c.observed_s)
    .where(IS_SETTLED)
    .order_by(events.c.observed_s.desc())
    .limit(1)
    .offset(bindparam("rows"))
)
_ERASE_TRAIL: Final = delete(events).where(events.c.seq.in_(LISTED))


def refused_priority(space: Space | None) -> int:
    """Evictable events of this priority number and above are not accepted for lack of free space.

    All of 0 to 3 stand below what is returned while there is enough.
    """
    if space is None:
        return len(Priority)
    floor = min(policy.FREE_FLOOR_BYTES, int(space.total * policy.FREE_FLOOR_SHARE))
    if space.free >= floor:
        return len(Priority)
    return Priority.DIAGNOSTIC if space.free >= floor // 2 else Priority.PRODUCT


def live_bytes(connection: Connection) -> int:
    return int(connection.execute(_LIVE_BYTES).scalar_one())


@dataclass(frozen=True, slots=True)
class GivenUp:
    """What one operation gave up."""

    rows: int = 0
    told: tuple[DroppedEvent, ...] = ()
    """Those whose client wants to know."""


def evict_overflow(connection: Connection, context: Context) -> GivenUp:
    """Bring the outbox towards its cap: the highest priority number first, of that the oldest."""
    cap = context.limits.max_bytes
    held = live_bytes(connection)
    if held <= cap:
        return GivenUp()
    excess = held - int(cap * policy.EVICT_DOWN_TO)
    told: list[DroppedEvent] = []
    evicted = 0
    for priority in sorted(Priority, reverse=True):
        behind = 0
        while (
            excess > 0
            and evicted < policy.EVICT_ROWS
            and (rows := refs(connection, _EVICTABLE, {"rank": priority.value, "behind": behind}))
        ):
            behind = rows[-1].seq
            chosen: list[Ref] = []
            for row in rows:
                if evicted + len(chosen) == policy.EVICT_ROWS:
                    break
                if excess > 0 and row.state in sources(Trigger.EVICT):
                    chosen.append(row)
                    excess -= footprint(row.size)
            told += give_up(connection, context, chosen, Trigger.EVICT, "size")
            evicted += len(chosen)
    return GivenUp(evicted, tuple(told))


def expire(connection: Connection, context: Context) -> GivenUp:
    """Give up what is too old, one step of it; what may not be evicted stays, unless it is dead."""
    born_before = context.observed_s() - context.limits.max_age_s
    for priority in Priority:
        behind = 0
        while rows := refs(connection, _OLDEST, {"rank": priority.value, "behind": behind}):
            behind = rows[-1].seq
            parameters = {"seqs": as_list(row.seq for row in rows), "born_before": born_before}
            mortal = set(connection.execute(_MORTAL, parameters).scalars())
            chosen = [row for row in rows if row.seq in mortal and row.state in sources(Trigger.EXPIRE)]
            if chosen:
                told = give_up(connection, context, chosen, Trigger.EXPIRE, "age")
                return GivenUp(len(chosen), told)
            if connection.execute(_AGE, {"of": behind}).scalar_one() >= born_before:
                break
    return GivenUp()


def give_up(
    connection: Connection, context: Context, rows: list[Ref], trigger: Trigger, reason: str
) -> tuple[DroppedEvent, ...]:
    """Expire or evict the rows, and say whom that concerns."""
    outcome: Literal["expired", "evicted"] = "expired" if trigger is Trigger.EXPIRE else "evicted"
    told = describe(connection, (row.seq for row in rows), outcome, reason)
    now, observed = context.clock.now(), context.observed_s()
    move(connection, rows, trigger, reason=reason, settled_at=now, observed_s=observed)
    return told


def prune(connection: Connection, context: Context) -> bool:
    """Forget the oldest of the trail, by age and by count. True when there is more to forget."""
    settled_before = context.observed_s() - context.limits.trail_age_s
    surplus = connection.execute(_OLDEST_TO_KEEP, {"rows": context.limits.trail_rows}).scalar()
    if surplus is not None:
        settled_before = max(settled_before, surplus)
    old = connection.execute(_OLD_TRAIL, {"settled_before": settled_before}).all()
    if old:
        connection.execute(_ERASE_TRAIL, {"seqs": as_list(row.seq for row in old)})
    return len(old) == policy.STEP_ROWS
