"""What is accepted at which endpoint, as a contract or an OpenAPI document says it, in the same terms."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from pydantic import BaseModel
from pydantic.errors import PydanticInvalidForJsonSchema

from clientgen.schema import Fields, InvalidDocument, outermost, read_fields, resolve
from swarm_analytics_models.contract import Route, ServiceContract
from swarm_analytics_models.handling import Batching, Lane

_METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_WITHOUT_BODY: Final = ("GET", "DELETE")


@dataclass(frozen=True, slots=True)
class Operation:
    request: Fields
    """What is sent, whether in the path, the query or the body (attribute `in` of the outermost fields)."""

    answer: Fields | None
    """What comes back on success; None where nothing is said of it."""


Endpoint: TypeAlias = tuple[str, str]
"""Path and HTTP method."""

Surface: TypeAlias = Mapping[Endpoint, Operation]


def path_fields(path: str) -> list[str]:
    """The names in the braces of ``/agents/{id}/tasks``."""
    return re.findall(r"\{([^}]*)\}", path)


def contract_surface(contract: ServiceContract) -> Surface:
    """All that `contract` relies on, internal routes and batches included. Raises InvalidDocument.

    Where a call and events share an endpoint, the call says more. Paths are those below `base_path`.
    """
    surface: dict[Endpoint, Operation] = {}
    for route in sorted(contract.routes, key=lambda route: route.lane is Lane.CALL):
        if route.batching is None or not route.batching.always:
            surface[route.path, route.method] = _contract_operation(route)
        if route.batching is not None:
            surface[route.batching.path, route.method] = _batch_operation(route, route.batching)
    return surface


def below(base_path: str, surface: Surface) -> Surface:
    """`surface` with `base_path` taken off its paths."""
    return {(path.removeprefix(base_path), method): found for (path, method), found in surface.items()}


def _contract_operation(route: Route) -> Operation:
    schema = schema_of(route.request)
    fields = read_fields(schema, schema)
    for name in outermost(fields):
        fields[name]["in"] = _place(route, name)
    if route.body_field is not None:
        fields = _unwrapped(fields, route.body_field)
    if route.response is None:
        return Operation(fields, None)
    answer = schema_of(route.response)
    return Operation(fields, read_fields(answer, answer))


def _place(route: Route, name: str) -> str:
    if name in route.path_fields:
        return "path"
    return "query" if name in route.query or route.method in _WITHOUT_BODY else "body"


def _unwrapped(fields: Fields, body_field: str) -> Fields:
    """The body is the value of that field alone."""
    found: Fields = {}
    for place, facts in fields.items():
        rest = place.removeprefix(body_field)
        if place == body_field:
            found[""] = {name: value for name, value in facts.items() if name not in ("in", "required")}
        elif place.startswith(body_field) and rest[0] in ".[{":
            found[rest.removeprefix(".")] = facts
        else:
            found[place] = facts
    return found


def _batch_operation(route: Route, batching: Batching) -> Operation:
    """Events in one request: what is in the path is said once, what is in the body is said of each."""
    items = schema_of(route.request)
    elsewhere = {*route.path_fields, *route.query}
    fields: Fields = {}
    for place, facts in read_fields(items, items).items():
        if place in elsewhere:
            fields[place] = {**facts, "in": _place(route, place)}
        else:
            fields[f"{batching.items_field}[].{place}"] = facts
    fields[batching.items_field] = {"type": "array", "maxItems": batching.max_items, "required": True}
    fields[f"{batching.items_field}[]"] = {"type": "object"}
    fields[batching.items_field]["in"] = "body"
    return Operation(fields, None)


def schema_of(model: type[BaseModel]) -> dict[str, Any]:
    """The JSON Schema of what travels. Raises InvalidDocument for a model that has none."""
    try:
        return model.model_json_schema(by_alias=True, mode="validation")
    except PydanticInvalidForJsonSchema as error:
        raise InvalidDocument(f"model {model.__name__} has no JSON Schema ({error.message})") from error


def document_surface(document: Any) -> Surface:
    """The surface that an OpenAPI 3 document declares. Raises InvalidDocument, naming the place."""
    if not isinstance(document, dict) or not isinstance(document.get("paths"), dict):
        raise InvalidDocument("it is not an OpenAPI document: it has no object `paths`")
    surface: dict[Endpoint, Operation] = {}
    for path, item in document["paths"].items():
        for method in _METHODS:
            try:
                if method in item:
                    surface[path, method.upper()] = _document_operation(item, item[method], document)
            except InvalidDocument as error:
                raise InvalidDocument(f"{method.upper()} {path}: {error}") from error
            except (AttributeError, KeyError, TypeError) as error:
                raise InvalidDocument(f"{method.upper()} {path}: it is malformed ({error!r})") from error
    return surface


def _document_operation(
    item: Mapping[str, Any], operation: Mapping[str, Any], document: Mapping[str, Any]
) -> Operation:
    fields: Fields = {}
    if (body := operation.get("requestBody")) is not None:
        schema = _content_schema(_resolved(body, document), document)
        fields = read_fields(schema, document)
        for name in outermost(fields):
            fields[name]["in"] = "body"
    for declared in (*item.get("parameters", ()), *operation.get("parameters", ())):
        parameter = _resolved(declared, document)
        if parameter["in"] in ("path", "query"):
            fields |= _parameter_fields(parameter, document)
    return Operation(fields, _answer_fields(operation, document))


def _parameter_fields(parameter: Mapping[str, Any], document: Mapping[str, Any]) -> Fields:
    name, required = parameter["name"], parameter.get("required", False)
    wrapped = {"properties": {name: parameter["schema"]}, "required": [name] if required else []}
    fields = read_fields(wrapped | {"type": "object"}, document)
    fields[name]["in"] = parameter["in"]
    return fields


def _answer_fields(operation: Mapping[str, Any], document: Mapping[str, Any]) -> Fields | None:
    for status, response in sorted(operation.get("responses", {}).items()):
        if str(status).startswith("2"):
            schema = _content_schema(_resolved(response, document), document)
            return read_fields(schema, document) if schema else None
    return None


def _content_schema(holder: Mapping[str, Any], document: Mapping[str, Any]) -> Any:
    content = holder.get("content", {})
    for media_type, described in content.items():
        if "json" in media_type:
            return described.get("schema", {})
    return {"type": f"of media type {', '.join(sorted(content))}"} if content else {}


def _resolved(holder: Any, document: Mapping[str, Any]) -> Any:
    return resolve(holder["$ref"], document) if "$ref" in holder else holder
