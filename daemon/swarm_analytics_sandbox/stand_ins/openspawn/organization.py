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
        self.keep_agent(
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
        """What was sent. Agents that calls made are gone; the others have what they had at first."""
        self.tasks: dict[str, Row] = {}
        self.messages: dict[str, Row] = {}
        self.transactions: list[Row] = []
        self.events: list[Row] = []
        self.agents = {key: self.agents[key] for key in self._starting}
        for key, balance in self._starting.items():
            self.agents[key] |= {"currentBalance": balance, "budgetPeriodSpent": 0}

    def stamp(self) -> str:
        """This moment as ECMAScript writes it."""
        at = datetime.fromtimestamp(self._now(), UTC)
        return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def keep_agent(self, given: Mapping[str, Any], *, secret: str | None = None) -> None:
        """An agent that stays, or changes to the one of the same `agentId`."""
        agent = self.agent_named(given["agentId"])
        if agent is None:
            agent = self.add_agent(given)
        else:
            agent |= given
        if secret is not None:
            self.secrets[agent["id"]] = secret
        self._starting[agent["id"]] = agent["currentBalance"]

    def add_agent(self, given: Mapping[str, Any]) -> Row:
        """A new agent, with a secret of its own."""
        at = self.stamp()
        agent = _NEW_AGENT | {"id": str(uuid.uuid4()), "createdAt": at, "updatedAt": at, **given}
        self.agents[agent["id"]] = agent
        self.secrets[agent["id"]] = secrets.token_hex(32)
        return agent

    def agent_named(self, agent_id: str) -> Row | None:
        return next((row for row in self.agents.values() if row["agentId"] == agent_id), None)

    def emit(self, kind: str, actor: str, entity: str, entity_id: str, data: Row) -> None:
        self.events.append(
            {
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
        )


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
