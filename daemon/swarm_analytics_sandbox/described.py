"""A route as FastAPI reads it, so that the OpenAPI document shows where each field travels."""

from collections.abc import Callable, Iterable
from inspect import Parameter, Signature
from typing import Annotated, Any

from fastapi import Body, Path, Query
from pydantic import BaseModel, create_model
from pydantic.fields import FieldInfo

from swarm_analytics_models.contract import Route
from swarm_analytics_sandbox.reading import BODILESS, wire_name


def described(route: Route) -> Callable[..., Any]:
    """An endpoint with the parameters and the body of a route. It is never called."""

    async def endpoint(**payload: Any) -> None:
        raise AssertionError(f"{route.key} is answered by its stand-in")

    endpoint.__signature__ = Signature(list(_parameters(route)))  # type: ignore[attr-defined]
    endpoint.__doc__ = route.request.__doc__
    return endpoint


def _parameters(route: Route) -> Iterable[Parameter]:
    fields = {wire_name(name, info): (name, info) for name, info in route.request.model_fields.items()}
    in_path = {name: fields.pop(name) for name in route.path_fields}
    bodiless = route.method in BODILESS
    in_query = {name: fields.pop(name) for name in (list(fields) if bodiless else route.query)}
    for name, (_, info) in in_path.items():
        yield _keyword(name, Annotated[info.annotation, Path()])
    if in_query:
        yield _keyword("query", Annotated[_part(route, "Query", in_query.values()), Query()])
    if route.body_field is not None:
        _, info = fields[route.body_field]
        yield _keyword("body", Annotated[info.annotation, Body()])
    elif not in_path and not in_query:
        yield _keyword("body", route.request)
    elif fields:
        yield _keyword("body", Annotated[_part(route, "Body", fields.values()), Body()])


def _keyword(name: str, annotation: Any) -> Parameter:
    return Parameter(name, Parameter.KEYWORD_ONLY, annotation=annotation)


def _part(route: Route, suffix: str, fields: Iterable[tuple[str, FieldInfo]]) -> type[BaseModel]:
    declared: dict[str, Any] = {name: (info.annotation, info) for name, info in fields}
    return create_model(
        f"{route.request.__name__}{suffix}", __config__=route.request.model_config, **declared
    )
