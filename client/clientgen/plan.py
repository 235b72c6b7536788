"""What is to be written for a service, decided before any text: a frozen plan. Pure, and it never refuses.

What the generator does not know stands in the plan as such (`Unknown`), for `lint` to refuse.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType

from pydantic import BaseModel

from clientgen.annotation import Named, Type, parts, read_annotation
from clientgen.parameters import Member, Parameter, read_parameters, wire_name
from clientgen.surface import path_fields
from swarm_analytics_models.authentication import InstallTokenAuthentication
from swarm_analytics_models.calling import Streaming
from swarm_analytics_models.categories import CATEGORY_POLICIES, Category, CategoryPolicy
from swarm_analytics_models.contract import STAMPED_FIELDS, Route, ServiceContract
from swarm_analytics_models.handling import Lane
from swarm_analytics_models.idempotency import KeyInBody, KeyInHeader, NaturallyIdempotent, NotIdempotent


@dataclass(frozen=True, slots=True)
class Stream:
    """An answer in pieces, and how it is asked for."""

    event: Type
    field: str
    format: str


@dataclass(frozen=True, slots=True)
class PlannedRoute:
    """One route, and the method that it becomes unless it is internal."""

    key: str
    http: str
    """HTTP method and path."""

    path_fields: tuple[str, ...]
    request: Type
    answer: Type | None
    lane: Lane
    internal: bool
    category: str
    muted: bool | None
    """None: the category has no consent decision."""

    stamps: tuple[str, ...]
    opt_out_field: str | None
    key_field: str | None
    """The wire name of the field in which callers name the idempotency key."""

    stream: Stream | None
    repeatable: bool
    summary: str
    parameters: tuple[Parameter, ...]
    withheld: frozenset[str]
    """Names that no signature may show: the client fills them in, or the credential says them."""

    odd: tuple[tuple[str, str], ...]
    """What about the request model, or how an answer in pieces is asked for, no method can express, and the
    remedy."""

    @property
    def constant(self) -> str:
        return self.key.upper().replace(".", "_")

    @property
    def namespace(self) -> tuple[str, ...]:
        return tuple(self.key.split("."))[:-1]

    @property
    def method(self) -> str:
        return self.key.rpartition(".")[2]

    @property
    def methods(self) -> tuple[str, ...]:
        """Every method that it becomes."""
        return (self.method,) if self.stream is None else (self.method, f"{self.method}_stream")


@dataclass(frozen=True, slots=True)
class Namespace:
    path: tuple[str, ...]
    methods: tuple[PlannedRoute, ...]
    children: tuple[tuple[str, ...], ...]
    lanes: frozenset[Lane]
    """The lanes of its methods and of all below it: which ports it needs."""

    @property
    def models(self) -> frozenset[str]:
        """The models and enumerations that its signatures name."""
        return frozenset(name for route in self.methods for name in _models(route))

    @property
    def class_name(self) -> str:
        return pascal_case("_".join(self.path)) + "Namespace"


@dataclass(frozen=True, slots=True)
class ServicePlan:
    name: str
    title: str
    payloads: str
    """The module that the models are imported from."""

    routes: tuple[PlannedRoute, ...]
    namespaces: tuple[Namespace, ...]

    @property
    def base_class(self) -> str:
        return pascal_case(self.name) + "Namespaces"

    @property
    def has_calls(self) -> bool:
        """Whether there is anything to await."""
        return any(Lane.CALL in namespace.lanes for namespace in self.namespaces)


def _models(route: PlannedRoute) -> Iterator[str]:
    types = [parameter.type for parameter in route.parameters]
    if route.lane is Lane.CALL and route.answer is not None:
        types.append(route.answer)
    if route.stream is not None:
        types.append(route.stream.event)
    for node in types:
        yield from (part.name for part in parts(node) if isinstance(part, Named))
    for parameter in route.parameters:
        if isinstance(parameter.default, Member):
            yield parameter.default.enumeration


def pascal_case(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))


def plan_service(
    contract: ServiceContract,
    payloads: ModuleType,
    policies: Mapping[Category, CategoryPolicy] = CATEGORY_POLICIES,
) -> ServicePlan:
    """Plan the client of one service whose models are in the module `payloads`."""
    routes = tuple(_plan_route(route, payloads, policies) for route in contract.routes)
    return ServicePlan(
        name=contract.name,
        title=contract.title,
        payloads=payloads.__name__,
        routes=routes,
        namespaces=tuple(_namespaces([route for route in routes if not route.internal])),
    )


def _plan_route(
    route: Route, payloads: ModuleType, policies: Mapping[Category, CategoryPolicy]
) -> PlannedRoute:
    route.request.model_rebuild()
    policy = policies.get(route.category)
    withheld = set(STAMPED_FIELDS)
    if isinstance(route.authentication, InstallTokenAuthentication):
        withheld.add(route.authentication.install_field)
    return PlannedRoute(
        key=route.key,
        http=f"{route.method} {route.path}",
        path_fields=tuple(path_fields(route.path)),
        request=read_annotation(route.request, payloads),
        answer=None if route.response is None else read_annotation(route.response, payloads),
        lane=route.lane,
        internal=route.internal,
        category=str(route.category),
        muted=None if policy is None else policy.muted,
        stamps=route.stamps,
        opt_out_field=route.opt_out_field,
        key_field=route.key_field if route.lane is Lane.DELIVER else None,
        stream=None if route.streaming is None else _stream(route.streaming, payloads),
        repeatable=is_repeatable(route),
        summary=_summary(route.request),
        parameters=tuple(read_parameters(route, payloads)),
        withheld=frozenset(withheld),
        odd=(*_oddities(route.request), *_stream_oddities(route)),
    )


def _stream(streaming: Streaming, payloads: ModuleType) -> Stream:
    return Stream(read_annotation(streaming.event, payloads), streaming.field, streaming.format)


def is_repeatable(route: Route) -> bool:
    """Whether a call may be made twice without harm, as whichever identity it is made."""
    match route.idempotency:
        case NaturallyIdempotent() | KeyInBody():
            return True
        case KeyInHeader():
            return route.idempotency.honoured_for is None
        case NotIdempotent():
            return False


def _summary(model: type[BaseModel]) -> str:
    return " ".join((model.__doc__ or "").strip().partition("\n\n")[0].split())


def _oddities(model: type[BaseModel]) -> Iterator[tuple[str, str]]:
    if model.__pydantic_root_model__:
        yield "it is a root model, whose body has no fields to name", "Give it one field that holds the value"
    for name, info in model.model_fields.items():
        if info.validation_alias not in (None, wire_name(name, info)):
            yield f"field {name} is read and written under different names", "Give it one alias"


def _stream_oddities(route: Route) -> Iterator[tuple[str, str]]:
    for name, info in route.request.model_fields.items():
        asks = route.streaming is not None and route.streaming.field == wire_name(name, info)
        if asks and info.is_required():
            yield f"field {name} asks for an answer in pieces, and is required", "Give it the default False"


def _namespaces(routes: list[PlannedRoute], path: tuple[str, ...] = ()) -> Iterator[Namespace]:
    """The namespaces below `path`, each before its children, in the contract's order."""
    depth = len(path) + 1
    for below in dict.fromkeys(route.namespace[:depth] for route in routes if len(route.namespace) >= depth):
        inside = [route for route in routes if route.namespace[:depth] == below]
        inner = tuple(_namespaces(inside, below))
        yield Namespace(
            path=below,
            methods=tuple(route for route in inside if route.namespace == below),
            children=tuple(child.path for child in inner if len(child.path) == depth + 1),
            lanes=frozenset(route.lane for route in inside),
        )
        yield from inner
