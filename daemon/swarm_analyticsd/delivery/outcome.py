"""Whose fault an answer is. Pure: an answer and the route's contract in, one of a closed set of outcomes out.

| answer | outcome |
|---|---|
| 2xx that the contract's acknowledgement recognises | Delivered |
| 2xx that is HTML, an image, a script; any 3xx; 511 | Portal |
| another 2xx that is not recognised | ServiceFault, may have arrived |
| 400, 413, 422 | EventFault (400 and 422 in HTML: a middlebox's, so ServiceFault) |
| 401 | CredentialRefused |
| 403, 404, 405, 407, 410, 426, 451 | RouteShut |
| 429; 503 with Retry-After | FlowControl |
| every other 4xx, 5xx, 1xx, and what is no status at all | ServiceFault |
| silence after sending | ServiceFault, may have arrived |
| nothing sent | NotReached |

A contract's `verdicts` come before all of it.
"""

import http
from dataclasses import dataclass
from typing import Final, TypeAlias, assert_never

from pydantic import ValidationError
from pydantic_core import from_json

from swarm_analytics_models.contract import Route
from swarm_analytics_models.handling import Acknowledgement, Verdict
from swarm_analytics_models.identifiers import InvalidBaseUrl, parse_base_url
from swarm_analytics_models.validation import places
from swarm_analyticsd import policy
from swarm_analyticsd.delivery.answer import Answer, NoAnswer, NotSent, Obstacle, Reply
from swarm_analyticsd.delivery.retry_after import retry_after_s


@dataclass(frozen=True, slots=True)
class Delivered:
    """The service's own acknowledgement was recognised."""

    status: int
    skipped: int = 0
    """Events of the request that the service left out, without saying which."""


@dataclass(frozen=True, slots=True)
class EventFault:
    """The service calls the event itself faulty; sending it again changes nothing."""

    status: int | None
    error: str


@dataclass(frozen=True, slots=True)
class RouteShut:
    """The service, or something before it, lets nothing through on this route."""

    status: int
    error: str


@dataclass(frozen=True, slots=True)
class CredentialRefused:
    status: int | None
    error: str


@dataclass(frozen=True, slots=True)
class FlowControl:
    """The service asks for a pause, and did nothing."""

    status: int
    error: str
    retry_after_s: float | None


@dataclass(frozen=True, slots=True)
class ServiceFault:
    """The service is in trouble, or says something that nobody understands."""

    status: int | None
    error: str
    ambiguous: bool
    """It may have acted on the request."""

    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class NotReached:
    """Nothing was sent."""

    obstacle: Obstacle
    error: str


@dataclass(frozen=True, slots=True)
class Portal:
    """Somebody else answered: a captive portal, a login page, a redirect that is not followed."""

    status: int
    error: str


Outcome: TypeAlias = (
    Delivered | EventFault | RouteShut | CredentialRefused | FlowControl | ServiceFault | NotReached | Portal
)

EVENT_STATUSES: Final = frozenset({400, 413, 422})
ROUTE_STATUSES: Final = frozenset({403, 404, 405, 407, 410, 426, 451})
UNACTED_STATUSES: Final = frozenset({408, 421, 425, 431})
"""The server says that it did not take up the request."""

_NO_API_TYPES: Final = (
    "text/html",
    "application/xhtml",
    "text/css",
    "text/javascript",
    "application/javascript",
    "image/",
    "audio/",
    "video/",
    "font/",
)
_HTML_STARTS: Final = (b"<!doctype", b"<html", b"<head", b"<body", b"<script", b"<meta", b"<title", b"<!--")


def classify(answer: Answer, route: Route, *, now: float) -> Outcome:
    """What `answer` means for an event of `route`; `now` is Unix time, for dates in Retry-After."""
    match answer:
        case NotSent(obstacle, detail):
            return NotReached(obstacle, _short(detail))
        case NoAnswer(detail):
            return ServiceFault(None, _short(detail), ambiguous=True)
        case Reply():
            wait = retry_after_s(answer.header("retry-after"), date=answer.header("date"), now=now)
            verdict = route.verdicts.get(answer.status)
            if verdict is None:
                return _by_status(answer, route, wait)
            return _by_contract(answer, verdict, wait)
        case _:
            assert_never(answer)


def _by_contract(reply: Reply, verdict: Verdict, wait: float | None) -> Outcome:
    error = _error(reply)
    match verdict:
        case Verdict.EVENT:
            return EventFault(reply.status, error)
        case Verdict.ROUTE:
            return RouteShut(reply.status, error)
        case Verdict.CREDENTIAL:
            return CredentialRefused(reply.status, error)
        case Verdict.SERVICE:
            return ServiceFault(reply.status, error, ambiguous=True, retry_after_s=wait)
        case Verdict.UNEXECUTED:
            return FlowControl(reply.status, error, wait)
        case _:
            assert_never(verdict)


def _by_status(reply: Reply, route: Route, wait: float | None) -> Outcome:
    status, error = reply.status, _error(reply)
    if 200 <= status < 300:
        return _acknowledged(reply, route)
    if 300 <= status < 400 or status == 511:
        return Portal(status, error if status == 511 else f"{error}{_target(reply)}, which is not followed")
    if status == 413 or (status in EVENT_STATUSES and not is_foreign(reply)):
        return EventFault(status, error)
    if status == 401:
        return CredentialRefused(status, error)
    if status in ROUTE_STATUSES:
        return RouteShut(status, error)
    if status == 429 or (status == 503 and wait is not None):
        return FlowControl(status, error, wait)
    return ServiceFault(status, error, ambiguous=status not in UNACTED_STATUSES, retry_after_s=wait)


def _acknowledged(reply: Reply, route: Route) -> Outcome:
    if is_foreign(reply):
        return Portal(reply.status, f"{_error(reply)}, but with a web page: a captive portal or login page")
    match route.acknowledgement:
        case Acknowledgement.ANY_API_ANSWER:
            return Delivered(reply.status, _skipped(reply, route))
        case Acknowledgement.JSON_OBJECT:
            complaint = _unrecognised(reply, route)
            if complaint is None:
                return Delivered(reply.status, _skipped(reply, route))
            return ServiceFault(reply.status, f"{_error(reply)}, but {complaint}", ambiguous=True)
        case _:
            assert_never(route.acknowledgement)


def _unrecognised(reply: Reply, route: Route) -> str | None:
    """Why the body is not the acknowledgement that the contract describes; None when it is."""
    if route.response is None:
        raise AssertionError(f"{route.key}: its contract promises a response model")
    if reply.cut:
        return f"the answer is longer than {policy.RESPONSE_BYTES} bytes"
    try:
        route.response.model_validate_json(reply.body)
    except ValidationError as error:
        return f"the answer does not fit {route.response.__name__} at {places(error)}"
    return None


def _skipped(reply: Reply, route: Route) -> int:
    field = None if route.batching is None else route.batching.skipped_field
    if field is None or reply.cut:
        return 0
    try:
        answer = from_json(reply.body)
    except ValueError:
        return 0
    count = answer.get(field) if isinstance(answer, dict) else None
    return max(count, 0) if type(count) is int else 0


def is_foreign(reply: Reply) -> bool:
    """Plainly no API's answer, whatever its status says."""
    if reply.status == 204:
        return False
    kind = (reply.header("content-type") or "").strip().lower()
    if kind.startswith(_NO_API_TYPES):
        return True
    start = reply.body[:256].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return start.startswith(_HTML_STARTS)


def _target(reply: Reply) -> str:
    """Where a redirect leads, as far as a person needs to know to mend the base URL."""
    try:
        return f" to {parse_base_url((reply.header('location') or '').partition('?')[0]).origin}"
    except InvalidBaseUrl:
        return ""


def _error(reply: Reply) -> str:
    """The status in words. Nothing of the body: it may echo what was sent."""
    try:
        return f"HTTP {reply.status} {http.HTTPStatus(reply.status).phrase}"
    except ValueError:
        return f"HTTP {reply.status}"


def _short(detail: str) -> str:
    return detail[: policy.ERROR_CHARACTERS]
