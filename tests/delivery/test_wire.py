"""Arguments go into path, query and body as the contract says, and nowhere else."""

from typing import Any, Literal
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from swarm_analytics_models.contract import Route
from swarm_analytics_models.handling import Lane
from swarm_analytics_models.idempotency import NotIdempotent
from swarm_analyticsd.delivery.wire import Unsendable, wire_of
from tests.delivery.support import toy_route


class Asked(BaseModel):
    model_config = ConfigDict(extra="allow")
    id: Any = None
    limit: Any = None
    items: Any = None
    note: Any = None


class PathOnly(BaseModel):
    id: str


def route(
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "POST",
    path: str = "/things/{id}",
    request: type[BaseModel] = Asked,
    **more: Any,
) -> Route:
    return toy_route(
        method=method,
        path=path,
        request=request,
        lane=Lane.CALL,
        idempotency=NotIdempotent("report"),
        **more,
    )


@given(st.text(min_size=1).filter(lambda text: text not in (".", "..")))
def test_a_path_value_is_one_segment_whatever_it_holds(value: str) -> None:
    wire = wire_of(route("GET"), {"id": value})
    assert wire.path.count("/") == 2
    assert unquote(wire.path.removeprefix("/things/")) == value
    assert not set(wire.path) & set("?#% ") - {"%"}
    assert (wire.query, wire.content) == ((), None)


@pytest.mark.parametrize("value", ["", ".", "..", None, [], {}])
def test_a_value_that_would_leave_the_path_is_refused(value: Any) -> None:
    with pytest.raises(Unsendable, match="'id'"):
        wire_of(route(), {"id": value})


def test_a_missing_path_value_is_refused() -> None:
    with pytest.raises(Unsendable, match="'id'"):
        wire_of(route(), {})


def test_a_value_is_never_read_as_another_field_of_the_path() -> None:
    both = route("GET", "/a/{id}/b/{note}")
    assert wire_of(both, {"id": "{note}", "note": "n"}).path == "/a/%7Bnote%7D/b/n"


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_request_without_a_body_puts_all_that_is_left_into_the_query(
    method: Literal["GET", "DELETE"],
) -> None:
    arguments = {
        "id": 7,
        "limit": True,
        "note": None,
        "items": ["a", 1, None, {"k": [1.5, "é"]}],
        "more": "x + y&z",
    }
    wire = wire_of(route(method), arguments)
    assert wire.query == (
        ("limit", "true"),
        ("items", "a"),
        ("items", "1"),
        ("items", '{"k":[1.5,"é"]}'),
        ("more", "x + y&z"),
    )
    assert wire.target.startswith("/things/7?limit=true&items=a&items=1&items=%7B")
    assert wire.target.endswith("&more=x%20%2B%20y%26z")
    assert wire.content is None


def test_a_request_with_a_body_has_in_its_query_what_the_contract_names() -> None:
    wire = wire_of(route(query=("limit",)), {"id": "a", "note": "é", "limit": False, "items": None})
    assert wire.target == "/things/a?limit=false"
    assert wire.content == '{"note":"é","items":null}'.encode()


def test_a_body_field_is_the_whole_body() -> None:
    bare = route(body_field="items")
    assert wire_of(bare, {"id": "a", "items": [{"x": 1}]}).content == b'[{"x":1}]'
    assert wire_of(bare, {"id": "a"}).content is None


def test_a_request_whose_model_leaves_nothing_has_no_body() -> None:
    assert wire_of(route(request=PathOnly), {"id": "a"}).content is None
    assert wire_of(route(), {"id": "a"}).content == b"{}"


@pytest.mark.parametrize(
    "arguments",
    [
        {"id": "\ud800"},
        {"id": "a", "note": "\ud800"},
        {"id": "a", "limit": ["\udfff"]},
        {"id": "a", "note": float("nan")},
    ],
)
def test_what_no_request_can_carry_is_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(Unsendable):
        wire_of(route(query=("limit",)), arguments)
