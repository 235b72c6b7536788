"""The pieces of a completion that is streamed. Source: the service's later documentation."""

from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Discriminator, Field, RootModel, Tag, model_validator

from swarm_analytics_models.services.swarms.answers import (
    AgentCompletionResponse,
    SwarmCompletionResponse,
    Usage,
)


class StreamedEvent(BaseModel):
    """One event of a stream. `event` is its kind; what is not declared is kept as attributes."""

    model_config = ConfigDict(extra="allow", defer_build=True)


class MetadataEvent(StreamedEvent):
    """The first: what is being executed."""

    event: Literal["metadata"]
    job_id: str | None = None
    name: str | None = None
    """Of an agent."""

    swarm_name: str | None = None
    swarm_type: str | None = None
    number_of_agents: int | None = None
    timestamp: str | None = None


class StartEvent(StreamedEvent):
    """The completion begins."""

    event: Literal["start"]
    message: str | None = None


class AgentStartEvent(StreamedEvent):
    """An agent of a swarm begins."""

    event: Literal["agent_start"]
    agent: str


class ChunkEvent(StreamedEvent):
    """A piece of text."""

    event: Literal["chunk"]
    content: str
    agent: str | None = None
    """Which agent of a swarm says it; several may speak at once."""

    timestamp: str | None = None


class AgentEndEvent(StreamedEvent):
    """An agent of a swarm has ended; what it said was in its chunks."""

    event: Literal["agent_end"]
    agent: str


class UsageEvent(StreamedEvent, Usage):
    """Tokens that were used."""

    event: Literal["usage"]


class EndEvent(StreamedEvent):
    """All is done."""

    event: Literal["end"]
    job_id: str | None = None
    status: str | None = None
    execution_time: float | None = None
    """Seconds."""

    usage: Usage | None = None
    complete: bool | None = None
    timestamp: str | None = None


class DoneEvent(StreamedEvent):
    """The last of an agent's stream."""

    event: Literal["done"]
    message: str | None = None


class AnswerEvent(StreamedEvent):
    """The whole answer in one piece: from a service that does not stream."""

    event: Literal["answer"]
    answer: SwarmCompletionResponse | AgentCompletionResponse = Field(union_mode="left_to_right")


class OtherEvent(StreamedEvent):
    """A kind that is not known here."""

    event: str


_KNOWN: Final = frozenset(
    {"metadata", "start", "agent_start", "chunk", "agent_end", "usage", "end", "done", "answer"}
)


def _kind(event: Any) -> str:
    name = event.get("event") if isinstance(event, dict) else getattr(event, "event", None)
    return name if isinstance(name, str) and name in _KNOWN else "other"


CompletionEvent: TypeAlias = (
    MetadataEvent
    | StartEvent
    | AgentStartEvent
    | ChunkEvent
    | AgentEndEvent
    | UsageEvent
    | EndEvent
    | DoneEvent
    | AnswerEvent
    | OtherEvent
)


class CompletionPiece(
    RootModel[
        Annotated[
            Annotated[MetadataEvent, Tag("metadata")]
            | Annotated[StartEvent, Tag("start")]
            | Annotated[AgentStartEvent, Tag("agent_start")]
            | Annotated[ChunkEvent, Tag("chunk")]
            | Annotated[AgentEndEvent, Tag("agent_end")]
            | Annotated[UsageEvent, Tag("usage")]
            | Annotated[EndEvent, Tag("end")]
            | Annotated[DoneEvent, Tag("done")]
            | Annotated[AnswerEvent, Tag("answer")]
            | Annotated[OtherEvent, Tag("other")],
            Discriminator(_kind),
        ]
    ]
):
    """An event of any kind.

    The first frame of an agent's stream has no event's name, and says in its data what it is. An answer that
    did not come in pieces has neither.
    """

    @model_validator(mode="before")
    @classmethod
    def _name_it(cls, piece: Any) -> Any:
        if not isinstance(piece, dict):
            return piece
        if "event" not in piece:
            return {"event": "answer", "answer": piece}
        if piece["event"] == "message" and isinstance(piece.get("type"), str):
            return {**piece, "event": piece["type"]}
        return piece
