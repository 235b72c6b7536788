"""Arguments as the service's own package takes them, made into those of the generated methods. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from swarm_analytics_models.payload import UNSET, Unset
from swarm_analytics_models.services.syvain.payloads import (
    ComparisonMetricSeries,
    ExperimentStatusError,
    IngestCreateInput,
    MetricCreateInput,
    SeriesQueryOrder,
    SeriesQuerySelection,
)

ValueT = TypeVar("ValueT")


def given(value: ValueT | None) -> ValueT | Unset:
    """None is what was not given, where the service takes no null."""
    return UNSET if value is None else value


def joined(names: Sequence[str] | None) -> str | None:
    return None if names is None else ",".join(names)


def names(key: str | Sequence[str] | None) -> list[str] | None:
    if key is None:
        return None
    return [key] if isinstance(key, str) else list(key)


def status_error(error: ExperimentStatusError | Mapping[str, Any] | None) -> ExperimentStatusError | Unset:
    if error is None:
        return UNSET
    return error if isinstance(error, ExperimentStatusError) else ExperimentStatusError.model_validate(error)


def compared(series: Sequence[ComparisonMetricSeries | Mapping[str, Any]]) -> list[str]:
    """Each as compact JSON, without what is null."""
    return [ComparisonMetricSeries.model_validate(one).model_dump_json(exclude_none=True) for one in series]


def selections(
    series: Sequence[SeriesQuerySelection | Mapping[str, Any]],
) -> list[SeriesQuerySelection]:
    return [SeriesQuerySelection.model_validate(one) for one in series]


def series_order(order: SeriesQueryOrder | Mapping[str, Any]) -> SeriesQueryOrder:
    return SeriesQueryOrder.model_validate(order)


def experiment_ids(ids: Sequence[str]) -> list[str]:
    if isinstance(ids, str | bytes):
        raise TypeError("experiment_ids must be several ids: put the one in a list")
    return list(ids)


def metrics(data: Sequence[MetricCreateInput | Mapping[str, Any]]) -> list[MetricCreateInput]:
    """All of them valid, 1,000 at most. Raises `pydantic.ValidationError`."""
    return IngestCreateInput(data=[MetricCreateInput.model_validate(one) for one in data]).data
