"""What a lane learns from each answer, without a lane."""

from swarm_analytics_models.status import BreakerState
from swarm_analyticsd import policy
from swarm_analyticsd.delivery.answer import Obstacle
from swarm_analyticsd.delivery.batch import Parcel
from swarm_analyticsd.delivery.carry import Carried
from swarm_analyticsd.delivery.outcome import (
    Delivered,
    NotReached,
    Outcome,
    RouteShut,
    ServiceFault,
)
from swarm_analyticsd.delivery.settle import Judgement, ShutRoute, Struck, Trouble
from swarm_analyticsd.outbox.rows import Claimed
from swarm_analyticsd.schedule.breaker import Breaker, restore
from swarm_analyticsd.schedule.condition import Condition, Flight, absorb, lost, remembered
from swarm_analyticsd.schedule.window import Window
from tests.delivery.support import TITLE, Chosen, row

FAULT = ServiceFault(500, "HTTP 500", ambiguous=True)


def flight(condition: Condition, claimed: Claimed, *, probes: bool = False) -> Flight:
    return Flight(Parcel(TITLE, (claimed,)), condition.breaker.generation, probes)


def after(
    condition: Condition, outcome: Outcome, claimed: Claimed, sent: Flight | None = None
) -> tuple[Judgement, Condition]:
    return absorb(
        condition,
        sent or flight(condition, claimed),
        Carried(claimed, outcome, 0.01, 1),
        unix_now=1000.0,
        now=50.0,
        credential=1,
        in_flight=4,
        chance=Chosen(1.0),
    )


def test_trouble_opens_the_breaker_and_halves_the_window_once_for_all_that_fail_together() -> None:
    condition = Condition(window=Window(limit=64.0))
    together = [(row(seq), flight(condition, row(seq))) for seq in range(1, 9)]
    for claimed, sent in together:
        _, condition = after(condition, FAULT, claimed, sent)
    assert (condition.breaker.state, condition.breaker.failures) == (BreakerState.OPEN, 1)
    assert condition.window.size == 32
    assert len(condition.failing) == 2


def test_off_line_the_waits_stay_short() -> None:
    condition = Condition(breaker=Breaker(failures=30))
    _, offline = after(condition, NotReached(Obstacle.NAME, ""), row())
    _, broken = after(condition, FAULT, row())
    assert offline.breaker.until == 50.0 + policy.OFFLINE_BACKOFF_MOST_S
    assert broken.breaker.until == 50.0 + policy.SERVICE_BACKOFF_MOST_S


def test_an_event_that_failed_while_its_neighbours_got_through_is_struck_by_its_own_probe() -> None:
    condition = Condition()
    poison, good = row(1), row(2)
    sent = flight(condition, good)
    first, condition = after(condition, FAULT, poison)
    assert isinstance(first.effect, Trouble)
    _, condition = after(condition, Delivered(200), good, sent)
    assert condition.breaker.state is BreakerState.OPEN
    second, condition = after(condition, FAULT, row(1, suspect_mark=0))
    assert isinstance(second.effect, Struck)
    assert condition.breaker.state is BreakerState.CLOSED


def test_when_the_neighbours_fail_as_well_nobody_is_struck() -> None:
    _, condition = after(Condition(delivered=9), FAULT, row(1))
    judgement, _ = after(condition, FAULT, row(2, suspect_mark=3, strikes=6))
    assert isinstance(judgement.effect, Trouble)


def test_an_outage_that_an_earlier_daemon_saw_speaks_for_every_event_until_one_gets_through() -> None:
    suspicious = row(1, suspect_mark=3, strikes=7)
    condition = remembered(restore(4, 0.0, floor=0.0, error=None))
    judgement, _ = after(condition, FAULT, suspicious)
    assert isinstance(judgement.effect, Trouble)
    _, condition = after(condition, Delivered(200), row(2))
    judgement, _ = after(condition, FAULT, suspicious)
    assert isinstance(judgement.effect, Struck)
    fresh, _ = after(remembered(Breaker()), FAULT, suspicious)
    assert isinstance(fresh.effect, Struck)


def test_only_deliveries_count_as_deliveries() -> None:
    condition = Condition(delivered=3)
    for outcome, count in ((Delivered(204), 4), (RouteShut(404, ""), 3), (FAULT, 3)):
        assert after(condition, outcome, row())[1].delivered == count


def test_a_shut_route_says_that_the_service_works() -> None:
    condition = remembered(restore(2, 0.0, floor=0.0, error=None))
    judgement, condition = after(condition, RouteShut(404, "HTTP 404"), row())
    assert isinstance(judgement.effect, ShutRoute)
    assert condition.breaker.state is BreakerState.CLOSED
    assert condition.gates[TITLE.key].shut
    assert condition.window.size == policy.WINDOW_REOPENED


def test_a_cancelled_flight_teaches_nothing() -> None:
    condition = Condition()
    assert lost(condition, flight(condition, row()), 50.0) == condition
