"""What is to be written for a service, decided before any text: a frozen plan. Pure, and it never refuses.

What the generator does not know stands in the plan as such (`Unknown`), for `lint` to refuse.
"""

import enum
import keyword
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Final, TypeAlias

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from clientgen.annotation import Named, Type, Unknown, is_plain_text, parts, read_annotation
from clientgen.schema import InvalidDocument, read_fields
from clientgen.surface import path_fields, schema_of
from swarm_analytics_models.authentication import InstallTokenAuthentication
from swarm_analytics_models.categories import CATEGORY_POLICIES, Category, CategoryPolicy
from swarm_analytics_models.contract import STAMPED_FIELDS, Route, ServiceContract
from swarm_analytics_models.handling import Lane

_SHOWN_ELSEWHERE: Final = {"type", "enum", "any of", "nullable", "required", "default"}
"""Attributes of a field that a signature shows by itself."""

SNAKE_CASE: Final = re.compile(r"[a-z][a-z0-9_]*\Z")


@dataclass(frozen=True, slots=True)
class Constant:
    """A default that can be written down."""

    value: str | int | float | None


@dataclass(frozen=True, slots=True)
class Member:
    """A default that is a member of an enumeration."""

    enumeration: str
    name: str


Default: TypeAlias = Constant | Member | Unknown | None
"""None: the parameter is required."""


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    wire: str
    """The name under which it travels."""

    type: Type
    default: Default
    description: str
    limits: tuple[tuple[str, Any], ...]
    """What the schema demands beyond the type, by JSON Schema's keywords."""


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
    summary: str
    parameters: tuple[Parameter, ...]
    withheld: frozenset[str]
    """Names that no signature may show: the client fills them in, or the credential says them."""

    odd: tuple[tuple[str, str], ...]
    """What about the request model no method can express, and the remedy."""

    @property
    def constant(self) -> str:
        return self.key.upper().replace(".", "_")

    @property
    def namespace(self) -> tuple[str, ...]:
        return tuple(self.key.split("."))[:-1]

    @property
    def method(self) -> str:
        return self.key.rpartition(".")[2]


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


def _models(route: PlannedRoute) -> Iterator[str]:
    types = [parameter.type for parameter in route.parameters]
    if route.lane is Lane.CALL and route.answer is not None:
        types.append(route.answer)
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
        summary=_summary(route.request),
        parameters=tuple(_parameters(route, payloads)),
        withheld=frozenset(withheld),
        odd=tuple(_oddities(route.request)),
    )


def _summary(model: type[BaseModel]) -> str:
    return " ".join((model.__doc__ or "").strip().partition("\n\n")[0].split())


def _oddities(model: type[BaseModel]) -> Iterator[tuple[str, str]]:
    if model.__pydantic_root_model__:
        yield "it is a root model, whose body has no fields to name", "Give it one field that holds the value"
    for name, info in model.model_fields.items():
        if info.validation_alias not in (None, wire_name(name, info)):
            yield f"field {name} is read and written under different names", "Give it one alias"


def wire_name(name: str, info: FieldInfo) -> str:
    return info.serialization_alias or info.alias or name


def parameter_name(name: str, wire: str) -> str:
    """The wire name where Python can say it so; else (``assigneeId``, ``from``) the field's own."""
    return wire if SNAKE_CASE.match(wire) and not keyword.iskeyword(wire) else name


def _parameters(route: Route, payloads: ModuleType) -> Iterator[Parameter]:
    """The parameters of a route's method: required ones first, then the others, each in the model's order."""
    try:
        schema = schema_of(route.request)
        schema_fields = read_fields(schema, schema)
    except InvalidDocument:
        schema_fields = {}
    found = []
    for name, info in route.request.model_fields.items():
        if name in route.stamps:
            continue
        wire = wire_name(name, info)
        facts = schema_fields.get(wire, {})
        found.append(
            Parameter(
                name=parameter_name(name, wire),
                wire=wire,
                type=read_annotation(info.annotation, payloads),
                default=None if info.is_required() else _default(info),
                description=" ".join((info.description or "").split()),
                limits=tuple((key, facts[key]) for key in sorted(facts.keys() - _SHOWN_ELSEWHERE)),
            )
        )
    yield from sorted(found, key=lambda parameter: parameter.default is not None)


def _default(info: FieldInfo) -> Default:
    value = info.default
    if info.default_factory is not None:
        return Unknown("a factory")
    if isinstance(value, enum.Enum):
        return Member(type(value).__name__, value.name)
    if value is None or type(value) in (bool, int):
        return Constant(value)
    if isinstance(value, float) and math.isfinite(value):
        return Constant(value)
    if isinstance(value, str) and is_plain_text(value):
        return Constant(value)
    return Unknown(repr(value))


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
