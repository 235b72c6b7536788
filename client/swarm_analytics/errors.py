"""What the client raises beside `pydantic.ValidationError`. Each error says the cause and the remedy."""

from typing import Any

from swarm_analytics_models.api import Problem


class AnalyticsError(Exception):
    """Base of everything below.

    `hint` says what to do about it; it is part of the text, too.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message.rstrip('.')}. {self.hint}" if self.hint else self.message


class AuthError(AnalyticsError):
    """The service refused the credential, or refused to issue one."""


class TransportError(AnalyticsError):
    """A call that needs an answer got none."""


class RateLimited(AnalyticsError):
    """Kept so that old imports work. Never raised: the daemon waits as the service asks, and retries."""


class ValidationRejected(AnalyticsError):
    """Kept so that old imports work. Never raised: what a service rejects is reported to `on_drop`."""


class HandOffError(AnalyticsError):
    """An event could not be kept on this machine: it was not accepted, and nothing of it was written."""


class DaemonError(TransportError):
    """The local daemon could not do what was asked."""


class DaemonUnavailable(DaemonError):
    """No daemon listens in this home, or it does not answer in time."""


class DaemonStartError(DaemonError):
    """A daemon was started and did not become ready. `log` is the end of what it wrote."""

    def __init__(self, message: str, hint: str = "", log: str = "") -> None:
        super().__init__(message, hint)
        self.args = (message, hint, log)
        self.log = log

    def __str__(self) -> str:
        return f"{super().__str__()}\n{self.log}" if self.log else super().__str__()


class DaemonRefused(DaemonError):
    """The daemon answered, and said no. `problem` is its reason; `status` the HTTP status."""

    def __init__(self, problem: Problem, status: int) -> None:
        super().__init__(problem.message, problem.hint)
        self.args = (problem, status)
        self.problem = problem
        self.status = status


class CallError(AnalyticsError):
    """A call to a service brought no answer that can be used. Services' own errors derive from it.

    `status`, `code`, `request_id` and `body` are the service's, as far as it answered; `attempts` is how many
    requests reached the network. Raised as it is when the service answered with an error of its own.
    """

    def __init__(
        self,
        message: str,
        hint: str = "",
        *,
        service: str = "",
        operation: str = "",
        status: int | None = None,
        code: str | None = None,
        request_id: str | None = None,
        body: Any = None,
        attempts: int = 0,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message, hint)
        self.service = service
        self.operation = operation
        self.status = status
        self.code = code
        self.request_id = request_id
        self.body = body
        self.attempts = attempts
        self.retry_after_s = retry_after_s
        """Seconds that the service asks to wait."""


class MayBeExecuted(CallError):
    """No complete answer came back, and the service may have acted: to repeat it may bill or do it twice."""


class CallTimedOut(CallError):
    """The time was up. The operation may be repeated without harm, or nothing was sent."""


class BrokenOff(CallError):
    """The connection broke. The operation may be repeated without harm."""


class NotReached(CallError):
    """Nothing was sent: no network, no name, no trusted connection, nobody there."""


class BreakerOpen(CallError):
    """Nothing was sent: the service failed too often of late."""


class ServiceBusy(CallError):
    """Nothing was executed: the service asks for a pause, or too many calls are in flight."""


class ServicePaused(CallError):
    """Nothing was sent: a person paused the service."""


class CredentialMissing(CallError):
    """Nothing was sent: the daemon knows no credential."""


class CredentialRefused(CallError):
    """The service refuses the credential."""


class MalformedAnswer(CallError):
    """The service answered with success and a body that is not what it should be. It was executed."""


class DaemonMissing(CallError, DaemonError):
    """Nothing was sent: the local daemon could not be reached, or could not do what was asked."""
