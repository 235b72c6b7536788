"""The breaker opens after failures in a row, lets one call probe, and is moved by nothing else."""

from hypothesis import given
from hypothesis import strategies as st

from swarm_analytics_models.status import BreakerState
from swarm_analyticsd.calls.breaker import Breaker, abandoned, admit, answered, failed

CLOSED, OPEN, HALF_OPEN = BreakerState.CLOSED, BreakerState.OPEN, BreakerState.HALF_OPEN
TIME_OUT_S = 10.0


def fail(breaker: Breaker, now: float, generation: int | None = None, threshold: int = 3) -> Breaker:
    told = breaker.generation if generation is None else generation
    return failed(breaker, told, threshold=threshold, time_out_s=TIME_OUT_S, now=now)


def opened(at: float = 0.0) -> Breaker:
    breaker = Breaker()
    for _ in range(3):
        breaker = fail(breaker, at)
    return breaker


def test_it_opens_at_the_threshold_and_not_before() -> None:
    breaker = fail(fail(Breaker(), 0.0), 0.0)
    assert (breaker.state, breaker.failures) == (CLOSED, 2)
    breaker = fail(breaker, 5.0)
    assert (breaker.state, breaker.until) == (OPEN, 5.0 + TIME_OUT_S)


def test_an_answer_between_failures_begins_the_count_anew() -> None:
    breaker = answered(fail(fail(Breaker(), 0.0), 0.0), 0)
    assert fail(fail(breaker, 0.0), 0.0).state is CLOSED


def test_open_lets_nobody_in_until_its_time_has_come() -> None:
    assert admit(opened(), TIME_OUT_S - 0.001) is None
    probing = admit(opened(), TIME_OUT_S)
    assert probing is not None
    assert probing.state is HALF_OPEN


def test_half_open_lets_one_call_probe() -> None:
    probing = admit(opened(), TIME_OUT_S)
    assert probing is not None
    assert admit(probing, 1_000.0) is None


def test_the_probe_decides() -> None:
    probing = admit(opened(), TIME_OUT_S)
    assert probing is not None
    closed = answered(probing, probing.generation)
    assert (closed.state, closed.failures) == (CLOSED, 0)
    again = fail(probing, 50.0)
    assert (again.state, again.until) == (OPEN, 50.0 + TIME_OUT_S)


def test_a_probe_that_was_cancelled_leaves_its_place_to_the_next_call() -> None:
    probing = admit(opened(), TIME_OUT_S)
    assert probing is not None
    left = abandoned(probing, probing.generation, 20.0)
    assert left.state is OPEN
    assert admit(left, 20.0) is not None


def test_a_cancelled_call_moves_nothing_else() -> None:
    for breaker in (Breaker(), fail(Breaker(), 0.0), opened()):
        assert abandoned(breaker, breaker.generation, 0.0) == breaker


def test_what_began_before_a_change_says_nothing_after_it() -> None:
    breaker = opened()
    assert answered(breaker, 0) == breaker
    assert fail(breaker, 9.0, generation=0) == breaker
    probing = admit(breaker, TIME_OUT_S)
    assert probing is not None
    assert answered(probing, 0) == probing
    assert abandoned(probing, 0, 0.0) == probing


def ended(breaker: Breaker, how: str, generation: int, now: float) -> Breaker:
    if how == "answered":
        return answered(breaker, generation)
    return fail(breaker, now, generation) if how == "failed" else abandoned(breaker, generation, now)


@given(st.lists(st.sampled_from(["enter", "answered", "failed", "abandoned", "tick"]), max_size=60))
def test_there_is_never_more_than_one_probe_and_always_a_way_out(steps: list[str]) -> None:
    breaker, now, inside = Breaker(), 0.0, []
    for step in steps:
        if step == "tick":
            now += TIME_OUT_S / 2
        elif step == "enter":
            let_in = admit(breaker, now)
            if let_in is not None:
                breaker = let_in
                inside.append(breaker.generation)
        elif inside:
            breaker = ended(breaker, step, inside.pop(0), now)
        if breaker.state is HALF_OPEN:
            assert inside.count(breaker.generation) == 1
        if breaker.state is OPEN:
            assert admit(breaker, now + TIME_OUT_S) is not None
