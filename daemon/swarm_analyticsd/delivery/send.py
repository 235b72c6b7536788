"""The only way out: one request in, one answer out. Decides nothing.

The httpx transport (on aiohttp's connection pool) is driven without httpx's client, and aiohttp's session
without what it would add: no redirects, no cookie jar, no netrc, no decompression. A time limit spans the
whole attempt, whatever the peer does, and no more of an answer is read than its limits allow. URLs go out as
they are written, byte for byte: a signature may cover them.

Whether anything was sent is told by the moment at which a connection stood ready, not by the kind of error:
aiohttp reports a connection that broke after sending in the same way as one that was never made.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from swarm_analyticsd import policy
from swarm_analyticsd.delivery.answer import Answer, NoAnswer, NotSent, Obstacle, Reply
from swarm_analyticsd.delivery.proxy import UnusableProxy, proxy_for, proxy_parts
from swarm_analyticsd.delivery.request import Request

if TYPE_CHECKING:
    import httpx


@dataclass(frozen=True, slots=True)
class Limits:
    """Of a transport."""

    connections: int = 0
    """Most that are open; 0: as many as there are requests."""

    keep_alive_s: float = policy.KEEP_ALIVE_TO_SERVICE_S
    answer_bytes: int = policy.RESPONSE_BYTES
    """Most that is read of an answer which is collected."""


class BrokenOff(Exception):
    """An answer that came in pieces ended before its end."""


class Transport(Protocol):
    """A way to one origin."""

    async def send(self, request: Request) -> Answer:
        """Send once. Every failure is an answer; only cancellation is raised."""
        ...

    async def aclose(self) -> None: ...


TransportFactory = Callable[[str], Transport]
"""Makes the transport for an origin."""

T = TypeVar("T")

_connected: ContextVar[list[bool]] = ContextVar("connected")
"""Holds True once the attempt's request may have begun to leave."""

_url: ContextVar[str] = ContextVar("url")
"""The URL as it is to go out: the libraries would unescape some of it."""


def may_have_left() -> bool:
    """Whether the request that this task was sending when it was cancelled can have reached the service."""
    connected = _connected.get(None)
    return connected is None or connected[0]


def http_transports(proxy: str | None = None) -> TransportFactory:
    """Transports over the network. `proxy`: a proxy's URL, `DIRECT`, or None for the system's settings."""
    return lambda origin: HttpTransport(origin, proxy=proxy)


def call_transports(proxy: str | None = None) -> "Callable[[str, Limits], HttpTransport]":
    """As `http_transports`, with limits of their own."""
    return lambda origin, limits: HttpTransport(origin, proxy=proxy, limits=limits)


class HttpTransport:
    """HTTP/1.1 to one origin, over a pool of connections that opens with the first request."""

    def __init__(self, origin: str, *, proxy: str | None = None, limits: Limits | None = None) -> None:
        self._origin = origin
        self._proxy_setting = proxy
        self._limits = limits or Limits()
        self._transport: httpx.AsyncBaseTransport | None = None
        self._opening = asyncio.Lock()

    async def send(self, request: Request) -> Answer:
        return await self._within_limits(request, self._collect)

    async def open(self, request: Request, media_type: str) -> "Answer | Flow":
        """Send once. A success of `media_type` is a flow, whose total time nothing limits but its reader; any
        other answer is collected as in `send`. Only cancellation is raised.
        """

        async def either(response: "httpx.Response") -> Reply | Flow:
            kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
            if response.is_success and kind == media_type:
                return Flow(response)
            return await self._collect(response)

        return await self._within_limits(request, either)

    async def _within_limits(
        self, request: Request, take: "Callable[[httpx.Response], Awaitable[T]]"
    ) -> "T | NotSent | NoAnswer":
        connected = [False]
        _connected.set(connected)
        try:
            async with asyncio.timeout(request.time_outs.total_s):
                return await take(await self._respond(request))
        except TimeoutError:
            detail = f"no complete answer within {request.time_outs.total_s:g} s"
            return NoAnswer(detail, timed_out=True) if connected[0] else NotSent(Obstacle.TIME_OUT, detail)
        except Exception as error:
            if connected[0]:
                return _no_answer(error)
            return NotSent(_obstacle(error), _told(error))

    async def aclose(self) -> None:
        transport, self._transport = self._transport, None
        if transport is not None:
            await transport.aclose()

    async def _respond(self, request: Request) -> "httpx.Response":
        import httpx

        transport = await self._opened()
        headers = [*request.headers, *((proof.name, proof.value) for proof in request.authentication)]
        limits = request.time_outs
        _url.set(request.url)
        return await transport.handle_async_request(
            httpx.Request(
                request.method,
                request.url,
                headers=headers,
                content=request.body,
                extensions={
                    "timeout": {
                        "connect": limits.connect_s,
                        "read": limits.read_s,
                        "pool": limits.connect_s,
                    }
                },
            )
        )

    async def _collect(self, response: "httpx.Response") -> Reply:
        body = bytearray()
        cut = False
        try:
            async for piece in response.aiter_raw():  # undecoded: a compressed answer is never inflated
                body += piece
                if cut := len(body) > self._limits.answer_bytes:
                    break
        finally:
            await response.aclose()
        return Reply(response.status_code, _fields(response), bytes(body[: self._limits.answer_bytes]), cut)

    async def _opened(self) -> "httpx.AsyncBaseTransport":
        async with self._opening:
            if self._transport is None:
                context = await asyncio.to_thread(_prepare, self._origin)
                proxy = proxy_for(self._origin, self._proxy_setting)
                self._transport = _open(self._origin, context, proxy, self._limits)
        return self._transport


class Flow:
    """A success whose body comes in pieces. To be closed, whether it was read to its end or not."""

    def __init__(self, response: "httpx.Response") -> None:
        self.status = response.status_code
        self.headers = _fields(response)
        self._response = response

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body as it comes. The time limit between two pieces is the request's. Raises BrokenOff."""
        try:
            async for piece in self._response.aiter_raw():
                yield piece
        except Exception as error:
            raise BrokenOff(_no_answer(error).detail) from error

    async def aclose(self) -> None:
        """Ends the request to the service if it has not ended."""
        await self._response.aclose()


def _prepare(origin: str) -> ssl.SSLContext | None:
    """Load what start-up does without, and the system's trusted certificates. Slow: not on the loop."""
    import aiohttp  # noqa: F401
    import httpx_aiohttp  # noqa: F401

    if not origin.startswith("https:"):
        return None
    import truststore

    return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _open(
    origin: str, context: ssl.SSLContext | None, proxy: str | None, limits: Limits
) -> "httpx.AsyncBaseTransport":
    import aiohttp
    import httpx
    import httpx_aiohttp
    from yarl import URL

    class AsWritten(aiohttp.ClientRequest):
        def __init__(self, method: str, url: URL, **more: Any) -> None:
            super().__init__(method, URL(_url.get(), encoded=True), **more)

    tracing = aiohttp.TraceConfig()
    tracing.on_connection_create_end.append(_note_connected)
    tracing.on_connection_reuseconn.append(_note_connected)
    proxy_url, for_proxy = proxy_parts(proxy)
    tunnelled = origin.startswith("https:")

    def session() -> aiohttp.ClientSession:
        made = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=limits.connections, keepalive_timeout=limits.keep_alive_s, ssl=context or True
            ),
            request_class=AsWritten,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=None if tunnelled else for_proxy,
            trust_env=False,
            trace_configs=[tracing],
        )
        made._retry_connection = False  # it would send a GET or DELETE again, with the same signature
        return made

    return httpx_aiohttp.AiohttpTransport(
        verify=context or False,
        trust_env=False,
        client=session,
        proxy=httpx.Proxy(proxy_url, headers=for_proxy if tunnelled else {}) if proxy_url else None,
    )


async def _note_connected(_session: Any, _context: Any, _parameters: Any) -> None:
    _connected.get()[0] = True


def _fields(response: "httpx.Response") -> tuple[tuple[str, str], ...]:
    return tuple((name.lower(), value) for name, value in response.headers.multi_items())


def _no_answer(error: Exception) -> NoAnswer:
    detail = f"the connection broke before the answer was complete ({_told(error)})"
    return NoAnswer(detail, timed_out=isinstance(error.__cause__ or error, TimeoutError))


def _obstacle(error: Exception) -> Obstacle:
    import aiohttp

    cause = error.__cause__ if error.__cause__ is not None else error
    match cause:
        case aiohttp.ClientConnectorDNSError():
            return Obstacle.NAME
        case aiohttp.ClientProxyConnectionError() | aiohttp.ClientHttpProxyError() | UnusableProxy():
            return Obstacle.PROXY
        case aiohttp.ClientSSLError() | aiohttp.ServerFingerprintMismatch() | ssl.SSLError():
            return Obstacle.TLS
        case TimeoutError():
            return Obstacle.TIME_OUT
        case _:
            return Obstacle.CONNECT


def _told(error: Exception) -> str:
    """An error in words. Never its representation, which may hold the request with its headers."""
    import aiohttp

    cause = error.__cause__ if error.__cause__ is not None else error
    if isinstance(cause, aiohttp.ClientResponseError):
        return f"{type(cause).__name__}: {cause.status} {cause.message}"
    return f"{type(cause).__name__}: {cause}" if str(cause) else type(cause).__name__
