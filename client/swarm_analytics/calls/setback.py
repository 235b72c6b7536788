"""An exchange with the daemon that brought no answer of success: raised by whoever made it."""

from swarm_analytics.errors import DaemonError, DaemonRefused


class NotConnected(Exception):
    """The daemon has not got the request whole, and so nothing came of it."""

    def __init__(self, error: DaemonError) -> None:
        super().__init__(error)
        self.error = error


class Severed(Exception):
    """The daemon may have got the request, and no complete answer came."""

    def __init__(self, cause: str, *, late: bool = False, final: bool = False) -> None:
        super().__init__(cause)
        self.cause = cause
        self.late = late
        """The time was up; else the connection broke."""

        self.final = final
        """It is not to be sent again: a part of the answer was used, or the caller was closed."""


class Refused(Exception):
    """The daemon's answer is an error."""

    def __init__(self, error: DaemonRefused) -> None:
        super().__init__(error)
        self.error = error
