"""The outbox as the rest of the daemon sees it: an async facade over one writer and one reader thread.

Writing methods return after their commit, and raise OutboxUnavailable where the disk refused; the operation
may then be tried again as it was. Reports raise ReportTimeout besides.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import suppress

from sqlalchemy import Connection

from swarm_analytics_models.home import Home
from swarm_analyticsd.clock import Clock
from swarm_analyticsd.outbox import consent, operate, tend
from swarm_analyticsd.outbox.care import Care
from swarm_analyticsd.outbox.context import Context, Limits, Space, measure_space
from swarm_analyticsd.outbox.database import Database, Durability, risky_sqlite
from swarm_analyticsd.outbox.errors import OutboxUnavailable
from swarm_analyticsd.outbox.rows import Recovery
from swarm_analyticsd.outbox.traffic import Traffic
from swarm_analyticsd.outbox.views import Views
from swarm_analyticsd.outbox.writer import Counters


class Outbox(Traffic, Care, Views):
    """Every accepted event, on disk. One instance at a time for a home, by whoever holds the home's lock."""

    recovery: Recovery
    """What opening found."""

    @classmethod
    async def open(
        cls,
        home: Home,
        *,
        durability: Durability,
        clock: Clock,
        limits: Limits | None = None,
        space: Callable[[], Space | None] | None = None,
    ) -> "Outbox":
        """Open the home's outbox, or make it; the caller holds the home's lock, and the home exists.

        A damaged file is set aside and salvaged (`warnings`). Leases of earlier starts are released. `space`
        measures the file system. Raises NewerOutbox or UnfitOutbox (exit code 78) having changed nothing, and
        OutboxUnavailable.
        """
        if space is None:
            space = (lambda: None) if durability == "memory" else (lambda: measure_space(home.root))
        context = Context(clock=clock, limits=limits or Limits(), space=space)
        outbox = cls(home, Database(home, durability, space), context)
        try:
            outbox.recovery = await outbox._write(outbox._recover)
            await outbox.restore_ballast()
        except BaseException:
            await outbox._end()
            raise
        return outbox

    async def close(self) -> None:
        """Give leases back, keep the observed time, close the file. Nothing is settled."""
        try:
            with suppress(
                OutboxUnavailable
            ):  # told through `on_commit_error`; the next start gives them back
                await self._write(lambda connection: operate.release_own(connection, self._context))
                await self.advance()
        finally:
            await self._end()

    @property
    def counters(self) -> Counters:
        """What the writer has done."""
        return self._writer.counters

    @property
    def warnings(self) -> tuple[str, ...]:
        """For a person: what was found damaged, an old SQLite, and why writing fails at the moment."""
        found = list(self._database.warnings)
        if risky_sqlite() and not self._database.in_memory:
            found.append(
                f"SQLite {sqlite3.sqlite_version} can damage a database that two programs write to: open "
                "outbox.db with no other tool while the daemon runs, or install SQLite 3.51.3 or later."
            )
        if self._database.consent_file.trouble is not None:
            found.append(self._database.consent_file.trouble)
        if self._writer.trouble is not None:
            found.append(str(self._writer.trouble))
        return tuple(found)

    def on_commit_error(self, told: Callable[[OutboxUnavailable], None]) -> None:
        """Have `told` called in this loop whenever a commit has failed."""
        loop = asyncio.get_running_loop()

        def tell(error: OutboxUnavailable) -> None:
            loop.call_soon_threadsafe(told, error)

        self._writer.on_trouble = tell

    def _recover(self, connection: Connection) -> Recovery:
        released, dropped = tend.start(connection, self._context)
        copy = self._database.consent_file.read() or {}
        consent.restore(connection, self._context, copy)
        decided = consent.decided(connection)
        if decided != copy:
            self._database.consent_file.write(decided)
        return Recovery(
            epoch=self._context.epoch,
            released=released,
            warnings=self.warnings,
            consent={service: each.mode for service, each in decided.items()},
            decided={service: each.moment for service, each in decided.items() if each.moment is not None},
            paused=consent.paused(connection),
            dropped=dropped,
        )
