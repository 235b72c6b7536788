"""Annotations: remarks on an experiment, each at its time."""

from typing import Annotated

from pydantic import Field

from swarm_analytics_models.services.syvain.base import Envelope, ExperimentId, Input, JsonObject, Output
from swarm_analytics_models.services.syvain.experiments import Experiment
from swarm_analytics_models.values import Int64


class Annotation(Output):
    """A remark on an experiment."""

    id: str
    experiment_id: str
    annotation: str
    metadata: JsonObject = Field(default_factory=dict)
    created_at_ms: int


class AnnotationsResponse(Output):
    """Several remarks."""

    annotations: list[Annotation]


class ExperimentAnnotationResponse(Output):
    """The newer server (0.0.349) leaves the experiment out."""

    experiment: Experiment | None = None
    annotation: Annotation


class AnnotationsAnswer(Envelope):
    data: AnnotationsResponse


class ExperimentAnnotationAnswer(Envelope):
    data: ExperimentAnnotationResponse


class AnnotationsListed(Input):
    """The annotations of an experiment."""

    experiment_id: ExperimentId
    from_ms: Int64 | None = Field(default=None, alias="from")
    to_ms: Int64 | None = Field(default=None, alias="to")
    limit: Int64 | None = None


class AnnotationCreateInput(Input):
    """A new annotation."""

    annotation: Annotated[str, Field(min_length=1, max_length=16_000)]
    metadata: JsonObject = Field(default_factory=dict)


class AnnotationCreated(AnnotationCreateInput):
    """An experiment is annotated."""

    experiment_id: ExperimentId
