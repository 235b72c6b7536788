"""What a service should not have sent back does not reach the app. Pure."""

import re
from collections.abc import Iterable
from typing import Any, Final

from pydantic_core import to_json

from swarm_analyticsd import policy

REDACTED: Final = "[redacted]"


def without_fields(value: Any, names: frozenset[str]) -> Any:
    """`value` (JSON) with what stands under these names, wherever, replaced; null stays null."""
    if isinstance(value, dict):
        return {
            name: REDACTED if name in names and member is not None else without_fields(member, names)
            for name, member in value.items()
        }
    if isinstance(value, list):
        return [without_fields(member, names) for member in value]
    return value


def without_secrets(body: bytes, secrets: Iterable[str]) -> bytes:
    """`body` (JSON or text in UTF-8) without credentials that a service echoes, however it spells them."""
    for secret in secrets:
        if len(secret) >= policy.CALL_SECRET_CHARACTERS:
            body = body.replace(to_json(secret)[1:-1], REDACTED.encode())
            if b"\\u00" in body or b"\\/" in body:
                body = _spelled(secret).sub(REDACTED.encode(), body)
    return body


def _spelled(secret: str) -> re.Pattern[bytes]:
    """`secret` (ASCII) with any of its characters escaped: some writers of JSON do so with ``/`` or ``+``."""
    return re.compile(b"".join(_spellings(character) for character in secret))


def _spellings(character: str) -> bytes:
    escaped = b"".join(
        b"[%c%c]" % (digit, digit ^ 0x20) if digit > 0x39 else b"%c" % digit
        for digit in b"%02x" % ord(character)
    )
    plain = re.escape(to_json(character)[1:-1])
    slash = rb"|\\/" if character == "/" else b""
    return b"(?:%b|%b%b)" % (plain, rb"\\u00" + escaped, slash)
