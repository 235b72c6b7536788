"""What counts as drift between two surfaces, and what does not."""

from typing import Any

import pytest
from pydantic import create_model

from clientgen.drift import compare
from clientgen.sources import registered_services
from clientgen.surface import below, contract_surface, document_surface
from swarm_analytics_models.handling import Batching
from tests.clientgen import toy_payloads
from tests.clientgen.toy import TOY, call_route, contract, event_route

TEXT = {"type": "string"}
LABELS = {"type": "array", "items": TEXT}
(OPENSWARM,) = [service for service in registered_services() if service.contract.name == "openswarm"]


def parameter(name: str, place: str, schema: Any, *, required: bool = False) -> Any:
    return {"name": name, "in": place, "required": required, "schema": schema}


def answers(ours: Any, theirs: Any) -> list[str]:
    """Drifts between two answers of one endpoint."""
    document = {"paths": {"/a": {"post": {"responses": {"200": answer(theirs)}}}}}
    mine = {"paths": {"/a": {"post": {"responses": {"200": answer(ours)}}}}}
    return [str(drift) for drift in compare(document_surface(mine), document_surface(document))]


def answer(properties: Any) -> Any:
    if properties is None:
        return {}
    required = [name for name, schema in properties.items() if schema.get("always")]
    schema = {"type": "object", "properties": properties, "required": required}
    return {"content": {"application/json": {"schema": schema}}}


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({"a": {"type": "string"}}, {"a": {"type": "string"}, "b": {}}),
        ({"a": {"type": "string"}}, {"a": {"type": "string", "always": True, "maxLength": 3}}),
        ({"a": {"type": ["string", "null"]}}, {"a": {"type": "string"}}),
        ({"a": {"type": "number"}}, {"a": {"type": "integer"}}),
        ({"a": {"enum": ["x", "y"]}}, {"a": {"enum": ["x"]}}),
        ({"a": {}}, {"a": {"type": "string", "format": "uuid"}}),
        (None, {"a": {}}),
    ],
)
def test_a_service_may_promise_more_than_the_contract_reads(ours: Any, theirs: Any) -> None:
    assert answers(ours, theirs) == []


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({"a": {"type": "string"}}, {}),
        ({"a": {"type": "string"}}, None),
        ({"a": {"type": "string", "always": True}}, {"a": {"type": "string"}}),
        ({"a": {"type": "string"}}, {"a": {"type": ["string", "null"]}}),
        ({"a": {"type": "integer"}}, {"a": {"type": "number"}}),
        ({"a": {"type": "string"}}, {"a": {}}),
        ({"a": {"enum": ["x"]}}, {"a": {"enum": ["x", "y"]}}),
        ({"a": {"enum": ["x"]}}, {"a": {"type": "string"}}),
    ],
)
def test_a_service_may_not_promise_less_than_the_contract_reads(ours: Any, theirs: Any) -> None:
    assert len(answers(ours, theirs)) >= 1


def test_fields_are_compared_where_they_travel() -> None:
    """A field in the path, in the query or in the body, as the contract's method and path say."""
    titles = {"type": "array", "always": True, "items": TEXT}
    document = {
        "paths": {
            "/tasks/{owner}": {
                "parameters": [
                    {"name": "owner", "in": "path", "required": True, "schema": {"type": "string"}}
                ],
                "get": {
                    "parameters": [
                        {"$ref": "#/components/parameters/Labels"},
                        parameter("X-Trace", "header", TEXT),
                    ],
                    "responses": {"200": answer({"titles": titles})},
                },
            }
        },
        "components": {
            "parameters": {
                "Labels": parameter("labels", "query", {"type": ["array", "null"], "items": TEXT}),
            }
        },
    }
    listing = contract(*[route for route in TOY.routes if route.key == "tasks.list"])
    assert compare(contract_surface(listing), document_surface(document)) == ()


def test_the_endpoint_of_a_batch_is_part_of_the_surface() -> None:
    batching = Batching(path="/many", items_field="swaps", max_items=500, max_bytes=10_000, max_wait_s=1.0)
    swap = {"type": "object", "properties": {"labels": LABELS}, "required": ["labels"]}
    many = {"type": "array", "items": swap, "maxItems": 500}
    body = {"type": "object", "properties": {"swaps": many}, "required": ["swaps"]}
    document = {
        "paths": {
            path: {"post": {"requestBody": {"content": {"application/json": {"schema": schema}}}}}
            for path, schema in {"/one": swap, "/many": body}.items()
        }
    }
    batched = contract(event_route("tasks.swap", "/one", toy_payloads.Renamed, batching=batching))
    assert compare(contract_surface(batched), document_surface(document)) == ()
    many["maxItems"] = 100
    assert [str(drift) for drift in compare(contract_surface(batched), document_surface(document))] == [
        "POST /many: swaps: contract says maxItems 500, service says maxItems 100"
    ]


def test_what_a_path_takes_is_said_once_for_a_batch() -> None:
    """Events that travel in batches alone have no endpoint of their own, and may share one with a call."""
    batching = Batching(
        path="/rooms/{room}", items_field="data", max_items=9, max_bytes=99, max_wait_s=1.0, always=True
    )
    measured = event_route("rooms.measured", "/rooms/{room}", toy_payloads.Measured, batching=batching)
    item = {
        "type": "object",
        "properties": {
            "readingId": {"type": "string", "minLength": 1, "maxLength": 200},
            "value": {"type": "number"},
        },
        "required": ["readingId", "value"],
    }
    body = {
        "type": "object",
        "properties": {"data": {"type": "array", "items": item, "maxItems": 9}},
        "required": ["data"],
    }
    document = {
        "paths": {
            "/rooms/{room}": {
                "post": {
                    "parameters": [parameter("room", "path", TEXT, required=True)],
                    "requestBody": {"content": {"application/json": {"schema": body}}},
                }
            }
        }
    }
    assert compare(contract_surface(contract(measured)), document_surface(document)) == ()
    call = call_route("rooms.look", "/rooms/{room}", toy_payloads.Measured, toy_payloads.Task)
    both = contract_surface(contract(call, measured))
    assert both == contract_surface(contract(call))


def test_a_body_may_be_the_value_of_one_field() -> None:
    request = create_model("Posted", owner=(str, ...), tags=(list[toy_payloads.Tag], ...))
    route = event_route("tags.add", "/tags/{owner}", request, body_field="tags")
    tag = {
        "type": "object",
        "properties": {"word": {"type": "string"}, "weight": {"type": "number", "default": 1.0}},
        "required": ["word"],
    }
    document = {
        "paths": {
            "/tags/{owner}": {
                "post": {
                    "parameters": [parameter("owner", "path", TEXT, required=True)],
                    "requestBody": {
                        "content": {"application/json": {"schema": {"type": "array", "items": tag}}}
                    },
                }
            }
        }
    }
    assert compare(contract_surface(contract(route)), document_surface(document)) == ()
    del tag["required"]
    assert [
        str(drift) for drift in compare(contract_surface(contract(route)), document_surface(document))
    ] == ["POST /tags/{owner}: [].word: contract says required, service says optional"]


def test_fields_of_the_query_are_where_the_contract_puts_them() -> None:
    request = create_model("Posted", sync=(bool, ...), value=(int, ...))
    surface = contract_surface(contract(event_route("a.b", "/a", request, query=("sync",))))
    fields = surface["/a", "POST"].request
    assert (fields["sync"]["in"], fields["value"]["in"]) == ("query", "body")


def test_the_path_that_a_service_puts_before_its_routes_is_taken_off() -> None:
    document = document_surface({"paths": {"/api/v1/a": {"get": {}}, "/health": {"get": {}}}})
    assert below("/api/v1", document).keys() == {("/a", "GET"), ("/health", "GET")}


def test_endpoints_of_no_concern_are_passed_over_where_asked() -> None:
    theirs = document_surface(
        {
            "paths": {**OPENSWARM.surface["paths"], "/health": {"get": {}}},
            "components": OPENSWARM.surface["components"],
        }
    )
    ours = contract_surface(OPENSWARM.contract)
    assert [str(drift) for drift in compare(ours, theirs)] == [
        "GET /health: endpoint: contract says nothing, service says that it exists"
    ]
    assert compare(ours, theirs, ignore=["/health"]) == ()


def test_another_media_type_is_drift() -> None:
    form = {"multipart/form-data": {"schema": {"type": "object"}}}
    document = {"paths": {"/swap": {"post": {"requestBody": {"content": form}}}}}
    swap = contract(event_route("tasks.swap", "/swap", toy_payloads.Renamed))
    drifts = [str(drift) for drift in compare(contract_surface(swap), document_surface(document))]
    assert (
        "POST /swap: body: contract says nothing, service says of media type multipart/form-data, optional"
        in drifts
    )
