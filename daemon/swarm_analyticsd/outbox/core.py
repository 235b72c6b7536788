"""The two threads under the outbox, and how its parts use them."""

import itertools
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection

from swarm_analytics_models.home import Home
from swarm_analyticsd import policy
from swarm_analyticsd.outbox.context import Context
from swarm_analyticsd.outbox.database import Database, check_whole
from swarm_analyticsd.outbox.errors import OutboxDamaged
from swarm_analyticsd.outbox.reader import Reader
from swarm_analyticsd.outbox.writer import Writer

T = TypeVar("T")


class Core:
    """What the parts of `Outbox` share."""

    def __init__(self, home: Home, database: Database, context: Context) -> None:
        after = policy.FAST_SYNC_S if database.durability == "fast" else None
        self._home = home
        self._database = database
        self._context = context
        self._writer = Writer(database, sync_after_s=after)
        self._reader = None if database.in_memory else Reader(database.connect_reader)
        self._claims = itertools.count(1)

    async def _write(self, work: Callable[[Connection], T], *, grows: bool = False) -> T:
        """Run `work` in the next commit and wait for that."""
        return await self._writer.submit(work, grows=grows)

    async def _alone(self, work: Callable[[Connection], T]) -> T:
        """Run `work` on the writer thread, outside any transaction."""
        return await self._writer.submit(work, alone=True)

    async def _report(self, report: Callable[[Connection], T]) -> T:
        """Run `report` on the reader thread; what is in memory only the writer's connection can see."""
        if self._reader is None:
            return await self._writer.submit(report)
        try:
            return await self._reader.run(report, policy.REPORT_LIMIT_S)
        except OutboxDamaged:
            await self._alone(check_whole)
            return await self._reader.run(report, policy.REPORT_LIMIT_S)

    async def _end(self) -> None:
        if self._reader is not None:
            await self._reader.close()
        await self._writer.close()
