"""Experiments, and how they are kept up."""

from typing import Annotated

from pydantic import Field

from swarm_analytics_models.services.syvain.base import (
    Envelope,
    ExperimentId,
    ExperimentStatus,
    Input,
    JsonObject,
    Milliseconds,
    Output,
    TrackingExperimentStatus,
)
from swarm_analytics_models.values import Int64


class Folder(Output):
    """A place in the organization's tree."""

    folder_id: str
    org_id: str
    name: str
    parent_id_path: list[str] = Field(default_factory=list)
    path_name: str


class Experiment(Output):
    """An experiment. Lists of the newer server (0.0.349) leave description and metadata out."""

    id: str
    org_id: str
    folder: Folder | None = None
    url: str
    slug: str
    description: str = ""
    metadata: JsonObject = Field(default_factory=dict)
    status: ExperimentStatus
    error_name: str | None = None
    error_detail: str | None = None
    created_at_ms: int
    updated_at_ms: int
    started_at_ms: int | None = None
    done_at_ms: int | None = None
    last_heartbeat_at_ms: int | None = None
    last_event_at_ms: int | None = None


class ExperimentResponse(Output):
    """One experiment."""

    experiment: Experiment


class ExperimentsResponse(Output):
    """Several experiments."""

    experiments: list[Experiment]


class ExperimentAnswer(Envelope):
    data: ExperimentResponse


class ExperimentsAnswer(Envelope):
    data: ExperimentsResponse


class ExperimentsListed(Input):
    """The experiments of the organization. The newer server knows slug, search and limit alone."""

    status: str | None = None
    slug: str | None = None
    search: str | None = None
    from_ms: Int64 | None = Field(default=None, alias="from")
    to_ms: Int64 | None = Field(default=None, alias="to")
    limit: Int64 | None = None


class ExperimentCreateInput(Input):
    """A new experiment."""

    slug: Annotated[str, Field(min_length=1, max_length=200)]
    folder_id: str | None = None
    description: Annotated[str, Field(max_length=4000)] = ""
    metadata: JsonObject = Field(default_factory=dict)


class ExperimentRead(Input):
    """One experiment."""

    experiment_id: ExperimentId


class ExperimentStatusError(Input):
    """Why an experiment failed."""

    name: str = Field(default="Error", max_length=500)
    detail: str = Field(default="", max_length=8000)


class ExperimentStatusUpdateInput(Input):
    """What an experiment does now."""

    status: TrackingExperimentStatus
    error: ExperimentStatusError | None = Field(default=None, exclude_if=lambda error: error is None)
    timestamp_ms: Milliseconds | None = Field(default=None, exclude_if=lambda time: time is None)


class ExperimentStatusUpdated(ExperimentStatusUpdateInput):
    """An experiment has started, ended or failed."""

    experiment_id: ExperimentId


class ExperimentMoved(Input):
    """An experiment goes into a folder; null takes it out of its folder."""

    experiment_id: ExperimentId
    folder_id: str | None
