"""What Swarms Cloud is asked for.

Sources: the seed, the client of that time (0.1.6, for `rearrange_flow`, `img`, `mcp_url` and for fields that
travel as null) and the service's later documentation (`streaming_on`). Fields that are not declared here
travel as they are given, so that a newer service can be asked for what it added.
"""

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    model_validator,
)
from pydantic_core import PydanticCustomError

from swarm_analytics_models.values import FiniteFloat, FreeJson, Int64

KNOWN_SWARM_TYPES: Final = frozenset(
    {
        "AgentRearrange",
        "AutoSwarmBuilder",
        "BatchedGridWorkflow",
        "ConcurrentWorkflow",
        "CouncilAsAJudge",
        "DebateWithJudge",
        "DeepResearchSwarm",
        "GroupChat",
        "HeavySwarm",
        "HiearchicalSwarm",
        "HierarchicalSwarm",
        "InteractiveGroupChat",
        "LLMCouncil",
        "MALT",
        "MajorityVoting",
        "MixtureOfAgents",
        "MultiAgentRouter",
        "PlannerWorkerSwarm",
        "RoundRobin",
        "SequentialWorkflow",
        "SpreadSheetSwarm",
        "auto",
    }
)
"""Every spelling that a version of the service has taken, the slip ``Hiearchical`` included."""

SWARM_TYPES: Final = "swarm_types"
"""Validation context: the swarm types to accept. Without it any is, as what the service takes changes."""

NO_TASK: Final = "no_task"
"""Type of the error of a swarm that is given nothing to do."""


def _accepted(value: str, info: ValidationInfo) -> str:
    accepted = info.context.get(SWARM_TYPES) if isinstance(info.context, dict) else None
    if accepted is not None and value not in accepted:
        raise PydanticCustomError(
            "unknown_swarm_type",
            "{value} is no swarm type; use one of {accepted}, or name a newer one in swarm_types",
            {"value": repr(value), "accepted": ", ".join(sorted(accepted))},
        )
    return value


def _as_text(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


class Payload(BaseModel):
    """What every request shares: what is not declared travels, too, and must be sound JSON.

    Instances are validated again where they are used: free-form content may have been changed meanwhile.
    """

    model_config = ConfigDict(
        extra="allow",
        validate_assignment=True,
        allow_inf_nan=False,
        revalidate_instances="always",
        defer_build=True,
        protected_namespaces=(),
    )

    __pydantic_extra__: dict[str, FreeJson]


class AgentSpec(Payload):
    """An agent: who it is, which model it uses, and how far it may go."""

    agent_name: str = Field(min_length=1)
    description: str | None = None
    system_prompt: str | None = None
    model_name: str = "gpt-4o-mini"
    auto_generate_prompt: bool = False
    max_tokens: Int64 = 8192
    temperature: FiniteFloat = Field(default=0.5, ge=0, le=1)
    role: str | None = Field(default=None, exclude_if=lambda role: role is None)
    max_loops: Int64 = 1
    tools_dictionary: list[dict[str, FreeJson]] | None = None
    mcp_url: str | None = None
    streaming_on: bool | None = Field(default=None, exclude_if=lambda asked: asked is None)


class AgentCompletion(Payload):
    """A task for one agent. Each time it is sent, it is executed and billed."""

    agent_config: AgentSpec
    task: str
    history: dict[str, FreeJson] | list[dict[str, FreeJson]] | None = None


class AgentCompletionBatch(BaseModel):
    """Tasks for several agents. Each time it is sent, all are executed and billed."""

    completions: list[AgentCompletion] = Field(min_length=1)


class ScheduleSpec(Payload):
    """When a swarm is to start."""

    scheduled_time: Annotated[str, BeforeValidator(_as_text)]
    timezone: str = "UTC"


class SwarmSpec(Payload):
    """A task for a swarm of agents. Each time it is sent, it is executed and billed."""

    name: str | None = Field(default=None, max_length=100)
    description: str | None = None
    agents: list[AgentSpec] | None = None
    max_loops: Int64 = 1
    swarm_type: Annotated[str, AfterValidator(_accepted)] | None = None
    rearrange_flow: str | None = None
    task: str | None = None
    img: str | None = None
    return_history: bool = True
    rules: str | None = None
    schedule: ScheduleSpec | None = None
    tasks: list[str] | None = None
    messages: list[dict[str, FreeJson]] | None = None
    stream: bool = False
    service_tier: Literal["standard", "flex"] = "standard"

    @model_validator(mode="after")
    def _has_something_to_do(self) -> "SwarmSpec":
        if not (self.task or self.tasks or self.messages):
            raise PydanticCustomError(NO_TASK, "a swarm needs a task, tasks or messages; give one of them")
        return self


class SwarmBatch(BaseModel):
    """Tasks for several swarms. Each time it is sent, all are executed and billed."""

    swarms: list[SwarmSpec] = Field(min_length=1)


class SwarmTypesRequest(BaseModel):
    """The types of swarm that the service offers."""


class ModelsRequest(BaseModel):
    """The models that agents may use."""


class LogsRequest(BaseModel):
    """What was asked with this key, as the service logged it."""
