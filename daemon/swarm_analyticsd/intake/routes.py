"""What screening knows of the services' routes, worked out once. Pure."""

from collections.abc import Mapping

from pydantic import BaseModel

from swarm_analytics_models.contract import Route, ServiceContract, ordering_value, resource_value
from swarm_analytics_models.handling import Lane
from swarm_analytics_models.handoff import RefusalCode
from swarm_analytics_models.idempotency import KeyInBody
from swarm_analyticsd.intake.refusals import Unacceptable


class RoutePlan:
    """What screening needs to know of a route, worked out once."""

    def __init__(self, service: str, route: Route) -> None:
        self.service = service
        self.route = route
        self.policy = route.policy
        self.stamped_ts = "ts" in route.stamps
        self.named_by_caller = route.key_field is not None
        self.key_field = route.idempotency.field if isinstance(route.idempotency, KeyInBody) else None
        self._ordering_step, self._ordering_attribute = _ordering(route)
        self._path_attributes = {
            attribute for name in route.path_fields if (attribute := _attribute(route, name)) is not None
        }

    def ordering(self, payload: BaseModel) -> str | None:
        if self._ordering_attribute is None:
            return ordering_value(self.route, {})
        value = getattr(payload, self._ordering_attribute)
        if type(value) in (str, int):  # dumping would change nothing, at ten times the cost
            return ordering_value(self.route, {self._ordering_step: value})
        wire = payload.model_dump(mode="json", by_alias=True, include={self._ordering_attribute})
        return ordering_value(self.route, wire)

    def resource(self, payload: BaseModel) -> str:
        """Of a route that names none in its path, at no cost."""
        if not self._path_attributes:
            return ""
        taken = payload.model_dump(mode="json", by_alias=True, include=self._path_attributes)
        return resource_value(self.route, taken)


def _ordering(route: Route) -> tuple[str, str | None]:
    """The first step of the route's ordering key, and the payload's attribute of that wire name."""
    if route.ordering is None or route.ordering.field is None:
        return "", None
    step = route.ordering.field.partition(".")[0]
    return step, _attribute(route, step)


def _attribute(route: Route, wire_name: str) -> str | None:
    """The payload's attribute that travels under this name."""
    for name, info in route.request.model_fields.items():
        if wire_name == (info.serialization_alias or info.alias or name):
            return name
    return None


class RouteBook:
    """The routes that take events, of every service."""

    def __init__(self, contracts: Mapping[str, ServiceContract]) -> None:
        self._routes = {
            contract.name: {route.key: RoutePlan(contract.name, route) for route in contract.routes}
            for contract in contracts.values()
        }
        self.opt_outs = tuple(
            route.key.encode()
            for contract in contracts.values()
            for route in contract.routes
            if route.opt_out_field is not None
        )
        """Keys of the consent routes, as they stand in a line: what cannot hold a decision lacks them all."""

    def plan(self, service: str, route: str) -> RoutePlan:
        routes = self.service(service)
        plan = routes.get(route)
        if plan is None or plan.route.internal or plan.route.lane is not Lane.DELIVER:
            raise Unacceptable(
                RefusalCode.UNKNOWN_ROUTE,
                f"service {service} takes no events on route {route!r}",
                "Correct the route, or update the daemon if the app is newer than it.",
            )
        return plan

    def service(self, name: str) -> Mapping[str, RoutePlan]:
        routes = self._routes.get(name)
        if routes is None:
            raise Unacceptable(
                RefusalCode.UNKNOWN_SERVICE,
                f"no service is called {name!r}",
                f"Known services: {', '.join(sorted(self._routes))}.",
            )
        return routes

    def is_muted(self, service: str, route: str) -> bool:
        """Whether consent other than full withholds such events. What is not known is treated as withheld."""
        plan = self._routes.get(service, {}).get(route)
        return plan is None or plan.policy.muted
