"""After an opt-out: no body that it forbids stays in any file of the home."""

import asyncio
import logging
from typing import Final

from swarm_analyticsd.intake.cursors import Cursor
from swarm_analyticsd.intake.journals import Journals
from swarm_analyticsd.intake.ports import Keeps

log: Final = logging.getLogger(__name__)


class Erasure:
    """Takes journals to their ends, blanks them, has the outbox erased; and goes on blanking while muted."""

    def __init__(self, *, outbox: Keeps, due: bool) -> None:
        """`due`: an earlier daemon took an opt-out, and may have died before it had erased."""
        self._outbox = outbox
        self._due = due
        self._journals: Journals | None = None
        self._erasing = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._blanking: dict[str, asyncio.Task[None]] = {}

    def bind(self, journals: Journals) -> None:
        self._journals = journals

    def soon(self) -> None:
        """Erase in the background: the opt-out came as an event, and nobody waits for the answer."""
        self._keep(asyncio.create_task(self._erase_logged()))

    def make_up(self) -> None:
        """Erase in the background what an erasure left that failed, or that a daemon died over."""
        if self._due and not self._tasks:
            self.soon()

    async def erase(self) -> None:
        """Returns when it is done. Raises what the outbox raises; it is tried again by `make_up`."""
        self._due = True
        async with self._erasing:
            if self._journals is not None:
                await self._journals.scan()
                await self._journals.blank()
            await self._outbox.erase()
            self._due = False

    def blank_soon(self, cursor: Cursor) -> None:
        """Muted events of a live journal were just taken: blank them."""
        running = self._blanking.get(cursor.name)
        if self._journals is not None and (running is None or running.done()):
            task = asyncio.create_task(self._blank(cursor, self._journals))
            self._blanking[cursor.name] = task
            task.add_done_callback(lambda _: self._blanking.pop(cursor.name, None))

    async def settle(self) -> None:
        """Wait for what runs in the background."""
        while running := [*self._tasks, *self._blanking.values()]:
            await asyncio.wait(running)

    async def _erase_logged(self) -> None:
        try:
            await self.erase()
        except Exception:
            log.exception("what the user opted out of could not be erased; it is tried again in a minute")

    async def _blank(self, cursor: Cursor, journals: Journals) -> None:
        try:
            while await journals.blank_one(cursor):
                continue
        except OSError as error:
            log.warning("journal %s could not be blanked: %s", cursor.name, error)

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
