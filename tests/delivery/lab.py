"""A toy service whose events name a resource in the path, travel in batches, and may be skipped."""

from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from swarm_analytics_models.categories import Category
from swarm_analytics_models.contract import Route, ServiceContract
from swarm_analytics_models.handling import Acknowledgement, Batching, Lane, OrderingKey
from swarm_analytics_models.idempotency import KeyInBody, NotIdempotent
from tests.delivery.support import API_KEY


class Measured(BaseModel):
    model_config = ConfigDict(extra="forbid")
    lab_id: str = Field(min_length=1)
    reading_id: str
    value: float
    urgent: bool | None = None


class Told(BaseModel):
    model_config = ConfigDict(extra="forbid")
    text: str


class Renamed(BaseModel):
    model_config = ConfigDict(extra="forbid")
    lab_id: str
    shelf: int
    name: str


MEASURED: Final = Route(
    key="lab.measured",
    path="/v1/labs/{lab_id}/reading",
    request=Measured,
    lane=Lane.DELIVER,
    category=Category.PRODUCT,
    authentication=API_KEY,
    idempotency=KeyInBody("reading_id"),
    acknowledgement=Acknowledgement.ANY_API_ANSWER,
    ordering=None,
    query=("urgent",),
    batching=Batching(
        path="/v1/labs/{lab_id}/readings",
        items_field="data",
        max_items=4,
        max_bytes=10_000,
        max_wait_s=0.02,
        always=True,
        skipped_field="skipped",
    ),
)
RENAMED: Final = Route(
    key="lab.renamed",
    path="/v1/labs/{lab_id}/shelves/{shelf}",
    method="PUT",
    request=Renamed,
    lane=Lane.DELIVER,
    category=Category.IDENTITY,
    authentication=API_KEY,
    idempotency=NotIdempotent("resend"),
    acknowledgement=Acknowledgement.ANY_API_ANSWER,
    ordering=OrderingKey("lab", "lab_id"),
)
TOLD: Final = Route(
    key="lab.told",
    path="/v1/told",
    request=Told,
    lane=Lane.DELIVER,
    category=Category.PRODUCT,
    authentication=API_KEY,
    idempotency=NotIdempotent("resend"),
    acknowledgement=Acknowledgement.ANY_API_ANSWER,
    ordering=None,
    batching=Batching(
        path="/v1/told/batch",
        items_field="events",
        max_items=4,
        max_bytes=10_000,
        max_wait_s=0.02,
        skipped_field="skipped",
    ),
)
LAB: Final = ServiceContract(
    name="lab",
    title="A laboratory",
    routes=(MEASURED, RENAMED, TOLD),
)
