"""Folders, experiments and their annotations."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from swarm_analytics_models.services.syvain import payloads
from swarm_analytics_sandbox.stand_ins.syvain.envelope import Refusal, absent

PAGE: Final = 100
"""Most things in a list for which no limit is asked; the real service's is unknown."""

COMPACT: Final = ("id", "org_id", "folder", "url", "slug", "status", "created_at_ms", "updated_at_ms")
"""What the newer server (0.0.349) says of an experiment in a list."""


@dataclass(slots=True)
class Folder:
    id: str
    org_id: str
    name: str
    parent: "Folder | None"

    @property
    def line(self) -> "list[Folder]":
        """Itself, below those that it is in."""
        return [*([] if self.parent is None else self.parent.line), self]

    def shown(self) -> dict[str, Any]:
        return {
            "folder_id": self.id,
            "org_id": self.org_id,
            "name": self.name,
            "parent_id_path": [folder.id for folder in self.line[:-1]],
            "path_name": "/".join(folder.name for folder in self.line),
        }


@dataclass(slots=True)
class Experiment:
    id: str
    org_id: str
    slug: str
    description: str
    metadata: dict[str, Any]
    created_at_ms: int
    updated_at_ms: int
    folder: Folder | None = None
    status: str = "created"
    error_name: str | None = None
    error_detail: str | None = None
    started_at_ms: int | None = None
    done_at_ms: int | None = None
    last_event_at_ms: int | None = None
    annotations: list[dict[str, Any]] = field(default_factory=list)

    def shown(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "org_id": self.org_id,
            "folder": None if self.folder is None else self.folder.shown(),
            "url": f"https://metrics.syvain.com/experiments/{self.id}",
            "slug": self.slug,
            "description": self.description,
            "metadata": self.metadata,
            "status": self.status,
            "error_name": self.error_name,
            "error_detail": self.error_detail,
            "created_at_ms": self.created_at_ms,
            "updated_at_ms": self.updated_at_ms,
            "started_at_ms": self.started_at_ms,
            "done_at_ms": self.done_at_ms,
            "last_heartbeat_at_ms": None,
            "last_event_at_ms": self.last_event_at_ms,
        }


class Library:
    """Each organization sees its own alone."""

    def __init__(self, now_ms: Callable[[], int], numbers: Iterator[int]) -> None:
        self._now_ms = now_ms
        self._numbers = numbers
        self.folders: dict[str, Folder] = {}
        self.experiments: dict[str, Experiment] = {}

    def folder(self, org_id: str, folder_id: str) -> Folder:
        found = self.folders.get(folder_id)
        if found is None or found.org_id != org_id:
            raise absent("folder", folder_id)
        return found

    def experiment(self, org_id: str, experiment_id: str) -> Experiment:
        found = self.experiments.get(experiment_id)
        if found is None or found.org_id != org_id:
            raise absent("experiment", experiment_id)
        return found

    def list_folders(self, org_id: str, path: str | None) -> list[Folder]:
        """All, or the one of that path name with all below it."""
        return [
            folder
            for folder in self.folders.values()
            if folder.org_id == org_id
            and (path is None or f"{folder.shown()['path_name']}/".startswith(f"{path.strip('/')}/"))
        ]

    def create_folder(self, org_id: str, given: payloads.FolderCreateInput) -> Folder:
        parent = None if given.parent_id is None else self.folder(org_id, given.parent_id)
        made = Folder(self._id("fold"), org_id, given.name, parent)
        self.folders[made.id] = made
        return made

    def contents(self, folder: Folder) -> tuple[list[Folder], list[Experiment]]:
        return (
            [found for found in self.folders.values() if found.parent is folder],
            [found for found in self.experiments.values() if found.folder is folder],
        )

    def patch_folder(self, org_id: str, given: payloads.FolderPatched) -> Folder:
        folder = self.folder(org_id, given.folder_id)
        if "parent_id" in given.model_fields_set:
            parent = None if given.parent_id is None else self.folder(org_id, given.parent_id)
            if parent is not None and folder in parent.line:
                raise Refusal(400, "A folder cannot be moved into itself.", "folder_cycle")
            folder.parent = parent
        folder.name = given.name or folder.name
        return folder

    def list_experiments(self, org_id: str, given: payloads.ExperimentsListed) -> list[Experiment]:
        """The newest first."""
        found = [
            one
            for one in reversed(self.experiments.values())
            if one.org_id == org_id
            and given.status in (None, one.status)
            and given.slug in (None, one.slug)
            and (given.search or "").lower() in one.slug.lower()
            and (given.from_ms is None or one.created_at_ms >= given.from_ms)
            and (given.to_ms is None or one.created_at_ms <= given.to_ms)
        ]
        return found[: given.limit or PAGE]

    def create_experiment(self, org_id: str, given: payloads.ExperimentCreateInput) -> Experiment:
        now = self._now_ms()
        made = Experiment(self._id("exp"), org_id, given.slug, given.description, given.metadata, now, now)
        if given.folder_id is not None:
            made.folder = self.folder(org_id, given.folder_id)
        self.experiments[made.id] = made
        return made

    def update_status(self, org_id: str, given: payloads.ExperimentStatusUpdated) -> Experiment:
        experiment = self.experiment(org_id, given.experiment_id)
        at = self._now_ms() if given.timestamp_ms is None else given.timestamp_ms
        experiment.status = given.status
        experiment.updated_at_ms = self._now_ms()
        if given.status == "running":
            experiment.started_at_ms = at
        else:
            experiment.done_at_ms = at
        experiment.error_name = None if given.error is None else given.error.name
        experiment.error_detail = None if given.error is None else given.error.detail
        return experiment

    def move_experiment(self, org_id: str, given: payloads.ExperimentMoved) -> Experiment:
        experiment = self.experiment(org_id, given.experiment_id)
        experiment.folder = None if given.folder_id is None else self.folder(org_id, given.folder_id)
        experiment.updated_at_ms = self._now_ms()
        return experiment

    def annotate(self, experiment: Experiment, text: str, metadata: dict[str, Any]) -> dict[str, Any]:
        made = {
            "id": self._id("ann"),
            "experiment_id": experiment.id,
            "annotation": text,
            "metadata": metadata,
            "created_at_ms": self._now_ms(),
        }
        experiment.annotations.append(made)
        return made

    def annotations(self, experiment: Experiment, given: payloads.AnnotationsListed) -> list[dict[str, Any]]:
        found = [
            one
            for one in experiment.annotations
            if (given.from_ms is None or one["created_at_ms"] >= given.from_ms)
            and (given.to_ms is None or one["created_at_ms"] <= given.to_ms)
        ]
        return found[: given.limit or PAGE]

    def _id(self, kind: str) -> str:
        return f"{kind}_{next(self._numbers):06}"
