"""An outbox that says when something may have left it, so that `flush` need not ask again and again."""

from collections.abc import Sequence
from functools import cached_property

from swarm_analytics_models.categories import ConsentMode
from swarm_analytics_models.handoff import DroppedEvent
from swarm_analyticsd.bell import Bell
from swarm_analyticsd.outbox.rows import Purged, Settled, Settlement
from swarm_analyticsd.outbox.store import Outbox


class WatchedOutbox(Outbox):
    """`settled` rings after each commit that can make fewer events pending."""

    @cached_property
    def settled(self) -> Bell:
        return Bell()

    async def settle(self, settlements: Sequence[Settlement]) -> Settled:
        settled = await super().settle(settlements)
        self.settled.ring()
        return settled

    async def set_consent(self, service: str, mode: ConsentMode, moment: str | None = None) -> Purged:
        purged = await super().set_consent(service, mode, moment)
        self.settled.ring()
        return purged

    async def expire(self) -> tuple[DroppedEvent, ...]:
        expired = await super().expire()
        self.settled.ring()
        return expired
