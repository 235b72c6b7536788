"""Where an answer comes from: the daemon, or without one the home's own files."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from swarm_analytics_models.api import ConsentAnswer, EventAnswer, EventsAnswer
from swarm_analytics_models.contract import ConsentMode
from swarm_analytics_models.home import Home
from swarm_analytics_models.status import Status
from swarm_analyticsd.cli.exits import Exit
from swarm_analyticsd.cli.link import Daemon


class Source(Protocol):
    """What can be answered with a daemon and without."""

    def status(self) -> Status: ...

    def events(self, state: str | None, service: str | None, limit: int) -> EventsAnswer: ...

    def event(self, event_id: str, *, body: bool) -> EventAnswer: ...

    def consent(self, mode: ConsentMode, service: str | None) -> ConsentAnswer: ...

    def end(self, code: Exit) -> None:
        """Ends the command: with `code` where a daemon answered, with 69 where none did."""
        ...


@contextmanager
def source(home: Home) -> Iterator[Source]:
    yield Daemon(home)
