"""What a handler is given: who calls, and with what."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from swarm_analytics_sandbox.stand_ins.openspawn.gate import Caller
from swarm_analytics_sandbox.stand_ins.openspawn.organization import Organization
from swarm_analytics_sandbox.stand_ins.openspawn.refused import crashed
from swarm_analytics_sandbox.stand_ins.openspawn.rules import stored_uuid


@dataclass(frozen=True, slots=True)
class Request:
    organization: Organization
    caller: Caller
    id: str
    """What the path names; empty where it names nothing."""

    query: Mapping[str, str]
    body: Any

    @property
    def row_id(self) -> str:
        """The path's id as a UUID. Raises Refused."""
        return stored_uuid(self.id)

    def whole(self, name: str, default: int) -> int:
        """A number of the query; the default for 0, too, as the server has it. Raises Refused."""
        try:
            return int(self.query.get(name) or default) or default
        except ValueError:
            raise crashed() from None

    def acting(self) -> str:
        """The calling agent's UUID, where a row needs one. Raises Refused: a user is no agent."""
        if self.caller.id not in self.organization.agents:
            raise crashed()
        return self.caller.id


Handler: TypeAlias = Callable[[Request], dict[str, Any]]


def copied(row: Any) -> Any:
    """`row` as it is now, whatever becomes of it."""
    return json.loads(json.dumps(row))
