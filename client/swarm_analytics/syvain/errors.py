"""What a Syvain Metrics client raises, beside `pydantic.ValidationError` for bad arguments."""

from typing import Any, Final, assert_never

from swarm_analytics.calls import CallFailed
from swarm_analytics.calls.failure import combined
from swarm_analytics.errors import CallError
from swarm_analytics_models.calls import CallTrouble

_EXCERPT_CHARACTERS: Final = 500
"""Of an error's body that says nothing by itself; as many as the service's own package shows."""

_ASKS_AGAIN: Final = frozenset({408, 425, 429})
_IN_PROGRESS: Final = "idempotency_key_in_progress"


class MetricsApiError(CallError, RuntimeError):
    """Base of the three below, as the seed says."""


class MetricsApiRequestError(MetricsApiError):
    """The API answered with an error, or could not be reached.

    `retryable` tells whether the same call may go better later; it was repeated already as often as is safe.
    """

    def __init__(
        self,
        message: str,
        hint: str = "",
        *,
        status_code: int | None = None,
        error_code: str | None = None,
        retryable: bool = False,
        **facts: Any,
    ) -> None:
        super().__init__(message, hint, **{"status": status_code, "code": error_code, **facts})
        self.retryable = retryable

    @property
    def status_code(self) -> int | None:
        """HTTP status; None where there was no answer."""
        return self.status

    @property
    def error_code(self) -> str | None:
        """The part ``code=`` of the error's details."""
        return self.code


class MetricsApiResponseError(MetricsApiError):
    """The API answered with success, and what it said is not what it should be."""


class MetricsApiAuthError(MetricsApiError):
    """There is no usable key: none given, or the file of the Syvain CLI is absent or no good.

    In the service's own package it is no MetricsApiError; here it is one, as the seed promises.
    """


def metrics_api_error(failed: CallFailed) -> MetricsApiError:
    """The error for a call that failed. It is of the trouble's own class (`BreakerOpen`, say), too."""
    trouble = failed.trouble
    match trouble:
        case CallTrouble.CREDENTIAL_ABSENT:
            return combined(MetricsApiAuthError, failed)(failed.message, failed.hint, **failed.facts)
        case CallTrouble.MALFORMED | CallTrouble.TOO_LARGE:
            return combined(MetricsApiResponseError, failed)(failed.message, failed.hint, **failed.facts)
        case None | CallTrouble.NOT_REACHED | CallTrouble.TIMED_OUT | CallTrouble.BROKEN_OFF:
            retryable = True
        case CallTrouble.RATE_LIMITED | CallTrouble.BREAKER_OPEN | CallTrouble.BUSY:
            retryable = True
        case CallTrouble.REJECTED | CallTrouble.CREDENTIAL_REFUSED:
            retryable = _asks_again(failed)
        case CallTrouble.MAY_BE_EXECUTED | CallTrouble.PAUSED:
            retryable = False
        case _:
            assert_never(trouble)
    own = combined(MetricsApiRequestError, failed)
    return own(_message(failed), failed.hint, retryable=retryable, **failed.facts)


def _message(failed: CallFailed) -> str:
    failure = failed.failure
    if failure is None or failure.status is None or failed.trouble is not CallTrouble.REJECTED:
        return failed.message
    text = failure.body if isinstance(failure.body, str) else failure.error or "the API gave no reason"
    named = f"HTTP {failure.status}"
    return text[:_EXCERPT_CHARACTERS] if text.startswith(named) else f"{named}: {text[:_EXCERPT_CHARACTERS]}"


def _asks_again(failed: CallFailed) -> bool:
    """Whether the service's own answer is one that may be another next time."""
    status, failure = failed.status, failed.failure
    if status is None or failure is None:
        return False
    return status in _ASKS_AGAIN or status >= 500 or (status == 409 and failure.code == _IN_PROGRESS)
