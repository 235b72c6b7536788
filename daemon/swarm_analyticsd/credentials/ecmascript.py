"""JSON as ECMAScript's ``JSON.stringify(JSON.parse(text))`` writes it (ECMA-262, sections 25.5 and 6.1.6.1).

A service that verifies a signature over the body it has parsed sees this text, not the bytes on the wire:
no white space, UTF-8, integer-like keys first in ascending order, every number as a double writes itself.
"""

import json
import math
import re
from typing import Any, Final, TypeAlias

_ARRAY_INDEX: Final = re.compile(r"(0|[1-9][0-9]{0,9})\Z", re.ASCII)
_LARGEST_INDEX: Final = 2**32 - 2
_FIXED_DIGITS: Final = 21
"""Numbers of up to so many digits before the point, and down to 1e-6, are written without an exponent."""

_FIXED_ZEROS: Final = 6
_ESCAPED: Final = re.compile(r'["\\\x00-\x1f\ud800-\udfff]')
_SHORT: Final = {
    '"': '\\"',
    "\\": "\\\\",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
}

_Json: TypeAlias = dict[str, Any] | list[Any] | str | int | float | bool | None


def canonical(content: bytes) -> bytes:
    """The JSON text `content` (UTF-8) as ECMAScript writes it again. Raises ValueError where it is none."""
    try:
        return _written(json.loads(content)).encode()
    except RecursionError:
        raise ValueError("the body is nested too deeply") from None


def _written(value: _Json) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return _text(value)
        case int() | float():
            return number(value)
        case list():
            return f"[{','.join(_written(item) for item in value)}]"
        case dict():
            return f"{{{','.join(f'{_text(key)}:{_written(value[key])}' for key in _keys(value))}}}"


def _keys(members: dict[str, Any]) -> list[str]:
    """Array indices in ascending order, then the others as they came."""
    indices = [key for key in members if _ARRAY_INDEX.match(key) and int(key) <= _LARGEST_INDEX]
    taken = set(indices)
    return [*sorted(indices, key=int), *(key for key in members if key not in taken)]


def _text(value: str) -> str:
    return f'"{_ESCAPED.sub(_escape, value)}"'


def _escape(found: re.Match[str]) -> str:
    character = found.group()
    return _SHORT.get(character) or f"\\u{ord(character):04x}"


def number(value: float) -> str:
    """A number as ECMAScript writes the double nearest to it; what is none is null."""
    try:
        double = float(value)
    except OverflowError:
        return "null"
    if not math.isfinite(double):
        return "null"
    if double == 0:
        return "0"
    digits, point = _shortest(abs(double))
    return ("-" if double < 0 else "") + _placed(digits, point)


def _shortest(double: float) -> tuple[str, int]:
    """The fewest digits that tell `double` from its neighbours, and how many stand before the point."""
    mantissa, _, exponent = repr(double).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = whole + fraction
    point = len(whole) + int(exponent or 0)
    leading = len(digits) - len(digits.lstrip("0"))
    return digits.strip("0"), point - leading


def _placed(digits: str, point: int) -> str:
    if len(digits) <= point <= _FIXED_DIGITS:
        return digits + "0" * (point - len(digits))
    if 0 < point <= _FIXED_DIGITS:
        return f"{digits[:point]}.{digits[point:]}"
    if -_FIXED_ZEROS < point <= 0:
        return f"0.{'0' * -point}{digits}"
    exponent = f"e{point - 1:+d}"
    return (f"{digits[0]}.{digits[1:]}" if len(digits) > 1 else digits) + exponent
