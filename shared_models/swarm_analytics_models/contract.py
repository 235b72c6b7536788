"""The vocabulary in which a service is declared.

The generator, the daemon's intake, the daemon's delivery and the sandbox all read the same declaration.
There is no default where a wrong guess costs events or money: whoever declares a route decides.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from types import MappingProxyType
from typing import Any, Final, Literal

from pydantic import BaseModel

from swarm_analytics_models.authentication import (
    ApiKeyAuthentication,
    Authentication,
    InstallTokenAuthentication,
    NoAuthentication,
)
from swarm_analytics_models.headers import may_be_set
from swarm_analytics_models.idempotency import Idempotency, KeyInBody, KeyInHeader


class InvalidContract(ValueError):
    """A declaration that contradicts itself; raised where it is made, never at delivery."""


class Lane(StrEnum):
    """How a call reaches its service."""

    DELIVER = "deliver"
    """Durable, fire-and-forget: an outbox row."""

    CALL = "call"
    """Request and response, brokered by the daemon and never queued."""


class Category(StrEnum):
    """What an event is about, in the words of the user's consent."""

    PRODUCT = "product"
    DIAGNOSTIC = "diagnostic"
    IDENTITY = "identity"
    BOOTSTRAP = "bootstrap"
    CONSENT = "consent"


class ConsentMode(StrEnum):
    """What the user allows a service to be sent."""

    FULL = "full"
    """Everything."""

    MINIMAL = "minimal"
    """Categories that are not muted; what is muted is withdrawn and erased."""

    HOLD = "hold"
    """As minimal, but what is muted is kept until the user decides."""


class Priority(IntEnum):
    """Who yields when a home is full: the highest number is evicted first, the lowest is sent first."""

    CONSENT = 0
    IDENTITY = 1
    PRODUCT = 2
    DIAGNOSTIC = 3


@dataclass(frozen=True, slots=True)
class CategoryPolicy:
    """What consent and a full home mean for a category."""

    muted: bool
    """Withheld under `minimal` and `hold`."""

    evictable: bool
    """May be given up when the home is over its cap."""

    priority: Priority


CATEGORY_POLICIES: Final[Mapping[Category, CategoryPolicy]] = MappingProxyType(
    {
        Category.PRODUCT: CategoryPolicy(muted=True, evictable=True, priority=Priority.PRODUCT),
        Category.DIAGNOSTIC: CategoryPolicy(muted=False, evictable=True, priority=Priority.DIAGNOSTIC),
        Category.IDENTITY: CategoryPolicy(muted=False, evictable=False, priority=Priority.IDENTITY),
        Category.BOOTSTRAP: CategoryPolicy(muted=False, evictable=False, priority=Priority.IDENTITY),
        Category.CONSENT: CategoryPolicy(muted=False, evictable=False, priority=Priority.CONSENT),
    }
)
"""Every category has a decision; a route whose category lacks one cannot be declared."""


@dataclass(frozen=True, slots=True)
class Batching:
    """How several events of one route travel in one request."""

    path: str
    items_field: str
    """The request is ``{items_field: [body, ...]}``."""

    max_items: int
    max_bytes: int
    max_wait_s: float
    """A batch that is not full is sent when its oldest event has waited so long."""


class Acknowledgement(StrEnum):
    """What must be recognised in a 2xx before an event counts as delivered."""

    ANY_API_ANSWER = "any_api_answer"
    """The body is unknown or ignored: any 2xx counts, unless it is plainly no API's answer (HTML, say)."""

    JSON_OBJECT = "json_object"
    """The body must be a JSON object that validates against the route's `response` model."""


class Verdict(StrEnum):
    """Whose fault an answer is, where a contract differs from the default (delivery/outcome)."""

    EVENT = "event"
    """The event's own: dead."""

    ROUTE = "route"
    """The route is shut: hold it, probe with one event."""

    CREDENTIAL = "credential"
    """The credential is refused: hold it, renew it."""

    SERVICE = "service"
    """The service is in trouble: back off."""


@dataclass(frozen=True, slots=True)
class TimeOuts:
    """Seconds, of one attempt. Nobody waits for it: it is long enough for a slow mobile network."""

    connect_s: float = 5.0
    """Until a connection stands, TLS included: one lost packet is sent again after 1 s, a second after 3."""

    read_s: float = 10.0
    """Between two pieces of the answer."""

    total_s: float = 20.0
    """From beginning to end, whatever the peer does."""


@dataclass(frozen=True, slots=True)
class OrderingKey:
    """Events with equal values go out in the order in which their calls returned.

    `group` keeps keys of different kinds apart; routes that share a group share an order.
    """

    group: str
    field: str | None
    """Dotted path into the body, by wire name; None: the whole group is one key."""


_ROUTE_KEY = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+\Z")
_SERVICE_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")
_PATH = re.compile(r"(/[A-Za-z0-9._{}~-]+)+/?\Z")
STAMPED_FIELDS: Final = ("ts", "submission_id")
"""What the client fills in; they appear in no signature."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One operation of a service."""

    key: str
    """Dotted: ``events.agent.create`` is the method ``client.events.agent.create``."""

    path: str
    request: type[BaseModel]
    lane: Lane
    category: Category
    authentication: Authentication
    idempotency: Idempotency
    acknowledgement: Acknowledgement
    ordering: OrderingKey | None
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "POST"
    response: type[BaseModel] | None = None
    batching: Batching | None = None
    verdicts: Mapping[int, Verdict] = field(default_factory=lambda: MappingProxyType({}))
    time_outs: TimeOuts = field(default_factory=TimeOuts)
    opt_out_field: str | None = None
    """Boolean field of a consent route's body: true sets the service's consent to minimal, false to full."""

    internal: bool = False
    """Called by the daemon itself; no client method is generated and hand-off refuses it."""

    def __post_init__(self) -> None:
        if not _ROUTE_KEY.match(self.key):
            raise InvalidContract(
                f"route key {self.key!r} must be dotted lower-case names, such as events.agent.create"
            )
        if not _PATH.match(self.path):
            raise InvalidContract(
                f"{self.key}: path {self.path!r} must be absolute, without query or fragment"
            )
        if self.category not in CATEGORY_POLICIES:
            raise InvalidContract(f"{self.key}: category {self.category!r} has no consent decision")
        if (self.opt_out_field is not None) != (self.category is Category.CONSENT):
            raise InvalidContract(f"{self.key}: a consent route, and only that, names its opt_out_field")
        if isinstance(self.idempotency, KeyInBody) and self.idempotency.field not in wire_names(self.request):
            raise InvalidContract(f"{self.key}: the body has no field {self.idempotency.field!r}")
        for header in self._unfit_headers():
            raise InvalidContract(f"{self.key}: header {header!r} is not one that a contract may set so")
        if self.acknowledgement is Acknowledgement.JSON_OBJECT and self.response is None:
            raise InvalidContract(f"{self.key}: acknowledgement json_object needs a response model")

    def _unfit_headers(self) -> Iterator[str]:
        scheme, idempotency = self.authentication, self.idempotency
        proof = scheme.header if isinstance(scheme, ApiKeyAuthentication) else "Authorization"
        if not may_be_set(proof):
            yield proof
        if isinstance(idempotency, KeyInHeader):
            key = idempotency.header
            if not may_be_set(key) or key.lower() in ("authorization", proof.lower()):
                yield key

    @property
    def stamps(self) -> tuple[str, ...]:
        """The fields of the request that the client fills in."""
        return tuple(name for name in STAMPED_FIELDS if name in self.request.model_fields)

    @property
    def policy(self) -> CategoryPolicy:
        return CATEGORY_POLICIES[self.category]


def wire_names(model: type[BaseModel]) -> frozenset[str]:
    """The names under which a model's fields travel."""
    return frozenset(
        info.serialization_alias or info.alias or name for name, info in model.model_fields.items()
    )


def ordering_value(route: Route, body: Mapping[str, Any]) -> str | None:
    """The event's ordering key within its destination, or None where its order does not matter."""
    if route.ordering is None:
        return None
    if route.ordering.field is None:
        return route.ordering.group
    value: Any = body
    for step in route.ordering.field.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    return None if value is None else f"{route.ordering.group}:{value}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceContract:
    """A service: its routes and what holds for all of them."""

    name: str
    title: str
    routes: tuple[Route, ...]

    def __post_init__(self) -> None:
        if not _SERVICE_NAME.match(self.name):
            raise InvalidContract(f"service name {self.name!r} must be a lower-case identifier")
        keys = [route.key for route in self.routes]
        if doubled := sorted({key for key in keys if keys.count(key) > 1}):
            raise InvalidContract(f"{self.name}: declared twice: {', '.join(doubled)}")
        by_key = {route.key: route for route in self.routes}
        for route in self.routes:
            if isinstance(route.authentication, InstallTokenAuthentication):
                bootstrap = by_key.get(route.authentication.register_route)
                if bootstrap is None or not isinstance(bootstrap.authentication, NoAuthentication):
                    raise InvalidContract(
                        f"{self.name}: {route.key} registers through "
                        f"{route.authentication.register_route!r}, which must be one of its open routes"
                    )

    @property
    def by_key(self) -> Mapping[str, Route]:
        return MappingProxyType({route.key: route for route in self.routes})
