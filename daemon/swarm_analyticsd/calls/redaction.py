"""What a service should not have sent back does not reach the app. Pure."""

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
    """`body` (JSON or text in UTF-8) without the credentials that a service echoes."""
    for secret in secrets:
        if len(secret) >= policy.CALL_SECRET_CHARACTERS:
            body = body.replace(to_json(secret)[1:-1], REDACTED.encode())
    return body
