"""What a failed call tells its caller: the facts, and for a person the cause and the remedy. Pure."""

from types import MappingProxyType
from typing import Final, NamedTuple

from swarm_analytics_models.api import Problem
from swarm_analytics_models.calls import CallFailure, CallTrouble
from swarm_analyticsd.calls.reading import Failure


class _Told(NamedTuple):
    status: int
    """Of the daemon's own answer; what the service answered is in the failure."""

    cause: str
    remedy: str


_TOLD: Final = MappingProxyType(
    {
        CallTrouble.REJECTED: _Told(
            502,
            "the service answered with an error",
            "Correct the call by what the service says.",
        ),
        CallTrouble.RATE_LIMITED: _Told(
            429,
            "the service asks for a pause; it did nothing",
            "Call again after the pause, or less often.",
        ),
        CallTrouble.CREDENTIAL_ABSENT: _Told(
            424,
            "there is no credential; nothing was sent",
            "Pass one to the client, or give it to the daemon: swarm-analyticsd credential set {service}",
        ),
        CallTrouble.CREDENTIAL_REFUSED: _Told(
            424,
            "the service refuses the credential",
            "Check the credential, and replace it: swarm-analyticsd credential set {service}",
        ),
        CallTrouble.NOT_REACHED: _Told(
            502,
            "the service cannot be reached; nothing was sent",
            "Check the network and the base URL, then call again.",
        ),
        CallTrouble.TIMED_OUT: _Told(
            504,
            "the time was up",
            "Call again, or allow more time; repeating it does no harm.",
        ),
        CallTrouble.BROKEN_OFF: _Told(
            502,
            "the connection broke",
            "Call again; repeating it does no harm.",
        ),
        CallTrouble.MAY_BE_EXECUTED: _Told(
            502,
            "it may have been executed",
            "Find out before you repeat it: twice may mean paid twice.",
        ),
        CallTrouble.MALFORMED: _Told(
            502,
            "it was executed, but the answer is not what was agreed",
            "Do not repeat it blindly; see whether this program is to be updated.",
        ),
        CallTrouble.TOO_LARGE: _Told(
            502,
            "it was executed, but the answer is too large",
            "Ask for less at a time.",
        ),
        CallTrouble.BREAKER_OPEN: _Told(
            503,
            "the service failed too often of late; nothing was sent",
            "Call again when the pause is over; one call then finds out.",
        ),
        CallTrouble.BUSY: _Told(
            503,
            "too many calls are in flight; nothing was sent",
            "Call again when some have ended, or raise the limit.",
        ),
        CallTrouble.PAUSED: _Told(
            503,
            "the service is paused; nothing was sent",
            "Resume it: swarm-analyticsd resume {service}",
        ),
    }
)


def failure_of(
    service: str, operation: str, trouble: CallTrouble, failure: Failure, *, attempts: int
) -> CallFailure:
    return CallFailure(
        trouble=trouble,
        service=service,
        operation=operation,
        status=failure.status,
        http_status=failure.http_status,
        code=failure.code,
        error=failure.error,
        request_id=failure.request_id,
        body=failure.body,
        retry_after_s=failure.retry_after_s,
        attempts=attempts,
    )


def problem_of(failure: CallFailure) -> tuple[int, Problem]:
    """The daemon's answer, with its status."""
    told = _TOLD[failure.trouble]
    cause = f"{told.cause} ({failure.error})" if failure.error else told.cause
    return told.status, Problem(
        code=failure.trouble,
        message=f"{failure.service} {failure.operation}: {cause}",
        hint=told.remedy.format(service=failure.service),
        detail=failure.model_dump(mode="json"),
    )
