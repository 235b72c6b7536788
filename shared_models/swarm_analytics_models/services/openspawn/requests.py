"""What is sent to OpenSpawn. Source: the server's own validation; its SDK's models where they add a name.

The server refuses fields that it does not know, and takes a null in some places for a value: what is not
given is left out. An `id` is the server's UUID; the `agent_id` that names an agent at its making is a text.
"""

from datetime import datetime
from typing import Annotated

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
)

from swarm_analytics_models.payload import OmitsNone
from swarm_analytics_models.services.openspawn.enums import (
    AgentMode,
    AgentRole,
    EventSeverity,
    MessageType,
    Proficiency,
    TaskPriority,
    TaskStatus,
)
from swarm_analytics_models.values import INT64_MAX, FreeJson, Int64, one_segment


def _iso_8601(text: str) -> str:
    datetime.fromisoformat(text)
    return text


Timestamp = Annotated[str, AfterValidator(_iso_8601), Field(json_schema_extra={"format": "date-time"})]
"""A date and time in ISO 8601."""


PathId = Annotated[str, AfterValidator(one_segment)]
"""An id that stands in a path."""

Natural = Annotated[int, Field(ge=0, le=INT64_MAX)]
Positive = Annotated[int, Field(ge=1, le=INT64_MAX)]


class Request(OmitsNone):
    """Field names in Python, camel case on the wire; what is None is left out, what is unknown refused."""

    model_config = ConfigDict(
        populate_by_name=True,
        validate_assignment=True,
        allow_inf_nan=False,
        extra="forbid",
        revalidate_instances="always",
        defer_build=True,
    )


class ListAgents(Request):
    """All agents of the organization, the newest first."""


class GetAgent(Request):
    """One agent, with its budget and capabilities."""

    id: PathId


class NewCapability(Request):
    """Something that a new agent can do."""

    capability: str = Field(max_length=100)
    proficiency: Proficiency | None = None


class RegisterAgent(Request):
    """Register an agent, which is active at once: for agents of the role hr, by signature only."""

    name: str = Field(max_length=255)
    agent_id: str = Field(alias="agentId", max_length=100)
    role: AgentRole | None = None
    level: int | None = Field(default=None, ge=1, le=10)
    model: str | None = Field(default=None, max_length=100)
    mode: AgentMode | None = None
    management_fee_pct: int | None = Field(default=None, alias="managementFeePct", ge=0, le=50)
    budget_period_limit: Natural | None = Field(default=None, alias="budgetPeriodLimit")
    capabilities: list[NewCapability] | None = None
    metadata: dict[str, FreeJson] | None = None


class SpawnAgent(Request):
    """Make a child agent of the calling one. It is pending until its parent activates it."""

    name: str = Field(max_length=255)
    agent_id: str = Field(alias="agentId", max_length=100)
    level: Int64 | None = Field(default=None, description="lower than the calling agent's")
    model: str | None = Field(default=None, max_length=100)
    budget_period_limit: Int64 | None = Field(default=None, alias="budgetPeriodLimit")
    metadata: dict[str, FreeJson] | None = Field(default=None, description="the server ignores it")


class GetHierarchy(Request):
    """An agent and what is below it."""

    id: PathId
    depth: Natural = 3


class GetAgentBalance(Request):
    """What an agent has."""

    id: PathId


class CreateTaskRequest(Request):
    """Make a task, in the backlog."""

    title: str = Field(max_length=255)
    description: str | None = None
    priority: TaskPriority | None = None
    assignee_id: str | None = Field(default=None, alias="assigneeId")
    parent_task_id: str | None = Field(default=None, alias="parentTaskId")
    approval_required: bool | None = Field(default=None, alias="approvalRequired")
    due_at: Timestamp | None = Field(default=None, alias="dueAt")
    tags: list[str] | None = None
    metadata: dict[str, FreeJson] | None = None


class ListTasks(Request):
    """Tasks, the newest first, as far as they fit every filter."""

    status: TaskStatus | None = None
    assignee_id: str | None = Field(default=None, alias="assigneeId")
    creator_id: str | None = Field(default=None, alias="creatorId")
    parent_task_id: str | None = Field(default=None, alias="parentTaskId")


class GetTask(Request):
    """One task."""

    id: PathId


class TransitionTask(Request):
    """Move a task on."""

    id: PathId
    status: TaskStatus
    reason: str | None = None


class AssignTask(Request):
    """Give a task to an agent."""

    id: PathId
    assignee_id: str = Field(alias="assigneeId")


class ApproveTask(Request):
    """Approve a task that needs it."""

    id: PathId


class GetBalance(Request):
    """What the calling agent has."""


class TransferCreditsRequest(Request):
    """Move credits from the calling agent to a child or sibling of its."""

    to_agent_id: str = Field(alias="toAgentId")
    amount: Positive
    reason: str | None = None


class ListCredits(Request):
    """Credit transactions of the calling agent, the newest first."""

    limit: Positive = 50
    offset: Natural = 0


class SpendCredits(Request):
    """Take credits from the calling agent."""

    amount: Positive
    reason: str
    trigger_type: str | None = Field(default=None, alias="triggerType")
    source_task_id: str | None = Field(default=None, alias="sourceTaskId")
    source_agent_id: str | None = Field(default=None, alias="sourceAgentId")


class SendMessage(Request):
    """Send a message to a channel."""

    channel_id: str = Field(alias="channelId")
    type: MessageType
    body: str
    parent_message_id: str | None = Field(default=None, alias="parentMessageId")
    metadata: dict[str, FreeJson] | None = None


class ListMessages(Request):
    """The newest messages of a channel, in the order in which they were sent."""

    channel_id: str = Field(alias="channelId")
    limit: Positive = 50
    before: str | None = Field(default=None, description="id of a message: only older ones")


class GetThread(Request):
    """The replies to a message, in the order in which they were sent."""

    id: PathId


class ListEvents(Request):
    """Events, the newest first, as far as they fit every filter."""

    type: str | None = None
    actor_id: str | None = Field(default=None, alias="actorId")
    entity_type: str | None = Field(default=None, alias="entityType")
    entity_id: str | None = Field(default=None, alias="entityId")
    severity: EventSeverity | None = None
    start_date: Timestamp | None = Field(default=None, alias="startDate")
    end_date: Timestamp | None = Field(default=None, alias="endDate")
    page: Positive = 1
    limit: Positive = 50


class GetEvent(Request):
    """One event."""

    id: PathId
