"""What a SegOps client raises, or gives to `on_error`."""

from swarm_analytics.errors import AnalyticsError


class SegOpsError(AnalyticsError, RuntimeError):
    """Base of the three below. A RuntimeError, too: that is what SegOps' own package raises."""


class DeliveryFailed(SegOpsError):
    """`flush`, `shutdown` or `close` could not have everything delivered. The events stay queued.

    `status` is the service's HTTP status of the latest try, or None where it gave no answer; `pending` counts
    the client's events that are still on their way.
    """

    def __init__(self, message: str, hint: str = "", *, status: int | None = None, pending: int = 0) -> None:
        super().__init__(message, hint)
        self.status = status
        self.pending = pending


class EventLost(SegOpsError):
    """An event will not be delivered: the service rejected it, or a cap or the daemon's refusal ended it.

    `event_id` is what ``swarm-analyticsd why`` takes; `status` the service's HTTP status, or None.
    """

    def __init__(self, message: str, hint: str = "", *, event_id: str, status: int | None) -> None:
        super().__init__(message, hint)
        self.event_id = event_id
        self.status = status


class EventsSkipped(SegOpsError):
    """SegOps took a batch and skipped some of its events, without saying which. They are not sent again."""

    def __init__(self, message: str, hint: str = "", *, skipped: int, of: int) -> None:
        super().__init__(message, hint)
        self.skipped = skipped
        self.of = of
