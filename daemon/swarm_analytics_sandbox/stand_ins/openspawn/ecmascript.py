"""``JSON.stringify(JSON.parse(text))``, over which the server verifies signatures."""

import json
import math
from typing import Any, Final

_MAX_INDEX: Final = 2**32 - 2
"""Keys that are such integers come first, in ascending order (ECMA-262, OrdinaryOwnPropertyKeys)."""


def stringify(value: Any) -> str:
    """`value`, as Python's json reads it, written as ECMAScript would write it."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return _number(value)
        case str():
            return _text(value)
        case list():
            return "[" + ",".join(map(stringify, value)) + "]"
        case dict():
            members = sorted(value.items(), key=lambda member: _rank(member[0]))
            return "{" + ",".join(f"{_text(name)}:{stringify(inner)}" for name, inner in members) + "}"
        case _:
            raise TypeError(f"{type(value).__name__} is not JSON")


def _rank(name: str) -> tuple[bool, int]:
    if name.isascii() and name.isdigit() and str(int(name)) == name and int(name) <= _MAX_INDEX:
        return False, int(name)
    return True, 0


def _text(text: str) -> str:
    written = json.dumps(text, ensure_ascii=False)
    return "".join(
        f"\\u{ord(character):04x}" if 0xD800 <= ord(character) <= 0xDFFF else character
        for character in written
    )


def _number(value: float) -> str:
    """ECMA-262, Number::toString: the shortest digits, with an exponent from 1e21 and below 1e-6."""
    try:
        number = float(value)
    except OverflowError:
        return "null"
    if not math.isfinite(number):
        return "null"
    if number == 0:
        return "0"
    sign = "-" if number < 0 else ""
    mantissa, _, exponent = f"{abs(number)!r}".partition("e")
    whole, _, fraction = mantissa.partition(".")
    padded = (whole + fraction).rstrip("0")
    digits = padded.lstrip("0")
    point = len(whole) + int(exponent or 0) - (len(padded) - len(digits))
    return sign + _placed(digits, point)


def _placed(digits: str, point: int) -> str:
    """`digits` with the decimal point after the first `point` of them."""
    count = len(digits)
    if count <= point <= 21:
        return digits + "0" * (point - count)
    if 0 < point <= 21:
        return f"{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return "0." + "0" * -point + digits
    power = point - 1
    fraction = f".{digits[1:]}" if count > 1 else ""
    return f"{digits[0]}{fraction}e{'+' if power > 0 else '-'}{abs(power)}"
