"""A home without a daemon: its lock held, its outbox opened here, for one command."""

import asyncio
import re
import sqlite3
import time
from collections.abc import Coroutine
from contextlib import suppress
from types import TracebackType
from typing import Any, TypeVar

import typer

from swarm_analytics_models.api import EVENT_ID_PATTERN, ConsentAnswer, EventAnswer, EventsAnswer
from swarm_analytics_models.categories import ConsentMode
from swarm_analytics_models.handoff import PROTOCOL
from swarm_analytics_models.home import Home
from swarm_analytics_models.private import UnsafePath
from swarm_analytics_models.services import contracts
from swarm_analytics_models.status import DaemonStatus, Ledger, Status
from swarm_analyticsd import VERSION
from swarm_analyticsd.cli.exits import CommandError, Exit
from swarm_analyticsd.cli.words import visible
from swarm_analyticsd.clock import SystemClock, system_chance
from swarm_analyticsd.homedir import HomeLock, prepare_home, take_home
from swarm_analyticsd.intake import inbox
from swarm_analyticsd.intake.late import LateDispatcher
from swarm_analyticsd.intake.reception import Reception
from swarm_analyticsd.outbox.errors import OutboxError, UnfitOutbox
from swarm_analyticsd.outbox.lifecycle import State
from swarm_analyticsd.outbox.reports import Tallies
from swarm_analyticsd.outbox.store import Outbox
from swarm_analyticsd.status import build_status

T = TypeVar("T")


def hold(home: Home) -> "HomeFiles":
    """The files of a home, held against any daemon.

    A home that is not there is not made by looking at it. Raises HomeTaken where another process holds it,
    and CommandError where it is unfit.
    """
    return HomeFiles(home, _take(home) if home.root.exists() else None)


def _take(home: Home) -> HomeLock:
    try:
        prepare_home(home)
        return take_home(home)
    except UnsafePath as error:
        raise CommandError(f"{visible(error.message)}.", visible(error.hint), Exit.UNFIT) from error
    except OSError as error:
        raise CommandError(
            f"{visible(home.root)} cannot be used: {error.strerror or error}.",
            "Check the disk and the permissions, or choose another home (--home).",
            Exit.UNFIT,
        ) from error


class HomeFiles:
    """Answers as a daemon would, from the outbox itself. A context manager: lets go at the end."""

    def __init__(self, home: Home, lock: HomeLock | None) -> None:
        self._home = home
        self._lock = lock
        self._runner = asyncio.Runner()
        self._outbox: Outbox | None = None

    def __enter__(self) -> "HomeFiles":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._outbox is not None:
                self._run(self._outbox.close())
        finally:
            self._runner.close()
            if self._lock is not None:
                self._lock.release()

    def end(self, code: Exit) -> None:
        del code
        raise typer.Exit(Exit.NO_DAEMON)

    def status(self) -> Status:
        outbox = self._existing()
        tallies = Tallies((), Ledger(), 0) if outbox is None else self._run(outbox.tallies())
        return build_status(
            self._daemon(outbox),
            tallies,
            services=contracts(),
            lanes={},
            calls={},
            consent={} if outbox is None else outbox.recovery.consent,
            paused=frozenset() if outbox is None else outbox.recovery.paused,
            base_urls={},
            now=time.time(),
        )

    def events(self, state: str | None, service: str | None, limit: int) -> EventsAnswer:
        outbox = self._existing()
        if outbox is None:
            return EventsAnswer(events=[])
        wanted = None if state is None else State(state)
        return EventsAnswer(events=list(self._run(outbox.events(state=wanted, service=service, limit=limit))))

    def event(self, event_id: str, *, body: bool) -> EventAnswer:
        outbox = self._existing()
        if outbox is None or not re.match(EVENT_ID_PATTERN, event_id):
            return EventAnswer(events=[])
        return EventAnswer(events=list(self._run(outbox.find(event_id, body=body))))

    def consent(self, mode: ConsentMode, service: str | None) -> ConsentAnswer:
        """Decided, and erased where that is decided, journals included. The next daemon goes on from it."""
        if service is not None and service not in contracts():
            raise CommandError(
                f"no service is called {visible(service)}.",
                f"Known services: {', '.join(sorted(contracts()))}.",
                Exit.NO,
            )
        if self._lock is None:
            self._lock = _take(self._home)
        services = sorted(contracts()) if service is None else [service]
        return self._run(self._decide(self._opened(), mode, services))

    async def _decide(self, outbox: Outbox, mode: ConsentMode, services: list[str]) -> ConsentAnswer:
        reception = Reception(
            self._home,
            outbox=outbox,
            dispatcher=LateDispatcher(),
            contracts=contracts(),
            consent=outbox.recovery.consent,
            decided=outbox.recovery.decided,
            clock=SystemClock(),
            chance=system_chance(),
        )
        try:
            return await reception.decide(services, mode)
        finally:
            await reception.close()

    def _existing(self) -> Outbox | None:
        return self._opened() if self._home.outbox.exists() else None

    def _opened(self) -> Outbox:
        if self._outbox is None:
            self._outbox = self._run(Outbox.open(self._home, durability="durable", clock=SystemClock()))
        return self._outbox

    def _daemon(self, outbox: Outbox | None) -> DaemonStatus:
        return DaemonStatus(
            version=VERSION,
            protocol=PROTOCOL,
            pid=0,
            uptime_s=0.0,
            address="",
            home=str(self._home.root),
            durability="durable",
            sqlite_version=sqlite3.sqlite_version,
            rss_bytes=0,
            warnings=[] if outbox is None else list(outbox.warnings),
            outbox_bytes=0 if outbox is None else self._run(outbox.size()).live,
            journals=self._journals_left(outbox),
        )

    def _journals_left(self, outbox: Outbox | None) -> int:
        """How many journals hold lines that no daemon has taken yet."""
        taken = {} if outbox is None else self._run(outbox.journal_positions())
        left = 0
        with suppress(FileNotFoundError):  # no inbox yet, or an app removed its journal this moment
            for name in inbox.names(self._home.inbox):
                left += (self._home.inbox / name).stat().st_size > taken.get(name, 0)
        return left

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            return self._runner.run(work)
        except OutboxError as error:
            code = Exit.UNFIT if isinstance(error, UnfitOutbox) else Exit.INTERNAL
            raise CommandError(f"{visible(error.message)}.", visible(error.hint), code) from error
