"""The vocabulary in which a service is declared.

The generator, the daemon's intake, the daemon's delivery and the sandbox all read the same declaration.
There is no default where a wrong guess costs events or money: whoever declares a route decides.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Literal, assert_never
from urllib.parse import quote

from pydantic import BaseModel

from swarm_analytics_models.authentication import (
    ApiKeyAuthentication,
    Authentication,
    InstallTokenAuthentication,
    NoAuthentication,
    ResourceKeyAuthentication,
    SessionAuthentication,
    SignatureAuthentication,
    headers_of,
    schemes_of,
)
from swarm_analytics_models.calling import CallDefaults, ReadError, Streaming, no_facts
from swarm_analytics_models.categories import CATEGORY_POLICIES, Category, CategoryPolicy
from swarm_analytics_models.dotted import at
from swarm_analytics_models.handling import Acknowledgement, Batching, Lane, OrderingKey, TimeOuts, Verdict
from swarm_analytics_models.headers import may_be_set
from swarm_analytics_models.idempotency import (
    Idempotency,
    KeyInBody,
    KeyInHeader,
    NaturallyIdempotent,
    NotIdempotent,
)
from swarm_analytics_models.identifiers import InvalidBaseUrl, parse_base_url
from swarm_analytics_models.key_sources import KeySource


class InvalidContract(ValueError):
    """A declaration that contradicts itself; raised where it is made, never at delivery."""


_ROUTE_KEY = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+\Z")
_SERVICE_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")
_PATH = re.compile(r"(/([A-Za-z0-9._~-]+|\{[A-Za-z_][A-Za-z0-9_]*\}))+/?\Z")
_PATH_FIELD = re.compile(r"\{([^}]*)\}")
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
    query: tuple[str, ...] = ()
    """Fields, by wire name, that travel in the query of a request that has a body. GET and DELETE have none:
    all that is not in their path is in the query. Null is left out, a list repeats its name."""

    body_field: str | None = None
    """The body is the value of this field alone, a bare array, say; None: an object of what is left."""

    response: type[BaseModel] | None = None
    example: Any = None
    """An answer that fits `response`: what the sandbox answers where it knows no better."""

    redacted: frozenset[str] = frozenset()
    """Fields, wherever in an answer, whose values the service should not have sent: replaced."""

    cache_s: float | None = None
    """Seconds for which an answer may be given again to callers with the same credential."""

    streaming: Streaming | None = None
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
        for complaint in (*self._complaints(), *self._lane_complaints()):
            raise InvalidContract(f"{self.key}: {complaint}")

    def _complaints(self) -> Iterator[str]:
        names = wire_names(self.request)
        if isinstance(self.idempotency, KeyInBody) and self.idempotency.field not in names:
            yield f"the body has no field {self.idempotency.field!r}"
        for name in (*self.path_fields, *self.query, *filter(None, (self.body_field,))):
            if name not in names:
                yield f"the request has no field {name!r}"
        for header in self._unfit_headers():
            yield f"header {header!r} is not one that a contract may set so"
        if self.acknowledgement is Acknowledgement.JSON_OBJECT and self.response is None:
            yield "acknowledgement json_object needs a response model"
        if self.example is not None and self.response is None:
            yield "an example needs a response model"

    def _lane_complaints(self) -> Iterator[str]:
        ambiguous = self.idempotency.when_ambiguous if isinstance(self.idempotency, NotIdempotent) else None
        if self.lane is Lane.DELIVER:
            if ambiguous == "report":
                yield "nobody waits for an event's answer: resend it or set it aside when ambiguous"
            if self.cache_s is not None or self.streaming is not None:
                yield "only a call has an answer to cache or to stream"
            if self.batching is not None and not self._takes_its_fields(self.batching.path):
                yield f"batches go to {self.batching.path!r}, which must take the fields that the path takes"
            return
        if ambiguous not in (None, "report"):
            yield "a call that may have been executed is reported to its caller"
        if self.batching is not None or self.ordering is not None:
            yield "only events are batched or ordered"
        if self.cache_s is not None and not isinstance(self.idempotency, NaturallyIdempotent):
            yield "only what is asked, and does nothing, has an answer that may be given again"
        if self.streaming is not None and self.redacted:
            yield "an answer in pieces is passed on unread: nothing in it can be redacted"
        asks = self.streaming.field.partition(".")[0] if self.streaming is not None else None
        if asks is not None and asks not in wire_names(self.request):
            yield f"the request has no field {asks!r}"

    def _unfit_headers(self) -> Iterator[str]:
        proofs = [name for scheme in schemes_of(self.authentication) for name in headers_of(scheme)]
        yield from (name for name in proofs if not may_be_set(name))
        if isinstance(self.idempotency, KeyInHeader | NotIdempotent):
            taken = {"authorization", *(name.lower() for name in proofs)}
            yield from (
                name for name in self.idempotency.headers if not may_be_set(name) or name.lower() in taken
            )

    def _takes_its_fields(self, path: str) -> bool:
        return sorted(_PATH_FIELD.findall(path)) == sorted(self.path_fields)

    @property
    def path_fields(self) -> tuple[str, ...]:
        """The fields of the request, by wire name, that the path takes."""
        return tuple(_PATH_FIELD.findall(self.path))

    @property
    def key_field(self) -> str | None:
        """The field of the body in which a caller names the idempotency key; None: it is minted."""
        named = isinstance(self.idempotency, KeyInBody) and self.idempotency.field not in STAMPED_FIELDS
        return self.idempotency.field if isinstance(self.idempotency, KeyInBody) and named else None

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
    value = at(body, route.ordering.field)
    return None if value is None else f"{route.ordering.group}:{value}"


def resource_value(route: Route, body: Mapping[str, Any]) -> str:
    """Which resource of the service an event concerns: what its path takes; empty where it takes nothing.

    Percent-encoded, so that no two resources are one.
    """
    return "/".join(quote(str(body.get(name)), safe="") for name in route.path_fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceContract:
    """A service: its routes and what holds for all of them."""

    name: str
    title: str
    routes: tuple[Route, ...]
    default_base_url: str | None = None
    """Where the service is unless somebody says otherwise."""

    base_path: str = ""
    """What every base URL of the service ends with, where the service itself puts one before its routes."""

    key_sources: tuple[KeySource, ...] = ()
    calls: CallDefaults | None = None
    """None: it has no route of the call lane for apps."""

    read_error: ReadError = no_facts

    def __post_init__(self) -> None:
        if not _SERVICE_NAME.match(self.name):
            raise InvalidContract(f"service name {self.name!r} must be a lower-case identifier")
        keys = [route.key for route in self.routes]
        if doubled := sorted({key for key in keys if keys.count(key) > 1}):
            raise InvalidContract(f"{self.name}: declared twice: {', '.join(doubled)}")
        for complaint in self._complaints():
            raise InvalidContract(f"{self.name}: {complaint}")

    def _complaints(self) -> Iterator[str]:
        if self.default_base_url is not None:
            try:
                parse_base_url(self.default_base_url)
            except InvalidBaseUrl as error:
                yield str(error)
        if self.base_path and not _PATH.match(self.base_path):
            yield f"base path {self.base_path!r} must look like /api/v1"
        callable_routes = [route for route in self.routes if route.lane is Lane.CALL and not route.internal]
        if callable_routes and self.calls is None:
            yield f"{callable_routes[0].key} is a call, and `calls` does not say how calls are made"
        for route in self.routes:
            for scheme in schemes_of(route.authentication):
                match scheme:
                    case InstallTokenAuthentication():
                        yield from self._bootstrap(route, scheme.register_route, open_route=True)
                    case SessionAuthentication():
                        yield from self._bootstrap(route, scheme.open_route, open_route=False)
                    case ResourceKeyAuthentication():
                        yield from self._bootstrap(route, scheme.mint_route, open_route=False)
                        if scheme.resource_field not in route.path_fields:
                            yield f"{route.key}: its path does not name {scheme.resource_field!r}"
                    case NoAuthentication() | ApiKeyAuthentication() | SignatureAuthentication():
                        pass
                    case _:
                        assert_never(scheme)

    def _bootstrap(self, route: Route, wanted: str, *, open_route: bool) -> Iterator[str]:
        found = next((known for known in self.routes if known.key == wanted), None)
        if found is None or found.response is None:
            yield f"{route.key} is authenticated through {wanted!r}, which must be a route with an answer"
        elif open_route and not isinstance(found.authentication, NoAuthentication):
            yield f"{route.key} registers through {wanted!r}, which must be one of its open routes"

    @property
    def by_key(self) -> Mapping[str, Route]:
        return MappingProxyType({route.key: route for route in self.routes})
