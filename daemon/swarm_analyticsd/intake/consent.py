"""What the user allows each service, and the order of decisions about it."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from swarm_analytics_models.categories import ConsentMode
from swarm_analytics_models.handoff import ConsentChanged
from swarm_analytics_models.identifiers import uuid7
from swarm_analyticsd.intake.decisions import Decision
from swarm_analyticsd.intake.ports import Keeps, Sends
from swarm_analyticsd.intake.post import Post
from swarm_analyticsd.outbox.errors import OutboxUnavailable

_UUID7: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\Z")


class Consent:
    """The mode of each service. The newest decision counts, whichever way and however late it comes in."""

    def __init__(
        self,
        modes: Mapping[str, ConsentMode],
        decided: Mapping[str, str],
        *,
        services: Iterable[str],
        outbox: Keeps,
        dispatcher: Sends,
        post: Post,
        on_opted_out: Callable[[], None],
    ) -> None:
        self._modes = {name: modes.get(name, ConsentMode.FULL) for name in services}
        now = uuid7()  # a moment to come was read off a clock that has been set back since
        self._newest = {name: min(moment, now) for name, moment in decided.items()}
        self._outbox = outbox
        self._dispatcher = dispatcher
        self._post = post
        self._on_opted_out = on_opted_out
        """Called after an opt-out that came as an event: somebody must see to the erasing."""

    @property
    def modes(self) -> dict[str, ConsentMode]:
        return dict(self._modes)

    @property
    def erasing(self) -> frozenset[str]:
        """Services of whose muted events no body may be kept."""
        return frozenset(name for name, mode in self._modes.items() if mode is ConsentMode.MINIMAL)

    async def set(self, service: str, mode: ConsentMode) -> int:
        """Decide now; returns how many events were withdrawn. Their bodies are for the caller to erase."""
        moment = uuid7()
        withdrawn = await self._apply(service, mode, moment)
        self._newest[service] = moment
        return withdrawn

    async def foresee(self, found: Iterable[Decision]) -> None:
        """Apply the newest of these where it is an opt-out: before older lines are admitted."""
        newest: dict[str, Decision] = {}
        for decision in found:
            known = newest.get(decision.service)
            if known is None or _moment(known) < _moment(decision):
                newest[decision.service] = decision
        for decision in newest.values():
            if decision.opted_out:
                await self.decide(decision)

    def is_news(self, decision: Decision) -> bool:
        return _moment(decision) > self._newest.get(decision.service, "")

    async def decide(self, decision: Decision) -> None:
        """Apply a decision that came as an event, unless a newer one is known."""
        if not self.is_news(decision):
            return
        mode = ConsentMode.MINIMAL if decision.opted_out else ConsentMode.FULL
        service, moment = decision.service, _moment(decision)
        if self._modes[service] is mode:
            await self._outbox.set_consent(service, mode, moment)
        else:
            await self._apply(service, mode, moment)
            if mode is ConsentMode.MINIMAL:
                self._on_opted_out()
        self._newest[service] = max(moment, self._newest.get(service, ""))

    async def _apply(self, service: str, mode: ConsentMode, moment: str) -> int:
        """Where the disk does not take the decision, nothing at all is sent until it does."""
        try:
            purged = await self._outbox.set_consent(service, mode, moment)
        except OutboxUnavailable:
            if mode is not ConsentMode.FULL:
                self._dispatcher.silence(service, True)
            raise
        self._dispatcher.silence(service, False)
        self._modes[service] = mode
        if mode is not ConsentMode.FULL:
            await self._dispatcher.cancel_muted(service)
        self._post.broadcast(ConsentChanged(service=service, mode=mode))
        if mode is ConsentMode.MINIMAL:
            self._post.forget_bodies()
        else:
            self._dispatcher.nudge()
        return purged.withdrawn


def _moment(decision: Decision) -> str:
    """Decisions sort by their keys, which carry the time; one with a hand-made key counts as made now."""
    return decision.key if _UUID7.match(decision.key) else uuid7()
