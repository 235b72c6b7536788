"""Commits what was screened, and tells those whom the commit concerns."""

import asyncio
import logging
from collections.abc import Collection
from typing import Final

from swarm_analytics_models.identifiers import Destination
from swarm_analyticsd import policy
from swarm_analyticsd.intake.admission import Screened
from swarm_analyticsd.intake.ports import Keeps, Sends
from swarm_analyticsd.intake.post import Post
from swarm_analyticsd.outbox.errors import OutboxError
from swarm_analyticsd.outbox.rows import Admitted

log: Final = logging.getLogger(__name__)


class Acceptance:
    """The last step of every hand-off, whichever way it came."""

    def __init__(self, *, outbox: Keeps, dispatcher: Sends, post: Post) -> None:
        self._outbox = outbox
        self._dispatcher = dispatcher
        self._post = post
        self._introducing: set[asyncio.Task[None]] = set()

    async def commit(self, screened: Screened) -> Admitted:
        """Returns after the commit; raises what `Outbox.admit` raises. A stale admission changed nothing.

        Waits for nothing but the commit, so that callers go on in the order of their commits.
        """
        admitted = await self._outbox.admit(screened.admission)
        if admitted.stale is None:
            self._dispatcher.wake(admitted.woken)
            self._post.dropped(admitted.dropped)
            if screened.admission.destinations:
                task = asyncio.create_task(self._introduce(screened.admission.destinations))
                self._introducing.add(task)
                task.add_done_callback(self._introducing.discard)
        return admitted

    async def introduce_all(self) -> None:
        """Have every destination served and looked at, whatever a commit brought. May raise OutboxError."""
        for known in await self._outbox.destinations():
            self._dispatcher.destination_added(known)
            self._dispatcher.wake([known.id])

    async def _introduce(self, declared: Collection[Destination]) -> None:
        """Have destinations served that an app declared: new ones, and known ones under a new path."""
        refs = {destination.ref for destination in declared}
        while True:
            try:
                for known in await self._outbox.destinations():
                    if known.ref in refs:
                        self._dispatcher.destination_added(known)
                return
            except OutboxError as error:
                log.warning("a declared destination is not served yet: %s", error)
                await asyncio.sleep(policy.TAKE_RETRY_MOST_S)
