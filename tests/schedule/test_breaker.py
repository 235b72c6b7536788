"""The breaker as a state machine: no clock, no chance, no network."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from swarm_analytics_models.status import BreakerState
from swarm_analyticsd.schedule.breaker import Breaker, abandon, hasten, probe, recover, restore, trip

CLOSED, OPEN, HALF_OPEN = BreakerState.CLOSED, BreakerState.OPEN, BreakerState.HALF_OPEN


def tripped(breaker: Breaker, **changes: Any) -> Breaker:
    fields: dict[str, Any] = {
        "now": 10.0,
        "wait": 4.0,
        "retry_after": None,
        "generation": breaker.generation,
        "suspect": 1,
        "error": "HTTP 500",
    }
    return trip(breaker, **(fields | changes))


def test_one_failure_opens_it_until_its_wait_is_over() -> None:
    breaker = tripped(Breaker())
    assert (breaker.state, breaker.failures, breaker.suspect, breaker.error) == (OPEN, 1, 1, "HTTP 500")
    assert not breaker.may_send(13.9)
    assert breaker.may_send(14.0)


def test_half_open_lets_one_probe_out_and_no_more() -> None:
    breaker = probe(tripped(Breaker()))
    assert breaker.state is HALF_OPEN
    assert not breaker.may_send(1e9)


def test_a_probe_that_succeeds_closes_it_and_one_that_fails_opens_it_for_longer() -> None:
    half = probe(tripped(Breaker()))
    assert recover(half, generation=half.generation, now=20.0) == Breaker(generation=1)
    again = tripped(half, now=20.0, wait=8.0)
    assert (again.state, again.failures, again.until) == (OPEN, 2, 28.0)


def test_the_many_requests_that_fail_together_count_once() -> None:
    breaker = Breaker()
    for suspect in range(64):
        breaker = tripped(breaker, generation=0, suspect=suspect)
    assert (breaker.failures, breaker.suspect, breaker.until) == (1, 0, 14.0)


def test_answers_to_requests_from_before_the_opening_do_not_close_it() -> None:
    breaker = tripped(Breaker())
    assert recover(breaker, generation=0, now=11.0) == breaker
    assert recover(probe(breaker), generation=0, now=15.0).state is HALF_OPEN


def test_failures_from_before_the_opening_do_not_reopen_it() -> None:
    closed = recover(probe(tripped(Breaker())), generation=1, now=15.0)
    assert tripped(closed, generation=0) == closed


def test_a_time_that_the_service_named_is_kept_whatever_happens() -> None:
    breaker = tripped(Breaker(), retry_after=100.0)
    assert (breaker.until, breaker.floor) == (110.0, 110.0)
    assert not hasten(breaker, 50.0).may_send(109.0)
    assert hasten(breaker, 50.0).may_send(110.0)
    assert abandon(probe(breaker), 50.0).until == 110.0
    late = tripped(tripped(Breaker()), generation=0, retry_after=100.0)
    assert late.until == 110.0
    after_closing = tripped(
        recover(probe(tripped(Breaker())), generation=1, now=15.0), generation=0, now=20.0, retry_after=30.0
    )
    assert (after_closing.state, after_closing.until) == (OPEN, 50.0)
    half = tripped(probe(tripped(Breaker())), generation=0, now=20.0, retry_after=30.0)
    assert recover(half, generation=half.generation, now=21.0).until == 50.0


def test_impatience_skips_back_off() -> None:
    assert hasten(tripped(Breaker()), 11.0).may_send(11.0)
    assert hasten(Breaker(), 11.0) == Breaker()


def test_a_cancelled_probe_may_leave_again_at_once() -> None:
    breaker = abandon(probe(tripped(Breaker())), 20.0)
    assert breaker.state is OPEN
    assert breaker.may_send(20.0)
    assert abandon(Breaker(), 20.0) == Breaker()


def test_only_while_one_row_alone_has_failed_is_another_worth_an_early_try() -> None:
    first = tripped(Breaker())
    assert first.sole_suspect
    assert tripped(probe(first), suspect=1).sole_suspect
    assert not tripped(probe(first), suspect=2).sole_suspect
    assert not tripped(first, generation=0, suspect=2).sole_suspect


def test_what_an_earlier_daemon_left_is_open_until_its_time() -> None:
    breaker = restore(3, 60.0, floor=60.0, error="HTTP 429")
    assert (breaker.state, breaker.failures) == (OPEN, 3)
    assert not breaker.may_send(59.0)
    assert not hasten(breaker, 5.0).may_send(59.0)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["trip", "recover", "probe", "hasten", "abandon"]),
            st.integers(0, 3),
            st.one_of(st.none(), st.floats(0, 1000)),
        ),
        max_size=40,
    )
)
def test_whatever_happens_nothing_is_sent_before_a_named_time(
    steps: list[tuple[str, int, float | None]],
) -> None:
    breaker, now, named = Breaker(), 0.0, 0.0
    for kind, age, retry_after in steps:
        now += 1.0
        generation = max(breaker.generation - age, 0)
        match kind:
            case "trip":
                breaker = tripped(
                    breaker, now=now, wait=1.0, retry_after=retry_after, generation=generation, suspect=age
                )
                named = max(named, now + retry_after if retry_after is not None else 0.0)
            case "recover":
                breaker = recover(breaker, generation=generation, now=now)
            case "probe" if breaker.state is OPEN and breaker.may_send(now):
                breaker = probe(breaker)
            case "hasten":
                breaker = hasten(breaker, now)
            case "abandon":
                breaker = abandon(breaker, now)
            case _:
                pass
        assert not (breaker.may_send(now) and now < named)
