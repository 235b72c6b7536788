"""What one attempt of a call brought: a success, or a failure with its nature. Pure.

A status is read as the service means it: where it wraps an error in another one, its contract's `read_error`
tells. By nature, what may follow:

| nature | from | sent again where that is safe only | sent again in any case |
|---|---|---|---|
| rejected | 400, 402, 403, 404, 409, 422 ... | | |
| credential | 401, and what the contract names | | |
| unexecuted | 429, and what the contract names | | yes |
| in progress | what the contract names | | polled |
| fault | 5xx, 408, 425 | yes | |
| timed out, broken off | no complete answer | yes | |
| unreached, unreached in time | nothing was sent | | yes |
| unprepared | no token could be had for it; nothing was sent | | yes |
| absent | no credential; nothing was sent | | |
| malformed, too large | a success that cannot be used | | |
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, TypeAlias, assert_never

from pydantic import ValidationError
from pydantic_core import from_json, to_json

from swarm_analytics_models.calling import ErrorFacts, ReadError
from swarm_analytics_models.contract import Route
from swarm_analytics_models.handling import Acknowledgement, Verdict
from swarm_analytics_models.idempotency import KeyInHeader
from swarm_analytics_models.validation import places
from swarm_analyticsd import policy
from swarm_analyticsd.calls.redaction import without_fields, without_secrets
from swarm_analyticsd.delivery.answer import Answer, NoAnswer, NotSent, Obstacle, Reply
from swarm_analyticsd.delivery.outcome import (
    CredentialRefused,
    Delivered,
    EventFault,
    FlowControl,
    NotReached,
    Portal,
    RouteShut,
    ServiceFault,
    classify,
    is_foreign,
)


class Nature(StrEnum):
    REJECTED = "rejected"
    CREDENTIAL = "credential"
    UNEXECUTED = "unexecuted"
    IN_PROGRESS = "in_progress"
    FAULT = "fault"
    TIMED_OUT = "timed_out"
    BROKEN_OFF = "broken_off"
    UNREACHED = "unreached"
    UNREACHED_IN_TIME = "unreached_in_time"
    UNPREPARED = "unprepared"
    ABSENT = "absent"
    MALFORMED = "malformed"
    TOO_LARGE = "too_large"


@dataclass(frozen=True, slots=True)
class Success:
    status: int
    request_id: str | None
    body: bytes = field(repr=False)
    """JSON, as the service wrote it but for what was redacted."""


@dataclass(frozen=True, slots=True)
class Failure:
    nature: Nature
    error: str
    """In our words, or the service's own where it gave some."""

    status: int | None = None
    """As the service means it."""

    http_status: int | None = None
    code: str | None = None
    request_id: str | None = None
    retry_after_s: float | None = None
    body: Any = field(default=None, repr=False)


Reading: TypeAlias = Success | Failure
ErrorOutcome: TypeAlias = EventFault | RouteShut | CredentialRefused | FlowControl | ServiceFault | Portal


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads the answers to one route's requests."""

    route: Route
    read_error: ReadError

    def read(
        self,
        answer: Answer,
        *,
        now: float,
        refusals: frozenset[int] = frozenset(),
        secrets: Iterable[str] = (),
    ) -> Reading:
        """`now` is Unix time; `refusals` are statuses that refuse the credential; `secrets` are replaced
        where the service echoes them.
        """
        match answer:
            case NotSent(obstacle, detail):
                in_time = Nature.UNREACHED_IN_TIME if obstacle is Obstacle.TIME_OUT else Nature.UNREACHED
                return Failure(in_time, detail)
            case NoAnswer(detail, timed_out):
                return Failure(Nature.TIMED_OUT if timed_out else Nature.BROKEN_OFF, detail)
            case Reply() if 200 <= answer.status < 300 and answer.status not in self.route.verdicts:
                return self._success(replace(answer, body=without_secrets(answer.body, secrets)))
            case Reply():
                clean = replace(answer, body=without_secrets(answer.body, secrets))
                return self._failure(clean, now=now, refusals=refusals)
            case _:
                assert_never(answer)

    def _success(self, reply: Reply) -> Reading:
        if reply.cut:
            return self._unusable(
                reply, Nature.TOO_LARGE, f"the answer is longer than {len(reply.body):,} bytes"
            )
        if is_foreign(reply):
            return self._unusable(reply, Nature.MALFORMED, "a web page came where an API's answer should be")
        try:
            return Success(reply.status, request_id_of(reply.headers), self._shaped(reply.body))
        except ValueError as error:
            return self._unusable(reply, Nature.MALFORMED, _misshapen(self.route, error))

    def _unusable(self, reply: Reply, nature: Nature, error: str) -> Failure:
        return Failure(
            nature,
            error,
            status=reply.status,
            http_status=reply.status,
            request_id=request_id_of(reply.headers),
            body=None if nature is Nature.TOO_LARGE else self._shown(reply.body),
        )

    def _shaped(self, body: bytes) -> bytes:
        """The body, redacted and found to be what the contract describes. Raises ValueError."""
        route = self.route
        if route.redacted and body:
            body = to_json(without_fields(from_json(body), route.redacted))
        if route.response is not None and (body or route.acknowledgement is Acknowledgement.JSON_OBJECT):
            route.response.model_validate_json(body)
        elif body:
            from_json(body)
        return body or b"null"

    def _failure(self, reply: Reply, *, now: float, refusals: frozenset[int]) -> Failure:
        facts = self.read_error(reply.status, _parsed(reply.body)) if reply.status >= 400 else ErrorFacts()
        status = facts.status if facts.status is not None and facts.status >= 400 else reply.status
        outcome = classify(replace(reply, status=status), self.route, now=now)
        if isinstance(outcome, Delivered | NotReached):
            raise AssertionError(f"{outcome} is no error's outcome")
        return Failure(
            nature=self._nature(outcome, status, facts.code, refusals),
            error=(facts.message or outcome.error)[: policy.CALL_MESSAGE_CHARACTERS],
            status=status,
            http_status=reply.status,
            code=facts.code[: policy.CALL_FIELD_CHARACTERS] if facts.code else None,
            request_id=request_id_of(reply.headers),
            retry_after_s=outcome.retry_after_s if isinstance(outcome, FlowControl | ServiceFault) else None,
            body=self._shown(reply.body),
        )

    def _shown(self, body: bytes) -> Any:
        """As much of an unusable body as its caller may see."""
        parsed = _parsed(body)
        if parsed is not None:
            return without_fields(parsed, self.route.redacted)
        return None if self.route.redacted or not body else _text(body)

    def _nature(
        self, outcome: ErrorOutcome, status: int, code: str | None, refusals: frozenset[int]
    ) -> Nature:
        idempotency = self.route.idempotency
        polling = idempotency.in_progress if isinstance(idempotency, KeyInHeader) else None
        if polling is not None and (status, code) == (polling.status, polling.code):
            return Nature.IN_PROGRESS
        if status in refusals:
            return Nature.CREDENTIAL
        match outcome:
            case CredentialRefused():
                return Nature.CREDENTIAL
            case EventFault() | RouteShut():
                return Nature.REJECTED
            case FlowControl():
                proven = status == 429 or self.route.verdicts.get(status) is Verdict.UNEXECUTED
                return Nature.UNEXECUTED if proven else Nature.FAULT
            case ServiceFault() | Portal():
                named = self.route.verdicts.get(status) is Verdict.SERVICE
                troubled = status >= 500 or status < 200 or status in policy.RETRIED_STATUSES
                return Nature.FAULT if named or troubled else Nature.REJECTED
            case _:
                assert_never(outcome)


def request_id_of(headers: Iterable[tuple[str, str]]) -> str | None:
    found = next((value for name, value in headers if name in ("x-request-id", "request-id")), None)
    return found[: policy.CALL_FIELD_CHARACTERS] if found else None


def _misshapen(route: Route, error: ValueError) -> str:
    if not isinstance(error, ValidationError):
        return "the answer is not JSON"
    name = route.response.__name__ if route.response is not None else "JSON"
    return f"the answer does not fit {name} at {places(error)}"


def _parsed(body: bytes) -> Any:
    """The body as JSON; None where it is none, or too long to be looked at."""
    try:
        return from_json(body) if 0 < len(body) <= policy.CALL_ERROR_BYTES else None
    except ValueError:
        return None


def _text(body: bytes) -> str:
    return body[: 4 * policy.CALL_TEXT_CHARACTERS].decode(errors="replace")[: policy.CALL_TEXT_CHARACTERS]
