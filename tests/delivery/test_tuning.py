"""What apps want of a route, within what its contract allows."""

import pytest

from swarm_analytics_models.handoff import DeliverySettings
from swarm_analytics_models.idempotency import NotIdempotent
from swarm_analyticsd.delivery.settle import cut_off, when_ambiguous
from swarm_analyticsd.delivery.tuning import tuned, tuned_routes
from swarm_analyticsd.outbox.lifecycle import DeadReason
from swarm_analyticsd.outbox.rows import Reject, Release
from tests.delivery.lab import LAB, MEASURED, RENAMED, TOLD
from tests.delivery.support import KEYED, SET_ASIDE, TOY


def test_without_settings_a_route_is_as_its_contract_says() -> None:
    assert tuned_routes(LAB, None) == {route.key: route for route in LAB.routes}
    assert tuned(TOLD, DeliverySettings()) == TOLD


@pytest.mark.parametrize(("wanted", "got"), [(1, 1), (3, 3), (4, 4), (5, 4), (10_000, 4)])
def test_batches_are_never_larger_than_the_contract_allows(wanted: int, got: int) -> None:
    batching = tuned(TOLD, DeliverySettings(max_items=wanted)).batching
    assert batching is not None
    assert (batching.max_items, batching.max_wait_s) == (got, 0.02)


def test_how_long_a_batch_waits_is_the_apps_to_say() -> None:
    batching = tuned(MEASURED, DeliverySettings(max_wait_s=30.0)).batching
    assert batching is not None
    assert (batching.max_items, batching.max_wait_s) == (4, 30.0)
    assert tuned(RENAMED, DeliverySettings(max_wait_s=30.0)).batching is None


def test_what_is_done_in_doubt_is_the_apps_to_say_where_there_can_be_doubt() -> None:
    aside, again = DeliverySettings(when_ambiguous="set_aside"), DeliverySettings(when_ambiguous="resend")
    assert when_ambiguous(TOLD) == "resend"
    assert when_ambiguous(tuned(TOLD, aside)) == "set_aside"
    assert when_ambiguous(tuned(SET_ASIDE, again)) == "resend"
    assert when_ambiguous(tuned(KEYED, aside)) is None
    assert isinstance(tuned(TOLD, aside).idempotency, NotIdempotent)


def test_only_routes_that_take_events_are_sent_any() -> None:
    assert set(tuned_routes(TOY, DeliverySettings(max_items=1))) == {route.key for route in TOY.routes}


def test_what_is_cut_off_is_released_resent_or_set_aside() -> None:
    assert cut_off(KEYED) == Release()
    assert cut_off(TOLD) == Release(resent=True)
    aside = cut_off(SET_ASIDE)
    assert isinstance(aside, Reject)
    assert aside.reason is DeadReason.AMBIGUOUS
