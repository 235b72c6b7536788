"""`flush` as it goes: how much is still to be sent, on stderr."""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from swarm_analytics_models.api import FlushAnswer, FlushRequest
from swarm_analyticsd.cli import policy
from swarm_analyticsd.cli.exits import CommandError
from swarm_analyticsd.cli.link import Daemon
from swarm_analyticsd.cli.screen import remark
from swarm_analyticsd.cli.words import amount, wait


def flush_with_progress(daemon: Daemon, request: FlushRequest) -> FlushAnswer:
    """Asks for the flush on a thread of its own and, until it is answered, says how far it has come."""
    answers: list[FlushAnswer] = []
    failures: list[CommandError] = []

    def ask() -> None:
        try:
            answers.append(daemon.flush(request))
        except CommandError as failure:
            failures.append(failure)

    asking = threading.Thread(target=ask, name="flush", daemon=True)
    asking.start()
    with _indicator() as show:
        asking.join(policy.PROGRESS_INTERVAL_S)
        while asking.is_alive():
            show(_how_far(daemon))
            asking.join(policy.PROGRESS_INTERVAL_S)
    if failures:
        raise failures[0]
    return answers[0]


def _how_far(daemon: Daemon) -> str:
    ledger = daemon.status().ledger
    return f"{wait(ledger.queued + ledger.leased + ledger.held)}, {amount(ledger.delivered)} delivered"


@contextmanager
def _indicator() -> Iterator[Callable[[str], None]]:
    if not sys.stderr.isatty():
        last = ""

        def changed(text: str) -> None:
            nonlocal last
            if text != last:
                remark(text)
            last = text

        yield changed
        return
    from rich.console import Console

    with Console(stderr=True, highlight=False).status("flushing") as spinner:
        yield spinner.update
