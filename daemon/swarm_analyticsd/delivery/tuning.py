"""A route as apps want its events sent, within what its contract allows. Pure."""

from dataclasses import replace

from swarm_analytics_models.contract import Route, ServiceContract
from swarm_analytics_models.handling import Batching, Lane
from swarm_analytics_models.handoff import DeliverySettings
from swarm_analytics_models.idempotency import Idempotency, NotIdempotent


def tuned_routes(contract: ServiceContract, settings: DeliverySettings | None) -> dict[str, Route]:
    """The routes that take events, by their keys."""
    return {route.key: tuned(route, settings) for route in contract.routes if route.lane is Lane.DELIVER}


def tuned(route: Route, settings: DeliverySettings | None) -> Route:
    """`route` with batches no larger than either side wants, the app's wait, and the app's choice of what
    is done with what may have arrived.
    """
    if settings is None:
        return route
    return replace(
        route,
        batching=None if route.batching is None else _batching(route.batching, settings),
        idempotency=_idempotency(route.idempotency, settings),
    )


def _batching(batching: Batching, settings: DeliverySettings) -> Batching:
    most = batching.max_items if settings.max_items is None else settings.max_items
    wait = batching.max_wait_s if settings.max_wait_s is None else settings.max_wait_s
    return replace(batching, max_items=min(batching.max_items, most), max_wait_s=wait)


def _idempotency(idempotency: Idempotency, settings: DeliverySettings) -> Idempotency:
    if isinstance(idempotency, NotIdempotent) and settings.when_ambiguous is not None:
        return replace(idempotency, when_ambiguous=settings.when_ambiguous)
    return idempotency
