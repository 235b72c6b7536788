"""What OpenSpawn answers, as its server was found to answer. Fields beyond these are left out.

Each answer is ``{"data": ...}``, some with ``meta`` or ``secret`` beside it.
"""

from datetime import datetime
from typing import Any

from pydantic import ConfigDict, Field, SecretStr

from swarm_analytics_models.indexing import Indexed
from swarm_analytics_models.services.openspawn.enums import (
    AgentMode,
    AgentRole,
    AgentStatus,
    CreditType,
    EventSeverity,
    MessageType,
    TaskPriority,
    TaskStatus,
)


class Answer(Indexed):
    """Field names in Python, camel case on the wire; readable by index under either name."""

    model_config = ConfigDict(populate_by_name=True, frozen=True, defer_build=True)


class Capability(Answer):
    """Something that an agent can do."""

    capability: str
    proficiency: str


class Agent(Answer):
    """An agent. A list has less of each: what is not told is None."""

    id: str
    agent_id: str = Field(alias="agentId")
    name: str
    role: AgentRole
    level: int
    model: str | None = None
    status: AgentStatus
    current_balance: int = Field(alias="currentBalance")
    management_fee_pct: int | None = Field(default=None, alias="managementFeePct")
    budget_period_limit: int | None = Field(default=None, alias="budgetPeriodLimit")
    budget_period_spent: int | None = Field(default=None, alias="budgetPeriodSpent")
    parent_id: str | None = Field(default=None, alias="parentId")
    capabilities: list[Capability] | None = None
    metadata: dict[str, Any] | None = None
    created_at: datetime = Field(alias="createdAt")
    updated_at: datetime | None = Field(default=None, alias="updatedAt")


class AgentHierarchy(Agent):
    """An agent, and those below it as deep as was asked for."""

    mode: AgentMode | None = None
    max_children: int | None = Field(default=None, alias="maxChildren")
    children: list["AgentHierarchy"] = Field(default_factory=list)


class SpawnedAgent(Answer):
    """A child agent that was just made."""

    id: str
    agent_id: str = Field(alias="agentId")
    name: str
    level: int
    status: AgentStatus
    parent_id: str | None = Field(default=None, alias="parentId")


class RegisteredAgent(Answer):
    """An agent that was just registered."""

    id: str
    agent_id: str = Field(alias="agentId")
    name: str
    role: AgentRole
    level: int
    model: str | None = None


class AgentsAnswer(Answer):
    data: list[Agent]


class AgentAnswer(Answer):
    data: Agent


class HierarchyAnswer(Answer):
    data: AgentHierarchy


class SpawnAgentResponse(Answer):
    """A child agent with its secret, which is told this once: ``response["secret"]``."""

    data: SpawnedAgent
    secret: SecretStr
    message: str = ""


class CreateAgentResponse(Answer):
    """A registered agent with its secret, which is told this once: ``response["secret"]``."""

    data: RegisteredAgent
    secret: SecretStr
    message: str = ""


class BalanceData(Answer):
    balance: int
    budget_period_spent: int | None = Field(default=None, alias="budgetPeriodSpent")
    budget_period_limit: int | None = Field(default=None, alias="budgetPeriodLimit")


class BalanceAnswer(Answer):
    data: BalanceData


class TaskTag(Answer):
    """A tag of a task."""

    tag: str


class Task(Answer):
    """A task."""

    id: str
    identifier: str
    title: str
    description: str | None = None
    status: TaskStatus
    priority: TaskPriority
    creator_id: str = Field(alias="creatorId")
    assignee_id: str | None = Field(default=None, alias="assigneeId")
    parent_task_id: str | None = Field(default=None, alias="parentTaskId")
    approval_required: bool = Field(default=False, alias="approvalRequired")
    approved_by: str | None = Field(default=None, alias="approvedBy")
    approved_at: datetime | None = Field(default=None, alias="approvedAt")
    due_date: datetime | None = Field(default=None, alias="dueDate")
    completed_at: datetime | None = Field(default=None, alias="completedAt")
    tags: list[TaskTag] = Field(default_factory=list)
    metadata: dict[str, Any] | None = None
    created_at: datetime = Field(alias="createdAt")
    updated_at: datetime | None = Field(default=None, alias="updatedAt")


class TasksAnswer(Answer):
    data: list[Task]


class TaskAnswer(Answer):
    data: Task


class BudgetStatus(Answer):
    """What an agent has and may spend."""

    agent_id: str = Field(alias="agentId")
    """The server's UUID."""

    current_balance: int = Field(alias="currentBalance")
    budget_period_limit: int | None = Field(default=None, alias="budgetPeriodLimit")
    budget_period_spent: int = Field(default=0, alias="budgetPeriodSpent")
    budget_remaining: int | None = Field(default=None, alias="budgetRemaining")
    budget_period_start: datetime | None = Field(default=None, alias="budgetPeriodStart")
    utilization_percent: int | None = Field(default=None, alias="utilizationPercent")


class CreditTransfer(Answer):
    """Where both agents stand after a transfer."""

    from_agent: BudgetStatus = Field(alias="from")
    to_agent: BudgetStatus = Field(alias="to")


class TransferAnswer(Answer):
    data: CreditTransfer


class CreditTransaction(Answer):
    """One movement of credits."""

    id: str
    agent_id: str = Field(alias="agentId")
    """The server's UUID."""

    type: CreditType
    amount: int
    balance_after: int = Field(alias="balanceAfter")
    reason: str | None = None
    trigger_type: str | None = Field(default=None, alias="triggerType")
    source_task_id: str | None = Field(default=None, alias="sourceTaskId")
    source_agent_id: str | None = Field(default=None, alias="sourceAgentId")
    metadata: dict[str, Any] | None = None
    created_at: datetime = Field(alias="createdAt")


class CreditsMeta(Answer):
    """Of how many transactions these are some: ``meta["total"]``."""

    total: int
    limit: int
    offset: int


class CreditsAnswer(Answer):
    data: list[CreditTransaction]
    meta: CreditsMeta


class TransactionAnswer(Answer):
    data: CreditTransaction


class Message(Answer):
    """A message in a channel."""

    id: str
    channel_id: str = Field(alias="channelId")
    sender_id: str = Field(alias="senderId")
    recipient_id: str | None = Field(default=None, alias="recipientId")
    type: MessageType
    body: str
    parent_message_id: str | None = Field(default=None, alias="parentMessageId")
    metadata: dict[str, Any] | None = None
    created_at: datetime = Field(alias="createdAt")


class MessageAnswer(Answer):
    data: Message


class MessagesAnswer(Answer):
    data: list[Message]


class Event(Answer):
    """Something that happened in the organization.

    The server has neither `message` nor `metadata`, which its SDK reads; here they are read from what it has.
    """

    id: str
    org_id: str = Field(alias="orgId")
    type: str
    severity: EventSeverity
    actor_id: str | None = Field(default=None, alias="actorId")
    entity_type: str | None = Field(default=None, alias="entityType")
    entity_id: str | None = Field(default=None, alias="entityId")
    data: dict[str, Any] | None = None
    reasoning: str | None = None
    created_at: datetime = Field(alias="createdAt")

    @property
    def message(self) -> str:
        """The event's `reasoning`, or else its `type`."""
        return self.reasoning or self.type

    @property
    def metadata(self) -> dict[str, Any] | None:
        """The event's `data`."""
        return self.data


class EventsMeta(Answer):
    """Of how many events these are some: ``meta["total"]``. The server writes what was asked for as text."""

    total: int
    page: int
    limit: int


class EventsAnswer(Answer):
    data: list[Event]
    meta: EventsMeta


class EventAnswer(Answer):
    """Null for an id that no event has."""

    data: Event | None
