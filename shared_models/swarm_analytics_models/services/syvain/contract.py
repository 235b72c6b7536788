"""Syvain Metrics, declared.

Metrics without ``sync`` are events: one row each, known by the `client_event_id` that its caller gave it, and
up to 1,000 in a request. All else is a call. Metrics and annotations are written with an ingestion key, which
is minted for their experiment with the API key; everything else is asked for with the API key itself.
"""

from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from pydantic import BaseModel

from swarm_analytics_models.authentication import (
    ApiKeyAuthentication,
    Authentication,
    ResourceKeyAuthentication,
)
from swarm_analytics_models.calling import CallDefaults, Streaming
from swarm_analytics_models.categories import Category
from swarm_analytics_models.contract import Route, ServiceContract
from swarm_analytics_models.handling import Acknowledgement, Batching, Lane, TimeOuts, Verdict
from swarm_analytics_models.idempotency import (
    KEY_HEX,
    Idempotency,
    InProgress,
    KeyInBody,
    KeyInHeader,
    NaturallyIdempotent,
    NotIdempotent,
)
from swarm_analytics_models.key_sources import KeyFile
from swarm_analytics_models.services.syvain import payloads
from swarm_analytics_models.services.syvain.errors import read_error

Method: TypeAlias = Literal["GET", "POST", "PATCH", "DELETE"]

BASE_URL: Final = "https://metrics.syvain.com"
DEVELOPMENT_BASE_URL: Final = "https://syvain-metrics-app-dev.syvaintech.workers.dev"

API_KEY: Final = ApiKeyAuthentication(header="Authorization", prefix="Bearer ")
INGESTION_KEY: Final = ResourceKeyAuthentication(
    mint_route="ingestion_keys.create",
    resource_field="experiment_id",
    token_field="data.token",  # noqa: S106 - a field name
    expires_field="data.key.expires_at_ms",
    renew_before_s=300.0,
    refused=frozenset({401, 403}),
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

EXPERIMENTS: Final = "/api/v1/experiments"
EXPERIMENT: Final = "/api/v1/experiments/{experiment_id}"
FOLDERS: Final = "/api/v1/folders"


def _call(
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
    )


SYVAIN: Final = ServiceContract(
    name="syvain",
    title="Syvain Metrics",
    default_base_url=BASE_URL,
    key_sources=(
        KeyFile("local", ("syvain-metrics", "auth.json"), "apiKey", "host", BASE_URL),
        KeyFile("local-dev", ("syvain-metrics-dev", "auth.json"), "apiKey", "host", DEVELOPMENT_BASE_URL),
    ),
    calls=CallDefaults(
        max_retries=2,
        retry_delay_s=0.25,
        retry_most_s=0.5,
        max_in_flight=32,
        breaker_threshold=10,
        breaker_time_out_s=30.0,
        pool_size=32,
        keep_alive_s=15.0,
    ),
    read_error=read_error,
    routes=(
        _call(
            "auth.status",
            "GET",
            "/api/v1/auth/status",
            payloads.AuthStatusRead,
            payloads.AuthStatusAnswer,
            READ,
        ),
        _call("folders.list", "GET", FOLDERS, payloads.FoldersListed, payloads.FoldersAnswer, READ),
        _call("folders.create", "POST", FOLDERS, payloads.FolderCreateInput, payloads.FolderAnswer, WRITE),
        _call(
            "folders.get",
            "GET",
            "/api/v1/folders/{folder_id}",
            payloads.FolderRead,
            payloads.FolderContentsAnswer,
            READ,
        ),
        _call(
            "folders.patch",
            "PATCH",
            "/api/v1/folders/{folder_id}",
            payloads.FolderPatched,
            payloads.FolderAnswer,
            WRITE,
        ),
        _call(
            "experiments.list",
            "GET",
            EXPERIMENTS,
            payloads.ExperimentsListed,
            payloads.ExperimentsAnswer,
            READ,
        ),
        _call(
            "experiments.create",
            "POST",
            EXPERIMENTS,
            payloads.ExperimentCreateInput,
            payloads.ExperimentAnswer,
            WRITE,
        ),
        _call("experiments.get", "GET", EXPERIMENT, payloads.ExperimentRead, payloads.ExperimentAnswer, READ),
        _call(
            "experiments.update_status",
            "POST",
            EXPERIMENT,
            payloads.ExperimentStatusUpdated,
            payloads.ExperimentAnswer,
            WRITE,
        ),
        _call(
            "experiments.move",
            "PATCH",
            EXPERIMENT,
            payloads.ExperimentMoved,
            payloads.ExperimentAnswer,
            WRITE,
        ),
        _call(
            "metrics.list",
            "GET",
            f"{EXPERIMENT}/metrics",
            payloads.MetricsListed,
            payloads.RowsAnswer,
            READ,
        ),
        _call(
            "metrics.compare", "GET", "/api/v1/metrics", payloads.MetricsCompared, payloads.RowsAnswer, READ
        ),
        _call(
            "metrics.ingest",
            "POST",
            f"{EXPERIMENT}/ingest",
            payloads.MetricsIngested,
            payloads.IngestAnswer,
            WRITE,
            authentication=INGESTION_KEY,
            query=("sync",),
            time_outs=INGESTION,
        ),
        Route(
            key="metrics.record",
            path=f"{EXPERIMENT}/ingest",
            request=payloads.MetricRecorded,
            response=payloads.IngestAnswer,
            lane=Lane.DELIVER,
            category=Category.PRODUCT,
            authentication=INGESTION_KEY,
            idempotency=KeyInBody("client_event_id"),
            acknowledgement=Acknowledgement.JSON_OBJECT,
            ordering=None,
            batching=Batching(
                path=f"{EXPERIMENT}/ingest",
                items_field="data",
                max_items=payloads.MAX_METRICS,
                max_bytes=4 * 1024 * 1024,
                max_wait_s=0.25,
                always=True,
            ),
            verdicts=MappingProxyType({404: Verdict.EVENT}),
            time_outs=INGESTION,
        ),
        _call(
            "catalog.list",
            "GET",
            f"{EXPERIMENT}/catalog",
            payloads.MetricCatalogListed,
            payloads.MetricCatalogAnswer,
            READ,
        ),
        _call(
            "catalog.inspect",
            "GET",
            f"{EXPERIMENT}/catalog/{{metric}}",
            payloads.MetricCatalogInspected,
            payloads.MetricCatalogValuesAnswer,
            READ,
        ),
        _call(
            "ingestion_keys.list",
            "GET",
            f"{EXPERIMENT}/ingestion-keys",
            payloads.IngestionKeysListed,
            payloads.IngestionKeysAnswer,
            READ,
        ),
        _call(
            "ingestion_keys.create",
            "POST",
            f"{EXPERIMENT}/ingestion-keys",
            payloads.IngestionKeyCreated,
            payloads.IngestionKeyCreateAnswer,
            NotIdempotent("report"),
        ),
        _call(
            "ingestion_keys.revoke",
            "DELETE",
            f"{EXPERIMENT}/ingestion-keys/{{key_id}}",
            payloads.IngestionKeyRevoked,
            payloads.IngestionKeyAnswer,
            READ,
        ),
        _call(
            "annotations.list",
            "GET",
            f"{EXPERIMENT}/annotations",
            payloads.AnnotationsListed,
            payloads.AnnotationsAnswer,
            READ,
        ),
        _call(
            "annotations.create",
            "POST",
            f"{EXPERIMENT}/annotations",
            payloads.AnnotationCreated,
            payloads.ExperimentAnnotationAnswer,
            WRITE,
            authentication=INGESTION_KEY,
            time_outs=INGESTION,
        ),
        _call(
            "query.series",
            "POST",
            "/api/v1/query/series",
            payloads.MetricSeriesQueried,
            payloads.MetricSeriesAnswer,
            READ,
            streaming=Streaming(
                format="ndjson",
                event=payloads.MetricSeriesFrame,
                field="stream",
                media_type="application/vnd.syvain.metric-series+ndjson",
            ),
        ),
        _call(
            "query.catalog",
            "POST",
            "/api/v1/query/metric-catalog",
            payloads.MetricsCatalogQueried,
            payloads.MetricsCatalogAnswer,
            READ,
        ),
    ),
)
