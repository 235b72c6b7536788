"""What a Swarms Cloud client raises beside `pydantic.ValidationError`: the classes of Swarms Cloud's own SDK.

Each is also of the class that says what happened on the way (`swarm_analytics.errors`: `MayBeExecuted`,
`BreakerOpen`, `CredentialMissing`, `DaemonMissing` and so on), so that callers may catch either.
"""

import logging
from typing import Any, Final, assert_never

from swarm_analytics.calls.failure import CallFailed, combined
from swarm_analytics.errors import CallError
from swarm_analytics_models.calls import CallTrouble
from swarm_analytics_models.services.swarms.errors import WRAPPED_RATE_LIMIT

LOG: Final = logging.getLogger("swarm_analytics.swarms")


class SwarmsError(CallError):
    """Base of all.

    `message` is the service's own where it said one, `http_status` the status that it means (an error wrapped
    in a 500 has the status within), None where it gave no answer; `request_id` its ``x-request-id``, `body`
    its answer; `hint` says what to do.
    """

    def __init__(
        self,
        message: str | None = None,
        http_status: int | None = None,
        request_id: str | None = None,
        body: Any = None,
        *,
        hint: str = "",
        operation: str = "",
        code: str | None = None,
        attempts: int = 0,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(
            message or "Unknown error",
            hint,
            service="swarms",
            operation=operation,
            status=http_status,
            code=code,
            request_id=request_id,
            body=body,
            attempts=attempts,
            retry_after_s=retry_after_s,
        )

    @property
    def http_status(self) -> int | None:
        """The status that the service means; None where it gave no answer."""
        return self.status

    def __str__(self) -> str:
        text = self.message if self.status is None else f"[{self.status}] {self.message}"
        if self.request_id:
            text = f"{text} (Request ID: {self.request_id})"
        return f"{text.rstrip('.')}. {self.hint}" if self.hint else text


class AuthenticationError(SwarmsError):
    """No key is known, or the service refuses it (401, 403), or leaves what was asked to premium accounts."""


class RateLimitError(SwarmsError):
    """The service asks for a pause (429), longer than the call may last."""


class APIError(SwarmsError):
    """Another answer of 400 and above, a success of an unknown shape, or an open circuit breaker."""


class InvalidRequestError(SwarmsError):
    """The service finds the request wrong (400)."""


class InsufficientCreditsError(SwarmsError):
    """The account's credits are used up (402)."""


class TimeoutError(SwarmsError):
    """The time was up."""


class NetworkError(SwarmsError):
    """Nobody was reached, or the connection broke."""


class NoAnswerError(TimeoutError, NetworkError):
    """A completion was sent, and no complete answer came: it may have been executed, and billed.

    It was not sent again; Swarms Cloud's own SDK would send it up to three more times. Either the time was up
    or the connection broke, so handlers of both catch it. It is a `MayBeExecuted`, as is an `APIError` of a
    completion that was answered with a status of 500 or above.
    """


_BY_STATUS: Final[dict[int, type[SwarmsError]]] = {
    400: InvalidRequestError,
    401: AuthenticationError,
    402: InsufficientCreditsError,
    403: AuthenticationError,
    429: RateLimitError,
}


def failure(failed: CallFailed) -> SwarmsError:
    """The error for a call that failed."""
    kind = combined(_kind(failed), failed)
    facts = failed.facts
    del facts["service"]
    said = failed.failure.error if failed.failure is not None else None
    LOG.info("%s failed: %s", failed.operation, failed.trouble or "no daemon")
    return kind(said or failed.message, facts.pop("status"), hint=failed.hint, **facts)


def _kind(failed: CallFailed) -> type[SwarmsError]:
    if failed.failure is not None and failed.failure.code == WRAPPED_RATE_LIMIT:
        return RateLimitError
    trouble = failed.trouble
    match trouble:
        case CallTrouble.REJECTED:
            return _BY_STATUS.get(failed.status or 0, APIError)
        case CallTrouble.RATE_LIMITED:
            return RateLimitError
        case CallTrouble.CREDENTIAL_ABSENT | CallTrouble.CREDENTIAL_REFUSED:
            return AuthenticationError
        case CallTrouble.TIMED_OUT | CallTrouble.BUSY:
            return TimeoutError
        case None | CallTrouble.NOT_REACHED | CallTrouble.BROKEN_OFF:
            return NetworkError
        case CallTrouble.MAY_BE_EXECUTED:
            return NoAnswerError if failed.status is None else APIError
        case CallTrouble.MALFORMED | CallTrouble.TOO_LARGE | CallTrouble.BREAKER_OPEN | CallTrouble.PAUSED:
            return APIError
        case _:
            assert_never(trouble)
