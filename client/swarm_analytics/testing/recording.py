"""A double of `AnalyticsClient`: the same methods and validation, with a list where the journal would be."""

import json
from types import TracebackType
from typing import Any, NamedTuple

from swarm_analytics._generated.openswarm.namespaces import OpenswarmNamespaces
from swarm_analytics.submission import Submission, check_mode
from swarm_analytics_models.client_route import ClientRoute


class Recorded(NamedTuple):
    """One event that would have been handed off."""

    route: str
    """Its key, such as ``events.agent.create``."""

    body: dict[str, Any]
    """As the service would get it, stamps included."""

    submission_id: str


class RecordingOutlet:
    """An outlet that keeps what it is given, and the user's last decision."""

    def __init__(self) -> None:
        self.recorded: list[Recorded] = []
        self._opted_out: set[str] = set()

    def mutes(self, service: str) -> bool:
        return service in self._opted_out

    def hand_off(self, route: ClientRoute, key: str, body: bytes) -> None:
        self.recorded.append(Recorded(route.key, json.loads(body), key))

    def decide(self, service: str, *, opted_out: bool) -> None:
        if opted_out:
            self._opted_out.add(service)
        else:
            self._opted_out.discard(service)


class RecordingClient(OpenswarmNamespaces):
    """Takes the place of an `AnalyticsClient` in tests. No daemon, no disk, no thread.

    Every call validates as the real one does and returns a submission id; `recorded` lists, in call order,
    what would have been handed off: a muted call, or one after an opt-out, leaves nothing there.
    """

    def __init__(self, *, mode: str = "full") -> None:
        self._outlet = RecordingOutlet()
        self._attach(Submission(self._outlet, check_mode(mode)))

    @property
    def recorded(self) -> list[Recorded]:
        return self._outlet.recorded

    def flush(self, timeout: float = 5.0) -> bool:
        """True at once: there is nothing to wait for."""
        del timeout
        return True

    def close(self) -> None:
        """Nothing to release; calls go on being recorded, as a real client's go on being handed off."""

    def __enter__(self) -> "RecordingClient":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
