"""From a plan to the text of its files. Pure: the same plan gives the same bytes, on any day and machine."""

from collections.abc import Iterator, Sequence

from clientgen.layout import Chain, Group, Piece, docstring, lay_out
from clientgen.namespaces import AWAITED, BLOCKING, GENERATED, namespaces_module
from clientgen.plan import PlannedRoute, ServicePlan
from clientgen.spelling import literal, spelled
from swarm_analytics_models.handling import Lane


def render(plans: Sequence[ServicePlan]) -> dict[str, str]:
    """The text of every file below the output directory, by its path there. The plans must pass lint."""
    files = {"__init__.py": f'"""The clients of the services. {GENERATED}"""\n'}
    for plan in plans:
        files[f"{plan.name}/__init__.py"] = docstring([f"{plan.title}. {GENERATED}"], "")
        files[f"{plan.name}/routes.py"] = _routes_module(plan)
        files[f"{plan.name}/namespaces.py"] = namespaces_module(plan, BLOCKING)
        if plan.has_calls:
            files[f"{plan.name}/async_namespaces.py"] = namespaces_module(plan, AWAITED)
    return files


def _routes_module(plan: ServicePlan) -> str:
    routes = [route for route in plan.routes if not route.internal]
    package, _, module = plan.payloads.rpartition(".")
    ours = ["from swarm_analytics_models.client_route import ClientRoute", f"from {package} import {module}"]
    constants = "".join(lay_out(_route_constant(plan, route), "") + "\n" for route in routes)
    table = Group(
        "ROUTES: Final[Mapping[str, ClientRoute]] = MappingProxyType(",
        [Group("{", [f"{literal(route.key)}: {route.constant}" for route in routes], "}")],
        ")",
    )
    return (
        docstring([f"Routes of {plan.title}. {GENERATED}"], "")
        + "\nfrom collections.abc import Mapping\nfrom types import MappingProxyType\n"
        + "from typing import Final\n\n"
        + "\n".join(sorted(ours))
        + f"\n\n{constants}\n{lay_out(table, '')}\n"
    )


def _route_constant(plan: ServicePlan, route: PlannedRoute) -> Piece:
    module = plan.payloads.rpartition(".")[2]
    return Group(
        f"{route.constant}: Final = ClientRoute(",
        [
            f"service={literal(plan.name)}",
            f"key={literal(route.key)}",
            f"category={literal(route.category)}",
            f"muted={route.muted}",
            f"request={module}.{spelled(route.request, frozenset())}",
            Chain(["stamps=", _tuple(route.stamps)]),
            f"opt_out_field={literal(route.opt_out_field)}",
            *_particulars(route),
        ],
        ")",
    )


def _particulars(route: PlannedRoute) -> Iterator[Piece]:
    """What most routes have none of."""
    if route.key_field is not None:
        yield f"key_field={literal(route.key_field)}"
    if route.stream is not None:
        yield f"streaming_field={literal(route.stream.field)}"
        yield f"streaming_format={literal(route.stream.format)}"
    if route.lane is Lane.CALL and route.repeatable:
        yield "repeatable=True"


def _tuple(values: Sequence[str]) -> Piece:
    if len(values) == 1:
        return f"({literal(values[0])},)"
    return Group("(", [literal(value) for value in values], ")")
