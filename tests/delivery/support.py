"""Values that the delivery tests share."""

from types import MappingProxyType
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from swarm_analytics_models.authentication import ApiKeyAuthentication
from swarm_analytics_models.categories import Category
from swarm_analytics_models.contract import Route, ServiceContract
from swarm_analytics_models.handling import Acknowledgement, Batching, Lane, OrderingKey, Verdict
from swarm_analytics_models.idempotency import KeyInHeader, NotIdempotent
from swarm_analytics_models.services.openswarm.contract import OPENSWARM
from swarm_analyticsd.outbox.rows import Claimed

TITLE: Final = OPENSWARM.by_key["events.agent.title"]
REGISTER: Final = OPENSWARM.by_key["identify.register"]


class Chosen:
    """A chance that always takes the same share of what is possible."""

    def __init__(self, share: float = 1.0) -> None:
        self.share = share

    def uniform(self, a: float, b: float) -> float:
        return a + (b - a) * self.share


class FakeClock:
    def __init__(self, now: float = 1_000_000.0, monotonic: float = 500.0) -> None:
        self.unix = now
        self.mono = monotonic
        self.reads = 0

    def now(self) -> float:
        return self.unix

    def monotonic(self) -> float:
        self.reads += 1
        return self.mono

    def advance(self, seconds: float) -> None:
        self.unix += seconds
        self.mono += seconds


def row(seq: int = 1, **changes: Any) -> Claimed:
    fields: dict[str, Any] = {
        "seq": seq,
        "lease": 1,
        "destination": 1,
        "route": TITLE.key,
        "category": TITLE.category.value,
        "key": f"key-{seq}",
        "body": b'{"id":"a","title":"t"}',
        "ordering_key": None,
        "attempts": 0,
        "strikes": 0,
        "suspect_mark": None,
        "alone": False,
        "client": None,
        "accepted_at": 0.0,
    }
    return Claimed(**(fields | changes))


class Reading(BaseModel):
    model_config = ConfigDict(extra="forbid")
    value: int


class Taken(BaseModel):
    accepted: int


API_KEY: Final = ApiKeyAuthentication(header="X-Api-Key", prefix="")


def toy_route(key: str = "toy.read", **changes: Any) -> Route:
    fields: dict[str, Any] = {
        "key": key,
        "path": "/v1/" + key.replace(".", "/"),
        "request": Reading,
        "lane": Lane.DELIVER,
        "category": Category.PRODUCT,
        "authentication": API_KEY,
        "idempotency": KeyInHeader(("Idempotency-Key",)),
        "acknowledgement": Acknowledgement.ANY_API_ANSWER,
        "ordering": None,
    }
    return Route(**(fields | changes))


BATCHED: Final = toy_route(
    "toy.batched",
    idempotency=NotIdempotent("resend"),
    batching=Batching(path="/v1/batch", items_field="items", max_items=4, max_bytes=200, max_wait_s=0.05),
)
SET_ASIDE: Final = toy_route("toy.once", idempotency=NotIdempotent("set_aside"))
STRICT: Final = toy_route(
    "toy.strict",
    acknowledgement=Acknowledgement.JSON_OBJECT,
    response=Taken,
    verdicts=MappingProxyType(
        {402: Verdict.CREDENTIAL, 409: Verdict.EVENT, 418: Verdict.ROUTE, 400: Verdict.SERVICE}
    ),
)
KEYED: Final = toy_route("toy.keyed", ordering=OrderingKey("value", "value"))
TOY: Final = ServiceContract(
    name="toy", title="A toy with every kind of route", routes=(BATCHED, SET_ASIDE, STRICT, KEYED)
)
