"""The models of Swarms Cloud, in one place for the generated client."""

from swarm_analytics_models.services.swarms.answers import (
    AgentBatchAnswer,
    AgentCompletionResponse,
    LogEntry,
    LogsResponse,
    ModelsResponse,
    SwarmBatchAnswer,
    SwarmCompletionResponse,
    SwarmTypesResponse,
    Usage,
)
from swarm_analytics_models.services.swarms.events import CompletionPiece
from swarm_analytics_models.services.swarms.requests import (
    AgentCompletion,
    AgentCompletionBatch,
    AgentSpec,
    LogsRequest,
    ModelsRequest,
    ScheduleSpec,
    SwarmBatch,
    SwarmSpec,
    SwarmTypesRequest,
)

__all__ = [
    "AgentBatchAnswer",
    "AgentCompletion",
    "AgentCompletionBatch",
    "AgentCompletionResponse",
    "AgentSpec",
    "CompletionPiece",
    "LogEntry",
    "LogsRequest",
    "LogsResponse",
    "ModelsRequest",
    "ModelsResponse",
    "ScheduleSpec",
    "SwarmBatch",
    "SwarmBatchAnswer",
    "SwarmCompletionResponse",
    "SwarmSpec",
    "SwarmTypesRequest",
    "SwarmTypesResponse",
    "Usage",
]
