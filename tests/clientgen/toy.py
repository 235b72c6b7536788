"""A contract in both lanes, and the tools to bend it."""

from collections.abc import Mapping
from dataclasses import replace
from types import ModuleType
from typing import Any

from pydantic import BaseModel

from clientgen.lint import Refusal, lint
from clientgen.plan import plan_service
from clientgen.sources import Service
from swarm_analytics_models.authentication import NoAuthentication
from swarm_analytics_models.calling import CallDefaults, Streaming
from swarm_analytics_models.categories import Category
from swarm_analytics_models.contract import Route, ServiceContract
from swarm_analytics_models.handling import Acknowledgement, Lane
from swarm_analytics_models.idempotency import KeyInBody, NaturallyIdempotent, NotIdempotent
from tests.clientgen import toy_payloads


def event_route(key: str, path: str, request: type[BaseModel], **rest: Any) -> Route:
    fields: dict[str, Any] = {
        "lane": Lane.DELIVER,
        "category": Category.PRODUCT,
        "authentication": NoAuthentication(),
        "idempotency": NaturallyIdempotent(),
        "acknowledgement": Acknowledgement.ANY_API_ANSWER,
        "ordering": None,
    }
    return Route(key=key, path=path, request=request, **(fields | rest))


def call_route(
    key: str, path: str, request: type[BaseModel], response: type[BaseModel], **rest: Any
) -> Route:
    return event_route(
        key,
        path,
        request,
        response=response,
        lane=Lane.CALL,
        **({"category": Category.DIAGNOSTIC, "acknowledgement": Acknowledgement.JSON_OBJECT} | rest),
    )


CALLS = CallDefaults(
    max_retries=2,
    retry_delay_s=0.5,
    retry_most_s=8.0,
    max_in_flight=100,
    breaker_threshold=5,
    breaker_time_out_s=60.0,
    pool_size=100,
    keep_alive_s=4.0,
)

ROUTES = (
    call_route("tasks.create", "/tasks", toy_payloads.TaskCreate, toy_payloads.Task),
    call_route("tasks.list", "/tasks/{owner}", toy_payloads.TaskFilter, toy_payloads.Tasks, method="GET"),
    event_route("tasks.swap", "/tasks/swap", toy_payloads.Renamed, category=Category.DIAGNOSTIC),
    event_route(
        "tasks.progress.done", "/tasks/done", toy_payloads.TaskDone, idempotency=KeyInBody("submission_id")
    ),
    call_route(
        "session.make", "/session", toy_payloads.SessionWanted, toy_payloads.SessionMade, internal=True
    ),
    call_route(
        "tasks.change",
        "/tasks/{task}",
        toy_payloads.TaskChanged,
        toy_payloads.Task,
        method="PATCH",
        idempotency=NotIdempotent("report"),
    ),
    call_route(
        "tasks.tell",
        "/tasks/tell",
        toy_payloads.TaskTold,
        toy_payloads.Task,
        streaming=Streaming(
            format="sse", event=toy_payloads.TaskPiece, field="stream", media_type="text/event-stream"
        ),
    ),
    event_route("rooms.measured", "/rooms/{room}", toy_payloads.Measured, idempotency=KeyInBody("readingId")),
)


def contract(*routes: Route) -> ServiceContract:
    return ServiceContract(name="toy", title="The toy service", routes=routes, calls=CALLS)


TOY = contract(*ROUTES)


def payloads_with(*models: type, base: ModuleType = toy_payloads) -> ModuleType:
    """A payloads module that has `models`, too."""
    module = ModuleType(base.__name__)
    vars(module).update(vars(base), **{model.__name__: model for model in models})
    return module


def refusals(*routes: Route, models: tuple[type, ...] = ()) -> tuple[Refusal, ...]:
    """What lint says of a service with these routes, whose payloads module has `models`."""
    return lint(plan_service(contract(*routes), payloads_with(*models)))


def with_routes(service: Service, change: Mapping[str, Mapping[str, Any]]) -> Service:
    """`service` with fields of some routes changed, by route key; new models become its payloads."""
    routes = tuple(replace(route, **change.get(route.key, {})) for route in service.contract.routes)
    models = [changes["request"] for changes in change.values() if "request" in changes]
    return replace(
        service,
        contract=replace(service.contract, routes=routes),
        payloads=payloads_with(*models, base=service.payloads),
    )
