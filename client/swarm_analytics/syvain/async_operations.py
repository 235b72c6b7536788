"""The operations of the service's own package, by its names, for asyncio."""

from collections.abc import Mapping
from typing import Any

from swarm_analytics.syvain import arguments
from swarm_analytics.syvain.async_reads import AsyncMetricReads
from swarm_analytics_models.payload import UNSET, Unset
from swarm_analytics_models.services.syvain.keys import KEY_NAME
from swarm_analytics_models.services.syvain.payloads import (
    AnnotationsResponse,
    AuthStatusResponse,
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
    TrackingExperimentStatus,
)


class AsyncOperations(AsyncMetricReads):
    """The operations, awaited. Cancelling one ends the request to the service.

    Raises `pydantic.ValidationError` for bad arguments, before any I/O, and a `MetricsApiError` else. What
    failed in passing has been repeated by then, as far as that does no harm.
    """

    async def auth_status(self) -> AuthStatusResponse:
        """As `SyvainMetricsApiClient.auth_status`."""
        return (await self._api.auth.status()).data

    async def list_folders(self, *, path: str | None = None) -> FoldersResponse:
        """As `SyvainMetricsApiClient.list_folders`."""
        return (await self._api.folders.list(path=path)).data

    async def create_folder(self, name: str, *, parent_id: str | None = None) -> FolderResponse:
        """As `SyvainMetricsApiClient.create_folder`."""
        return (await self._api.folders.create(name=name, parent_id=parent_id)).data

    async def get_folder(self, folder_id: str) -> FolderContentsResponse:
        """As `SyvainMetricsApiClient.get_folder`."""
        return (await self._api.folders.get(folder_id=folder_id)).data

    async def patch_folder(
        self, folder_id: str, *, name: str | None = None, parent_id: str | Unset | None = UNSET
    ) -> FolderResponse:
        """As `SyvainMetricsApiClient.patch_folder`."""
        return (
            await self._api.folders.patch(
                folder_id=folder_id, name=arguments.given(name), parent_id=parent_id
            )
        ).data

    async def rename_folder(self, folder_id: str, name: str) -> FolderResponse:
        """As `SyvainMetricsApiClient.rename_folder`."""
        return await self.patch_folder(folder_id, name=name)

    async def move_folder(self, folder_id: str, parent_id: str | None) -> FolderResponse:
        """As `SyvainMetricsApiClient.move_folder`."""
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
        """As `SyvainMetricsApiClient.list_experiments`."""
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
        """As `SyvainMetricsApiClient.create_experiment`."""
        return (
            await self._api.experiments.create(
                slug=slug, description=description, metadata=dict(metadata or {}), folder_id=folder_id
            )
        ).data

    async def get_experiment(self, experiment_id: str) -> ExperimentResponse:
        """As `SyvainMetricsApiClient.get_experiment`."""
        return (await self._api.experiments.get(experiment_id=experiment_id)).data

    async def update_experiment_status(
        self,
        experiment_id: str,
        status: TrackingExperimentStatus,
        *,
        error: ExperimentStatusError | Mapping[str, Any] | None = None,
        timestamp_ms: int | None = None,
    ) -> ExperimentResponse:
        """As `SyvainMetricsApiClient.update_experiment_status`."""
        return (
            await self._api.experiments.update_status(
                experiment_id=experiment_id,
                status=status,
                error=arguments.status_error(error),
                timestamp_ms=arguments.given(timestamp_ms),
            )
        ).data

    async def move_experiment(self, experiment_id: str, folder_id: str | None) -> ExperimentResponse:
        """As `SyvainMetricsApiClient.move_experiment`."""
        return (await self._api.experiments.move(experiment_id=experiment_id, folder_id=folder_id)).data

    async def list_ingestion_keys(self, experiment_id: str) -> IngestionKeysResponse:
        """As `SyvainMetricsApiClient.list_ingestion_keys`."""
        return (await self._api.ingestion_keys.list(experiment_id=experiment_id)).data

    async def create_ingestion_key(
        self, experiment_id: str, *, name: str = KEY_NAME, ttl_ms: int | None = None
    ) -> IngestionKeyCreateResponse:
        """As `SyvainMetricsApiClient.create_ingestion_key`."""
        return (
            await self._api.ingestion_keys.create(
                experiment_id=experiment_id, name=name, ttl_ms=arguments.given(ttl_ms)
            )
        ).data

    async def revoke_ingestion_key(self, experiment_id: str, key_id: str) -> IngestionKeyResponse:
        """As `SyvainMetricsApiClient.revoke_ingestion_key`."""
        return (await self._api.ingestion_keys.revoke(experiment_id=experiment_id, key_id=key_id)).data

    async def list_annotations(
        self,
        experiment_id: str,
        *,
        from_ms: int | None = None,
        to_ms: int | None = None,
        limit: int | None = None,
    ) -> AnnotationsResponse:
        """As `SyvainMetricsApiClient.list_annotations`."""
        return (
            await self._api.annotations.list(
                experiment_id=experiment_id, from_ms=from_ms, to=to_ms, limit=limit
            )
        ).data

    async def create_annotation(
        self, experiment_id: str, annotation: str, *, metadata: Mapping[str, Any] | None = None
    ) -> ExperimentAnnotationResponse:
        """As `SyvainMetricsApiClient.create_annotation`."""
        return (
            await self._api.annotations.create(
                experiment_id=experiment_id, annotation=annotation, metadata=dict(metadata or {})
            )
        ).data
