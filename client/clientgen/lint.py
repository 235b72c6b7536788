"""What is refused, and why: pure, over plans. What passes here renders to code that is right."""

import keyword
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from clientgen.annotation import Type, Unknown, parts
from clientgen.parameters import SNAKE_CASE, Parameter
from clientgen.plan import Namespace, PlannedRoute, ServicePlan
from swarm_analytics_models.handling import Lane

CLIENT_METHODS: Final = frozenset({"close", "flush", "register"})
"""What the client itself is called by; no namespace may take these names."""

MODULE_NAMES: Final = frozenset(
    {
        *("Any", "AsyncCall", "AsyncIterator", "Call", "Iterator", "Literal", "Submit", "UNSET", "Unset"),
        *("UUID", "date", "datetime"),
    }
)
"""What a generated module imports beside the payload models."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason not to generate. Prints as one line: where, cause, remedy."""

    place: str
    cause: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.place}: {self.cause}. {self.remedy}"


def lint(plan: ServicePlan) -> tuple[Refusal, ...]:
    """Every reason to refuse `plan`; none means that it can be rendered."""
    return tuple(_refusals(plan))


def _refusals(plan: ServicePlan) -> Iterator[Refusal]:
    for route in plan.routes:
        place = f"{plan.name} {route.key}"
        yield from _lint_route(place, route, plan.payloads)
        if not route.internal:
            yield from _lint_method(place, route, plan.payloads)
    for lane in Lane:
        taken = [route.http for route in plan.routes if route.lane is lane]
        yield from _doubled(plan.name, "endpoint", taken)
    yield from _lint_names(plan)


def _lint_route(place: str, route: PlannedRoute, payloads: str) -> Iterator[Refusal]:
    if route.muted is None:
        yield Refusal(
            place,
            f"category {route.category!r} has no consent decision",
            "Say in CATEGORY_POLICIES whether it is muted",
        )
    yield from _lint_type(f"{place}, its request model", route.request, payloads)
    for cause, remedy in route.odd:
        yield Refusal(f"{place}, its request model", cause, remedy)


def _lint_method(place: str, route: PlannedRoute, payloads: str) -> Iterator[Refusal]:
    for name in route.key.split("."):
        yield from _lint_name(place, name)
    if not route.summary or '"""' in route.summary or "\\" in route.summary or route.summary.endswith('"'):
        yield Refusal(
            f"{place}, its request model",
            "its docstring cannot be the method's",
            "Write one sentence, without a backslash or triple quotes, that ends in a full stop",
        )
    if route.lane is Lane.CALL and route.answer is None:
        yield Refusal(place, "a call must say what it returns", "Give the route a response model")
    if route.answer is not None:
        yield from _lint_type(f"{place}, its response model", route.answer, payloads)
    if route.stream is not None:
        yield from _lint_type(f"{place}, its events", route.stream.event, payloads)
    for parameter in route.parameters:
        yield from _lint_parameter(f"{place}, parameter {parameter.name}", parameter, route, payloads)
    yield from _doubled(place, "parameter", [parameter.name for parameter in route.parameters])


def _lint_parameter(
    place: str, parameter: Parameter, route: PlannedRoute, payloads: str
) -> Iterator[Refusal]:
    yield from _lint_name(place, parameter.name)
    if {parameter.name, parameter.wire} & route.withheld:
        yield Refusal(
            place,
            "callers must not say it: the client stamps it, or the service reads it from the credential",
            "Remove the field, or name it as the stamp is named, without an alias",
        )
    yield from _lint_type(place, parameter.type, payloads)
    if isinstance(parameter.default, Unknown):
        yield Refusal(
            place,
            f"its default {parameter.default.text} cannot be written into a signature",
            "Use None, a boolean, a finite number, plain text or a member of an enumeration",
        )
    if "\\" in parameter.description or '"""' in parameter.description:
        yield Refusal(place, "its description cannot stand in a docstring", "Leave out \\ and triple quotes")


def _lint_name(place: str, name: str) -> Iterator[Refusal]:
    if keyword.iskeyword(name) or name == "self":
        yield Refusal(place, f"the name {name!r} is reserved by Python", "Choose another")
    elif not SNAKE_CASE.match(name) or "__" in name:
        yield Refusal(
            place,
            f"the name {name!r} is not a plain lower-case name",
            "Use lower-case words joined by single underscores",
        )


def _lint_type(place: str, node: Type, payloads: str) -> Iterator[Refusal]:
    for part in parts(node):
        if isinstance(part, Unknown):
            yield Refusal(
                place,
                f"the generator does not know the annotation {part.text}",
                f"Use JSON's own types, Literal, FreeJson, or a model or enumeration of {payloads}",
            )


def _lint_names(plan: ServicePlan) -> Iterator[Refusal]:
    yield from _doubled(plan.name, "route constant", [route.constant for route in plan.routes])
    if not plan.namespaces:
        yield Refusal(plan.name, "it has no route for clients", "Declare one that is not internal")
    classes = [namespace.class_name for namespace in plan.namespaces]
    models = sorted({name for namespace in plan.namespaces for name in namespace.models})
    ours = [plan.base_class, *classes]
    awaited = [f"Async{name}" for name in ours] if plan.has_calls else []
    yield from _doubled(plan.name, "class name", [*ours, *awaited, *models, *sorted(MODULE_NAMES)])
    for namespace in plan.namespaces:
        yield from _lint_members(plan.name, namespace)


def _lint_members(service: str, namespace: Namespace) -> Iterator[Refusal]:
    dotted = ".".join(namespace.path)
    if dotted in CLIENT_METHODS:
        yield Refusal(f"{service} {dotted}", "the client itself has a method of this name", "Choose another")
    children = {path[-1] for path in namespace.children}
    yield from _doubled(
        f"{service} {dotted}", "method", [name for route in namespace.methods for name in route.methods]
    )
    for method in namespace.methods:
        if children & set(method.methods):
            yield Refusal(
                f"{service} {method.key}",
                "it is both a method and a namespace",
                "Rename the route, or move it into the namespace",
            )


def _doubled(place: str, kind: str, names: list[str]) -> Iterator[Refusal]:
    for name, count in Counter(names).items():
        if count > 1:
            yield Refusal(place, f"{kind} {name} stands for {count} things", "Rename all but one")
