"""The sandbox as an ASGI application: the contracts' routes, and ``/_sandbox`` to look at it and steer it.

FastAPI holds the routes' declarations, from which its OpenAPI is made. Requests to them take a shorter way,
by `Places`, so that a benchmark measures the sender and not its judge.
"""

import asyncio
import warnings
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from fastapi import FastAPI
from pydantic.warnings import UnsupportedFieldAttributeWarning
from starlette.types import Receive, Scope, Send

from swarm_analytics_models.contract import Route, ServiceContract
from swarm_analytics_models.services import contracts as all_contracts
from swarm_analytics_sandbox.answers import Abort, play, send_answer
from swarm_analytics_sandbox.control import control_routes
from swarm_analytics_sandbox.described import described
from swarm_analytics_sandbox.faults import takes_event
from swarm_analytics_sandbox.places import Found
from swarm_analytics_sandbox.service import MAX_BODY_BYTES, Service

ABORT: Final = "swarm_analytics_sandbox.abort"
"""ASGI extension in which our server hands over, as `call`, what resets a connection."""

NO_TELEMETRY: Final[Any] = {"auto_configure": False, "tracing": False, "metrics": False, "logs": False}
"""Whatever the environment says, a stand-in tells nobody what it took."""


class SandboxApp(FastAPI):
    """FastAPI whose contract routes are answered by their services' stand-ins."""

    def __init__(self, service: Service) -> None:
        titles = ", ".join(contract.title for contract in service.contracts.values())
        super().__init__(title=f"Sandbox of {titles}", version="1", telemetry=NO_TELEMETRY)
        self.service = service
        for contract in service.contracts.values():
            for route in contract.routes:
                self._declare(contract, route)
        self.include_router(control_routes(service), prefix="/_sandbox", include_in_schema=False)

    def _declare(self, contract: ServiceContract, route: Route) -> None:
        self.add_api_route(
            contract.base_path + route.path,
            described(route),
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
        found = self.service.places.find(scope["method"], _raw_path(scope)) if _is_request(scope) else None
        if found is None:
            await super().__call__(scope, receive, send)
        else:
            await self._receive(found, scope, receive, send)

    async def _receive(self, found: Found, scope: Scope, receive: Receive, send: Send) -> None:
        body = await _read(receive)
        if body is None:
            return
        service = self.service
        query = scope["query_string"].decode("latin-1")
        asked = service.asked(found, scope["method"], _raw_path(scope), query, scope["headers"], body)
        entry = service.log(asked)
        latency, action = service.faults.draw(asked)
        if latency:
            await asyncio.sleep(latency)
        if action is None:
            answer = service.take(asked)
            entry.answered = str(answer.status)
            await send_answer(send, answer)
            return
        genuine = service.take(asked) if takes_event(action) else None
        entry.answered = action.kind
        await play(action, genuine, receive, send, _abort(scope))


def create_app(contracts: Mapping[str, ServiceContract] | None = None) -> FastAPI:
    """A sandbox of `contracts` (by default all) in memory. Raises InvalidContract as `Service` does."""
    return SandboxApp(Service(all_contracts() if contracts is None else contracts))


def _is_request(scope: Scope) -> bool:
    return bool(scope["type"] == "http")


def _raw_path(scope: Scope) -> str:
    raw: bytes | None = scope.get("raw_path")
    return quote(scope["path"]) if raw is None else raw.decode("latin-1")


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
