"""What OpenSpawn's errors say: ``{"error": text or list of texts, "code": text}``."""

from typing import Any

from swarm_analytics_models.calling import ErrorFacts


def read_error(_status: int, body: Any) -> ErrorFacts:
    """The server's message, those of a failed validation one after the other, and its code."""
    if not isinstance(body, dict):
        return ErrorFacts()
    error, code = body.get("error"), body.get("code")
    texts = error if isinstance(error, list) else [error]
    message = "; ".join(text for text in texts if isinstance(text, str))
    return ErrorFacts(message=message or None, code=code if isinstance(code, str) else None)
