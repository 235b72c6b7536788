"""How this service's routes are authenticated, repeated and waited for."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from pydantic import BaseModel

from swarm_analytics_models.authentication import (
    ApiKeyAuthentication,
    Authentication,
    ResourceKeyAuthentication,
)
from swarm_analytics_models.calling import Streaming
from swarm_analytics_models.categories import Category
from swarm_analytics_models.contract import Route
from swarm_analytics_models.handling import Acknowledgement, Lane, TimeOuts, Verdict
from swarm_analytics_models.idempotency import (
    KEY_HEX,
    Idempotency,
    InProgress,
    KeyInHeader,
    NaturallyIdempotent,
)

Method: TypeAlias = Literal["GET", "POST", "PATCH", "DELETE"]

API_KEY: Final = ApiKeyAuthentication(header="Authorization", prefix="Bearer ")
INGESTION_KEY: Final = ResourceKeyAuthentication(
    mint_route="ingestion_keys.create",
    resource_field="experiment_id",
    token_field="data.token",  # noqa: S106 - a field name
    expires_field="data.key.expires_at_ms",
    renew_before_s=300.0,
    refused=frozenset({401, 403}),
    name_field="name",
)

READ: Final[Idempotency] = NaturallyIdempotent()
WRITE: Final[Idempotency] = KeyInHeader(
    headers=("Idempotency-Key",),
    value=f"syvain-metrics-api-client-{KEY_HEX}",
    in_progress=InProgress(status=409, code="idempotency_key_in_progress", every_s=0.5, most=10),
)
ORDINARY: Final = TimeOuts(connect_s=5.0, read_s=10.0, total_s=10.0)
INGESTION: Final = TimeOuts(connect_s=5.0, read_s=60.0, total_s=60.0)
"""Synchronous ingestion is waited for (seed, "Host and Timeouts")."""

UNKNOWN_EXPERIMENT: Final = MappingProxyType({404: Verdict.EVENT})
"""An experiment that is not there is the fault of the metrics that name it: other experiments' go on."""


def call(
    key: str,
    method: Method,
    path: str,
    request: type[BaseModel],
    response: type[BaseModel],
    idempotency: Idempotency,
    *,
    authentication: Authentication = API_KEY,
    query: tuple[str, ...] = (),
    time_outs: TimeOuts = ORDINARY,
    streaming: Streaming | None = None,
    verdicts: Mapping[int, Verdict] = MappingProxyType({}),
) -> Route:
    return Route(
        key=key,
        method=method,
        path=path,
        request=request,
        response=response,
        lane=Lane.CALL,
        category=Category.REQUEST,
        authentication=authentication,
        idempotency=idempotency,
        acknowledgement=Acknowledgement.JSON_OBJECT,
        ordering=None,
        query=query,
        time_outs=time_outs,
        streaming=streaming,
        verdicts=verdicts,
    )
