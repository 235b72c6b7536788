"""Type annotations of payload models, read into a closed union that a renderer can match on."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from types import ModuleType, NoneType, UnionType
from typing import Annotated, Any, Final, Literal, TypeAlias, Union, get_args, get_origin
from uuid import UUID

from pydantic import BaseModel


@dataclass(frozen=True, slots=True)
class Plain:
    """A builtin scalar, ``None``, ``Any``, or the ``...`` of ``tuple[int, ...]``."""

    name: str


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few literal values."""

    values: tuple[str | int | None, ...]


@dataclass(frozen=True, slots=True)
class Named:
    """A model or enumeration of the service's payloads module."""

    name: str


@dataclass(frozen=True, slots=True)
class Standard:
    """A class of the standard library that pydantic reads from JSON and writes as JSON."""

    module: str
    name: str


@dataclass(frozen=True, slots=True)
class Generic:
    """``list``, ``dict`` or ``tuple`` of something."""

    name: str
    arguments: "tuple[Type, ...]"


@dataclass(frozen=True, slots=True)
class Either:
    """A union."""

    members: "tuple[Type, ...]"


@dataclass(frozen=True, slots=True)
class Unknown:
    """What the generator does not know; lint refuses it."""

    text: str


Type: TypeAlias = Plain | Choice | Named | Standard | Generic | Either | Unknown

_PLAIN: Final[tuple[tuple[object, str], ...]] = (
    (str, "str"),
    (int, "int"),
    (float, "float"),
    (bool, "bool"),
    (NoneType, "None"),
    (Any, "Any"),
    (Ellipsis, "..."),
)
_STANDARD: Final = (datetime, date, UUID)
_GENERIC: Final = (list, dict, tuple)


def is_plain_text(text: str) -> bool:
    """Whether `text` can stand between double quotes as it is, in source code and in a docstring."""
    return text.isprintable() and not set(text) & {'"', "'", "\\"}


def read_annotation(annotation: Any, payloads: ModuleType) -> Type:
    """The type that `annotation` stands for, its constraints left out. Never raises: see `Unknown`."""
    for known, name in _PLAIN:
        if annotation is known:
            return Plain(name)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel | Enum):
        name = annotation.__name__
        if getattr(payloads, name, None) is annotation:
            return Named(name)
        return Unknown(f"{annotation.__module__}.{annotation.__qualname__}")
    if annotation in _STANDARD:
        return Standard(annotation.__module__, annotation.__name__)
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return read_annotation(arguments[0], payloads)
    if origin is Literal:
        return Choice(arguments) if all(map(_is_renderable, arguments)) else Unknown(str(annotation))
    if origin is Union or origin is UnionType:
        return Either(tuple(read_annotation(member, payloads) for member in arguments))
    if origin in _GENERIC:
        return Generic(origin.__name__, tuple(read_annotation(member, payloads) for member in arguments))
    return Unknown(getattr(annotation, "__name__", None) or str(annotation))


def _is_renderable(value: object) -> bool:
    if isinstance(value, str):
        return not isinstance(value, Enum) and is_plain_text(value)
    return value is None or type(value) in (int, bool)


def parts(node: Type) -> tuple[Type, ...]:
    """`node` and everything inside it."""
    match node:
        case Generic(arguments=inner) | Either(members=inner):
            return (node, *(part for member in inner for part in parts(member)))
        case _:
            return (node,)
