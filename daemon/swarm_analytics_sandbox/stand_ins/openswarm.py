"""OpenSwarm product analytics: as its contract, and some of its routes overwrite."""

import json
from collections.abc import Callable
from typing import Any, Final

from swarm_analytics_models.contract import Route, ServiceContract
from swarm_analytics_sandbox.by_contract import ByContract
from swarm_analytics_sandbox.reading import Item
from swarm_analytics_sandbox.stand_in import Answer, Asked

KEPT_LAST: Final = {
    "events.agent.message": ("agent_id", "seq"),
    "events.agent.title": ("id",),
    "identify.link_email": (),
    "preferences.opt_out": (),
}
"""Per install, the last body with equal values of these fields is what stands (the service's sheet)."""


class OpenSwarm(ByContract):
    def __init__(self, contract: ServiceContract, now: Callable[[], float]) -> None:
        super().__init__(contract, now)
        self._standing: dict[tuple[Any, ...], dict[str, Any]] = {}

    def accept(self, asked: Asked, route: Route, identity: str, items: tuple[Item, ...]) -> Answer:
        answer = super().accept(asked, route, identity, items)
        if route.key in KEPT_LAST and answer.status == 200:
            body = json.loads(asked.body)
            values = {name: body[name] for name in KEPT_LAST[route.key]}
            place = {"route": route.key, "install_id": identity, "of": values}
            self._standing[route.key, identity, *values.values()] = {**place, "body": body}
        return answer

    def state(self) -> Any:
        """What stands where a later event overwrites an earlier one."""
        return list(self._standing.values())

    def reset(self) -> None:
        super().reset()
        self._standing.clear()
