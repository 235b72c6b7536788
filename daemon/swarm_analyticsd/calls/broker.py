"""Makes calls for apps: finds what a call names, gives what is cached, and else talks to the service."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic_core import to_json

from swarm_analytics_models.api import Problem
from swarm_analytics_models.calls import CallFailure, CallRequest, CallTrouble, ClearCacheRequest
from swarm_analytics_models.contract import Route, ServiceContract
from swarm_analytics_models.handling import Lane
from swarm_analytics_models.identifiers import uuid7
from swarm_analyticsd.calls.conversation import Conversation, Sleep
from swarm_analyticsd.calls.counterpart import Counterpart, Directory
from swarm_analyticsd.calls.outcome import CallOutcome, Failed
from swarm_analyticsd.calls.pool import CallTransportFactory, Pool, Pools
from swarm_analyticsd.calls.request import Asked, ask
from swarm_analyticsd.calls.view import CallsView, view_of
from swarm_analyticsd.clock import Chance, Clock
from swarm_analyticsd.delivery.wire import Unsendable


class Uncallable(Exception):
    """A call that names what is not there, or does not fit it. Nothing was sent."""

    def __init__(self, status: int, code: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.status = status
        self.problem = Problem(code=code, message=message, hint=hint)


@dataclass(frozen=True, slots=True)
class _Call:
    contract: ServiceContract
    route: Route
    counterpart: Counterpart
    pool: Pool
    asked: Asked


class Broker:
    """To be used on one event loop."""

    def __init__(
        self,
        *,
        contracts: Mapping[str, ServiceContract],
        directory: Directory,
        transports: CallTransportFactory,
        clock: Clock,
        chance: Chance,
        sleep: Sleep = asyncio.sleep,
        mint: Callable[[], str] = uuid7,
    ) -> None:
        self._routes = {
            name: {route.key: route for route in contract.routes if _is_callable(route)}
            for name, contract in contracts.items()
        }
        self._contracts = contracts
        self._directory = directory
        self._clock = clock
        self._chance = chance
        self._sleep = sleep
        self._mint = mint
        self._pools = Pools(transports, clock)

    async def call(self, service: str, operation: str, request: CallRequest) -> CallOutcome:
        """Raises Uncallable. Cancelling it ends the request to the service."""
        call = self._prepare(service, operation, request)
        if call.counterpart.paused:
            return Failed(CallFailure(trouble=CallTrouble.PAUSED, service=service, operation=operation))
        route = call.route
        if route.cache_s is None or not request.settings.cache or call.asked.media_type is not None:
            return await self._converse(call)
        key = (route.key, _canonical(call.asked.arguments))
        return await call.pool.cache.get(key, route.cache_s, lambda: self._converse(call))

    def clear_cache(self, request: ClearCacheRequest) -> None:
        """Forget what is cached for callers with this destination and these settings."""
        pool = self._pools.known(request.destination, request.settings)
        if pool is not None:
            pool.cache.clear()

    def views(self) -> dict[str, CallsView]:
        """What can be said of the calls to each destination, by `ref`."""
        return {ref: view_of(pools, self._clock) for ref, pools in self._pools.by_destination().items()}

    async def aclose(self) -> None:
        await self._pools.aclose()

    def _prepare(self, service: str, operation: str, request: CallRequest) -> _Call:
        contract, route = self._find(service, operation)
        counterpart = self._directory(request.destination)
        if counterpart is None or counterpart.destination.service != service:
            raise Uncallable(
                404,
                "unknown_destination",
                f"{service} has no destination {request.destination[:80]!r}",
                "Register it first (POST /v1/register), then call again.",
            )
        if contract.calls is None:
            raise AssertionError(f"{service}: its contract promises to say how calls are made")
        pool = self._pools.of(counterpart.destination, request.settings, contract.calls)
        pool.under(counterpart.authenticator, counterpart.generation)
        try:
            asked = ask(
                route,
                counterpart.destination.base_url,
                request.arguments,
                request.key or self._mint(),
                pool.terms.time_outs(route),
            )
        except Unsendable as error:
            raise Uncallable(
                422, "invalid", f"{service} {operation}: {error}", "Correct the arguments; nothing was sent."
            ) from error
        return _Call(contract, route, counterpart, pool, asked)

    def _find(self, service: str, operation: str) -> tuple[ServiceContract, Route]:
        routes = self._routes.get(service)
        if routes is None:
            raise Uncallable(
                404,
                "unknown_service",
                f"no service is called {service[:80]!r}",
                f"Known services: {', '.join(sorted(self._routes))}.",
            )
        route = routes.get(operation)
        if route is None:
            raise Uncallable(
                404,
                "unknown_operation",
                f"{service} has no operation {operation[:80]!r} that can be called",
                "Correct the operation, or update the daemon if the app is newer than it.",
            )
        return self._contracts[service], route

    async def _converse(self, call: _Call) -> CallOutcome:
        conversation = Conversation(
            contract=call.contract,
            route=call.route,
            asked=call.asked,
            counterpart=call.counterpart,
            pool=call.pool,
            clock=self._clock,
            chance=self._chance,
            sleep=self._sleep,
            deadline=self._clock.monotonic() + call.pool.terms.deadline_s(call.route),
        )
        return await conversation.run()


def _is_callable(route: Route) -> bool:
    return route.lane is Lane.CALL and not route.internal


def _canonical(arguments: Mapping[str, Any]) -> bytes:
    return to_json(dict(sorted(arguments.items())))
