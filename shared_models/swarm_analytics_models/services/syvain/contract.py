"""Syvain Metrics, declared.

Metrics without ``sync`` are events: one row each, known by the `client_event_id` that its caller gave it, and
up to 1,000 in a request. All else is a call. Metrics and annotations are written with an ingestion key, which
is minted for their experiment with the API key; everything else is asked for with the API key itself.
"""

from typing import Final

from swarm_analytics_models.calling import CallDefaults, Streaming
from swarm_analytics_models.categories import Category
from swarm_analytics_models.contract import Route, ServiceContract
from swarm_analytics_models.handling import Acknowledgement, Batching, Lane
from swarm_analytics_models.idempotency import KeyInBody, NotIdempotent
from swarm_analytics_models.key_sources import KeyFile
from swarm_analytics_models.services.syvain import payloads
from swarm_analytics_models.services.syvain.errors import read_error
from swarm_analytics_models.services.syvain.routing import (
    INGESTION,
    INGESTION_KEY,
    READ,
    UNKNOWN_EXPERIMENT,
    WRITE,
    call,
)

BASE_URL: Final = "https://metrics.syvain.com"
DEVELOPMENT_BASE_URL: Final = "https://syvain-metrics-app-dev.syvaintech.workers.dev"

EXPERIMENTS: Final = "/api/v1/experiments"
EXPERIMENT: Final = "/api/v1/experiments/{experiment_id}"
FOLDERS: Final = "/api/v1/folders"


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
        call(
            "auth.status",
            "GET",
            "/api/v1/auth/status",
            payloads.AuthStatusRead,
            payloads.AuthStatusAnswer,
            READ,
        ),
        call("folders.list", "GET", FOLDERS, payloads.FoldersListed, payloads.FoldersAnswer, READ),
        call("folders.create", "POST", FOLDERS, payloads.FolderCreateInput, payloads.FolderAnswer, WRITE),
        call(
            "folders.get",
            "GET",
            "/api/v1/folders/{folder_id}",
            payloads.FolderRead,
            payloads.FolderContentsAnswer,
            READ,
        ),
        call(
            "folders.patch",
            "PATCH",
            "/api/v1/folders/{folder_id}",
            payloads.FolderPatched,
            payloads.FolderAnswer,
            WRITE,
        ),
        call(
            "experiments.list",
            "GET",
            EXPERIMENTS,
            payloads.ExperimentsListed,
            payloads.ExperimentsAnswer,
            READ,
        ),
        call(
            "experiments.create",
            "POST",
            EXPERIMENTS,
            payloads.ExperimentCreateInput,
            payloads.ExperimentAnswer,
            WRITE,
        ),
        call("experiments.get", "GET", EXPERIMENT, payloads.ExperimentRead, payloads.ExperimentAnswer, READ),
        call(
            "experiments.update_status",
            "POST",
            EXPERIMENT,
            payloads.ExperimentStatusUpdated,
            payloads.ExperimentAnswer,
            WRITE,
        ),
        call(
            "experiments.move",
            "PATCH",
            EXPERIMENT,
            payloads.ExperimentMoved,
            payloads.ExperimentAnswer,
            WRITE,
        ),
        call(
            "metrics.list",
            "GET",
            f"{EXPERIMENT}/metrics",
            payloads.MetricsListed,
            payloads.RowsAnswer,
            READ,
        ),
        call(
            "metrics.compare", "GET", "/api/v1/metrics", payloads.MetricsCompared, payloads.RowsAnswer, READ
        ),
        call(
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
            verdicts=UNKNOWN_EXPERIMENT,
            time_outs=INGESTION,
        ),
        call(
            "catalog.list",
            "GET",
            f"{EXPERIMENT}/catalog",
            payloads.MetricCatalogListed,
            payloads.MetricCatalogAnswer,
            READ,
        ),
        call(
            "catalog.inspect",
            "GET",
            f"{EXPERIMENT}/catalog/{{metric}}",
            payloads.MetricCatalogInspected,
            payloads.MetricCatalogValuesAnswer,
            READ,
        ),
        call(
            "ingestion_keys.list",
            "GET",
            f"{EXPERIMENT}/ingestion-keys",
            payloads.IngestionKeysListed,
            payloads.IngestionKeysAnswer,
            READ,
        ),
        call(
            "ingestion_keys.create",
            "POST",
            f"{EXPERIMENT}/ingestion-keys",
            payloads.IngestionKeyCreated,
            payloads.IngestionKeyCreateAnswer,
            NotIdempotent("report"),
            verdicts=UNKNOWN_EXPERIMENT,
        ),
        call(
            "ingestion_keys.revoke",
            "DELETE",
            f"{EXPERIMENT}/ingestion-keys/{{key_id}}",
            payloads.IngestionKeyRevoked,
            payloads.IngestionKeyAnswer,
            READ,
        ),
        call(
            "annotations.list",
            "GET",
            f"{EXPERIMENT}/annotations",
            payloads.AnnotationsListed,
            payloads.AnnotationsAnswer,
            READ,
        ),
        call(
            "annotations.create",
            "POST",
            f"{EXPERIMENT}/annotations",
            payloads.AnnotationCreated,
            payloads.ExperimentAnnotationAnswer,
            WRITE,
            authentication=INGESTION_KEY,
            time_outs=INGESTION,
        ),
        call(
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
        call(
            "query.catalog",
            "POST",
            "/api/v1/query/metric-catalog",
            payloads.MetricsCatalogQueried,
            payloads.MetricsCatalogAnswer,
            READ,
        ),
    ),
)
