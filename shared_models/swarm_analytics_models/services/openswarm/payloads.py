"""Payloads of the OpenSwarm product-analytics ingest API, as the service accepts them.

Sources: the seed (0.1.0: `name` on agent.create) and the service's later fields (agent.title,
preferences.opt_out, branch_id). Unknown fields are ignored, as the service does; what the service
would turn into something else (NaN, integers beyond 64 bits) is refused.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from swarm_analytics_models.identifiers import MAX_IDENTITY_CHARACTERS
from swarm_analytics_models.values import FiniteFloat, FreeJson, Int64


class Payload(BaseModel):
    """What every payload shares: aliases on the wire, field names in Python, unknown fields ignored.

    Instances are validated again where they are used: free-form content may have been changed meanwhile.
    """

    model_config = ConfigDict(
        populate_by_name=True,
        validate_assignment=True,
        allow_inf_nan=False,
        revalidate_instances="always",
        defer_build=True,
    )


class EventMeta(Payload):
    """What the client stamps on an event; absent from every signature."""

    ts: FiniteFloat = Field(description="Client-side Unix time in seconds")
    submission_id: str = Field(description="UUID; the service deduplicates on (install, submission_id)")


class DeviceContext(Payload):
    """The machine an app runs on."""

    os: str
    os_version: str
    timezone: str | None = None
    locale: str | None = None


class AppOpened(EventMeta, DeviceContext):
    """The app was started."""

    app_version: str


class AppClosed(EventMeta):
    """The app is about to end."""


AgentRole = Literal["user", "assistant", "tool_call", "tool_result", "system", "thinking", "error"]
ThinkingLevel = Literal["off", "low", "medium", "high", "auto"]


class AgentMessage(Payload):
    """One transcript message; `content` is any JSON value (text, content blocks, a tool's payload)."""

    id: str
    role: AgentRole
    content: FreeJson = None
    parent_id: str | None = None
    branch_id: Int64 = 0
    provider: str | None = None
    model: str | None = None
    thinking_level: ThinkingLevel | None = None


class AgentCreated(EventMeta):
    """An agent came to be. Its title and transcript follow as events of their own."""

    agent_id: str = Field(alias="id")
    name: str | None = Field(default=None, exclude_if=lambda name: name is None)
    dashboard_id: str | None = None


class AgentTitled(EventMeta):
    """An agent was given a title, the first or a new one."""

    agent_id: str = Field(alias="id")
    title: str


class AgentMessageEvent(EventMeta):
    """One message of an agent's transcript; `seq` is the order within the agent."""

    agent_id: str
    seq: Int64
    message: AgentMessage


class DashboardEvent(EventMeta):
    """A dashboard was opened, closed, created or deleted."""

    dashboard_id: str
    action: Literal["open", "close", "create", "delete"]


class OnboardingStep(EventMeta):
    """A step of the first run was started, completed or abandoned."""

    step_id: str
    status: Literal["started", "completed", "abandoned"]


class LogWritten(EventMeta):
    """A diagnostic entry."""

    tag: str
    subtag: str | None = None
    data: FreeJson = None


class EmailLinked(Payload):
    """The user's e-mail address, linked to this install. An upsert: no submission id."""

    email: Annotated[str, Field(min_length=1, max_length=320)]


class InstallRegistered(Payload):
    """The bootstrap call that mints an install's token; the daemon makes it."""

    install_id: Annotated[str, Field(min_length=1, max_length=MAX_IDENTITY_CHARACTERS)]


class OptOut(Payload):
    """The user's decision on product analytics. An upsert: no submission id."""

    opted_out: bool


class InstallToken(Payload):
    """The bootstrap call's answer."""

    token: str = Field(min_length=1)
    install_id: str | None = None
