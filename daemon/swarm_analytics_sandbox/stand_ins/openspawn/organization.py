"""One organization's rows, by the names under which the server answers them."""

import secrets
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

Row: TypeAlias = dict[str, Any]

ORGANIZATION: Final = "00000000-0000-4000-8000-0000000000a0"
USER: Final = "00000000-0000-4000-8000-0000000000b0"
"""Whose API keys are: a person, not an agent."""

FOUNDER: Final = "00000000-0000-4000-8000-000000000001"
FOUNDER_ID: Final = "talent"
FOUNDER_SECRET: Final = "0123456789abcdef" * 4  # opens the sandbox only
FOUNDER_BALANCE: Final = 1_000
CHANNEL: Final = "00000000-0000-4000-8000-0000000000c0"


class Organization:
    """Starts with one agent of level 10 and role hr, and one channel."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.agents: dict[str, Row] = {}
        self.secrets: dict[str, str] = {}
        """By the agent's UUID."""

        self._starting: dict[str, int] = {}
        self.channels = {CHANNEL: "general"}
        self.forget()
        self.add_agent(
            {
                "id": FOUNDER,
                "agentId": FOUNDER_ID,
                "name": "Talent",
                "level": 10,
                "role": "hr",
                "currentBalance": FOUNDER_BALANCE,
            },
            secret=FOUNDER_SECRET,
        )

    def forget(self) -> None:
        """All but who may come in, and what each had at first."""
        self.tasks: dict[str, Row] = {}
        self.messages: dict[str, Row] = {}
        self.transactions: list[Row] = []
        self.events: list[Row] = []
        for key, agent in self.agents.items():
            agent |= {"currentBalance": self._starting[key], "budgetPeriodSpent": 0}

    def stamp(self) -> str:
        """This moment as ECMAScript writes it."""
        at = datetime.fromtimestamp(self._now(), UTC)
        return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def add_agent(self, given: Mapping[str, Any], *, secret: str | None = None) -> Row:
        """A new agent, or changes to the one of the same `agentId`; made without a secret, it gets one."""
        known = next((row for row in self.agents.values() if row["agentId"] == given["agentId"]), None)
        if known is not None:
            known |= given
            agent = known
        else:
            at = self.stamp()
            agent = _NEW_AGENT | {"id": str(uuid.uuid4()), "createdAt": at, "updatedAt": at, **given}
            self.agents[agent["id"]] = agent
            self.secrets[agent["id"]] = secrets.token_hex(32)
        if secret is not None:
            self.secrets[agent["id"]] = secret
        self._starting[agent["id"]] = agent["currentBalance"]
        return agent

    def agent_named(self, agent_id: str) -> Row | None:
        return next((row for row in self.agents.values() if row["agentId"] == agent_id), None)

    def emit(self, kind: str, actor: str, entity: str, entity_id: str, data: Row, **more: Any) -> None:
        event = {
            "id": str(uuid.uuid4()),
            "orgId": ORGANIZATION,
            "type": kind,
            "actorId": actor,
            "entityType": entity,
            "entityId": entity_id,
            "data": data,
            "severity": "info",
            "reasoning": None,
            "createdAt": self.stamp(),
        }
        self.events.append(event | more)


_NEW_AGENT: Final[Row] = {
    "orgId": ORGANIZATION,
    "level": 1,
    "model": "sonnet",
    "status": "active",
    "role": "worker",
    "mode": "worker",
    "managementFeePct": 0,
    "currentBalance": 0,
    "budgetPeriodLimit": None,
    "budgetPeriodSpent": 0,
    "budgetPeriodStart": None,
    "parentId": None,
    "maxChildren": 0,
    "metadata": {},
    "capabilities": [],
}


def bare(agent: Row, secret: str) -> Row:
    """The whole row as the server leaks it, encrypted secret included."""
    leaked = {"type": "Buffer", "data": list(bytes.fromhex(secret)[::-1])}
    return {name: value for name, value in agent.items() if name != "capabilities"} | {
        "hmacSecretEnc": leaked
    }
