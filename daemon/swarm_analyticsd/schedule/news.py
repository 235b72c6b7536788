"""What apps are told of answers: what a service skipped and, while somebody waits, which tries failed."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, assert_never

from swarm_analytics_models.handoff import Skipped
from swarm_analytics_models.identifiers import Destination
from swarm_analyticsd.delivery.carry import Carried
from swarm_analyticsd.delivery.outcome import (
    CredentialRefused,
    Delivered,
    EventFault,
    FlowControl,
    NotReached,
    Outcome,
    Portal,
    RouteShut,
    ServiceFault,
)

_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why something was not delivered."""

    error: str
    status: int | None = None
    """The service's HTTP status, where it answered."""


@dataclass(slots=True)
class Watch:
    """What became of one client object's events (None: of all) while somebody waits."""

    client: str | None
    latest: Failure | None = None
    """Of the newest try that failed."""

    rested: set[int] = field(default_factory=set)
    """Destinations whose lanes have done since what they could for now."""


class News:
    """One for all lanes."""

    def __init__(self, on_skipped: Callable[[Skipped], None]) -> None:
        """`on_skipped` is told once for each client object that had events in the request."""
        self._on_skipped = on_skipped
        self._watches: list[Watch] = []

    @contextmanager
    def watch(self, client: str | None) -> Iterator[Watch]:
        found = Watch(client)
        self._watches.append(found)
        try:
            yield found
        finally:
            self._watches.remove(found)

    def rested(self, destination_id: int) -> None:
        for watch in self._watches:
            watch.rested.add(destination_id)

    def answered(self, destination: Destination, carried: Sequence[Carried]) -> None:
        """What came of the rows of one request."""
        for one in carried:
            if isinstance(one.outcome, Delivered) and one.outcome.skipped:
                self._tell_skipped(destination, one.outcome.skipped, carried)
            if self._watches and (failure := failure_of(one.outcome)) is not None:
                self._note(one.row.client, failure)

    def _note(self, client: str | None, failure: Failure) -> None:
        for watch in self._watches:
            if watch.client is None or watch.client == client:
                watch.latest = failure

    def _tell_skipped(self, destination: Destination, skipped: int, carried: Sequence[Carried]) -> None:
        _log.warning("%s left %d of %d events out of a batch", destination.service, skipped, len(carried))
        for client in {one.row.client for one in carried if one.row.client is not None}:
            self._on_skipped(
                Skipped(
                    client=client,
                    service=destination.service,
                    destination=destination.ref,
                    skipped=skipped,
                    of=len(carried),
                )
            )


def failure_of(outcome: Outcome) -> Failure | None:
    match outcome:
        case Delivered():
            return None
        case NotReached(_, error):
            return Failure(error)
        case (
            EventFault(status, error)
            | RouteShut(status, error)
            | CredentialRefused(status, error)
            | FlowControl(status, error)
            | ServiceFault(status, error)
            | Portal(status, error)
        ):
            return Failure(error, status)
        case _:
            assert_never(outcome)
