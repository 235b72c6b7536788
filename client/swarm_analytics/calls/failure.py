"""What went wrong with a call, before a service's client makes its own error of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, TypeVar, cast

from swarm_analytics.errors import (
    BreakerOpen,
    BrokenOff,
    CallError,
    CallTimedOut,
    CredentialMissing,
    CredentialRefused,
    DaemonError,
    DaemonMissing,
    MalformedAnswer,
    MayBeExecuted,
    NotReached,
    ServiceBusy,
    ServicePaused,
)
from swarm_analytics_models.calls import CallFailure, CallTrouble

ErrorT = TypeVar("ErrorT", bound=CallError)

_KINDS: Final[dict[CallTrouble, type[CallError]]] = {
    CallTrouble.REJECTED: CallError,
    CallTrouble.RATE_LIMITED: ServiceBusy,
    CallTrouble.CREDENTIAL_ABSENT: CredentialMissing,
    CallTrouble.CREDENTIAL_REFUSED: CredentialRefused,
    CallTrouble.NOT_REACHED: NotReached,
    CallTrouble.TIMED_OUT: CallTimedOut,
    CallTrouble.BROKEN_OFF: BrokenOff,
    CallTrouble.MAY_BE_EXECUTED: MayBeExecuted,
    CallTrouble.MALFORMED: MalformedAnswer,
    CallTrouble.TOO_LARGE: MalformedAnswer,
    CallTrouble.BREAKER_OPEN: BreakerOpen,
    CallTrouble.BUSY: ServiceBusy,
    CallTrouble.PAUSED: ServicePaused,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFailed:
    """A call without an answer that can be used. One of `failure` and `daemon` says why."""

    service: str
    operation: str
    """The route's key; of clearing the cache and of making a destination known: words for it."""

    message: str
    hint: str
    failure: CallFailure | None = None
    """What the daemon says of the service; where the connection to the daemon broke, the client says it."""

    daemon: DaemonError | None = None
    """The daemon could not be reached, or refused the request. Nothing was sent to the service."""

    @property
    def trouble(self) -> CallTrouble | None:
        """None: the daemon is the trouble."""
        return None if self.failure is None else self.failure.trouble

    @property
    def status(self) -> int | None:
        """The service's, as it means it; None where it gave no answer."""
        return None if self.failure is None else self.failure.status

    @property
    def facts(self) -> dict[str, Any]:
        """The keyword arguments of `CallError`."""
        failure = self.failure or CallFailure(
            trouble=CallTrouble.NOT_REACHED, service=self.service, operation=self.operation
        )
        return {
            "service": self.service,
            "operation": self.operation,
            "status": failure.status,
            "code": failure.code,
            "request_id": failure.request_id,
            "body": failure.body,
            "attempts": failure.attempts,
            "retry_after_s": failure.retry_after_s,
        }


Fail: TypeAlias = Callable[[CallFailed], Exception]
"""Makes the error to raise: `default_failure`, or what a service's own client has in its place."""


def default_failure(failed: CallFailed) -> CallError:
    """The error for a client that has none of its own: a `CallError` of the trouble's class."""
    return kind_of(failed)(failed.message, failed.hint, **failed.facts)


def kind_of(failed: CallFailed) -> type[CallError]:
    """The class for the trouble."""
    return DaemonMissing if failed.failure is None else _KINDS[failed.failure.trouble]


def combined(own: type[ErrorT], failed: CallFailed) -> type[ErrorT]:
    """A service's own error class that is of the trouble's class, too, so that callers may catch either."""
    return cast(type[ErrorT], _combined(own, kind_of(failed)))


_made: Final[dict[tuple[type[CallError], type[CallError]], type[CallError]]] = {}


def _combined(own: type[CallError], kind: type[CallError]) -> type[CallError]:
    if issubclass(own, kind):
        return own
    if (own, kind) not in _made:
        members = {"__module__": own.__module__, "__doc__": own.__doc__, "__reduce__": _reduce}
        _made[own, kind] = type(own.__name__, (own, kind), members)
    return _made[own, kind]


def _reduce(error: CallError) -> tuple[Any, ...]:
    """How pickle writes an error of a combined class, which no module holds."""
    own, kind = type(error).__bases__
    return _restored, (own, kind, error.args), error.__dict__


def _restored(own: type[CallError], kind: type[CallError], args: tuple[Any, ...]) -> CallError:
    found = _combined(own, kind)
    error = found.__new__(found)
    error.args = args
    return error
