"""What a failed call tells its caller: the facts, and for a person the cause and the remedy. Pure."""

from types import MappingProxyType
from typing import Final

from swarm_analytics_models.api import Problem
from swarm_analytics_models.calls import CallFailure, CallTrouble
from swarm_analyticsd.calls.reading import Failure

_STATUSES: Final = MappingProxyType(
    {
        CallTrouble.REJECTED: 502,
        CallTrouble.RATE_LIMITED: 429,
        CallTrouble.CREDENTIAL_ABSENT: 424,
        CallTrouble.CREDENTIAL_REFUSED: 424,
        CallTrouble.NOT_REACHED: 502,
        CallTrouble.TIMED_OUT: 504,
        CallTrouble.BROKEN_OFF: 502,
        CallTrouble.MAY_BE_EXECUTED: 502,
        CallTrouble.MALFORMED: 502,
        CallTrouble.TOO_LARGE: 502,
        CallTrouble.BREAKER_OPEN: 503,
        CallTrouble.BUSY: 503,
        CallTrouble.PAUSED: 503,
    }
)
"""Of the daemon's own answer; what the service answered is in the failure."""

_CAUSES: Final = MappingProxyType(
    {
        CallTrouble.REJECTED: "the service answered with an error",
        CallTrouble.RATE_LIMITED: "the service asks for a pause; it did nothing",
        CallTrouble.CREDENTIAL_ABSENT: "there is no credential; nothing was sent",
        CallTrouble.CREDENTIAL_REFUSED: "the service refuses the credential",
        CallTrouble.NOT_REACHED: "the service cannot be reached; nothing was sent",
        CallTrouble.TIMED_OUT: "the time was up",
        CallTrouble.BROKEN_OFF: "the connection broke",
        CallTrouble.MAY_BE_EXECUTED: "it may have been executed",
        CallTrouble.MALFORMED: "it was executed, but the answer is not what was agreed",
        CallTrouble.TOO_LARGE: "it was executed, but the answer is too large",
        CallTrouble.BREAKER_OPEN: "the service failed too often of late; nothing was sent",
        CallTrouble.BUSY: "too many calls are in flight; nothing was sent",
        CallTrouble.PAUSED: "the service is paused; nothing was sent",
    }
)

_HINTS: Final = MappingProxyType(
    {
        CallTrouble.REJECTED: "Correct the call by what the service says.",
        CallTrouble.RATE_LIMITED: "Call again after the pause, or less often.",
        CallTrouble.CREDENTIAL_ABSENT: (
            "Pass one to the client, or give it to the daemon: swarm-analyticsd credential set {service}"
        ),
        CallTrouble.CREDENTIAL_REFUSED: (
            "Check the credential, and replace it: swarm-analyticsd credential set {service}"
        ),
        CallTrouble.NOT_REACHED: "Check the network and the base URL, then call again.",
        CallTrouble.TIMED_OUT: "Call again, or allow more time; repeating it does no harm.",
        CallTrouble.BROKEN_OFF: "Call again; repeating it does no harm.",
        CallTrouble.MAY_BE_EXECUTED: "Find out before you repeat it: twice may mean paid twice.",
        CallTrouble.MALFORMED: "Do not repeat it blindly; see whether this program is to be updated.",
        CallTrouble.TOO_LARGE: "Ask for less at a time.",
        CallTrouble.BREAKER_OPEN: "Call again when the pause is over; one call then finds out.",
        CallTrouble.BUSY: "Call again when some have ended, or raise the limit.",
        CallTrouble.PAUSED: "Resume it: swarm-analyticsd resume {service}",
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
    cause = _CAUSES[failure.trouble]
    told = f"{cause} ({failure.error})" if failure.error else cause
    return _STATUSES[failure.trouble], Problem(
        code=failure.trouble,
        message=f"{failure.service} {failure.operation}: {told}",
        hint=_HINTS[failure.trouble].format(service=failure.service),
        detail=failure.model_dump(mode="json"),
    )
