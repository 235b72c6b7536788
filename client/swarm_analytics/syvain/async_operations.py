"""The operations of the service's own package, by its names, for asyncio."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from swarm_analytics._generated.syvain.async_namespaces import AsyncSyvainNamespaces
from swarm_analytics.syvain import arguments
from swarm_analytics.syvain.series import Frames
from swarm_analytics_models.payload import UNSET, Unset
from swarm_analytics_models.services.syvain.payloads import (
    AnnotationsResponse,
    AuthStatusResponse,
    ComparisonMetricRowSortKey,
    ComparisonMetricSeries,
    ExperimentAnnotationResponse,
    ExperimentResponse,
    ExperimentsResponse,
    ExperimentStatusError,
    FolderContentsResponse,
    FolderResponse,
    FoldersResponse,
    IngestionKeyCreateResponse,
    IngestionKeyResponse,
    IngestionKeysResponse,
    MetricCatalogResponse,
    MetricCatalogValuesResponse,
    MetricRowSortKey,
    MetricsCatalogQueryItem,
    MetricSeriesColumnBatch,
    MetricSortDirection,
    RowsResponse,
    SeriesQueryOrder,
    SeriesQuerySelection,
    TrackingExperimentStatus,
)


class AsyncOperations:
    """As `Operations`, which describes them, awaited. Cancelling one ends the request to the service.

    Raises `pydantic.ValidationError` for bad arguments, before any I/O, and a `MetricsApiError` else. What
    failed in passing has been repeated by then, as far as that does no harm.
    """

    _api: AsyncSyvainNamespaces

    async def auth_status(self) -> AuthStatusResponse:
        return (await self._api.auth.status()).data

    async def list_folders(self, *, path: str | None = None) -> FoldersResponse:
        return (await self._api.folders.list(path=path)).data

    async def create_folder(self, name: str, *, parent_id: str | None = None) -> FolderResponse:
        return (await self._api.folders.create(name=name, parent_id=parent_id)).data

    async def get_folder(self, folder_id: str) -> FolderContentsResponse:
        return (await self._api.folders.get(folder_id=folder_id)).data

    async def patch_folder(
        self, folder_id: str, *, name: str | None = None, parent_id: str | Unset | None = UNSET
    ) -> FolderResponse:
        return (
            await self._api.folders.patch(
                folder_id=folder_id, name=arguments.given(name), parent_id=parent_id
            )
        ).data

    async def rename_folder(self, folder_id: str, name: str) -> FolderResponse:
        return await self.patch_folder(folder_id, name=name)

    async def move_folder(self, folder_id: str, parent_id: str | None) -> FolderResponse:
        return await self.patch_folder(folder_id, parent_id=parent_id)

    async def list_experiments(
        self,
        *,
        status: str | None = None,
        slug: str | None = None,
        search: str | None = None,
        from_ms: int | None = None,
        to_ms: int | None = None,
        limit: int | None = None,
    ) -> ExperimentsResponse:
        return (
            await self._api.experiments.list(
                status=status, slug=slug, search=search, from_ms=from_ms, to=to_ms, limit=limit
            )
        ).data

    async def create_experiment(
        self,
        slug: str,
        *,
        description: str = "",
        metadata: Mapping[str, Any] | None = None,
        folder_id: str | Unset | None = UNSET,
    ) -> ExperimentResponse:
        return (
            await self._api.experiments.create(
                slug=slug, description=description, metadata=dict(metadata or {}), folder_id=folder_id
            )
        ).data

    async def get_experiment(self, experiment_id: str) -> ExperimentResponse:
        return (await self._api.experiments.get(experiment_id=experiment_id)).data

    async def update_experiment_status(
        self,
        experiment_id: str,
        status: TrackingExperimentStatus,
        *,
        error: ExperimentStatusError | Mapping[str, Any] | None = None,
        timestamp_ms: int | None = None,
    ) -> ExperimentResponse:
        return (
            await self._api.experiments.update_status(
                experiment_id=experiment_id,
                status=status,
                error=arguments.status_error(error),
                timestamp_ms=arguments.given(timestamp_ms),
            )
        ).data

    async def move_experiment(self, experiment_id: str, folder_id: str | None) -> ExperimentResponse:
        return (await self._api.experiments.move(experiment_id=experiment_id, folder_id=folder_id)).data

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
        return (await self._api.query.catalog(experiment_ids=arguments.experiment_ids(experiment_ids))).data

    async def list_metric_catalog(
        self, experiment_id: str, *, limit: int | None = None
    ) -> MetricCatalogResponse:
        return (await self._api.catalog.list(experiment_id=experiment_id, limit=limit)).data

    async def inspect_metric_catalog_values(
        self,
        experiment_id: str,
        metric: str,
        *,
        key: str | Sequence[str] | None = None,
        limit: int | None = None,
    ) -> MetricCatalogValuesResponse:
        return (
            await self._api.catalog.inspect(
                experiment_id=experiment_id, metric=metric, key=arguments.names(key), limit=limit
            )
        ).data

    async def list_ingestion_keys(self, experiment_id: str) -> IngestionKeysResponse:
        return (await self._api.ingestion_keys.list(experiment_id=experiment_id)).data

    async def create_ingestion_key(
        self, experiment_id: str, *, name: str = arguments.KEY_NAME, ttl_ms: int | None = None
    ) -> IngestionKeyCreateResponse:
        return (
            await self._api.ingestion_keys.create(
                experiment_id=experiment_id, name=name, ttl_ms=arguments.given(ttl_ms)
            )
        ).data

    async def revoke_ingestion_key(self, experiment_id: str, key_id: str) -> IngestionKeyResponse:
        return (await self._api.ingestion_keys.revoke(experiment_id=experiment_id, key_id=key_id)).data

    async def list_annotations(
        self,
        experiment_id: str,
        *,
        from_ms: int | None = None,
        to_ms: int | None = None,
        limit: int | None = None,
    ) -> AnnotationsResponse:
        return (
            await self._api.annotations.list(
                experiment_id=experiment_id, from_ms=from_ms, to=to_ms, limit=limit
            )
        ).data

    async def create_annotation(
        self, experiment_id: str, annotation: str, *, metadata: Mapping[str, Any] | None = None
    ) -> ExperimentAnnotationResponse:
        return (
            await self._api.annotations.create(
                experiment_id=experiment_id, annotation=annotation, metadata=dict(metadata or {})
            )
        ).data
