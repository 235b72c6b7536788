"""JSON Schema reduced to facts that can be compared: a flat table of fields, each with its attributes.

What two schemas may say in different ways is said in one: a null among alternatives is `nullable`, a constant
is an enumeration of one, references are followed, prose is left out. So are two things that say nothing about
what a service accepts: the limits of a 64-bit integer, which our clients put on every integer, and a default
of null for a field that may be left out.
"""

import json
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from swarm_analytics_models.values import INT64_MAX, INT64_MIN

Facts: TypeAlias = dict[str, Any]
Fields: TypeAlias = dict[str, Facts]
"""By place: ``message.role``; ``tags[]``, list items; ``data{}``, an object's values; ``""``, the whole."""

PROSE: Final = frozenset(
    {"title", "description", "summary", "example", "examples", "deprecated", "discriminator", "externalDocs"}
)


class InvalidDocument(ValueError):
    """A document that cannot be read as a schema."""


def read_fields(schema: Any, document: Mapping[str, Any]) -> Fields:
    """Every field of `schema`, whose references point into `document`. Raises InvalidDocument."""
    fields: Fields = {}
    try:
        _read(schema, document, "", (), fields)
    except RecursionError:
        raise InvalidDocument("a schema is nested too deep") from None
    if fields[""].get("type") == "object" and not fields[""].get("nullable"):
        del fields[""]
    return fields


def outermost(fields: Fields) -> list[str]:
    """The places that are members of the whole, not of a member."""
    return [place for place in fields if place and not set(place) & set(".[{")]


def _read(
    schema: Any, document: Mapping[str, Any], place: str, trail: tuple[str, ...], fields: Fields
) -> None:
    merged, trail = _follow(schema, document, trail)
    facts: Facts = {}
    for name, value in merged.items():
        match name:
            case "properties":
                for member, inner in value.items():
                    within = f"{place}.{member}" if place else member
                    _read(inner, document, within, trail, fields)
                    fields[within]["required"] = member in merged.get("required", ())
            case "items":
                _read(value, document, f"{place}[]", trail, fields)
            case "additionalProperties":
                if isinstance(value, dict) and value:
                    _read(value, document, f"{place}{{}}", trail, fields)
            case "anyOf":
                facts["any of"] = sorted(_canonical(member, document, trail) for member in value)
            case "enum":
                facts["enum"] = sorted(value, key=json.dumps)
            case _ if name not in PROSE and name != "required" and not name.startswith(("x-", "$")):
                facts[name] = value
    _drop_what_every_client_adds(facts)
    fields[place] = facts


def _canonical(schema: Any, document: Mapping[str, Any], trail: tuple[str, ...]) -> str:
    fields: Fields = {}
    _read(schema, document, "", trail, fields)
    return json.dumps(fields, sort_keys=True)


def _drop_what_every_client_adds(facts: Facts) -> None:
    if facts.get("minimum", 0) <= INT64_MIN:
        del facts["minimum"]
    if facts.get("maximum", 0) >= INT64_MAX:
        del facts["maximum"]
    if facts.get("default", ...) is None:
        del facts["default"]


def _follow(
    schema: Any, document: Mapping[str, Any], trail: tuple[str, ...]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """`schema` with its reference resolved and `null` taken out of its alternatives, as `nullable`."""
    if schema is True:
        schema = {}
    if not isinstance(schema, dict):
        raise InvalidDocument(f"a schema must be an object, not {str(schema)[:40]!r}")
    merged = dict(schema)
    reference = merged.pop("$ref", None)
    if reference is not None:
        if reference in trail:
            return {"type": "recursive"}, trail
        target, trail = _follow(resolve(reference, document), document, (*trail, reference))
        return target | merged, trail
    if "const" in merged:
        merged["enum"] = [merged.pop("const")]
    if None in merged.get("enum", ()):
        merged |= {"enum": [value for value in merged["enum"] if value is not None], "nullable": True}
    if isinstance(merged.get("type"), list):
        kinds = [kind for kind in merged["type"] if kind != "null"]
        merged["nullable"] = "null" in merged["type"]
        merged["type"] = kinds[0] if len(kinds) == 1 else sorted(kinds)
    for member in merged.pop("allOf", ()):
        inner, trail = _follow(member, document, trail)
        merged = _join(inner, merged)
    return _without_null(merged, document, trail)


def _join(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    joined = first | second
    if "properties" in first and "properties" in second:
        joined["properties"] = first["properties"] | second["properties"]
    if "required" in first and "required" in second:
        joined["required"] = [*first["required"], *second["required"]]
    return joined


def _without_null(
    merged: dict[str, Any], document: Mapping[str, Any], trail: tuple[str, ...]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Take a single alternative that is not null for the schema itself."""
    alternatives = merged.pop("anyOf", merged.pop("oneOf", None))
    if alternatives is None:
        if merged.get("nullable") is False:
            del merged["nullable"]
        return merged, trail
    others = [member for member in alternatives if member != {"type": "null"}]
    if len(others) < len(alternatives):
        merged["nullable"] = True
    if len(others) != 1:
        return merged | {"anyOf": others}, trail
    only, trail = _follow(others[0], document, trail)
    return only | merged, trail


def resolve(reference: Any, document: Mapping[str, Any]) -> Any:
    """What a local reference such as ``#/components/schemas/Log`` points to. Raises InvalidDocument."""
    target: Any = document
    steps = str(reference).removeprefix("#/").split("/")
    if not str(reference).startswith("#/"):
        raise InvalidDocument(f"{reference!r} is not a reference within the document")
    for step in steps:
        step = step.replace("~1", "/").replace("~0", "~")
        if not isinstance(target, dict) or step not in target:
            raise InvalidDocument(f"{reference!r} points to nothing")
        target = target[step]
    return target
