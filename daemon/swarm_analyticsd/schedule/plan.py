"""What a lane may claim now, and until when it may sleep. Pure. Times are monotonic seconds."""

from collections.abc import Sequence
from dataclasses import dataclass

from swarm_analytics_models.status import BreakerState
from swarm_analyticsd import policy
from swarm_analyticsd.outbox.rows import Claimed
from swarm_analyticsd.schedule import routes
from swarm_analyticsd.schedule.condition import Condition
from swarm_analyticsd.schedule.routes import Gates


@dataclass(frozen=True, slots=True)
class Load:
    """What the lane has taken on already."""

    in_flight: int
    waiting: int
    """Parcels that wait for room in the window."""

    bytes: int
    """Of bodies, in memory."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What to ask of the outbox."""

    limit: int
    max_bytes: int
    avoid: int | None
    shut_routes: frozenset[str]
    probes_service: bool
    """The breaker is open: one request, to see."""

    only_other: bool = False
    """Only another row than the avoided one will do."""


def wish(condition: Condition, load: Load, *, now: float, per_request: int, news: bool) -> Wish | None:
    """`per_request`: most events in one request; `news`: events came in since the last turn."""
    breaker = condition.breaker
    shut = routes.barred(condition.gates, now)
    room = policy.IN_FLIGHT_BYTES - load.bytes
    if breaker.state is BreakerState.CLOSED:
        slots = condition.window.size - load.in_flight - load.waiting
        if slots <= 0 or room <= 0:
            return None
        return Wish(slots * per_request, room, None, shut, probes_service=False)
    if breaker.may_send(now):
        return Wish(1, policy.IN_FLIGHT_BYTES, breaker.suspect, shut, probes_service=True)
    another = breaker.sole_suspect and news and now >= breaker.floor
    if breaker.state is BreakerState.OPEN and another:
        return Wish(1, policy.IN_FLIGHT_BYTES, breaker.suspect, shut, probes_service=True, only_other=True)
    return None


def wake_at(
    condition: Condition, *, now: float, due_at: float | None, packed_by: float | None
) -> float | None:
    """When something falls due by itself; None when only an event or an answer can change anything.

    `now`: when the lane last looked what it may do; what was due by then has been done, and what has fallen
    due since has not. `due_at`: the next queued row's time; `packed_by`: when a batch that is not full leaves
    as it is.
    """
    times = [due_at, packed_by, routes.next_due(condition.gates)]
    if condition.breaker.state is BreakerState.OPEN and condition.breaker.until > now:
        return condition.breaker.until
    return min((time for time in times if time is not None and time > now), default=None)


@dataclass(frozen=True, slots=True)
class Sorted:
    """Claimed rows, by what is done with them."""

    send: tuple[Claimed, ...]
    give_back: tuple[Claimed, ...]
    gates: Gates
    """The routes' gates, now that their probes are chosen."""


def sort_claimed(condition: Condition, rows: Sequence[Claimed], wished: Wish, *, now: float) -> Sorted:
    """One row probes a shut route; the others of that route go back.

    Where no more rows are due than were claimed, a route without a row to probe it is forgotten.
    """
    send: list[Claimed] = []
    give_back: list[Claimed] = []
    gates = condition.gates
    for row in rows:
        gate = gates.get(row.route)
        shut = gate is not None and gate.shut
        if (wished.only_other and row.seq == wished.avoid) or (shut and gate is not None and gate.probing):
            give_back.append(row)
            continue
        send.append(row)
        if shut:
            gates = routes.probing(gates, row.route)
    if len(rows) < wished.limit and not wished.probes_service:
        for route in tuple(routes.due_probes(gates, now)):
            if gates[route].freed and route not in wished.shut_routes:
                gates = routes.dropped(gates, route)
    return Sorted(tuple(send), tuple(give_back), gates)
