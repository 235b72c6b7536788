"""What the service's errors say, in each of its generations. Pure.

The service of the seed wraps whatever goes wrong inside a completion in a 500 whose detail begins with the
status that is meant (``402: Insufficient credits``), and answers 403 to an unknown key. Later ones answer
with the status that they mean, and keep 403 for what a key that they know may not do.
"""

import json
import re
from typing import Any, Final

from swarm_analytics_models.calling import ErrorFacts

_UNKNOWN_KEY: Final = "invalid api key"
_WRAPPED: Final = re.compile(r"([45]\d\d): (.*)", re.DOTALL)

WRAPPED_RATE_LIMIT: Final = "rate_limited_within"
"""Code of a 429 wrapped in a 500. It comes from within the work, so it does not prove, as the service's own
429 does, that nothing was executed and billed: it is not taken for that status, and not repeated."""


def read_error(status: int, body: Any) -> ErrorFacts:
    """The message, code and meant status of an answer of 400 and above."""
    if not isinstance(body, dict):
        return ErrorFacts(message=body if isinstance(body, str) and body else None)
    error = body.get("error")
    if isinstance(error, dict):
        return _structured(error)
    detail = body.get("detail", error if error is not None else body.get("message"))
    if isinstance(detail, dict):
        return read_error(status, detail)
    if isinstance(detail, list):
        return ErrorFacts(message="; ".join(map(_schema_complaint, detail)) or None)
    return _unwrapped(status, detail) if isinstance(detail, str) else ErrorFacts()


def _structured(error: dict[str, Any]) -> ErrorFacts:
    code, message, meant = (
        error.get("type"),
        error.get("message", error.get("detail")),
        error.get("status_code"),
    )
    return ErrorFacts(
        message=message if isinstance(message, str) else None,
        code=code if isinstance(code, str) else None,
        status=meant if type(meant) is int and 400 <= meant <= 599 else None,
    )


def _unwrapped(status: int, detail: str) -> ErrorFacts:
    if status == 403 and detail.lower() == _UNKNOWN_KEY:
        return ErrorFacts(message=detail, status=401)
    wrapped = _WRAPPED.match(detail) if status == 500 else None
    if wrapped is None:
        return ErrorFacts(message=detail or None)
    meant, message = int(wrapped[1]), wrapped[2]
    if meant == 429:
        return ErrorFacts(message=message, code=WRAPPED_RATE_LIMIT)
    return ErrorFacts(message=message, status=meant)


def _schema_complaint(complaint: Any) -> str:
    """One item of a FastAPI validation error, as ``body.task: Field required``."""
    if isinstance(complaint, dict) and isinstance(complaint.get("msg"), str):
        place = complaint.get("loc")
        where = ".".join(map(str, place)) if isinstance(place, list) else ""
        return f"{where}: {complaint['msg']}" if where else complaint["msg"]
    return json.dumps(complaint)
