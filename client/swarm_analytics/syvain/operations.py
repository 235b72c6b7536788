"""The operations of the service's own package, by its names, for threads."""

from collections.abc import Mapping
from typing import Any

from swarm_analytics.syvain import arguments
from swarm_analytics.syvain.reads import MetricReads
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


class Operations(MetricReads):
    """Each blocks until the service's answer is there.

    Raises `pydantic.ValidationError` for bad arguments, before any I/O, and a `MetricsApiError` else. What
    failed in passing has been repeated by then, as far as that does no harm.
    """

    def auth_status(self) -> AuthStatusResponse:
        """As whom the service knows this client."""
        return self._api.auth.status().data

    def list_folders(self, *, path: str | None = None) -> FoldersResponse:
        """The folders of the organization; with `path`, the one of that path name and what is below it."""
        return self._api.folders.list(path=path).data

    def create_folder(self, name: str, *, parent_id: str | None = None) -> FolderResponse:
        """Make a folder, at the top or in another one."""
        return self._api.folders.create(name=name, parent_id=parent_id).data

    def get_folder(self, folder_id: str) -> FolderContentsResponse:
        """The folder, with the folders and experiments in it."""
        return self._api.folders.get(folder_id=folder_id).data

    def patch_folder(
        self, folder_id: str, *, name: str | None = None, parent_id: str | Unset | None = UNSET
    ) -> FolderResponse:
        """Rename, move or both. `parent_id` None moves it to the top; left out, it stays where it is."""
        return self._api.folders.patch(
            folder_id=folder_id, name=arguments.given(name), parent_id=parent_id
        ).data

    def rename_folder(self, folder_id: str, name: str) -> FolderResponse:
        """Give a folder another name."""
        return self.patch_folder(folder_id, name=name)

    def move_folder(self, folder_id: str, parent_id: str | None) -> FolderResponse:
        """Put a folder into another one; `parent_id` None puts it at the top."""
        return self.patch_folder(folder_id, parent_id=parent_id)

    def list_experiments(
        self,
        *,
        status: str | None = None,
        slug: str | None = None,
        search: str | None = None,
        from_ms: int | None = None,
        to_ms: int | None = None,
        limit: int | None = None,
    ) -> ExperimentsResponse:
        """The newest first; times are Unix milliseconds.

        The newer server (0.0.349) knows `slug`, `search` and `limit` alone, and answers without
        descriptions and metadata.
        """
        return self._api.experiments.list(
            status=status, slug=slug, search=search, from_ms=from_ms, to=to_ms, limit=limit
        ).data

    def create_experiment(
        self,
        slug: str,
        *,
        description: str = "",
        metadata: Mapping[str, Any] | None = None,
        folder_id: str | Unset | None = UNSET,
    ) -> ExperimentResponse:
        """Make an experiment: its `slug` has 1 to 200 characters, its `description` at most 4,000."""
        return self._api.experiments.create(
            slug=slug, description=description, metadata=dict(metadata or {}), folder_id=folder_id
        ).data

    def get_experiment(self, experiment_id: str) -> ExperimentResponse:
        """One experiment, with its metadata and status."""
        return self._api.experiments.get(experiment_id=experiment_id).data

    def update_experiment_status(
        self,
        experiment_id: str,
        status: TrackingExperimentStatus,
        *,
        error: ExperimentStatusError | Mapping[str, Any] | None = None,
        timestamp_ms: int | None = None,
    ) -> ExperimentResponse:
        """Say that an experiment is ``running``, ``done`` or in ``error``; times are Unix milliseconds."""
        return self._api.experiments.update_status(
            experiment_id=experiment_id,
            status=status,
            error=arguments.status_error(error),
            timestamp_ms=arguments.given(timestamp_ms),
        ).data

    def move_experiment(self, experiment_id: str, folder_id: str | None) -> ExperimentResponse:
        """`folder_id` None takes it out of its folder."""
        return self._api.experiments.move(experiment_id=experiment_id, folder_id=folder_id).data

    def list_ingestion_keys(self, experiment_id: str) -> IngestionKeysResponse:
        """An experiment's ingestion keys, those that the daemon made included; without their tokens."""
        return self._api.ingestion_keys.list(experiment_id=experiment_id).data

    def create_ingestion_key(
        self, experiment_id: str, *, name: str = KEY_NAME, ttl_ms: int | None = None
    ) -> IngestionKeyCreateResponse:
        """A key for another program. Its token is in the answer and nowhere else; repr does not show it.

        Not repeated once the service may have made one: `MayBeExecuted` says so.
        """
        return self._api.ingestion_keys.create(
            experiment_id=experiment_id, name=name, ttl_ms=arguments.given(ttl_ms)
        ).data

    def revoke_ingestion_key(self, experiment_id: str, key_id: str) -> IngestionKeyResponse:
        """Make a key invalid at once. Where it was the one that the daemon uses, another is made at need."""
        return self._api.ingestion_keys.revoke(experiment_id=experiment_id, key_id=key_id).data

    def list_annotations(
        self,
        experiment_id: str,
        *,
        from_ms: int | None = None,
        to_ms: int | None = None,
        limit: int | None = None,
    ) -> AnnotationsResponse:
        """An experiment's annotations; times are Unix milliseconds."""
        return self._api.annotations.list(
            experiment_id=experiment_id, from_ms=from_ms, to=to_ms, limit=limit
        ).data

    def create_annotation(
        self, experiment_id: str, annotation: str, *, metadata: Mapping[str, Any] | None = None
    ) -> ExperimentAnnotationResponse:
        """Add a remark of 1 to 16,000 characters.

        Waits for at most `ingest_timeout`, as the seed says; the service's own package takes `timeout`.

        The newer server (0.0.349) answers without `experiment`, which is None then.
        """
        return self._api.annotations.create(
            experiment_id=experiment_id, annotation=annotation, metadata=dict(metadata or {})
        ).data
