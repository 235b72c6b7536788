"""What an error of the service says."""

from collections.abc import Mapping
from typing import Any

from swarm_analytics_models.calling import ErrorFacts


def read_error(_status: int, body: Any) -> ErrorFacts:
    """Reads ``{"error": {"message": ..., "details": "code=...; ..."}}``, or an error that is mere text.

    The message is both texts, joined by a colon; the code is the part ``code=`` of the details.
    """
    error = body.get("error") if isinstance(body, Mapping) else None
    if isinstance(error, str):
        return ErrorFacts(message=error or None)
    if not isinstance(error, Mapping):
        return ErrorFacts()
    message, details = _text(error.get("message")), _text(error.get("details"))
    return ErrorFacts(message=": ".join(filter(None, (message, details))) or None, code=_code(details))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _code(details: str) -> str | None:
    parts = (part.strip().partition("=") for part in details.split(";"))
    return next((value for name, _, value in parts if name == "code" and value), None)
