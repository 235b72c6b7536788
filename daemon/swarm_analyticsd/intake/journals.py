"""Looks after the inbox: takes what no connection brought, blanks what was opted out of, tidies up."""

import asyncio
import logging
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from swarm_analytics_models.identifiers import uuid7
from swarm_analyticsd import policy
from swarm_analyticsd.clock import Clock
from swarm_analyticsd.intake import inbox
from swarm_analyticsd.intake.consent import Consent
from swarm_analyticsd.intake.cursors import Cursor, Cursors
from swarm_analyticsd.intake.decisions import Decision, decisions
from swarm_analyticsd.intake.framing import Framer
from swarm_analyticsd.intake.ports import Keeps
from swarm_analyticsd.intake.routes import RouteBook

log: Final = logging.getLogger(__name__)


class Journals:
    """The scanner. One scan runs at a time; a request for one during another means one more."""

    def __init__(
        self,
        directory: Path,
        *,
        cursors: Cursors,
        consent: Consent,
        outbox: Keeps,
        book: RouteBook,
        clock: Clock,
    ) -> None:
        self._directory = directory
        self._cursors = cursors
        self._consent = consent
        self._outbox = outbox
        self._book = book
        self._clock = clock
        self._scanning = asyncio.Lock()
        self._again = False
        self._task: asyncio.Task[None] | None = None
        self._stopped = False
        self.count = 0
        """Journals that the last scan left in the inbox."""

    def scan_soon(self) -> None:
        """Scan in the background."""
        if self._stopped:
            return
        self._again = True
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._scan_while_asked())

    async def _scan_while_asked(self) -> None:
        while self._again:
            self._again = False
            try:
                await self.scan()
            except Exception:
                log.exception("the inbox could not be looked through; it will be at the next occasion")

    async def stop(self) -> None:
        self._stopped = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def scan(self) -> None:
        """Take every journal to its end, and remove those of dead owners once they are committed."""
        async with self._scanning:
            names = await asyncio.to_thread(inbox.names, self._directory)
            await self._foresee(names)
            for name in names:
                try:
                    await self._take(name)
                except (OSError, inbox.NotAJournal) as error:
                    log.warning("journal %s could not be taken: %s", name, error)
            await self._forget_missing()

    async def reach(self, name: str, offset: int) -> Cursor:
        """Take a journal up to `offset`, and all of its owner's earlier segments before that.

        Raises MissingBytes, NotAJournal, OSError.
        """
        if not inbox.is_journal(name):
            raise inbox.NotAJournal(f"{name[:80]!r} is no journal's name")
        names = await asyncio.to_thread(inbox.names, self._directory)
        owner = inbox.owner_of(name)
        earlier = [each for each in names if inbox.owner_of(each) == owner and each < name]
        await self._foresee([*earlier, name])
        for each in earlier:
            await self._cursors.catch_up(await self._cursors.get(each))
        cursor = await self._cursors.get(name)
        await self._cursors.catch_up(cursor, offset)
        return cursor

    async def untaken(self) -> list[str]:
        """Journals in which whole lines are left that nobody has taken yet."""
        names = await asyncio.to_thread(inbox.names, self._directory)
        left = []
        for name in names:
            cursor = await self._cursors.get(name)
            path = self._directory / name
            try:
                rest = await asyncio.to_thread(inbox.read, path, cursor.committed, policy.READ_BYTES)
            except (OSError, inbox.NotAJournal) as error:
                log.warning("journal %s could not be read: %s", name, error)
                left.append(name)
                continue
            if cursor.broken or b"\n" in rest:
                left.append(name)
        return left

    async def blank(self) -> None:
        """Blank muted events in what is committed of the journals that are left."""
        for name in await asyncio.to_thread(inbox.names, self._directory):
            cursor = await self._cursors.get(name)
            await self._cursors.settle(cursor)
            cursor.blanked = 0
            await self.blank_one(cursor)

    async def blank_one(self, cursor: Cursor) -> bool:
        """Blank what was committed since the last time; False when there is nothing to blank."""
        erasing = self._consent.erasing
        start, end = cursor.blanked, cursor.committed
        if not erasing or start >= end:
            return False

        def keep(service: str, route: str) -> bool:
            return service not in erasing or not self._book.is_muted(service, route)

        await asyncio.to_thread(inbox.blank, self._directory / cursor.name, start, end, keep)
        cursor.blanked = end
        return True

    async def _take(self, name: str) -> None:
        path = self._directory / name
        descriptor = await asyncio.to_thread(inbox.adopt, path, policy.NEWBORN_JOURNAL_S, self._clock.now())
        try:
            cursor = await self._cursors.get(name)
            await self._cursors.catch_up(cursor)
            if descriptor is None:
                return
            size = os.fstat(descriptor).st_size
            await self._cursors.give_up_tail(cursor, size)
            if await self._cursors.settle(cursor) and cursor.committed >= size:
                await asyncio.to_thread(path.unlink, missing_ok=True)
                await self._outbox.forget_journal(name)
                self._cursors.forget(name)
        finally:
            if descriptor is not None:
                os.close(descriptor)

    async def _foresee(self, names: Iterable[str]) -> None:
        """Find the newest decision in what is unread, so that nothing older than an opt-out is admitted."""
        found: list[Decision] = []
        for name in names:
            cursor = await self._cursors.get(name)
            found += await asyncio.to_thread(self._unread_decisions, self._directory / name, cursor.taken)
        await self._consent.foresee(found)

    def _unread_decisions(self, path: Path, position: int) -> list[Decision]:
        framer = Framer()
        found: list[Decision] = []
        try:
            for data in inbox.chunks(path, position, policy.READ_BYTES):
                for piece in framer.feed(data):
                    if isinstance(piece, bytes):
                        found += decisions(piece, at=0, book=self._book, mint=uuid7)
        except (OSError, inbox.NotAJournal) as error:
            log.warning("journal %s could not be read: %s", path.name, error)
        return found

    async def _forget_missing(self) -> None:
        """Forget the positions of journals that their owners removed."""
        known = {cursor.name for cursor in self._cursors.known()}
        for name in known.union(await self._outbox.journal_positions()):
            cursor = await self._cursors.get(name)
            gone = not await asyncio.to_thread((self._directory / name).exists)
            if gone and not cursor.attached and not cursor.in_flight and not cursor.broken:
                await self._outbox.forget_journal(name)
                self._cursors.forget(name)
        self.count = len(await asyncio.to_thread(inbox.names, self._directory))
