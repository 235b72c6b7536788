"""How the stand-in for Swarms Cloud behaves: which of its generations it plays, and what ails it."""

from collections.abc import Mapping
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

SEEDS_TYPES: Final = (
    "AgentRearrange",
    "MixtureOfAgents",
    "SpreadSheetSwarm",
    "SequentialWorkflow",
    "ConcurrentWorkflow",
    "GroupChat",
    "MultiAgentRouter",
    "AutoSwarmBuilder",
    "HiearchicalSwarm",
    "auto",
    "MajorityVoting",
    "MALT",
    "DeepResearchSwarm",
)
LATER_TYPES: Final = (
    "AgentRearrange",
    "MixtureOfAgents",
    "SequentialWorkflow",
    "ConcurrentWorkflow",
    "GroupChat",
    "MultiAgentRouter",
    "AutoSwarmBuilder",
    "HierarchicalSwarm",
    "auto",
    "MajorityVoting",
    "CouncilAsAJudge",
    "HeavySwarm",
    "BatchedGridWorkflow",
    "LLMCouncil",
    "DebateWithJudge",
    "RoundRobin",
    "PlannerWorkerSwarm",
)
MODELS: Final = ("gpt-4.1", "gpt-4.1-mini", "gpt-4o", "gpt-4o-mini", "openai/o3-mini")


class Modes(BaseModel):
    """What ``POST /_sandbox/state/swarms`` takes; what it does not name stays as it is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    generation: Literal["seed", "later"] = "seed"
    """`seed`: what goes wrong in a completion is wrapped in a 500, an unknown key is answered with 403, and
    nothing is streamed. `later`: real statuses, 401 for a missing or unknown key, rate-limit headers,
    `job_id` in place of an agent's `id`, `count` null, a batch of agents as an object, answers streamed."""

    output: Literal["list", "dict"] = "list"
    """What a swarm's output is."""

    agent_batch: Literal["array", "object"] | None = None
    """What a batch of agents is answered with; None: as the generation has it."""

    accepted_keys: frozenset[str] | None = None
    """None: every key but the revoked ones."""

    revoked_keys: frozenset[str] = frozenset()
    credits_left: int | None = Field(default=None, ge=0)
    """Completions that are still paid for; None: any number."""

    premium: bool = True
    """Whether batches may be sent, which later services leave to premium accounts."""

    rate_limit: int | None = Field(default=None, ge=0)
    """Requests in one window of 60 s; None: any number. The service has 100."""

    models: tuple[str, ...] = MODELS

    @property
    def swarm_types(self) -> tuple[str, ...]:
        return SEEDS_TYPES if self.generation == "seed" else LATER_TYPES

    def changed(self, settings: Mapping[str, Any]) -> "Modes":
        """These modes with `settings` in force. Raises ValueError, naming what is wrong."""
        try:
            return Modes.model_validate({**self.model_dump(), **settings})
        except ValidationError as error:
            raise ValueError(f"{error}; the settings are {', '.join(Modes.model_fields)}") from error

    def shown(self) -> dict[str, Any]:
        """As JSON, with the keys counted and not shown."""
        keys = {"accepted_keys", "revoked_keys"}
        accepted = None if self.accepted_keys is None else len(self.accepted_keys)
        return {
            **self.model_dump(mode="json", exclude=keys),
            "accepted_keys": accepted,
            "revoked_keys": len(self.revoked_keys),
        }
