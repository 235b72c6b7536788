"""A request's payload: put together again from path, query and body, and validated by the contract."""

import json
import types
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from swarm_analytics_models.contract import Route, wire_names
from swarm_analytics_sandbox.stand_in import Asked

BODILESS = frozenset({"GET", "DELETE"})


class Unreadable(Exception):
    """What was sent does not fit the contract; `reason` as an API would list it."""

    def __init__(self, reason: Any) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Item:
    """One event or call."""

    payload: BaseModel
    body: bytes
    """Its own part of the request's body, as it came where it came alone."""


def read(asked: Asked, route: Route) -> tuple[Item, ...]:
    """What a request to `route` carries: one item, or those of a batch. Raises Unreadable."""
    _check_content_type(asked)
    batching = route.batching
    if batching is None and _is_all_in_body(route):
        _check_query(asked, ())
        return (Item(_validated(route, asked.body, ("body",)), asked.body),)
    elsewhere = {**asked.path_values, **_queried(asked, route)}
    if batching is not None and _is_batch(asked, route):
        members = asked.json[batching.items_field]
        if len(members) > batching.max_items:
            raise Unreadable(f"{len(members)} items are more than {batching.max_items}")
        return tuple(
            _item(route, elsewhere, member, ("body", batching.items_field, place))
            for place, member in enumerate(members)
        )
    return (_item(route, elsewhere, _body(asked, route), ("body",)),)


def fits(asked: Asked, route: Route) -> bool:
    """Whether a request is one to `route`."""
    try:
        read(asked, route)
    except Unreadable:
        return False
    return True


def _is_all_in_body(route: Route) -> bool:
    elsewhere = route.path_fields or route.query or route.body_field is not None
    return not elsewhere and route.method not in BODILESS


def _is_batch(asked: Asked, route: Route) -> bool:
    batching = route.batching
    return (
        batching is not None
        and batching.items_field not in wire_names(route.request)
        and isinstance(asked.json, dict)
        and set(asked.json) == {batching.items_field}
        and isinstance(asked.json[batching.items_field], list)
    )


def _item(route: Route, elsewhere: dict[str, Any], body: Any, place: tuple[str | int, ...]) -> Item:
    if not isinstance(body, dict):
        raise Unreadable([{"loc": list(place), "msg": "is not an object", "type": "model_type"}])
    text = json.dumps({**body, **elsewhere}).encode()
    own = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    return Item(_validated(route, text, place), own)


def _validated(route: Route, text: bytes, place: tuple[str | int, ...]) -> BaseModel:
    try:
        return route.request.model_validate_json(text)
    except ValidationError as error:
        raise Unreadable(
            [
                {"loc": [*place, *each["loc"]], "msg": each["msg"], "type": each["type"]}
                for each in error.errors(include_url=False, include_context=False, include_input=False)
            ]
        ) from error


def wire_name(name: str, info: FieldInfo) -> str:
    """The name under which a field travels."""
    return info.serialization_alias or info.alias or name


def _check_content_type(asked: Asked) -> None:
    if asked.method in BODILESS or (not asked.body and asked.header("content-type") is None):
        return
    media_type = (asked.header("content-type") or "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise Unreadable(f"content type {media_type!r} is not application/json")


def _check_query(asked: Asked, names: Sequence[str]) -> None:
    for name, _ in asked.query:
        if name not in names:
            raise Unreadable([{"loc": ["query", name], "msg": "is not known", "type": "extra_forbidden"}])


def _body(asked: Asked, route: Route) -> Any:
    if asked.method in BODILESS or not asked.body:
        return {}
    if asked.json is None and asked.body.strip() != b"null":
        raise Unreadable([{"loc": ["body"], "msg": "is not JSON", "type": "json_invalid"}])
    return asked.json if route.body_field is None else {route.body_field: asked.json}


def _queried(asked: Asked, route: Route) -> dict[str, Any]:
    if asked.method in BODILESS:
        names: Sequence[str] = sorted(wire_names(route.request) - set(route.path_fields))
    else:
        names = route.query
    _check_query(asked, names)
    given: dict[str, list[str]] = {}
    for name, value in asked.query:
        given.setdefault(name, []).append(value)
    fields = route.request.model_fields
    kinds = {wire_name(name, info): _kinds(info.annotation) for name, info in fields.items()}
    return {name: _typed(values, kinds[name]) for name, values in given.items()}


def _typed(texts: list[str], kinds: frozenset[Any]) -> Any:
    """A query's texts as a JSON body would hold them."""
    values = texts if any(issubclass(kind, str) for kind in kinds) else [_unquoted(text) for text in texts]
    return values if len(values) > 1 or kinds & {list, tuple, set, frozenset} else values[0]


def _unquoted(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _kinds(annotation: Any) -> frozenset[Any]:
    """The types that an annotation is made of."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return frozenset(map(type, inner))
    if origin is Annotated:
        return _kinds(inner[0])
    if origin is None:
        return frozenset({annotation} if isinstance(annotation, type) else {str})
    members = frozenset(kind for each in inner if each is not ... for kind in _kinds(each))
    return members if origin in (Union, types.UnionType) else members | {origin}
