"""Errors with the names and attributes of OpenSpawn's SDK.

Each is also of the class that says what went wrong on the way (`swarm_analytics.errors`): a transfer whose
answer was a 500, say, is an `APIError` and a `MayBeExecuted`.
"""

from typing import Any, assert_never

from swarm_analytics.calls import CallFailed
from swarm_analytics.calls.failure import combined
from swarm_analytics.errors import CallError
from swarm_analytics_models.calls import CallTrouble


class OpenSpawnError(CallError):
    """Base of all errors here."""


class APIError(OpenSpawnError):
    """The server answered with an error; `message` is its own, where it has one."""

    def __str__(self) -> str:
        return f"{self.operation} answered {self.status_code}: {super().__str__()}"

    @property
    def status_code(self) -> int:
        """The HTTP status."""
        return self.status or 0

    @property
    def response_data(self) -> dict[str, Any]:
        """The body of the answer; empty where it was no JSON object."""
        return self.body if isinstance(self.body, dict) else {}


class AuthenticationError(OpenSpawnError):
    """The server refuses the API key or the signature, without saying why, or there is no credential."""


class RetryableError(OpenSpawnError):
    """No answer came, after all retries. The call may be repeated: nothing was sent, or it does no harm."""


def error_of(failed: CallFailed) -> OpenSpawnError:
    """The error to raise for a call that failed."""
    own = _own(failed)
    said = failed.failure.error if failed.failure is not None and own is APIError else None
    return combined(own, failed)(said or failed.message, failed.hint, **failed.facts)


def _own(failed: CallFailed) -> type[OpenSpawnError]:
    match failed.trouble:
        case CallTrouble.CREDENTIAL_ABSENT | CallTrouble.CREDENTIAL_REFUSED:
            return AuthenticationError
        case CallTrouble.REJECTED | CallTrouble.RATE_LIMITED:
            return APIError
        case CallTrouble.MAY_BE_EXECUTED:
            return OpenSpawnError if failed.status is None else APIError
        case CallTrouble.MALFORMED | CallTrouble.TOO_LARGE:
            return OpenSpawnError
        case (
            None
            | CallTrouble.NOT_REACHED
            | CallTrouble.TIMED_OUT
            | CallTrouble.BROKEN_OFF
            | CallTrouble.BREAKER_OPEN
            | CallTrouble.BUSY
            | CallTrouble.PAUSED
        ):
            return RetryableError
        case _:
            assert_never(failed.trouble)
