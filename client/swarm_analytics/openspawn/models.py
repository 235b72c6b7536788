"""What OpenSpawn's calls take and return. Models are read by attribute or index: ``response["secret"]``."""

import re
import secrets
from typing import Any

from pydantic import Field

from swarm_analytics_models.services.openspawn.answers import (
    Agent,
    AgentHierarchy,
    BalanceData,
    BudgetStatus,
    Capability,
    CreateAgentResponse,
    CreditsMeta,
    CreditTransaction,
    CreditTransfer,
    Event,
    EventsMeta,
    Message,
    SpawnAgentResponse,
    SpawnedAgent,
    Task,
    TaskTag,
)
from swarm_analytics_models.services.openspawn.enums import MessageType, TaskStatus
from swarm_analytics_models.services.openspawn.requests import (
    CreateTaskRequest,
    NewCapability,
    RegisterAgent,
    Request,
    SendMessage,
    TransferCreditsRequest,
)

__all__ = [
    "Agent",
    "AgentHierarchy",
    "BudgetStatus",
    "Capability",
    "CreateAgentRequest",
    "CreateAgentResponse",
    "CreateTaskRequest",
    "CreditBalance",
    "CreditTransaction",
    "CreditTransfer",
    "CreditsMeta",
    "Event",
    "EventsMeta",
    "Message",
    "NewCapability",
    "SendMessageRequest",
    "SpawnAgentResponse",
    "SpawnedAgent",
    "Task",
    "TaskTag",
    "TransferCreditsRequest",
    "TransitionTaskRequest",
    "new_agent_id",
]


def new_agent_id(name: str) -> str:
    """An `agentId` that no other agent has: ``worker-agent-3f9c...`` for a ``Worker Agent``.

    The server demands one; its SDK never sends one.
    """
    words = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:80] or "agent"
    return f"{words}-{secrets.token_hex(6)}"


class CreateAgentRequest(RegisterAgent):
    """An agent to register. `agent_id` is made of the name where none is given."""

    agent_id: str = Field(
        alias="agentId", max_length=100, default_factory=lambda data: new_agent_id(str(data.get("name", "")))
    )


class TransitionTaskRequest(Request):
    """Where a task goes, and why: the server, which refuses `notes`, gets them as its `reason`."""

    status: TaskStatus
    notes: str | None = None


class SendMessageRequest(SendMessage):
    """A message to a channel, of type text unless another is given."""

    type: MessageType = MessageType.TEXT


class CreditBalance(int):
    """The credits that an agent has: the number that the SDK promises.

    What the server tells beside it is here, too, and None where it tells nothing. The server's own names work
    by index: ``balance["budgetPeriodLimit"]``.
    """

    budget_period_spent: int | None
    budget_period_limit: int | None

    def __new__(
        cls, balance: int, budget_period_spent: int | None = None, budget_period_limit: int | None = None
    ) -> "CreditBalance":
        made = super().__new__(cls, balance)
        made.budget_period_spent = budget_period_spent
        made.budget_period_limit = budget_period_limit
        return made

    @property
    def balance(self) -> int:
        """The number itself."""
        return int(self)

    def __getitem__(self, name: str) -> Any:
        return BalanceData(
            balance=self.balance,
            budget_period_spent=self.budget_period_spent,
            budget_period_limit=self.budget_period_limit,
        )[name]


def balance_of(data: BalanceData) -> CreditBalance:
    """The number in the server's object."""
    return CreditBalance(data.balance, data.budget_period_spent, data.budget_period_limit)
