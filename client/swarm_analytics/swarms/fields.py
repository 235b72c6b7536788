"""Arguments as type checkers see them: a dict stands for a model wherever one is taken."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias, TypedDict

from swarm_analytics_models.services.swarms.payloads import AgentSpec, ScheduleSpec

Fields: TypeAlias = Mapping[str, Any]
History: TypeAlias = Fields | Sequence[Fields]


class SwarmFields(TypedDict, total=False):
    """What a swarm is told. One of `task`, `tasks` and `messages` must be given."""

    name: str | None
    description: str | None
    agents: Sequence[AgentSpec | Fields] | None
    max_loops: int
    """1 where it is not given."""

    swarm_type: str | None
    task: str | None
    tasks: Sequence[str] | None
    messages: Sequence[Fields] | None
    return_history: bool
    """True where it is not given."""

    rules: str | None
    schedule: ScheduleSpec | Fields | None
    service_tier: Literal["standard", "flex"]
    """``standard`` where it is not given."""

    rearrange_flow: str | None
    img: str | None
