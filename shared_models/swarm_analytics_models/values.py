"""Constrained value types: what a payload may carry, refused alike in the client and in the daemon.

pydantic on its own turns NaN into ``null`` in free-form fields, accepts integers of any length and
recurses as deep as the input does. The types here refuse such values with an error that names the place.
"""

import math
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, Field, JsonValue
from pydantic_core import (
    PydanticCustomError,
    PydanticSerializationError,
    to_jsonable_python,
)

INT64_MIN: Final = -(2**63)
INT64_MAX: Final = 2**63 - 1

MAX_DEPTH: Final = 32
"""Deepest nesting of arrays and objects in one free-form value."""

MAX_BODY_BYTES: Final = 1024 * 1024
"""Largest serialised body of one event, in bytes (real transcripts reach hundreds of kB)."""

Int64 = Annotated[int, Field(ge=INT64_MIN, le=INT64_MAX)]
"""An integer that every JSON reader and SQLite can hold."""

FiniteFloat = Annotated[float, Field(allow_inf_nan=False)]


def one_segment(text: str) -> str:
    """`text`, which is to stand in a request's path. Raises ValueError where it would change the path."""
    if text in ("", ".", ".."):
        raise ValueError("name a resource: this would change the path of the request")
    return text


def _place(path: tuple[str | int, ...]) -> str:
    return "".join(f"[{step!r}]" for step in path) or "the value itself"


def _refuse_scalar(value: object, path: tuple[str | int, ...]) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise PydanticCustomError(
            "non_finite_number",
            "{place} is {value}: JSON has no such number; send null or a string instead",
            {"place": _place(path), "value": str(value)},
        )
    if isinstance(value, int) and not INT64_MIN <= value <= INT64_MAX:
        raise PydanticCustomError(
            "integer_out_of_range",
            "{place} is an integer beyond 64 bits; send it as a string instead",
            {"place": _place(path)},
        )
    if isinstance(value, str) and not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise PydanticCustomError(
                "lone_surrogate",
                "{place} holds a lone surrogate, which UTF-8 cannot carry; "
                "decode the text with errors='replace'",
                {"place": _place(path)},
            ) from None


def refuse_unsound_json(value: JsonValue) -> JsonValue:
    """Return `value` unchanged, or raise where it holds what JSON, UTF-8 or 64 bits cannot.

    Walks with its own stack: hostile nesting cannot exhaust Python's.
    """
    pending: list[tuple[Any, tuple[str | int, ...]]] = [(value, ())]
    while pending:
        current, path = pending.pop()
        if isinstance(current, dict | list) and len(path) >= MAX_DEPTH:
            raise PydanticCustomError(
                "too_deep",
                "nested deeper than {limit} levels; flatten it or send it as a JSON string",
                {"limit": MAX_DEPTH},
            )
        if isinstance(current, dict):
            for name, member in current.items():
                _refuse_scalar(name, (*path, name))
                pending.append((member, (*path, name)))
        elif isinstance(current, list):
            pending.extend((member, (*path, index)) for index, member in enumerate(current))
        else:
            _refuse_scalar(current, path)
    return value


def _to_json_types(value: Any) -> Any:
    """Turn tuples, sets, dates, UUIDs, paths, models and the like into JSON types."""
    if value is None or isinstance(value, str | int | float):
        return value
    try:
        return to_jsonable_python(value, by_alias=True, inf_nan_mode="constants")
    except (
        PydanticSerializationError,
        ValueError,
        RecursionError,
        UnicodeEncodeError,
    ) as error:
        raise PydanticCustomError(
            "not_json",
            "cannot be written as JSON: {cause}; send strings, numbers, booleans, null, lists or objects",
            {"cause": str(error)},
        ) from error


FreeJson = Annotated[
    Any,
    BeforeValidator(_to_json_types),
    AfterValidator(refuse_unsound_json),
    Field(json_schema_extra={}),
]
"""Any JSON value. Whatever pydantic can write as JSON is converted; what JSON cannot carry is refused."""
