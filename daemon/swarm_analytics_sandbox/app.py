"""The sandbox as an ASGI application: the contracts' routes, and ``/_sandbox`` to look at it and steer it.

FastAPI holds the routes' declarations, from which its OpenAPI is made. Requests to them take a shorter way,
by a table of (method, path) to a `Reception`, so that a benchmark measures the sender and not its judge.
"""

import asyncio
import inspect
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from fastapi import FastAPI
from pydantic.warnings import UnsupportedFieldAttributeWarning
from starlette.types import Receive, Scope, Send

from swarm_analytics_models.contract import InvalidContract, Route, ServiceContract
from swarm_analytics_models.services import contracts as all_contracts
from swarm_analytics_sandbox.answers import Abort, play, send_answer
from swarm_analytics_sandbox.control import control_routes
from swarm_analytics_sandbox.faults import takes_event
from swarm_analytics_sandbox.service import MAX_BODY_BYTES, Service

ABORT: Final = "swarm_analytics_sandbox.abort"
"""ASGI extension in which our server hands over, as `call`, what resets a connection."""

NO_TELEMETRY: Final[Any] = {"auto_configure": False, "tracing": False, "metrics": False, "logs": False}
"""Whatever the environment says, a stand-in tells nobody what it took."""


@dataclass(frozen=True, slots=True)
class Reception:
    """Handles the requests to one route."""

    service: Service
    contract: str
    route: Route

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await _read(receive)
        if body is None:
            return
        headers = scope["headers"]
        entry = self.service.log(scope["method"], scope["path"], headers, body)
        latency, action = self.service.faults.draw(self.contract, self.route.key, scope["path"], body)
        if latency:
            await asyncio.sleep(latency)
        if action is None:
            answer = self.service.take(self.contract, self.route, headers, body)
            entry.answered = str(answer.status)
            await send_answer(send, answer)
            return
        taken = takes_event(action)
        genuine = self.service.take(self.contract, self.route, headers, body) if taken else None
        entry.answered = action.kind
        await play(action, genuine, receive, send, _abort(scope))


class SandboxApp(FastAPI):
    """FastAPI whose contract routes are answered from a table."""

    def __init__(self, service: Service) -> None:
        titles = ", ".join(contract.title for contract in service.contracts.values())
        super().__init__(title=f"Sandbox of {titles}", version="1", telemetry=NO_TELEMETRY)
        self.service = service
        self._receptions: dict[tuple[str, str], Reception] = {}
        for contract in service.contracts.values():
            for route in contract.routes:
                self._declare(contract, route)
        self.include_router(control_routes(service), prefix="/_sandbox", include_in_schema=False)

    def _declare(self, contract: ServiceContract, route: Route) -> None:
        place = route.method, route.path
        if taken := self._receptions.get(place):
            raise InvalidContract(
                f"{contract.name} and {taken.contract} both declare {route.method} {route.path}; "
                "start a sandbox for each"
            )
        if route.method in ("GET", "DELETE") or "{" in route.path:
            raise InvalidContract(
                f"{contract.name}: {route.key} is {route.method} {route.path}, and the sandbox takes "
                f"JSON bodies at fixed paths only; teach {__name__} what it lacks"
            )
        self._receptions[place] = Reception(self.service, contract.name, route)
        self.add_api_route(
            route.path,
            _described(route),
            methods=[route.method],
            name=route.key,
            response_model=route.response,
        )

    def openapi(self) -> dict[str, Any]:
        """As FastAPI makes it. Models that defer their build make it warn of its own field metadata."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UnsupportedFieldAttributeWarning)
            return super().openapi()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        reception = self._receptions.get((scope.get("method", ""), scope.get("path", "")))
        await (reception or super().__call__)(scope, receive, send)


def create_app(contracts: Mapping[str, ServiceContract] | None = None) -> FastAPI:
    """A sandbox of `contracts` (by default all) in memory. Raises InvalidContract where two collide."""
    return SandboxApp(Service(all_contracts() if contracts is None else contracts))


def _described(route: Route) -> Callable[..., Any]:
    """What FastAPI reads a route's request from; `Reception` answers in its place."""

    async def endpoint(**payload: Any) -> None:
        raise AssertionError(f"{route.key} is answered by its reception")

    body = inspect.Parameter("body", inspect.Parameter.KEYWORD_ONLY, annotation=route.request)
    endpoint.__signature__ = inspect.Signature([body])  # type: ignore[attr-defined]
    endpoint.__doc__ = route.request.__doc__
    return endpoint


async def _read(receive: Receive) -> bytes | None:
    """The request's body, cut where it is too large anyway; None when the client left before its end."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        if len(body) <= MAX_BODY_BYTES:
            body += message.get("body", b"")
        if not message.get("more_body", False):
            return bytes(body)


def _abort(scope: Scope) -> Abort:
    offered: dict[str, Abort] = scope.get("extensions", {}).get(ABORT, {})
    return offered.get("call", _no_connection)


def _no_connection() -> None:
    raise ConnectionResetError("reset by the sandbox's script")
