"""What the background thread keeps, and what it leaves alone."""

import logging
import random
from pathlib import Path

import pytest

from swarm_analytics import policy
from swarm_analytics.courier import BackOff, Courier
from swarm_analytics_models.home import Home


def test_waits_double_up_to_their_cap_and_draw_nothing_from_the_apps_random_numbers() -> None:
    before = random.getstate()
    back_off = BackOff(1.0)
    waits = [back_off.next(8.0) for _ in range(6)]
    assert random.getstate() == before
    assert all(
        most / 2 <= wait <= most for wait, most in zip(waits, (1.0, 2.0, 4.0, 8.0, 8.0, 8.0), strict=True)
    )


def test_the_same_trouble_is_logged_once_and_what_is_remembered_of_it_is_bounded(
    home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    courier = Courier(Home(home))
    with caplog.at_level(logging.WARNING):
        courier._tell("no daemon")
        courier._tell("no daemon")
        assert caplog.messages == ["no daemon"]
        for number in range(3 * policy.TROUBLES_REMEMBERED):
            courier._tell(f"trouble {number}")
    assert len(courier._told) == policy.TROUBLES_REMEMBERED
