"""How the window breathes."""

import math

from hypothesis import given
from hypothesis import strategies as st

from swarm_analyticsd import policy
from swarm_analyticsd.schedule.window import Window, reopened, succeeded, troubled


def after(window: Window, answers: int, latency_s: float = 0.05, *, busy: bool = True) -> Window:
    for _ in range(answers):
        window = succeeded(window, latency_s=latency_s, in_flight=window.size if busy else 1)
    return window


def test_it_doubles_for_each_round_trip_and_stops_at_its_most() -> None:
    window = Window()
    assert after(window, window.size).size == 2 * window.size
    assert after(window, 1000).size == policy.WINDOW_MOST


def test_trouble_halves_it_and_it_then_grows_by_one_for_each_round_trip() -> None:
    window = troubled(Window(limit=64.0))
    assert window.size == 32
    assert after(window, 33).size == 33


def test_it_never_falls_below_one_request() -> None:
    window = Window()
    for _ in range(20):
        window = troubled(window)
    assert window.size == policy.WINDOW_LEAST


def test_after_an_outage_the_ramp_starts_from_one() -> None:
    window = reopened(troubled(Window(limit=128.0)))
    assert window.size == 1
    assert after(window, 6).size == 7
    assert after(window, 200).size < 128


def test_it_does_not_grow_while_it_is_not_used() -> None:
    assert after(Window(limit=16.0), 100, busy=False).size == 16


def test_it_stops_growing_when_answers_take_twice_as_long_as_the_best() -> None:
    window = after(Window(), 20, 0.1)
    loaded = after(window, 30, 0.25)
    assert after(loaded, 50, 0.25).limit == loaded.limit


def test_it_shrinks_gently_when_answers_take_much_longer() -> None:
    window = after(Window(), 60, 0.1)
    overloaded = after(window, 300, 2.0)
    assert 1 <= overloaded.size < window.size


def test_differences_of_a_few_milliseconds_do_not_count() -> None:
    window = after(Window(), 20, 0.0005)
    assert after(window, 500, 0.03).size == policy.WINDOW_MOST


def test_a_better_past_is_forgotten() -> None:
    overloaded = after(Window(limit=32.0, best_s=0.01, smoothed_s=0.5), 2000, 0.5)
    assert overloaded.size < 32
    assert after(overloaded, 4000, 0.5).size > 32


@given(st.lists(st.tuples(st.sampled_from("str"), st.floats(0.0001, 100), st.integers(1, 128)), max_size=200))
def test_it_stays_within_its_bounds(steps: list[tuple[str, float, int]]) -> None:
    window = Window()
    for kind, latency_s, in_flight in steps:
        if kind == "s":
            window = succeeded(window, latency_s=latency_s, in_flight=in_flight)
        else:
            window = troubled(window) if kind == "t" else reopened(window)
        assert policy.WINDOW_LEAST <= window.limit <= policy.WINDOW_MOST
        assert not math.isnan(window.smoothed_s)
