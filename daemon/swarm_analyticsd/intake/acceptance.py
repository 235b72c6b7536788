"""Commits what was screened, and tells those whom the commit concerns."""

from collections.abc import Collection

from swarm_analytics_models.identifiers import Destination
from swarm_analyticsd.intake.admission import Screened
from swarm_analyticsd.intake.ports import Keeps, Sends
from swarm_analyticsd.intake.post import Post
from swarm_analyticsd.outbox.rows import Admitted


class Acceptance:
    """The last step of every hand-off, whichever way it came."""

    def __init__(self, *, outbox: Keeps, dispatcher: Sends, post: Post) -> None:
        self._outbox = outbox
        self._dispatcher = dispatcher
        self._post = post

    async def commit(self, screened: Screened) -> Admitted:
        """Returns after the commit; raises what `Outbox.admit` raises. A stale admission changed nothing."""
        admitted = await self._outbox.admit(screened.admission)
        if admitted.stale is None:
            await self._introduce(screened.admission.destinations)
            self._dispatcher.wake(admitted.woken)
            self._post.dropped(admitted.dropped)
        return admitted

    async def _introduce(self, declared: Collection[Destination]) -> None:
        """Have destinations served that an app declared: new ones, and known ones under a new path."""
        if declared:
            refs = {destination.ref for destination in declared}
            for known in await self._outbox.destinations():
                if known.ref in refs:
                    self._dispatcher.destination_added(known)
