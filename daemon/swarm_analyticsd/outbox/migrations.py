"""Numbered migrations. Each is frozen once released: a change to `tables` is a further migration.

A file says in its header whose it is (`application_id`) and which migrations it has seen (`user_version`).
"""

import sqlite3
from typing import Final

from sqlalchemy import Connection

from swarm_analyticsd.outbox.driver import raw
from swarm_analyticsd.outbox.errors import NewerOutbox, UnfitOutbox

APPLICATION_ID: Final = 0x53414F42
"""``SAOB``: swarm-analyticsd's outbox."""

_OUTBOX: Final = (
    "CREATE TABLE bodies (seq INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (seq))",
    "CREATE TABLE clients (client TEXT NOT NULL, pending INTEGER NOT NULL, PRIMARY KEY (client))",
    """CREATE TABLE destinations (id INTEGER NOT NULL, service TEXT NOT NULL, ref TEXT, base_url TEXT,
    kind TEXT, identity TEXT, credential TEXT NOT NULL, credential_error TEXT, backoff_until FLOAT,
    backoff_failures INTEGER NOT NULL, backoff_reason TEXT, PRIMARY KEY (id))""",
    "CREATE UNIQUE INDEX destinations_by_ref ON destinations (service, ref)",
    "CREATE UNIQUE INDEX destinations_unknown ON destinations (service) WHERE ref IS NULL",
    """CREATE TABLE events (seq INTEGER NOT NULL, destination INTEGER NOT NULL, route TEXT NOT NULL,
    category TEXT NOT NULL, priority INTEGER NOT NULL, muted INTEGER NOT NULL, evictable INTEGER NOT NULL,
    ordering_key TEXT, "key" TEXT NOT NULL, digest BLOB NOT NULL, client TEXT, size INTEGER NOT NULL,
    state TEXT NOT NULL, reason TEXT, head INTEGER NOT NULL, accepted_at FLOAT NOT NULL,
    observed_s FLOAT NOT NULL, settled_at FLOAT, due_at FLOAT DEFAULT 0 NOT NULL,
    attempts INTEGER DEFAULT 0 NOT NULL, strikes INTEGER DEFAULT 0 NOT NULL, suspect_mark INTEGER,
    lease INTEGER, lease_losses INTEGER DEFAULT 0 NOT NULL, phase TEXT, last_status INTEGER,
    last_error TEXT, PRIMARY KEY (seq))""",
    'CREATE UNIQUE INDEX events_by_key ON events ("key", destination, route)',
    "CREATE INDEX events_dead ON events (destination, seq) WHERE state = 'dead'",
    "CREATE INDEX events_held ON events (destination, reason, route, seq) WHERE state = 'held'",
    """CREATE INDEX events_in_order ON events (destination, ordering_key, seq)
    WHERE ordering_key IS NOT NULL AND state IN ('queued', 'leased', 'held')""",
    """CREATE INDEX events_kept ON events (priority, seq)
    WHERE state IN ('queued', 'leased', 'held', 'dead')""",
    "CREATE INDEX events_leased ON events (seq) WHERE state = 'leased'",
    """CREATE INDEX events_ready ON events (destination, priority, due_at, seq)
    WHERE state = 'queued' AND head = 1""",
    """CREATE INDEX events_settled ON events (observed_s)
    WHERE state IN ('delivered', 'expired', 'evicted', 'withdrawn')""",
    """CREATE TABLE home (id INTEGER NOT NULL, epoch INTEGER NOT NULL, observed_s FLOAT NOT NULL,
    observed_wall FLOAT NOT NULL, refused INTEGER NOT NULL, duplicates INTEGER NOT NULL, PRIMARY KEY (id))""",
    "CREATE TABLE journals (name TEXT NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (name))",
    """CREATE TABLE ledger (destination INTEGER NOT NULL, accepted INTEGER NOT NULL, queued INTEGER NOT NULL,
    leased INTEGER NOT NULL, held INTEGER NOT NULL, delivered INTEGER NOT NULL, dead INTEGER NOT NULL,
    expired INTEGER NOT NULL, evicted INTEGER NOT NULL, withdrawn INTEGER NOT NULL, bytes INTEGER NOT NULL,
    last_delivered_at FLOAT, last_error TEXT, PRIMARY KEY (destination))""",
    """CREATE TABLE services (service TEXT NOT NULL, consent TEXT NOT NULL, paused INTEGER NOT NULL,
    PRIMARY KEY (service))""",
    "INSERT INTO home VALUES (1, 0, 0, 0, 0, 0)",
)

_RESOURCES: Final = (
    "ALTER TABLE events ADD COLUMN resource TEXT DEFAULT '' NOT NULL",
    "ALTER TABLE events ADD COLUMN when_ambiguous TEXT",
    "DROP INDEX events_by_key",
    'CREATE UNIQUE INDEX events_by_key ON events ("key", destination, route, resource)',
    "ALTER TABLE destinations ADD COLUMN settings TEXT",
    "ALTER TABLE destinations ADD COLUMN forgotten INTEGER DEFAULT 0 NOT NULL",
    "ALTER TABLE ledger ADD COLUMN skipped INTEGER DEFAULT 0 NOT NULL",
    "ALTER TABLE ledger ADD COLUMN resent INTEGER DEFAULT 0 NOT NULL",
    "ALTER TABLE ledger ADD COLUMN set_aside INTEGER DEFAULT 0 NOT NULL",
    "ALTER TABLE services ADD COLUMN decided_at TEXT",
)

MIGRATIONS: Final[tuple[tuple[str, ...], ...]] = (_OUTBOX, _RESOURCES)
"""The first makes version 1 out of an empty file."""

SCHEMA_VERSION: Final = len(MIGRATIONS)


def check(file: sqlite3.Connection) -> int:
    """The file's version; 0 for an empty one. Reads only.

    Raises NewerOutbox or UnfitOutbox where the file is not ours to change.
    """
    (version,) = file.execute("PRAGMA user_version").fetchone()
    (owner,) = file.execute("PRAGMA application_id").fetchone()
    (entries,) = file.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if owner != (APPLICATION_ID if entries else 0):
        raise UnfitOutbox(
            "outbox.db is the database of another program", "Move it away, or choose another home."
        )
    if version > SCHEMA_VERSION:
        raise NewerOutbox(
            f"the outbox has schema version {version}, and this daemon knows versions up to {SCHEMA_VERSION}",
            "Run the newer swarm-analyticsd again, or choose another home; nothing was changed.",
        )
    return int(version)


def migrate(connection: Connection) -> None:
    """Bring the file to `SCHEMA_VERSION`, each step in a transaction of its own."""
    version = check(raw(connection))
    for number, statements in enumerate(MIGRATIONS[version:], version + 1):
        with connection.begin():
            for statement in statements:
                connection.exec_driver_sql(statement)
            connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.exec_driver_sql(f"PRAGMA user_version = {number}")
