"""The writer thread: the only code that writes to the database.

Everything that arrived since the last commit goes into one transaction (group commit). The operations of a
group first run one after the other without savepoints, which is all that a good day needs. When one of them
fails, the transaction is rolled back and the group runs again with a savepoint around each operation, so that
the one that fails harms none of its neighbours. Operations therefore change nothing but the database.
"""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from itertools import groupby
from queue import Empty, SimpleQueue
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from swarm_analyticsd import policy
from swarm_analyticsd.outbox.driver import raw
from swarm_analyticsd.outbox.errors import OutboxError, OutboxUnavailable
from swarm_analyticsd.outbox.trouble import DAMAGE, storage_code, unavailable

T = TypeVar("T")


class Opening(Enum):
    """In what mind the database is opened."""

    FRESH = auto()
    """At start."""

    AGAIN = auto()
    """After trouble: what the log holds may not be on the disk, and is written anew."""

    DAMAGED = auto()
    """It was found corrupt: set it aside and salvage it."""


class Storage(Protocol):
    """What the writer needs of a database; used on the writer thread only."""

    def connect(self, opening: Opening) -> Connection: ...

    def sync(self, connection: Connection) -> None:
        """Make durable what was committed without being synced."""
        ...

    def close(self) -> None: ...

    def keep_lean(self, connection: Connection) -> None:
        """After a commit: where space is short, leave nothing in the log that the file has no room for."""
        ...

    def make_room(self, connection: Connection) -> None:
        """Give a full disk what there is to give."""
        ...


@dataclass(slots=True)
class _Job:
    work: Callable[[Connection], Any]
    future: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop
    grows: bool
    alone: bool
    result: Any = None
    error: Exception | None = None


@dataclass(slots=True)
class Counters:
    """What the writer has done."""

    commits: int = 0
    """Those that changed something."""

    operations: int = 0
    reruns: int = 0
    failures: int = 0


class Writer:
    """Runs operations on the one writing connection, in the order in which they came."""

    def __init__(self, storage: Storage, *, sync_after_s: float | None) -> None:
        """`sync_after_s`: None where each commit is durable by itself; else the longest it may wait."""
        self.counters = Counters()
        self.trouble: OutboxUnavailable | None = None
        """Why the last group failed; None once a commit succeeded."""

        self.on_trouble: Callable[[OutboxUnavailable], None] | None = None
        """Called on the writer thread."""

        self._storage = storage
        self._sync_after_s = sync_after_s
        self._sync_due: float | None = None
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._connection: Connection | None = None
        self._opening = Opening.FRESH
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="outbox-writer", daemon=True)
        self._thread.start()

    def submit(
        self, work: Callable[[Connection], T], *, grows: bool = False, alone: bool = False
    ) -> "asyncio.Future[T]":
        """Queue an operation; the future resolves after its commit, in the calling task's loop.

        `grows`: it adds rows, and is the first to be refused when the disk is full. `alone`: it runs outside
        any transaction (a checkpoint, a vacuum). Raises OutboxUnavailable through the future.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        if self._closed:
            future.set_exception(
                OutboxUnavailable("the outbox is closed", "Start the daemon again, then try again.")
            )
            return future
        self._jobs.put(_Job(work, future, loop, grows, alone))
        return future

    async def close(self) -> None:
        """End the thread after everything that was queued before, and close the database."""
        if not self._closed:
            self._closed = True
            self._jobs.put(None)
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        going = True
        while going:
            group, going = self._gather()
            for alone, jobs in groupby(group, key=lambda job: job.alone):
                for batch in ([job] for job in jobs) if alone else (list(jobs),):
                    self._serve(batch, alone=alone)
            if self._sync_due is not None and (not going or time.monotonic() >= self._sync_due):
                self._sync()
        self._connection = None
        self._storage.close()

    def _gather(self) -> tuple[list[_Job], bool]:
        """Wait for an operation, then take all that have arrived. False: no more will come."""
        wait = None if self._sync_due is None else max(0.0, self._sync_due - time.monotonic())
        group: list[_Job] = []
        try:
            job = self._jobs.get(timeout=wait)
            while job is not None:
                group.append(job)
                if len(group) >= policy.GROUP_OPERATIONS:
                    return group, True
                job = self._jobs.get_nowait()
        except Empty:
            return group, True
        return group, False

    def _serve(self, jobs: list[_Job], *, alone: bool) -> None:
        try:
            try:
                self._perform(jobs, alone=alone)
            except (DBAPIError, sqlite3.Error) as error:
                if storage_code(error) not in DAMAGE:
                    raise
                self._opening = Opening.DAMAGED
                self._disconnect()
                self._perform(jobs, alone=alone)
        except Exception as error:
            self._fail(jobs, error)
        else:
            refused = (job.error for job in jobs if isinstance(job.error, OutboxUnavailable))
            self._note(next(refused, None))
        self.counters.operations += len(jobs)
        _resolve(jobs)

    def _perform(self, jobs: Sequence[_Job], *, alone: bool) -> None:
        if alone:
            self._one_by_one(jobs, self._connected())
        else:
            self._transact(jobs)

    def _transact(self, jobs: Sequence[_Job]) -> None:
        try:
            self._commit(jobs)
        except (DBAPIError, sqlite3.Error) as error:
            if storage_code(error) != sqlite3.SQLITE_FULL:
                raise
            self._storage.make_room(self._connected())
            smaller = [job for job in jobs if not job.grows]
            if smaller:
                self._commit(smaller)
            for job in jobs:
                if job.grows:
                    job.error = unavailable(sqlite3.SQLITE_FULL, error)

    def _commit(self, jobs: Sequence[_Job]) -> None:
        connection = self._connected()
        before = raw(connection).total_changes
        try:
            with connection.begin():
                for job in jobs:
                    job.result = job.work(connection)
        except Exception as error:
            if storage_code(error) is not None:
                raise
            self.counters.reruns += 1
            before = raw(connection).total_changes
            with connection.begin():
                self._one_by_one(jobs, connection)
        if raw(connection).total_changes == before:
            return
        self.counters.commits += 1
        self._storage.keep_lean(connection)
        if self._sync_after_s is not None and self._sync_due is None:
            self._sync_due = time.monotonic() + self._sync_after_s

    def _one_by_one(self, jobs: Sequence[_Job], connection: Connection) -> None:
        for job in jobs:
            job.error = None
            try:
                if job.alone:
                    job.result = job.work(connection)
                else:
                    with connection.begin_nested():
                        job.result = job.work(connection)
            except Exception as error:
                if storage_code(error) is not None:
                    raise
                job.error = error

    def _connected(self) -> Connection:
        if self._connection is None:
            self._connection = self._storage.connect(self._opening)
            self._opening = Opening.AGAIN
        return self._connection

    def _fail(self, jobs: Sequence[_Job], error: Exception) -> None:
        """Nobody's operation counts as done. The file is closed, and opened again by the next group.

        Not so when the disk is full: that leaves nothing in doubt, and to open again takes space.
        """
        self.counters.failures += 1
        code = storage_code(error)
        told: Exception = error if code is None else unavailable(code, error)
        for job in jobs:
            job.error = told
        if isinstance(told, OutboxUnavailable):
            self._note(told)
        if code != sqlite3.SQLITE_FULL:
            self._disconnect()

    def _disconnect(self) -> None:
        self._connection = None
        self._sync_due = None
        self._storage.close()

    def _note(self, trouble: OutboxUnavailable | None) -> None:
        self.trouble = trouble
        if trouble is not None and self.on_trouble is not None:
            self.on_trouble(trouble)

    def _sync(self) -> None:
        self._sync_due = None
        try:
            self._storage.sync(self._connected())
        except (DBAPIError, sqlite3.Error, OutboxError) as error:
            self._fail((), error)


def _resolve(jobs: Sequence[_Job]) -> None:
    """Tell each waiting task, with one wake-up for each loop."""
    for loop, theirs in groupby(jobs, key=lambda job: job.loop):
        settled = list(theirs)
        try:
            loop.call_soon_threadsafe(_tell, settled)
        except RuntimeError:  # the loop is closed: nobody waits any more
            continue


def _tell(jobs: Sequence[_Job]) -> None:
    for job in jobs:
        if job.future.done():
            continue
        if job.error is not None:
            job.future.set_exception(job.error)
        else:
            job.future.set_result(job.result)
