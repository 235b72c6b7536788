"""The contract against bodies that were written by hand from what is known of the service.

Contract, client, daemon and sandbox share one declaration; an error in it would pass every test that uses two
of them. Here the other side is data.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic_core import to_json

from clientgen.schema import resolve
from clientgen.sources import registered_services
from swarm_analytics._generated.openswarm.namespaces import OpenswarmNamespaces
from swarm_analytics_models.authentication import NoAuthentication
from swarm_analytics_models.client_route import ClientRoute
from swarm_analytics_models.services import contracts

GOLDEN: list[dict[str, Any]] = json.loads((Path(__file__).parent / "golden_bodies.json").read_bytes())
ROUTES = contracts()["openswarm"].by_key
(SURFACE,) = [service.surface for service in registered_services() if service.contract.name == "openswarm"]

each_golden_body = pytest.mark.parametrize(
    "golden", GOLDEN, ids=[f"{place}-{golden['route']}" for place, golden in enumerate(GOLDEN)]
)


def strictly(value: Any) -> str:
    """As text, so that 0, 0.0 and false differ; the order of names does not count."""
    return json.dumps(value, sort_keys=True)


def serialised(key: str, fields: dict[str, Any], body: dict[str, Any]) -> bytes:
    """What travels when `fields` are submitted with the stamps of `body`."""
    route = ROUTES[key]
    stamps = {name: body[name] for name in route.stamps}
    return to_json(route.request.model_validate(fields | stamps), by_alias=True)


def test_every_route_has_a_golden_body() -> None:
    assert {golden["route"] for golden in GOLDEN} == set(ROUTES)
    assert len(ROUTES) == 11


@each_golden_body
def test_the_contract_names_the_endpoint(golden: dict[str, Any]) -> None:
    route = ROUTES[golden["route"]]
    assert (route.method, route.path, route.category) == (
        golden["method"],
        golden["path"],
        golden["category"],
    )
    assert isinstance(route.authentication, NoAuthentication) is not golden["authenticated"]


@each_golden_body
def test_the_contracts_model_serialises_to_it(golden: dict[str, Any]) -> None:
    body = serialised(golden["route"], golden["call"], golden["body"])
    assert strictly(json.loads(body)) == strictly(golden["body"])


@pytest.mark.parametrize(
    "golden",
    [golden for golden in GOLDEN if not ROUTES[golden["route"]].internal],
    ids=lambda golden: golden["route"],
)
def test_the_generated_method_yields_it(golden: dict[str, Any]) -> None:
    seen: list[tuple[str, dict[str, Any]]] = []

    def submit(route: ClientRoute, fields: dict[str, Any]) -> str:
        seen.append((route.key, fields))
        return ""

    client: Any = OpenswarmNamespaces()
    client._attach(submit)
    for name in golden["route"].split("."):
        client = getattr(client, name)
    client(**golden["call"])
    ((key, fields),) = seen
    assert key == golden["route"]
    assert strictly(json.loads(serialised(key, fields, golden["body"]))) == strictly(golden["body"])


def test_bytes_are_those_that_were_captured() -> None:
    captured = b'{"ts":1.5,"submission_id":"u","id":"s","dashboard_id":null}'
    assert serialised("events.agent.create", {"id": "s"}, json.loads(captured)) == captured


def problems(schema: dict[str, Any], value: Any, place: str = "body") -> list[str]:
    """What in `value` the surface's `schema` does not accept. Knows the keywords that the surface uses."""
    schema = resolve(schema["$ref"], SURFACE) if "$ref" in schema else schema
    unknown = schema.keys() - {"type", "enum", "properties", "required", "default", "minLength", "maxLength"}
    assert not unknown, f"{place}: the surface uses {unknown}"
    kinds = schema.get("type", KIND_NAMES.values())
    found = []
    if KIND_NAMES[type(value)] not in ([kinds] if isinstance(kinds, str) else kinds):
        found.append(f"{place}: {value!r} is not of type {kinds}")
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{place}: {value!r} is not in {schema['enum']}")
    if isinstance(value, str) and not schema.get("minLength", 0) <= len(value) <= schema.get(
        "maxLength", 1e9
    ):
        found.append(f"{place}: {value!r} is too short or too long")
    if "properties" in schema:
        found += [f"{place}.{name} is missing" for name in set(schema.get("required", ())) - value.keys()]
        for name, member in value.items():
            if name in schema["properties"]:
                found += problems(schema["properties"][name], member, f"{place}.{name}")
            else:
                found.append(f"{place}.{name} is unknown to the service")
    return found


KIND_NAMES = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    list: "array",
    dict: "object",
    type(None): "null",
}


def accepted(golden: dict[str, Any], body: Any) -> list[str]:
    operation = SURFACE["paths"][golden["path"]][golden["method"].lower()]
    return problems(operation["requestBody"]["content"]["application/json"]["schema"], body)


@each_golden_body
def test_the_reviewed_surface_accepts_it(golden: dict[str, Any]) -> None:
    assert accepted(golden, golden["body"]) == []


@each_golden_body
def test_the_reviewed_surface_refuses_it_bent(golden: dict[str, Any]) -> None:
    """The comparison above would notice."""
    name, *_ = golden["call"] or golden["body"]
    missing = {key: value for key, value in golden["body"].items() if key != name}
    assert accepted(golden, missing)
    assert accepted(golden, golden["body"] | {name: {"not": "this"}})
    assert accepted(golden, golden["body"] | {"stray": 1})
