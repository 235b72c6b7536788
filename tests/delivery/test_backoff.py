"""The waits are those that the documentation shows, and are jittered after the cap."""

import random
import re

import pytest

from swarm_analyticsd import policy
from swarm_analyticsd.delivery import backoff
from tests.delivery.support import Chosen

SCHEDULES = {
    "service": {"most": policy.SERVICE_BACKOFF_MOST_S},
    "offline": {"most": policy.OFFLINE_BACKOFF_MOST_S},
    "event": {"most": policy.EVENT_BACKOFF_MOST_S},
    "route": {"first": policy.ROUTE_PROBE_FIRST_S, "most": policy.ROUTE_PROBE_MOST_S},
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_schedule_is_the_documented_one(name: str) -> None:
    documented = re.search(rf"\| {name} \|(.*)\|\n", backoff.ceiling.__doc__ or "")
    assert documented is not None
    expected = [float(cell) for cell in documented[1].split("|")]
    assert [backoff.ceiling(n, **SCHEDULES[name]) for n in range(1, len(expected) + 1)] == expected


def test_jitter_takes_any_share_of_the_capped_wait() -> None:
    assert backoff.delay(20, Chosen(0.0), most=300.0) == 0.0
    assert backoff.delay(20, Chosen(1.0), most=300.0) == 300.0
    drawn = [backoff.delay(20, random.Random(seed), most=300.0) for seed in range(500)]
    assert 130 < sum(drawn) / len(drawn) < 170
    assert len(set(drawn)) > 490


@pytest.mark.parametrize("failures", [-1, 0, 1, 10**9])
def test_no_count_of_failures_is_out_of_range(failures: int) -> None:
    assert 1.0 <= backoff.ceiling(failures, most=300.0) <= 300.0


def test_an_event_of_its_own_fault_dies_within_minutes_in_the_mean() -> None:
    waits = [backoff.ceiling(n, most=policy.EVENT_BACKOFF_MOST_S) / 2 for n in range(1, policy.EVENT_STRIKES)]
    assert sum(waits) < 130
