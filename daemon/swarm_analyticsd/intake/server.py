"""Serves HTTP with uvicorn's protocol on our own sockets and loop: no wake-ups when idle, a bounded stop."""

import asyncio
import socket
from typing import Any, Final

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from swarm_analytics_models.api import Problem
from swarm_analyticsd import policy
from swarm_analyticsd.intake.gate import Gate
from swarm_analyticsd.intake.guard import BREAK_OFF, Application

_MALFORMED: Final = Problem(code="http", message="this is not HTTP", hint="Speak HTTP/1.1.").model_dump_json()


class BoundedProtocol(HttpToolsProtocol):
    """Adds what uvicorn lacks: a deadline and a size for the head of a request."""

    closed: asyncio.Event
    _timer: asyncio.TimerHandle | None = None
    _head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_came()
        super().connection_lost(exc)
        self.closed.set()

    def data_received(self, data: bytes) -> None:
        if self._is_between_requests():
            self._await_head()
        super().data_received(data)
        if self._timer is not None:
            self._head_bytes += len(data)
            if self._head_bytes > policy.MAX_HEADER_BYTES:
                self.transport.close()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {BREAK_OFF: self.transport.close}  # type: ignore[dict-item]

    def on_headers_complete(self) -> None:
        self._head_came()
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        body = _MALFORMED.encode()
        head = b"content-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(
            body
        )
        self.transport.write(STATUS_LINE[400] + head + body)
        self.transport.close()

    def _is_between_requests(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is None or cycle.response_complete

    def _await_head(self) -> None:
        if self._timer is None:
            self._head_bytes = 0
            self._timer = self.loop.call_later(policy.HEADER_DEADLINE_S, self.transport.close)

    def _head_came(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class HttpServer:
    """Serves an application on a listening socket from `start` to `stop`."""

    def __init__(self, application: Application, listening: socket.socket) -> None:
        self._config = Config(
            application,
            http=BoundedProtocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=policy.KEEP_ALIVE_S,
        )
        self._config.load()
        self._state = ServerState()
        self._gate = Gate(listening, self._serve)

    def start(self) -> None:
        self._gate.open()

    async def stop(self) -> None:
        """Let requests under way end within `STOP_REQUESTS_S`, then end them and close everything."""
        for protocol in list(self._state.connections):
            protocol.shutdown()
        if self._state.tasks:
            await asyncio.wait(tuple(self._state.tasks), timeout=policy.STOP_REQUESTS_S)
        for task in self._state.tasks:
            task.cancel()
        await self._gate.close()

    async def _serve(self, connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        closed = asyncio.Event()

        def make() -> asyncio.Protocol:
            app_state: dict[str, Any] = {}
            protocol = BoundedProtocol(self._config, self._state, app_state, loop)
            protocol.closed = closed
            return protocol

        transport, _ = await loop.connect_accepted_socket(make, connection)
        try:
            await closed.wait()
        finally:
            transport.abort()
