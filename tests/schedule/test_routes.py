"""Route gates: shut, probed with one event, opened; and an event that alone finds its door shut."""

from swarm_analyticsd import policy
from swarm_analyticsd.schedule import routes
from swarm_analyticsd.schedule.routes import NO_GATES, Gates
from tests.delivery.support import Chosen

ROUTE = "a.route"


def shut(gates: Gates, row: int, now: float = 0.0) -> Gates:
    return routes.shut(gates, ROUTE, row, now=now, chance=Chosen(1.0), error="HTTP 403")


def test_a_shut_route_is_barred_until_its_probe_is_due() -> None:
    gates = shut(NO_GATES, 1)
    assert routes.barred(gates, policy.ROUTE_PROBE_FIRST_S - 1) == {ROUTE}
    assert not routes.barred(gates, policy.ROUTE_PROBE_FIRST_S)
    assert list(routes.due_probes(gates, policy.ROUTE_PROBE_FIRST_S)) == [ROUTE]
    assert routes.next_due(gates) == policy.ROUTE_PROBE_FIRST_S


def test_one_probe_at_a_time() -> None:
    gates = routes.probing(shut(NO_GATES, 1), ROUTE)
    assert routes.barred(gates, 1e9) == {ROUTE}
    assert not list(routes.due_probes(gates, 1e9))
    assert routes.next_due(gates) is None


def test_others_that_met_the_same_door_change_nothing() -> None:
    once = shut(NO_GATES, 1)
    both = shut(once, 2, now=20.0)
    assert both[ROUTE].until == once[ROUTE].until
    assert both[ROUTE].failures == 1


def test_each_probe_that_fails_waits_longer_up_to_an_hour() -> None:
    gates, waits = shut(NO_GATES, 1), []
    for _ in range(9):
        now = gates[ROUTE].until
        gates = shut(routes.probing(gates, ROUTE), 1, now)
        waits.append(gates[ROUTE].until - now)
    assert waits == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]


def test_an_event_that_gets_through_opens_it() -> None:
    gates = routes.opened(routes.probing(shut(NO_GATES, 1), ROUTE), ROUTE, 1, 40.0)
    assert gates == NO_GATES
    assert routes.opened(NO_GATES, ROUTE, 1, 40.0) == NO_GATES


def test_an_event_that_alone_met_the_door_is_known_once_others_pass() -> None:
    gates = routes.opened(routes.probing(shut(NO_GATES, 1), ROUTE), ROUTE, 2, 40.0)
    assert not routes.is_shut(gates, ROUTE)
    assert routes.passed_by_others(gates, ROUTE, 1)
    assert not routes.passed_by_others(gates, ROUTE, 2)
    assert not list(routes.due_retries(gates, 50.0))
    due = 40.0 + policy.ROUTE_PROBE_MOST_S
    assert list(routes.due_retries(gates, due)) == [ROUTE]
    assert not list(routes.due_retries(routes.retried(gates, ROUTE, due), due))
    assert routes.opened(gates, ROUTE, 1, 60.0) == NO_GATES


def test_a_probe_without_an_answer_may_leave_again() -> None:
    gates = routes.probe_lost(routes.probing(shut(NO_GATES, 1), ROUTE), ROUTE, 40.0)
    assert list(routes.due_probes(gates, 40.0)) == [ROUTE]
    assert not gates[ROUTE].freed
    assert routes.probe_lost(NO_GATES, ROUTE, 40.0) == NO_GATES


def test_impatience_probes_at_once_but_never_twice() -> None:
    assert list(routes.due_probes(routes.hastened(shut(NO_GATES, 1), 1.0), 1.0)) == [ROUTE]
    under_way = routes.hastened(routes.probing(shut(NO_GATES, 1), ROUTE), 1.0)
    assert not list(routes.due_probes(under_way, 1.0))


def test_what_an_earlier_daemon_left_shut_is_probed_at_once() -> None:
    gates = routes.remembered(NO_GATES, ROUTE, 5.0)
    assert list(routes.due_probes(gates, 5.0)) == [ROUTE]
    assert gates[ROUTE].freed


def test_what_falls_due_is_freed_once_few_of_a_shut_route_and_all_that_are_held_alone() -> None:
    alone = routes.opened(shut(NO_GATES, 1), ROUTE, 3, 0.0)
    gates = {**alone, "another.route": shut(NO_GATES, 4)[ROUTE]}
    after, due = routes.fallen_due(gates, policy.ROUTE_PROBE_MOST_S)
    assert dict(due) == {ROUTE: None, "another.route": policy.ROUTE_PROBES}
    assert routes.fallen_due(after, policy.ROUTE_PROBE_MOST_S) == (after, ())
