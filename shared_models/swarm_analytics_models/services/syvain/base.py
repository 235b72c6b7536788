"""What all models of the Syvain Metrics API share.

Sources of this folder: the seed (0.0.71), the service's sheet, and the newer 0.0.349 where it says so. Server
rules that nobody has published are those that the two clients enforce.
"""

from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from swarm_analytics_models.payload import OmitsUnset
from swarm_analytics_models.values import FreeJson, Int64, one_segment

JsonObject: TypeAlias = dict[str, FreeJson]
"""A JSON object; numbers are finite, integers have 64 bits."""

Milliseconds: TypeAlias = Annotated[Int64, Field(ge=0)]
"""Unix time in milliseconds."""


PathId: TypeAlias = Annotated[str, Field(min_length=1), AfterValidator(one_segment)]
"""An id that becomes a part of the request's path."""

ExperimentId: TypeAlias = PathId
"""As `Experiment.id`."""

ExperimentStatus: TypeAlias = Literal["created", "running", "done", "error"]
TrackingExperimentStatus: TypeAlias = Literal["running", "done", "error"]
AuthKind: TypeAlias = Literal["api_key", "session", "ingestion_key"]
MetricSortDirection: TypeAlias = Literal["asc", "desc"]
MetricRowSortKey: TypeAlias = Literal["step", "client_timestamp", "server_timestamp"]
ComparisonMetricRowSortKey: TypeAlias = Literal["series", "step", "client_timestamp", "server_timestamp"]
SeriesQueryAxis: TypeAlias = Literal["step", "timestamp"]
SeriesQueryDirection: TypeAlias = Literal["asc", "desc"]


class Input(OmitsUnset):
    """What is sent: unknown fields are refused, and what was not given is left out, not sent as null."""

    model_config = ConfigDict(
        extra="forbid",
        populate_by_name=True,
        allow_inf_nan=False,
        revalidate_instances="always",
        defer_build=True,
    )


class Output(BaseModel):
    """What comes back: fields that are not declared here are kept, as attributes."""

    model_config = ConfigDict(extra="allow", populate_by_name=True, defer_build=True)


class Envelope(Output):
    """Every success: `error` is there and null, and `data` is there."""

    error: None
