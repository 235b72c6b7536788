"""Where an answer comes from: the daemon, or without one the home's own files."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from swarm_analytics_models.api import ConsentAnswer, EventAnswer, EventsAnswer
from swarm_analytics_models.categories import ConsentMode
from swarm_analytics_models.home import Home
from swarm_analytics_models.status import Status
from swarm_analyticsd.cli import policy
from swarm_analyticsd.cli.exits import CommandError, Exit
from swarm_analyticsd.cli.link import Daemon, NoDaemon
from swarm_analyticsd.cli.screen import remark
from swarm_analyticsd.cli.words import visible
from swarm_analyticsd.homedir import HomeTaken


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
    """The daemon of `home`; with none, its files, whose lock is held meanwhile, and stderr says so.

    Raises CommandError where the home is unfit, or held by a process that does not answer.
    """
    daemon = Daemon(home)
    patience_ends = time.monotonic() + policy.HOLDER_PATIENCE_S
    while True:
        try:
            daemon.version()
        except NoDaemon:
            pass
        else:
            yield daemon
            return
        from swarm_analyticsd.cli.files import hold

        try:
            held = hold(home)
        except HomeTaken as taken:
            if time.monotonic() >= patience_ends:
                raise CommandError(
                    f"{visible(taken)}, which does not answer.",
                    f"If it hangs, end it; what was accepted is on disk: kill -9 {taken.pid or 'PID'}",
                    Exit.HOME_TAKEN,
                ) from taken
            time.sleep(policy.HOLDER_POLL_S)
            continue
        with held as files:
            remark(_without_a_daemon(home))
            yield files
        return


def _without_a_daemon(home: Home) -> str:
    if home.root.exists():
        return f"No daemon runs in {visible(home.root)}: its files were read instead."
    return f"There is no home at {visible(home.root)}: no app has used it yet, or its name is wrong."
