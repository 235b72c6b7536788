"""Reading metrics, for asyncio."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from swarm_analytics._generated.syvain.async_namespaces import AsyncSyvainNamespaces
from swarm_analytics.syvain import arguments
from swarm_analytics.syvain.series import Frames
from swarm_analytics_models.services.syvain.payloads import (
    ComparisonMetricRowSortKey,
    ComparisonMetricSeries,
    MetricCatalogResponse,
    MetricCatalogValuesResponse,
    MetricRowSortKey,
    MetricsCatalogQueryItem,
    MetricSeriesColumnBatch,
    MetricSortDirection,
    RowsResponse,
    SeriesQueryOrder,
    SeriesQuerySelection,
)


class AsyncMetricReads:
    """See `AsyncOperations`."""

    _api: AsyncSyvainNamespaces

    async def list_metrics(
        self,
        experiment_id: str,
        *,
        metric_name: str | None = None,
        metadata_key: str | None = None,
        metadata_value: str | None = None,
        metadata_value_json: str | None = None,
        step: int | None = None,
        from_step: int | None = None,
        to_step: int | None = None,
        from_time: int | None = None,
        to_time: int | None = None,
        sort_by: Sequence[MetricRowSortKey] | None = None,
        sort_direction: MetricSortDirection | None = None,
        limit: int | None = None,
        include_experiment_meta_as_of: bool | None = None,
    ) -> RowsResponse:
        """As `SyvainMetricsApiClient.list_metrics`."""
        return (
            await self._api.metrics.list(
                experiment_id=experiment_id,
                metric_name=metric_name,
                metadata_key=metadata_key,
                metadata_value=metadata_value,
                metadata_value_json=metadata_value_json,
                step=step,
                from_step=from_step,
                to_step=to_step,
                from_time=from_time,
                to_time=to_time,
                sort_by=arguments.joined(sort_by),
                sort_direction=sort_direction,
                limit=limit,
                include_experiment_meta_as_of=include_experiment_meta_as_of,
            )
        ).data

    async def compare_metrics(
        self,
        series: Sequence[ComparisonMetricSeries | Mapping[str, Any]],
        *,
        from_step: int | None = None,
        to_step: int | None = None,
        from_time: int | None = None,
        to_time: int | None = None,
        sort_by: Sequence[ComparisonMetricRowSortKey] | None = None,
        sort_direction: MetricSortDirection | None = None,
        limit: int | None = None,
        include_experiment_meta_as_of: bool | None = None,
    ) -> RowsResponse:
        """As `SyvainMetricsApiClient.compare_metrics`."""
        return (
            await self._api.metrics.compare(
                series=arguments.compared(series),
                from_step=from_step,
                to_step=to_step,
                from_time=from_time,
                to_time=to_time,
                sort_by=arguments.joined(sort_by),
                sort_direction=sort_direction,
                limit=limit,
                include_experiment_meta_as_of=include_experiment_meta_as_of,
            )
        ).data

    async def query_metric_series(
        self,
        series: Sequence[SeriesQuerySelection | Mapping[str, Any]],
        *,
        order: SeriesQueryOrder | Mapping[str, Any],
        stream: bool = False,
    ) -> list[MetricSeriesColumnBatch]:
        """As `SyvainMetricsApiClient.query_metric_series`."""
        if stream:
            return [batch async for batch in self.stream_metric_series(series, order=order)]
        return (
            await self._api.query.series(
                series=arguments.selections(series), order=arguments.series_order(order)
            )
        ).data

    async def stream_metric_series(
        self,
        series: Sequence[SeriesQuerySelection | Mapping[str, Any]],
        *,
        order: SeriesQueryOrder | Mapping[str, Any],
    ) -> AsyncIterator[MetricSeriesColumnBatch]:
        """As `query_metric_series`, each series as it comes. A stream that stops short raises at its end."""
        selected, ordered = arguments.selections(series), arguments.series_order(order)
        frames = Frames()
        async for frame in self._api.query.series_stream(series=selected, order=ordered):
            batch = frames.take(frame)
            if batch is not None:
                yield batch
        frames.close()

    async def query_metrics_catalog(self, experiment_ids: Sequence[str]) -> list[MetricsCatalogQueryItem]:
        """As `SyvainMetricsApiClient.query_metrics_catalog`."""
        return (await self._api.query.catalog(experiment_ids=arguments.experiment_ids(experiment_ids))).data

    async def list_metric_catalog(
        self, experiment_id: str, *, limit: int | None = None
    ) -> MetricCatalogResponse:
        """As `SyvainMetricsApiClient.list_metric_catalog`."""
        return (await self._api.catalog.list(experiment_id=experiment_id, limit=limit)).data

    async def inspect_metric_catalog_values(
        self,
        experiment_id: str,
        metric: str,
        *,
        key: str | Sequence[str] | None = None,
        limit: int | None = None,
    ) -> MetricCatalogValuesResponse:
        """As `SyvainMetricsApiClient.inspect_metric_catalog_values`."""
        return (
            await self._api.catalog.inspect(
                experiment_id=experiment_id, metric=metric, key=arguments.names(key), limit=limit
            )
        ).data
