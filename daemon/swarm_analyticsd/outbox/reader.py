"""The reader thread: reports on a read-only connection, each with a time limit.

A reader that never ends would keep the log from being cut, so a report that reads for too long is ended. Each
has a connection of its own: none is left behind when the file is erased or set aside.
"""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TypeVar

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from swarm_analyticsd import policy
from swarm_analyticsd.outbox.errors import OutboxDamaged, OutboxUnavailable, ReportTimeout
from swarm_analyticsd.outbox.trouble import DAMAGE, storage_code

T = TypeVar("T")


class Reader:
    """Runs reports one after the other, each in a transaction of its own."""

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        self._connect = connect
        self._deadline = 0.0
        self._closed = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="outbox-reader")
        self._turn = asyncio.Lock()
        self._engine = create_engine("sqlite://", creator=self._driver, poolclass=NullPool)
        event.listen(self._engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))

    async def run(self, report: Callable[[Connection], T], limit_s: float) -> T:
        """Raises ReportTimeout, OutboxUnavailable."""
        async with self._turn:
            if self._closed:
                raise OutboxUnavailable("the outbox is closed", "Start the daemon again, then try again.")
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._thread, self._read, report, limit_s)

    @asynccontextmanager
    async def ended(self) -> AsyncIterator[None]:
        """No report runs while the body does; one whose caller went away is waited for."""
        async with self._turn:
            await asyncio.get_running_loop().run_in_executor(self._thread, _idle)
            yield

    async def close(self) -> None:
        if not self._closed:
            async with self.ended():
                self._closed = True
                self._thread.shutdown(wait=False)

    def _read(self, report: Callable[[Connection], T], limit_s: float) -> T:
        self._deadline = time.monotonic() + limit_s
        try:
            with self._engine.begin() as connection:
                return report(connection)
        except (DBAPIError, sqlite3.Error) as error:
            cause = error.orig if isinstance(error, DBAPIError) else error
            if getattr(cause, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT:
                raise ReportTimeout(
                    f"the report took more than {limit_s:g} s",
                    "Ask for less: a service, a state, a lower limit.",
                ) from error
            kind = OutboxDamaged if storage_code(error) in DAMAGE else OutboxUnavailable
            raise kind(
                f"the outbox cannot be read ({cause})", "Check the disk and the home's permissions."
            ) from error

    def _driver(self) -> sqlite3.Connection:
        driver = self._connect()
        driver.set_progress_handler(lambda: time.monotonic() > self._deadline, policy.REPORT_CHECK_STEPS)
        return driver


def _idle() -> None:
    """Runs after everything that the thread had to do before."""
