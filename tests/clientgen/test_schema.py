"""Two ways to say the same give the same facts; what is not the same does not."""

from typing import Any

import pytest

from clientgen.schema import Fields, InvalidDocument, outermost, read_fields
from swarm_analytics_models.values import INT64_MAX, INT64_MIN

DOCUMENT: dict[str, Any] = {
    "components": {
        "schemas": {
            "Name": {"type": "string", "minLength": 1},
            "Node": {"type": "object", "properties": {"next": {"$ref": "#/components/schemas/Node"}}},
            "a/b": {"type": "boolean"},
        }
    }
}
NAME = {"$ref": "#/components/schemas/Name"}


def facts(schema: Any) -> Fields:
    return read_fields({"type": "object", "properties": {"x": schema}}, DOCUMENT)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, {"type": ["string", "null"]}),
        ({"oneOf": [{"type": "string"}, {"type": "null"}]}, {"type": "string", "nullable": True}),
        ({"type": "string", "nullable": False}, {"type": "string"}),
        ({"enum": ["b", "a", None]}, {"enum": ["a", "b"], "nullable": True}),
        ({"const": "a"}, {"enum": ["a"]}),
        ({"type": "string", "default": None}, {"type": "string"}),
        ({"type": "integer", "minimum": INT64_MIN, "maximum": INT64_MAX}, {"type": "integer"}),
        ({"type": "integer", "maximum": float(INT64_MAX)}, {"type": "integer"}),
        (NAME, {"type": "string", "minLength": 1}),
        ({"allOf": [NAME], "default": "n"}, {"type": "string", "minLength": 1, "default": "n"}),
        ({"anyOf": [NAME, {"type": "null"}]}, {"type": ["string", "null"], "minLength": 1}),
        ({"anyOf": [NAME, {"type": "integer"}]}, {"anyOf": [{"type": "integer"}, NAME]}),
        ({"title": "X", "description": "x", "examples": [1], "x-y": 1, "type": "string"}, {"type": "string"}),
        ({"type": "object", "additionalProperties": True}, {"type": "object"}),
        ({"$ref": "#/components/schemas/a~1b"}, {"type": "boolean"}),
        (True, {}),
        (
            {
                "allOf": [
                    {"type": "object", "properties": {"a": {}}, "required": ["a"]},
                    {"properties": {"b": {}}, "required": ["b"]},
                ]
            },
            {"type": "object", "properties": {"a": {}, "b": {}}, "required": ["a", "b"]},
        ),
    ],
)
def test_two_ways_to_say_the_same_give_the_same_facts(one: Any, other: Any) -> None:
    assert facts(one) == facts(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"type": "string"}, {"type": "integer"}),
        ({"type": "string"}, {"type": ["string", "null"]}),
        ({"type": "string"}, {}),
        ({"type": "string"}, {"type": "string", "format": "date-time"}),
        ({"type": "string", "maxLength": 3}, {"type": "string", "maxLength": 4}),
        ({"type": "integer", "minimum": 0}, {"type": "integer"}),
        ({"type": "integer", "default": 0}, {"type": "integer", "default": 1}),
        ({"enum": ["a"]}, {"enum": ["a", "b"]}),
        ({"type": "array", "items": {"type": "string"}}, {"type": "array", "items": {"type": "integer"}}),
        (
            {"type": "object", "additionalProperties": {"type": "string"}},
            {"type": "object", "additionalProperties": {"type": "integer"}},
        ),
        ({"anyOf": [NAME, {"type": "integer"}]}, {"anyOf": [NAME, {"type": "number"}]}),
    ],
)
def test_what_differs_gives_other_facts(one: Any, other: Any) -> None:
    assert facts(one) != facts(other)


def test_every_field_has_its_place() -> None:
    schema = {
        "type": "object",
        "required": ["a"],
        "properties": {
            "a": {"type": "object", "properties": {"b": {"type": "string"}}},
            "c": {"type": "array", "items": {"type": "object", "properties": {"d": {"type": "number"}}}},
            "e": {"type": "object", "additionalProperties": {"type": "boolean"}},
        },
    }
    fields = read_fields(schema, DOCUMENT)
    assert fields["a.b"] == {"type": "string", "required": False}
    assert fields["c[].d"]["type"] == "number"
    assert fields["e{}"] == {"type": "boolean"}
    assert (fields["a"]["required"], fields["c"]["required"]) == (True, False)
    assert sorted(outermost(fields)) == ["a", "c", "e"]


def test_a_recursive_schema_ends() -> None:
    assert facts({"$ref": "#/components/schemas/Node"})["x.next"]["type"] == "recursive"


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#/components/schemas/Nobody"},
        {"$ref": "https://example.com/schema.json"},
        "a string",
        None,
    ],
)
def test_what_cannot_be_read_is_refused(schema: Any) -> None:
    with pytest.raises(InvalidDocument):
        facts(schema)


def test_hostile_nesting_is_refused() -> None:
    schema: dict[str, Any] = {}
    for _ in range(5_000):
        schema = {"type": "array", "items": schema}
    with pytest.raises(InvalidDocument, match="too deep"):
        facts(schema)
