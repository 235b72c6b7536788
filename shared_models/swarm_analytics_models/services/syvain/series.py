"""The reads of the newer package (0.0.349): whole series as columns, and a catalog of several experiments.

Field names are camel case on the wire.
"""

from typing import Annotated, Final, Literal, Self, TypeAlias

from pydantic import ConfigDict, Field, RootModel, model_validator

from swarm_analytics_models.services.syvain.base import (
    Envelope,
    ExperimentId,
    Input,
    Output,
    SeriesQueryAxis,
    SeriesQueryDirection,
)
from swarm_analytics_models.values import FiniteFloat

MAX_SELECTIONS: Final = 64
"""Most series, and most experiments of a catalog, that one request may ask for (sheet, section 5)."""


class SeriesQueryMetadataFilterPredicate(Input):
    """A key that the metadata must have and, where a value is given, its value."""

    key: Annotated[str, Field(min_length=1)]
    value: str | None = Field(default=None, exclude_if=lambda value: value is None)


class SeriesQuerySelection(Input):
    """Series of one experiment: of one metric or of all, and of the metadata that meets every condition."""

    experiment_id: ExperimentId = Field(alias="experimentId")
    metric_name: Annotated[str, Field(min_length=1)] | None = Field(
        default=None, alias="metricName", exclude_if=lambda name: name is None
    )
    metadata_filter: list[SeriesQueryMetadataFilterPredicate] | None = Field(
        default=None, alias="metadataFilter", max_length=32, exclude_if=lambda found: found is None
    )


class SeriesQueryOrder(Input):
    """In which order the values of each series come."""

    axis: SeriesQueryAxis
    direction: SeriesQueryDirection


class MetricSeriesQueried(Input):
    """Whole series, each as columns. With stream they come one by one."""

    series: list[SeriesQuerySelection] = Field(min_length=1, max_length=MAX_SELECTIONS)
    order: SeriesQueryOrder
    stream: bool = False


class MetricSeriesDataColumns(Output):
    """Three columns of equal length."""

    steps: list[FiniteFloat | None]
    timestamp: list[FiniteFloat]
    value: list[FiniteFloat]


class MetricSeriesColumnBatch(Output):
    """The values of one series: one experiment, metric and metadata."""

    experiment_id: ExperimentId = Field(alias="experimentId")
    metric_name: Annotated[str, Field(min_length=1)] = Field(alias="metricName")
    metadata_hash: Annotated[str, Field(min_length=1)] = Field(alias="metadataHash")
    metadata: dict[str, str]
    data: MetricSeriesDataColumns

    @model_validator(mode="after")
    def _columns_are_equally_long(self) -> Self:
        lengths = {len(self.data.steps), len(self.data.timestamp), len(self.data.value)}
        if len(lengths) != 1:
            raise ValueError("the columns of a series differ in length")
        return self


class MetricSeriesStreamCompletion(Output):
    """The last line of a stream: what came before it, counted."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["complete"]
    batch_count: Annotated[int, Field(ge=0)] = Field(alias="batchCount")
    row_count: Annotated[int, Field(ge=0)] = Field(alias="rowCount")


Frame: TypeAlias = MetricSeriesColumnBatch | MetricSeriesStreamCompletion


class MetricSeriesFrame(RootModel[Frame]):
    """One line of a stream."""


class MetricSeriesAnswer(Envelope):
    data: list[MetricSeriesColumnBatch]


class MetricsCatalogQueried(Input):
    """The metrics of several experiments, with the keys of their metadata."""

    experiment_ids: list[str] = Field(alias="experimentIds", min_length=1, max_length=MAX_SELECTIONS)


class MetricsCatalogQueryItem(Output):
    """A metric of an experiment."""

    experiment_id: str = Field(alias="experimentId")
    metric_name: str = Field(alias="metricName")
    metadata_keys: list[str] = Field(alias="metadataKeys")


class MetricsCatalogAnswer(Envelope):
    data: list[MetricsCatalogQueryItem]
