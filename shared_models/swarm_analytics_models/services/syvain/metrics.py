"""Metrics: recording them, and the reads of the seed."""

import json
from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from swarm_analytics_models.services.syvain.base import (
    Envelope,
    ExperimentId,
    Input,
    JsonObject,
    MetricSortDirection,
    Milliseconds,
    Output,
    PathId,
)
from swarm_analytics_models.values import FiniteFloat, FreeJson, Int64

MAX_METRICS: Final = 1000
"""Most metrics of one request (sheet, section 5)."""


class MetricCreateInput(Input):
    """One value of one metric, known by the id that its caller gave it."""

    client_event_id: Annotated[str, Field(min_length=1, max_length=200)]
    name: Annotated[str, Field(min_length=1, max_length=500)]
    value: FiniteFloat
    step: Annotated[Int64, Field(ge=0)] | None = Field(description="Null where there is none; never left out")
    metadata: JsonObject = Field(default_factory=dict)
    timestamp_ms: Milliseconds | None = Field(default=None, exclude_if=lambda time: time is None)


class IngestCreateInput(Input):
    """What one request of metrics holds."""

    data: list[MetricCreateInput] = Field(max_length=MAX_METRICS)


class MetricRecorded(MetricCreateInput):
    """One value of one metric is recorded. A repeated client_event_id counts once."""

    experiment_id: ExperimentId


class MetricsIngested(IngestCreateInput):
    """Metrics are recorded, and the answer is waited for."""

    experiment_id: ExperimentId
    sync: bool | None = Field(
        default=None, description="Answer when they are stored, not when they are queued"
    )


class IngestResponse(Output):
    """Metrics were taken: stored by now (``sync``), or to be (``queued``)."""

    ok: Literal[True]
    mode: Literal["sync", "queued"]


class IngestAnswer(Envelope):
    data: IngestResponse


class MetricEventRow(Output):
    """One value, as it is stored."""

    event_id: str
    org_id: str
    experiment_id: str
    experiment_slug: str
    experiment_description: str | None = None
    experiment_metadata_json: str | None = None
    metric_name: str
    metric_value: float
    step: float | None
    event_metadata_json: str
    client_timestamp_ms: int
    server_timestamp_ms: int


class RowsResponse(Output):
    """Several rows."""

    rows: list[MetricEventRow]


class RowsAnswer(Envelope):
    data: RowsResponse


class RowsBounds(Input):
    """Which rows, and in which order: what both reads of rows take."""

    from_step: Int64 | None = None
    to_step: Int64 | None = None
    from_time: Int64 | None = None
    to_time: Int64 | None = None
    sort_by: str | None = Field(default=None, description="Names joined by commas")
    sort_direction: MetricSortDirection | None = None
    limit: Int64 | None = None
    include_experiment_meta_as_of: bool | None = None


class MetricsListed(RowsBounds):
    """Rows of one experiment. The newer server has none of this: see MetricSeriesQueried."""

    experiment_id: ExperimentId
    metric_name: str | None = None
    metadata_key: str | None = None
    metadata_value: str | None = None
    metadata_value_json: str | None = None
    step: Int64 | None = None


class MetricsCompared(RowsBounds):
    """Rows of several series, side by side. The newer server has none of this: see MetricSeriesQueried."""

    series: list[str] = Field(description="Each a ComparisonMetricSeries as compact JSON")


class ComparisonMetricSeries(Input):
    """A metric of an experiment, of all its metadata or of what has one value."""

    experiment_id: ExperimentId
    metric_name: Annotated[str, Field(min_length=1)]
    metadata_key: Annotated[str, Field(min_length=1)] | None = None
    metadata_value: str | None = None
    metadata_value_json: str | None = None

    @model_validator(mode="after")
    def _filters_by_one_value(self) -> Self:
        given = [
            name for name in ("metadata_value", "metadata_value_json") if getattr(self, name) is not None
        ]
        if given and self.metadata_key is None:
            raise ValueError(f"{given[0]} needs metadata_key beside it")
        if len(given) == 2:
            raise ValueError("give metadata_value or metadata_value_json, not both")
        if self.metadata_value_json is not None:
            try:
                json.loads(self.metadata_value_json)
            except ValueError as error:
                raise ValueError("metadata_value_json is not JSON") from error
        return self


class MetricCatalogItem(Output):
    """A metric that an experiment has."""

    metric_name: str
    metadata_keys: list[str] = Field(default_factory=list)


class MetricCatalogResponse(Output):
    """The metrics of an experiment."""

    metrics: list[MetricCatalogItem]


class MetricCatalogAnswer(Envelope):
    data: MetricCatalogResponse


class MetricCatalogMetadataValue(Output):
    """The values that one key of the metadata has."""

    key: str
    values: list[FreeJson] = Field(default_factory=list)
    value_count: int


class MetricCatalogValues(Output):
    """The metadata of one metric."""

    metric_name: str
    scanned_event_count: int
    keys: list[MetricCatalogMetadataValue] = Field(default_factory=list)


class MetricCatalogValuesResponse(Output):
    """What was found in the metadata of a metric."""

    metadata: MetricCatalogValues


class MetricCatalogValuesAnswer(Envelope):
    data: MetricCatalogValuesResponse


class MetricCatalogListed(Input):
    """The metrics of an experiment, with the keys of their metadata."""

    experiment_id: ExperimentId
    limit: Int64 | None = None


class MetricCatalogInspected(Input):
    """The values that the metadata of one metric has."""

    experiment_id: ExperimentId
    metric: PathId
    key: list[str] | None = Field(default=None, description="Of these keys alone")
    limit: Int64 | None = None
