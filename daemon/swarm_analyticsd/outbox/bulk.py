"""Many rows in few steps.

SQLite's Python module gives the interpreter lock back around every step of a statement, and takes it again
after. One step for each row would let a busy event loop win the lock each time: 300 rows/s were measured so,
18,000 with 512 rows a step.
"""

import sqlite3
from collections.abc import Sequence
from functools import cache
from itertools import chain
from typing import Any, Final

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import sqlite

from swarm_analyticsd.outbox.driver import raw

_STEPS: Final = (512, 128, 32, 8, 1)
"""Rows in one statement: few sizes, so that each is prepared once."""


@cache
def _statement(table: Table, columns: tuple[str, ...], rows: int) -> str:
    names = ", ".join(sqlite.dialect().identifier_preparer.quote(name) for name in columns)
    group = "({})".format(", ".join("?" * len(columns)))
    return f"INSERT INTO {table.name} ({names}) VALUES {', '.join([group] * rows)} ON CONFLICT DO NOTHING"  # noqa: S608 - names of our own tables


def insert_new(
    connection: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[tuple[Any, ...]]
) -> int:
    """Insert the rows whose unique keys are new; returns how many those were."""
    inserted = 0
    start = 0
    most = raw(connection).getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER)
    for step in (step for step in _STEPS if step * len(columns) <= most):
        while len(rows) - start >= step:
            parameters = tuple(chain.from_iterable(rows[start : start + step]))
            inserted += connection.exec_driver_sql(_statement(table, columns, step), parameters).rowcount
            start += step
    return inserted
