"""The SQLite connection underneath SQLAlchemy's."""

import sqlite3

from sqlalchemy import Connection


def raw(connection: Connection) -> sqlite3.Connection:
    """The driver's connection, for what must run outside a transaction."""
    driver = connection.connection.dbapi_connection
    assert isinstance(driver, sqlite3.Connection)  # noqa: S101 - no other driver is ever made
    return driver
