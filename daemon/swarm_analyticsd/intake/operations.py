"""What the daemon does when asked over the API; each refusal is a `Refusing`."""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from swarm_analytics_models.api import (
    ConsentAnswer,
    ConsentRequest,
    DeadAction,
    DeadAnswer,
    FlushAnswer,
    FlushRequest,
    StopAnswer,
)
from swarm_analytics_models.identifiers import parse_base_url
from swarm_analytics_models.services import contracts
from swarm_analyticsd.bell import Bell
from swarm_analyticsd.intake.flushing import Flushing
from swarm_analyticsd.intake.reception import Reception
from swarm_analyticsd.intake.refusing import Refusing, known_service, usable_base_url
from swarm_analyticsd.outbox.operate import Chosen
from swarm_analyticsd.outbox.store import Outbox
from swarm_analyticsd.schedule.loop import Dispatcher


@dataclass(kw_only=True)
class Operations:
    """Everything but hand-off, credentials, calls and looking."""

    outbox: Outbox
    dispatcher: Dispatcher
    reception: Reception
    settled: Bell
    """Rung when events were settled, and when a lane came to rest."""

    base_urls: dict[str, str] = field(default_factory=dict)
    """Where each service is: as configured, and as apps added what was lacking."""

    stop: Callable[[], None]

    def add_services(self, services: Mapping[str, str]) -> None:
        """Add what is lacking; nothing is added where one conflicts."""
        added = {known_service(name): usable_base_url(base_url) for name, base_url in services.items()}
        for name, base_url in added.items():
            ours = self.base_urls.get(name)
            if ours is not None and parse_base_url(ours).base_url != base_url:
                raise Refusing(
                    409,
                    "conflict",
                    f"{name} is at {ours} for this daemon, not at {base_url}",
                    "Use one base URL in this home, or another home for the other.",
                    {"service": name, "configured": ours, "asked": base_url},
                )
        self.base_urls |= added

    async def set_consent(self, request: ConsentRequest) -> ConsentAnswer:
        return await self.reception.decide(_services(request.service), request.mode)

    async def flush(self, request: FlushRequest) -> FlushAnswer:
        flushing = Flushing(self.outbox, self.dispatcher, self.reception, self.settled)
        return await (flushing.attempt if request.until == "attempted" else flushing.drain)(request)

    async def pause(self, service: str | None) -> None:
        await self.dispatcher.pause(None if service is None else known_service(service))

    async def resume(self, service: str | None) -> None:
        await self.dispatcher.resume(None if service is None else known_service(service))

    async def retry_dead(self, action: DeadAction) -> DeadAnswer:
        changed = await self.outbox.redrive(_chosen(action))
        self.dispatcher.wake([known.id for known in await self.outbox.destinations()])
        return DeadAnswer(changed=changed)

    async def drop_dead(self, action: DeadAction) -> DeadAnswer:
        return DeadAnswer(changed=await self.outbox.drop_dead(_chosen(action)))

    def stop_soon(self) -> StopAnswer:
        self.stop()
        return StopAnswer(pid=os.getpid())


def _services(name: str | None) -> Iterable[str]:
    return sorted(contracts()) if name is None else (known_service(name),)


def _chosen(action: DeadAction) -> Chosen:
    named = [bool(action.ids), action.service is not None, action.everything]
    if named.count(True) != 1:
        raise Refusing(422, "choice", "name ids, or a service, or everything", "Choose one of the three.")
    if action.service is not None:
        return Chosen(service=known_service(action.service))
    return Chosen(keys=tuple(action.ids))
