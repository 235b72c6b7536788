"""All that a lane knows of its destination, and how an answer changes it. Pure."""

from dataclasses import dataclass, field, replace
from typing import Final, assert_never

from swarm_analytics_models.status import BreakerState
from swarm_analyticsd import policy
from swarm_analyticsd.clock import Chance
from swarm_analyticsd.delivery import backoff
from swarm_analyticsd.delivery.batch import Parcel
from swarm_analyticsd.delivery.carry import Carried
from swarm_analyticsd.delivery.settle import (
    Answered,
    Effect,
    Facts,
    Judgement,
    ShutCredential,
    ShutRoute,
    Struck,
    Trouble,
    judge,
)
from swarm_analyticsd.outbox.rows import Claimed
from swarm_analyticsd.schedule import breaker as breakers
from swarm_analyticsd.schedule import routes
from swarm_analyticsd.schedule import window as windows
from swarm_analyticsd.schedule.breaker import Breaker
from swarm_analyticsd.schedule.routes import NO_GATES, Gates
from swarm_analyticsd.schedule.window import Window

_EARLIER: Final = -1
"""No row has this number."""


@dataclass(frozen=True, slots=True)
class Condition:
    breaker: Breaker = field(default_factory=Breaker)
    window: Window = field(default_factory=Window)
    gates: Gates = field(default_factory=lambda: NO_GATES)
    delivered: int = 0
    """Events delivered to it, ever; what is not committed yet included."""

    failing: frozenset[int] = frozenset()
    """Rows (two are enough to know) that failed since the service last answered as one that works."""


def remembered(breaker: Breaker) -> Condition:
    """As an earlier daemon left it: an outage that it saw still speaks for every event."""
    outage = breaker.state is not BreakerState.CLOSED
    return Condition(breaker=breaker, failing=frozenset({_EARLIER}) if outage else frozenset())


@dataclass(frozen=True, slots=True)
class Flight:
    """A parcel under way, and what was so when it left."""

    parcel: Parcel
    breaker_generation: int
    probes_service: bool
    """It is the one request of a half-open breaker."""


def absorb(
    condition: Condition,
    flight: Flight,
    carried: Carried,
    *,
    unix_now: float,
    now: float,
    credential: int,
    in_flight: int,
    chance: Chance,
) -> tuple[Judgement, Condition]:
    """Judge one answer, and learn from it. `now` is monotonic; `credential` counts the secret in use."""
    row = carried.row
    facts = Facts(
        now=unix_now,
        delivered=condition.delivered,
        others_fail=bool(condition.failing - {row.seq}),
        in_company=len(flight.parcel.rows) > 1,
        route_open_for_others=routes.passed_by_others(condition.gates, row.route, row.seq),
        credential_current=carried.credential == credential,
    )
    judgement = judge(row, flight.parcel.route, carried.outcome, facts, chance)
    return judgement, _learn(condition, flight, carried, judgement.effect, now, in_flight, chance)


def _learn(
    condition: Condition,
    flight: Flight,
    carried: Carried,
    effect: Effect,
    now: float,
    in_flight: int,
    chance: Chance,
) -> Condition:
    row = carried.row
    match effect:
        case Answered(delivered, passed):
            answered = _answered(condition, flight, carried, now, in_flight)
            gates = routes.opened(answered.gates, row.route, row.seq, now) if passed else answered.gates
            return replace(answered, gates=gates, delivered=answered.delivered + delivered)
        case ShutRoute(error):
            answered = _answered(condition, flight, carried, now, in_flight)
            gates = routes.shut(answered.gates, row.route, row.seq, now=now, chance=chance, error=error)
            return replace(answered, gates=gates)
        case ShutCredential():
            answered = _answered(condition, flight, carried, now, in_flight)
            return replace(answered, gates=routes.probe_lost(answered.gates, row.route, now))
        case Struck():
            breaker = breakers.recover(condition.breaker, generation=flight.breaker_generation, now=now)
            gates = routes.probe_lost(condition.gates, row.route, now)
            return replace(condition, breaker=breaker, gates=gates)
        case Trouble():
            return _troubled(condition, flight, row, effect, now, chance)
        case _:
            assert_never(effect)


def hastened(condition: Condition, now: float) -> Condition:
    """Somebody wants a try now."""
    return replace(
        condition,
        breaker=breakers.hasten(condition.breaker, now),
        gates=routes.hastened(condition.gates, now),
    )


def lost(condition: Condition, flight: Flight, now: float) -> Condition:
    """The flight was cancelled: nothing was learned, and what it was to probe is probed again."""
    gates = routes.probe_lost(condition.gates, flight.parcel.route.key, now)
    breaker = breakers.abandon(condition.breaker, now) if flight.probes_service else condition.breaker
    return replace(condition, gates=gates, breaker=breaker)


def _answered(
    condition: Condition, flight: Flight, carried: Carried, now: float, in_flight: int
) -> Condition:
    breaker = breakers.recover(condition.breaker, generation=flight.breaker_generation, now=now)
    window = windows.succeeded(condition.window, latency_s=carried.latency_s, in_flight=in_flight)
    if breaker.state is BreakerState.CLOSED and condition.breaker.state is not BreakerState.CLOSED:
        window = windows.reopened(condition.window)
    return replace(condition, breaker=breaker, window=window, failing=frozenset())


def _troubled(
    condition: Condition, flight: Flight, row: Claimed, trouble: Trouble, now: float, chance: Chance
) -> Condition:
    most = policy.OFFLINE_BACKOFF_MOST_S if trouble.offline else policy.SERVICE_BACKOFF_MOST_S
    breaker = breakers.trip(
        condition.breaker,
        now=now,
        wait=backoff.delay(condition.breaker.failures + 1, chance, most=most),
        retry_after=trouble.retry_after_s,
        generation=flight.breaker_generation,
        suspect=row.seq,
        error=trouble.error,
    )
    news = flight.breaker_generation == condition.breaker.generation
    return replace(
        condition,
        breaker=breaker,
        window=windows.troubled(condition.window) if news else condition.window,
        gates=routes.probe_lost(condition.gates, row.route, now),
        failing=condition.failing if len(condition.failing) > 1 else condition.failing | {row.seq},
    )
