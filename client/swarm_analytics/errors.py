"""What the client raises beside `pydantic.ValidationError`. Each error says the cause and the remedy."""

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
