"""What a lane may claim, what of it is sent, and how long it may sleep."""

from dataclasses import replace

from swarm_analytics_models.status import BreakerState
from swarm_analyticsd import policy
from swarm_analyticsd.schedule import routes
from swarm_analyticsd.schedule.breaker import Breaker
from swarm_analyticsd.schedule.condition import Condition
from swarm_analyticsd.schedule.plan import Load, Wish, sort_claimed, wake_at, wish
from swarm_analyticsd.schedule.routes import NO_GATES
from swarm_analyticsd.schedule.window import Window
from tests.delivery.support import TITLE, Chosen, row

IDLE = Load(in_flight=0, waiting=0, bytes=0)
OPEN = Breaker(state=BreakerState.OPEN, failures=1, until=50.0, suspect=7, generation=1)
SHUT = routes.shut(NO_GATES, TITLE.key, 7, now=0.0, chance=Chosen(0.5), error="HTTP 403")
ANY = Wish(limit=9, max_bytes=1, avoid=None, shut_routes=frozenset(), probes_service=False)


def asked(condition: Condition, load: Load = IDLE, *, now: float = 10.0, news: bool = False) -> Wish | None:
    return wish(condition, load, now=now, per_request=1, news=news)


def test_a_closed_breaker_fills_the_window() -> None:
    condition = Condition(window=Window(limit=16.9))
    found = asked(condition, Load(in_flight=5, waiting=2, bytes=1000))
    assert found is not None
    assert (found.limit, found.max_bytes, found.avoid) == (9, policy.IN_FLIGHT_BYTES - 1000, None)
    assert asked(condition, Load(in_flight=16, waiting=0, bytes=0)) is None
    assert asked(condition, Load(in_flight=1, waiting=0, bytes=policy.IN_FLIGHT_BYTES)) is None


def test_a_batching_contract_claims_for_whole_batches() -> None:
    found = wish(Condition(window=Window(limit=4.0)), IDLE, now=0.0, per_request=25, news=False)
    assert found is not None
    assert found.limit == 100


def test_an_open_breaker_asks_for_one_probe_that_avoids_who_opened_it() -> None:
    assert asked(Condition(breaker=OPEN), now=49.0) is None
    found = asked(Condition(breaker=OPEN), Load(in_flight=99, waiting=0, bytes=0), now=50.0)
    assert found is not None
    assert (found.limit, found.avoid, found.probes_service) == (1, 7, True)
    assert asked(Condition(breaker=replace(OPEN, state=BreakerState.HALF_OPEN)), now=60.0) is None


def test_news_give_a_second_opinion_where_one_row_alone_has_failed() -> None:
    alone = Condition(breaker=replace(OPEN, sole_suspect=True))
    assert asked(alone) is None
    found = asked(alone, news=True)
    assert found is not None
    assert found.only_other
    assert asked(Condition(breaker=OPEN), news=True) is None
    named = Condition(breaker=replace(OPEN, sole_suspect=True, floor=50.0))
    assert asked(named, news=True) is None


def test_a_second_opinion_is_not_asked_of_the_suspect() -> None:
    wished = replace(ANY, limit=1, avoid=7, probes_service=True, only_other=True)
    found = sort_claimed(Condition(breaker=OPEN), [row(7)], wished, now=10.0)
    assert not found.send
    assert [one.seq for one in found.give_back] == [7]


def test_shut_routes_are_not_claimed() -> None:
    found = asked(Condition(gates=SHUT))
    assert found is not None
    assert found.shut_routes == {TITLE.key}


def test_one_row_probes_a_shut_route_and_the_others_go_back() -> None:
    condition, other = Condition(gates=SHUT), row(3, route="logs.write")
    found = sort_claimed(condition, [row(1), row(2), other], ANY, now=15.0)
    assert [one.seq for one in found.send] == [1, 3]
    assert [one.seq for one in found.give_back] == [2]
    assert found.gates[TITLE.key].probing


def test_a_shut_route_with_nothing_left_to_probe_it_is_forgotten() -> None:
    freed = routes.freed(SHUT, TITLE.key)
    assert sort_claimed(Condition(gates=freed), [], ANY, now=15.0).gates == NO_GATES
    assert sort_claimed(Condition(gates=freed), [], ANY, now=14.0).gates == freed
    full = replace(ANY, limit=1)
    crowded = sort_claimed(Condition(gates=freed), [row(3, route="logs.write")], full, now=15.0)
    assert crowded.gates == freed


def test_a_shut_route_that_was_not_asked_for_is_not_forgotten() -> None:
    freed = routes.freed(SHUT, TITLE.key)
    barred = replace(ANY, shut_routes=frozenset({TITLE.key}))
    assert sort_claimed(Condition(gates=freed), [], barred, now=15.0).gates == freed
    assert sort_claimed(Condition(gates=SHUT), [], ANY, now=15.0).gates == SHUT


def test_it_sleeps_until_the_first_thing_that_falls_due() -> None:
    condition = Condition(gates=SHUT)
    assert wake_at(condition, now=1.0, due_at=None, packed_by=None) == 15.0
    assert wake_at(condition, now=1.0, due_at=5.0, packed_by=None) == 5.0
    assert wake_at(condition, now=1.0, due_at=5.0, packed_by=2.0) == 2.0
    assert wake_at(Condition(), now=1.0, due_at=None, packed_by=None) is None


def test_what_is_past_does_not_keep_it_awake() -> None:
    assert wake_at(Condition(gates=SHUT), now=20.0, due_at=3.0, packed_by=4.0) is None


def test_an_open_breaker_is_all_that_it_waits_for() -> None:
    condition = Condition(breaker=OPEN)
    assert wake_at(condition, now=1.0, due_at=5.0, packed_by=None) == 50.0
    assert wake_at(condition, now=51.0, due_at=55.0, packed_by=None) == 55.0
