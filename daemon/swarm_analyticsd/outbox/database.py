"""Opening and closing the outbox's file: pragmas, modes, the ballast, and what is done with a damaged file.

SQLite 3.7.0 to 3.51.2 can corrupt a WAL database when two connections write or checkpoint at once. So there
is one writing connection, made here for the writer thread, and one read-only connection at a time, made here
for the reader thread, that never checkpoints. Nothing else in this process opens the file meanwhile: closing
any descriptor of it would drop SQLite's locks.
"""

import os
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, Literal, TypeAlias

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from swarm_analytics_models.home import Home
from swarm_analyticsd import policy
from swarm_analyticsd.outbox import aside, salvage
from swarm_analyticsd.outbox.consent_file import ConsentFile
from swarm_analyticsd.outbox.context import Space
from swarm_analyticsd.outbox.driver import raw
from swarm_analyticsd.outbox.errors import UnfitOutbox
from swarm_analyticsd.outbox.migrations import check, migrate
from swarm_analyticsd.outbox.trouble import DAMAGE, storage_code
from swarm_analyticsd.outbox.writer import Opening

Durability: TypeAlias = Literal["durable", "fast", "memory"]

_SYNCHRONOUS: Final = {"durable": "FULL", "fast": "NORMAL", "memory": "OFF"}
_PRAGMAS: Final = (
    "auto_vacuum = INCREMENTAL",
    "journal_mode = WAL",
    "secure_delete = ON",
    "temp_store = MEMORY",
    "trusted_schema = OFF",
    "fullfsync = ON",
    "checkpoint_fullfsync = ON",
    f"busy_timeout = {policy.BUSY_TIMEOUT_MS}",
    f"wal_autocheckpoint = {policy.LOG_PAGES}",
    f"journal_size_limit = {policy.LOG_KEPT_BYTES}",
    f"cache_size = -{policy.CACHE_KIB}",
)
"""`fullfsync` and its sibling mean something on macOS alone, where a plain fsync does not reach the disk."""


def risky_sqlite(version: tuple[int, int, int] = sqlite3.sqlite_version_info) -> bool:
    """Whether this SQLite is one of those that can corrupt a WAL database with two writers (we have one)."""
    return (3, 7, 0) <= version <= (3, 51, 2)


class Database:
    """The outbox's file. Used on the writer thread, but for `connect_reader`."""

    def __init__(self, home: Home, durability: Durability, space: Callable[[], Space | None]) -> None:
        self.durability = durability
        self.warnings: list[str] = []
        """For a person: what was found damaged, and what was lost with it."""

        self.consent_file = ConsentFile(None if durability == "memory" else home.consent)
        self._home = home
        self._space = space
        self._engine: Engine | None = None
        self._connection: Connection | None = None

    @property
    def in_memory(self) -> bool:
        return self.durability == "memory"

    def connect(self, opening: Opening) -> Connection:
        """Open the file, whatever state it is in.

        After trouble, what the log holds is first copied into the file: a failed sync may have left it in
        memory only, where a second sync would not find it.
        """
        if opening is Opening.DAMAGED:
            self._salvage()
        elif not self.in_memory and (kept := aside.resume(self._home)) is not None:
            self.warnings.append(_told("the outbox was damaged, and what could be read was saved", kept))
        try:
            connection = self._open(self._home.outbox)
        except (DBAPIError, sqlite3.Error) as error:
            self.close()
            if storage_code(error) not in DAMAGE:
                raise
            self._salvage()
            connection = self._open(self._home.outbox)
        if opening is not Opening.FRESH:
            checkpoint(connection)
        return connection

    def connect_reader(self) -> sqlite3.Connection:
        """A read-only connection, for the calling thread."""
        path = self._home.outbox.absolute().as_uri()
        reader = sqlite3.connect(f"{path}?mode=ro", uri=True, isolation_level=None)
        reader.execute(f"PRAGMA busy_timeout = {policy.BUSY_TIMEOUT_MS}")
        return reader

    def sync(self, connection: Connection) -> None:
        """Commit something with a full sync, which takes all that was committed before along.

        The log belongs to SQLite alone this way: no descriptor of ours to keep in step with its file.
        """
        file = raw(connection)
        file.execute("PRAGMA synchronous = FULL")
        try:
            file.execute("UPDATE home SET epoch = epoch")
        finally:
            file.execute("PRAGMA synchronous = NORMAL")

    def close(self) -> None:
        if self._connection is not None:
            with suppress(
                DBAPIError, sqlite3.Error
            ):  # the file is given up because it fails; that it fails again is no news
                self._connection.close()
        if self._engine is not None:
            self._engine.dispose()
        self._connection = self._engine = None

    def keep_lean(self, connection: Connection) -> None:
        """Copy the log into the file after every commit while space is short.

        A full disk then finds a log whose own space the next commits can use again: settling goes on.
        """
        space = self._space()
        if space is not None and space.free < policy.LEAN_BELOW_BYTES:
            self._copy_log(connection)

    def make_room(self, connection: Connection) -> None:
        self._home.ballast.unlink(missing_ok=True)
        self._copy_log(connection)

    def _copy_log(self, connection: Connection) -> None:
        with suppress(sqlite3.OperationalError):  # what has no room stays in the log, and is as safe there
            raw(connection).execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def restore_ballast(self) -> bool:
        """Lay the ballast in where it is missing. False when the disk has no room for it."""
        ballast = self._home.ballast
        if self.in_memory or ballast.exists():
            return True
        try:
            descriptor = os.open(ballast, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError:
            return False
        try:
            os.write(descriptor, os.urandom(policy.BALLAST_BYTES))
            os.fsync(descriptor)
        except OSError:
            ballast.unlink()
            return False
        finally:
            os.close(descriptor)
        return True

    def file_sizes(self) -> tuple[int, int]:
        """Bytes of the file and of its log."""
        path = self._home.outbox
        return _size(path), _size(path.with_name(f"{path.name}-wal"))

    def set_aside(self) -> list[Path]:
        """Copies of damaged files that are still kept."""
        return [] if self.in_memory else sorted(self._home.root.glob(f"{aside.PREFIX}*"))

    def _salvage(self) -> None:
        self.close()
        aside.begin(self._home)
        fresh = self._open(aside.building(self._home))
        told = salvage.recover(self._home.outbox, fresh, self.consent_file.read())
        self.close()
        self.warnings.append(_told(told, aside.finish(self._home)))

    def _open(self, path: Path) -> Connection:
        engine = create_engine(
            "sqlite://",
            creator=lambda: self._driver(path),
            poolclass=NullPool,
            hide_parameters=True,  # errors go into the log, where no event's content may stand
        )
        event.listen(engine, "begin", _begin)
        self._engine = engine
        self._connection = engine.connect()
        migrate(self._connection)
        return self._connection

    def _driver(self, path: Path) -> sqlite3.Connection:
        if not self.in_memory:
            _make(path)
        driver = sqlite3.connect(":memory:" if self.in_memory else path, isolation_level=None)
        try:
            check(driver)
            for pragma in (*_PRAGMAS, f"synchronous = {_SYNCHRONOUS[self.durability]}"):
                driver.execute(f"PRAGMA {pragma}").fetchall()
        except BaseException:
            driver.close()
            raise
        return driver


def checkpoint(connection: Connection) -> None:
    """Copy the log into the file, as far as readers let it, and empty it."""
    raw(connection).execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def check_whole(connection: Connection) -> None:
    """Raise what SQLite raises for a damaged file, where this one is damaged anywhere."""
    (found,) = raw(connection).execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        error = sqlite3.DatabaseError(found)
        error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise error


def _make(path: Path) -> None:
    """An empty file of ours alone, where there is none."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        return
    except OSError as error:
        raise UnfitOutbox(
            f"the outbox cannot be made ({error})", "Make the home writable, or choose another home."
        ) from error


def _told(what: str, kept: Path) -> str:
    return f"{what}. The damaged file is kept as {kept.name} until an opt-out erases it; check the disk."


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
