"""The parameters of a route's method: what of a request model a caller says, and with which default. Pure."""

import enum
import keyword
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Final, TypeAlias

from pydantic.fields import FieldInfo

from clientgen.annotation import Type, Unknown, is_plain_text, read_annotation
from clientgen.schema import InvalidDocument, read_fields
from clientgen.surface import schema_of
from swarm_analytics_models.contract import Route
from swarm_analytics_models.payload import OmitsUnset

_SHOWN_ELSEWHERE: Final = {"type", "enum", "any of", "nullable", "required", "default"}
"""Attributes of a field that a signature shows by itself."""

SNAKE_CASE: Final = re.compile(r"[a-z][a-z0-9_]*\Z")


@dataclass(frozen=True, slots=True)
class Constant:
    """A default that can be written down."""

    value: str | int | float | None


@dataclass(frozen=True, slots=True)
class Member:
    """A default that is a member of an enumeration."""

    enumeration: str
    name: str


@dataclass(frozen=True, slots=True)
class NotGiven:
    """No default: an argument that is left out is left out of the payload, too."""


Default: TypeAlias = Constant | Member | NotGiven | Unknown | None
"""None: the parameter is required."""


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    wire: str
    """The name under which it travels."""

    type: Type
    default: Default
    description: str
    limits: tuple[tuple[str, Any], ...]
    """What the schema demands beyond the type, by JSON Schema's keywords."""


def wire_name(name: str, info: FieldInfo) -> str:
    return info.serialization_alias or info.alias or name


def parameter_name(name: str, wire: str) -> str:
    """The wire name where Python can say it so; else (``assigneeId``, ``from``) the field's own."""
    return wire if SNAKE_CASE.match(wire) and not keyword.iskeyword(wire) else name


def read_parameters(route: Route, payloads: ModuleType) -> Iterator[Parameter]:
    """The parameters of a route's method: required ones first, then the others, each in the model's order."""
    try:
        schema = schema_of(route.request)
        schema_fields = read_fields(schema, schema)
    except InvalidDocument:
        schema_fields = {}
    omits_unset = issubclass(route.request, OmitsUnset)
    found = []
    for name, info in route.request.model_fields.items():
        wire = wire_name(name, info)
        if name in route.stamps or (route.streaming is not None and wire == route.streaming.field):
            continue
        facts = schema_fields.get(wire, {})
        found.append(
            Parameter(
                name=parameter_name(name, wire),
                wire=wire,
                type=read_annotation(info.annotation, payloads),
                default=None if info.is_required() else _default(info, omits_unset=omits_unset),
                description=" ".join((info.description or "").split()),
                limits=tuple((key, facts[key]) for key in sorted(facts.keys() - _SHOWN_ELSEWHERE)),
            )
        )
    yield from sorted(found, key=lambda parameter: parameter.default is not None)


def _default(info: FieldInfo, *, omits_unset: bool) -> Default:
    value = info.default
    if omits_unset and (value is None or info.default_factory is not None):
        return NotGiven()
    if info.default_factory is not None:
        return Unknown("a factory")
    if isinstance(value, enum.Enum):
        return Member(type(value).__name__, value.name)
    if value is None or type(value) in (bool, int):
        return Constant(value)
    if isinstance(value, float) and math.isfinite(value):
        return Constant(value)
    if isinstance(value, str) and is_plain_text(value):
        return Constant(value)
    return Unknown(repr(value))
