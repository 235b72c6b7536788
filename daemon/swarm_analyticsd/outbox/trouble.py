"""Which of SQLite's errors speak of the disk or the file, and what a person is told of them."""

import sqlite3
from typing import Final

from sqlalchemy.exc import DBAPIError

from swarm_analyticsd.outbox.errors import OutboxUnavailable

_TROUBLE: Final = {
    sqlite3.SQLITE_BUSY: "another program has locked the outbox",
    sqlite3.SQLITE_LOCKED: "another program has locked the outbox",
    sqlite3.SQLITE_NOMEM: "the daemon is out of memory",
    sqlite3.SQLITE_READONLY: "the outbox cannot be written to",
    sqlite3.SQLITE_IOERR: "the disk reports an error",
    sqlite3.SQLITE_CORRUPT: "the outbox is damaged",
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_CANTOPEN: "the outbox cannot be opened",
    sqlite3.SQLITE_PROTOCOL: "another program has locked the outbox",
    sqlite3.SQLITE_NOTADB: "the outbox is damaged",
}
"""Primary result codes that speak of the disk or the file, not of the operation."""

DAMAGE: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


def storage_code(error: BaseException) -> int | None:
    """The primary SQLite result code, where `error` speaks of the disk or the file; else None."""
    original = error.orig if isinstance(error, DBAPIError) else error
    code = getattr(original, "sqlite_errorcode", None)
    return code & 0xFF if isinstance(code, int) and code & 0xFF in _TROUBLE else None


def unavailable(code: int, error: BaseException) -> OutboxUnavailable:
    cause = error.orig if isinstance(error, DBAPIError) else error
    hint = "Free some space" if code == sqlite3.SQLITE_FULL else "Check the disk and the home's permissions"
    return OutboxUnavailable(
        f"{_TROUBLE[code]} ({cause})",
        f"{hint}; the daemon goes on trying, and apps keep in their journals what it has not accepted.",
    )
