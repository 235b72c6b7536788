"""Swarms Cloud, declared.

A completion is billed each time it is executed, and the service remembers no key: one that may have been
executed is reported to its caller and never sent again. The two listings are cached; logs are read anew. Key,
base URL and numbers are those of the seed.
"""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel

from swarm_analytics_models.authentication import ApiKeyAuthentication
from swarm_analytics_models.calling import CallDefaults, Streaming
from swarm_analytics_models.categories import Category
from swarm_analytics_models.contract import Route, ServiceContract
from swarm_analytics_models.handling import Acknowledgement, Lane, TimeOuts
from swarm_analytics_models.idempotency import NaturallyIdempotent, NotIdempotent
from swarm_analytics_models.key_sources import EnvironmentKey
from swarm_analytics_models.services.swarms import payloads
from swarm_analytics_models.services.swarms.errors import read_error

API_KEY: Final = ApiKeyAuthentication(header="x-api-key", prefix="")
BILLED: Final = NotIdempotent(when_ambiguous="report")

LISTING_LIFE_S: Final = 3_600.0
"""For how long the listings of swarm types and models are kept: as long as the service's own client did."""

TIME_OUT_S: Final = 60.0
"""Of one request: the seed's `timeout`."""

_TIME_OUTS: Final = TimeOuts(read_s=TIME_OUT_S, total_s=TIME_OUT_S)

_AGENT_ANSWER: Final[Mapping[str, Any]] = {
    "id": "agent-0123456789abcdefghijklmnopqr",
    "success": True,
    "name": "Researcher",
    "description": None,
    "temperature": 0.5,
    "outputs": [{"role": "Researcher", "content": "Findings"}],
    "usage": {"input_tokens": 12, "output_tokens": 8, "total_tokens": 20},
    "timestamp": "2025-05-28T12:00:00+00:00",
}
_SWARM_ANSWER: Final[Mapping[str, Any]] = {
    "job_id": "swarms-0123456789abcdefghijklmnopqr",
    "status": "success",
    "swarm_name": "Research Swarm",
    "description": None,
    "swarm_type": "SequentialWorkflow",
    "output": [{"role": "Researcher", "content": "Findings"}],
    "number_of_agents": 1,
    "service_tier": "standard",
    "execution_time": 1.5,
}


def _completion(
    key: str,
    path: str,
    request: type[BaseModel],
    response: type[BaseModel],
    example: Any,
    *,
    body_field: str | None = None,
    streaming: str | None = None,
) -> Route:
    return Route(
        key=key,
        path=path,
        request=request,
        body_field=body_field,
        response=response,
        example=example,
        lane=Lane.CALL,
        category=Category.REQUEST,
        authentication=API_KEY,
        idempotency=BILLED,
        acknowledgement=Acknowledgement.JSON_OBJECT,
        ordering=None,
        streaming=Streaming(
            format="sse", event=payloads.CompletionPiece, field=streaming, media_type="text/event-stream"
        )
        if streaming is not None
        else None,
        time_outs=_TIME_OUTS,
    )


def _read(
    key: str,
    path: str,
    request: type[BaseModel],
    response: type[BaseModel],
    example: Any,
    *,
    cache_s: float | None = None,
    redacted: frozenset[str] = frozenset(),
) -> Route:
    return Route(
        key=key,
        method="GET",
        path=path,
        request=request,
        response=response,
        example=example,
        lane=Lane.CALL,
        category=Category.REQUEST,
        authentication=API_KEY,
        idempotency=NaturallyIdempotent(),
        acknowledgement=Acknowledgement.JSON_OBJECT,
        ordering=None,
        cache_s=cache_s,
        redacted=redacted,
        time_outs=_TIME_OUTS,
    )


SWARMS: Final = ServiceContract(
    name="swarms",
    title="Swarms Cloud",
    default_base_url="https://swarms-api-285321057562.us-east1.run.app",
    key_sources=(EnvironmentKey("SWARMS_API_KEY"),),
    calls=CallDefaults(
        max_retries=3,
        retry_delay_s=1.0,
        retry_most_s=30.0,
        max_in_flight=100,
        breaker_threshold=5,
        breaker_time_out_s=60.0,
        pool_size=100,
        keep_alive_s=5.0,
    ),
    read_error=read_error,
    routes=(
        _completion(
            "agent.create",
            "/v1/agent/completions",
            payloads.AgentCompletion,
            payloads.AgentCompletionResponse,
            _AGENT_ANSWER,
            streaming="agent_config.streaming_on",
        ),
        _completion(
            "agent.create_batch",
            "/v1/agent/batch/completions",
            payloads.AgentCompletionBatch,
            payloads.AgentBatchAnswer,
            [_AGENT_ANSWER],
            body_field="completions",
        ),
        _completion(
            "swarm.create",
            "/v1/swarm/completions",
            payloads.SwarmSpec,
            payloads.SwarmCompletionResponse,
            _SWARM_ANSWER,
            streaming="stream",
        ),
        _completion(
            "swarm.create_batch",
            "/v1/swarm/batch/completions",
            payloads.SwarmBatch,
            payloads.SwarmBatchAnswer,
            [{"status": "success", "swarm_name": "Research Swarm", "result": _SWARM_ANSWER["output"]}],
            body_field="swarms",
        ),
        _read(
            "swarm.list_types",
            "/v1/swarms/available",
            payloads.SwarmTypesRequest,
            payloads.SwarmTypesResponse,
            {"success": True, "swarm_types": ["SequentialWorkflow", "auto"]},
            cache_s=LISTING_LIFE_S,
        ),
        _read(
            "models.list",
            "/v1/models/available",
            payloads.ModelsRequest,
            payloads.ModelsResponse,
            {"success": True, "models": ["gpt-4o", "gpt-4o-mini"]},
            cache_s=LISTING_LIFE_S,
        ),
        _read(
            "logs.list",
            "/v1/swarm/logs",
            payloads.LogsRequest,
            payloads.LogsResponse,
            {
                "status": "success",
                "count": 1,
                "logs": [
                    {
                        "id": "log-1",
                        "api_key": "<redacted>",
                        "data": {"task": "Research"},
                        "created_at": "2025-05-28T12:00:00+00:00",
                    }
                ],
                "timestamp": "2025-05-28T12:00:01+00:00",
            },
            redacted=frozenset({"api_key"}),
        ),
    ),
)
