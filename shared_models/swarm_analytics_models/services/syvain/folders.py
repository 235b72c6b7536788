"""Folders, which hold experiments and other folders."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from swarm_analytics_models.services.syvain.base import Envelope, Input, Output, PathId
from swarm_analytics_models.services.syvain.experiments import Experiment, Folder

FolderName = Annotated[str, Field(min_length=1, max_length=200)]


class FoldersResponse(Output):
    """Several folders."""

    folders: list[Folder]


class FolderResponse(Output):
    """One folder."""

    folder: Folder


class FolderContentsResponse(Output):
    """A folder, with what is directly in it."""

    folder: Folder
    folders: list[Folder]
    experiments: list[Experiment]


class FoldersAnswer(Envelope):
    data: FoldersResponse


class FolderAnswer(Envelope):
    data: FolderResponse


class FolderContentsAnswer(Envelope):
    data: FolderContentsResponse


class FoldersListed(Input):
    """The folders of the organization."""

    path: str | None = None


class FolderCreateInput(Input):
    """A new folder."""

    name: FolderName
    parent_id: str | None = None


class FolderRead(Input):
    """A folder with what it holds."""

    folder_id: PathId


class FolderPatchInput(Input):
    """A folder's new name, or its new place (null: the top), or both."""

    name: FolderName | None = Field(default=None, exclude_if=lambda name: name is None)
    parent_id: str | None = None

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if self.name is None and "parent_id" not in self.model_fields_set:
            raise ValueError("nothing would change: give a name, a parent_id (null for the top), or both")
        return self


class FolderPatched(FolderPatchInput):
    """A folder gets a new name, a new place, or both."""

    folder_id: PathId
