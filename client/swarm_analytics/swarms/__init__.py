"""Swarms Cloud, through the local daemon: the names of Swarms Cloud's own Python SDK.

from swarm_analytics.swarms import SwarmsClient

with SwarmsClient(api_key="...") as client:
    response = client.agent.create(agent_config={"agent_name": "Researcher"}, task="Summarize ...")
"""

from swarm_analytics.errors import MayBeExecuted
from swarm_analytics.swarms.client import SwarmsClient
from swarm_analytics.swarms.errors import (
    APIError,
    AuthenticationError,
    InsufficientCreditsError,
    InvalidRequestError,
    NetworkError,
    NoAnswerError,
    RateLimitError,
    SwarmsError,
    TimeoutError,
)
from swarm_analytics_models.services.swarms.events import (
    AgentEndEvent,
    AgentStartEvent,
    AnswerEvent,
    ChunkEvent,
    CompletionEvent,
    DoneEvent,
    EndEvent,
    MetadataEvent,
    OtherEvent,
    StartEvent,
    UsageEvent,
)
from swarm_analytics_models.services.swarms.payloads import (
    AgentCompletion,
    AgentCompletionResponse,
    AgentSpec,
    LogEntry,
    LogsResponse,
    ModelsResponse,
    ScheduleSpec,
    SwarmCompletionResponse,
    SwarmSpec,
    SwarmTypesResponse,
    Usage,
)
from swarm_analytics_models.services.swarms.requests import KNOWN_SWARM_TYPES

__all__ = [
    "KNOWN_SWARM_TYPES",
    "APIError",
    "AgentCompletion",
    "AgentCompletionResponse",
    "AgentEndEvent",
    "AgentSpec",
    "AgentStartEvent",
    "AnswerEvent",
    "AuthenticationError",
    "ChunkEvent",
    "CompletionEvent",
    "DoneEvent",
    "EndEvent",
    "InsufficientCreditsError",
    "InvalidRequestError",
    "LogEntry",
    "LogsResponse",
    "MayBeExecuted",
    "MetadataEvent",
    "ModelsResponse",
    "NetworkError",
    "NoAnswerError",
    "OtherEvent",
    "RateLimitError",
    "ScheduleSpec",
    "StartEvent",
    "SwarmCompletionResponse",
    "SwarmSpec",
    "SwarmTypesResponse",
    "SwarmsClient",
    "SwarmsError",
    "TimeoutError",
    "Usage",
    "UsageEvent",
]
