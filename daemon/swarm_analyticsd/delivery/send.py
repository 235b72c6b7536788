"""The only way out: one request in, one answer out. Decides nothing.

The httpx transport (on aiohttp's connection pool) is driven without httpx's client, and aiohttp's session
without what it would add: no redirects, no cookie jar, no netrc, no decompression. A time limit spans the
whole attempt, whatever the peer does, and no more of an answer is read than `policy.RESPONSE_BYTES`.

Whether anything was sent is told by the moment at which a connection stood ready, not by the kind of error:
aiohttp reports a connection that broke after sending in the same way as one that was never made.
"""

import asyncio
import ipaddress
import ssl
from base64 import b64encode
from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from swarm_analyticsd import policy
from swarm_analyticsd.delivery.answer import Answer, NoAnswer, NotSent, Obstacle, Reply
from swarm_analyticsd.delivery.request import Request

if TYPE_CHECKING:
    import httpx


class UnusableProxy(ValueError):
    """A proxy of a kind that cannot be used. Names the remedy."""


class Transport(Protocol):
    """A way to one origin."""

    async def send(self, request: Request) -> Answer:
        """Send once. Every failure is an answer; only cancellation is raised."""
        ...

    async def aclose(self) -> None: ...


TransportFactory = Callable[[str], Transport]
"""Makes the transport for an origin."""

DIRECT: Final = "direct"
"""The proxy setting that means: none, whatever the environment says."""

_connected: ContextVar[list[bool]] = ContextVar("connected")
"""Holds True once the attempt's request may have begun to leave."""


def http_transports(proxy: str | None = None) -> TransportFactory:
    """Transports over the network. `proxy`: a proxy's URL, `DIRECT`, or None for the system's settings."""
    return lambda origin: HttpTransport(origin, proxy=proxy)


def proxy_for(origin: str, setting: str | None) -> str | None:
    """The proxy's URL for `origin`, or None for a direct connection. This machine is never proxied."""
    parts = urlsplit(origin)
    host = parts.hostname or ""
    if setting == DIRECT or _is_this_machine(host):
        return None
    if setting is not None:
        return setting
    if proxy_bypass(parts.netloc):
        return None
    known = getproxies()
    return known.get(parts.scheme) or known.get("all")


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


class HttpTransport:
    """HTTP/1.1 to one origin, over a pool of connections that opens with the first request."""

    def __init__(self, origin: str, *, proxy: str | None = None) -> None:
        self._origin = origin
        self._proxy_setting = proxy
        self._transport: httpx.AsyncBaseTransport | None = None
        self._opening = asyncio.Lock()

    async def send(self, request: Request) -> Answer:
        connected = [False]
        _connected.set(connected)
        try:
            async with asyncio.timeout(request.time_outs.total_s):
                return await self._exchange(request)
        except TimeoutError:
            detail = f"no complete answer within {request.time_outs.total_s:g} s"
            return NoAnswer(detail) if connected[0] else NotSent(Obstacle.TIME_OUT, detail)
        except Exception as error:
            if connected[0]:
                return NoAnswer(f"the connection broke before the answer was complete ({_told(error)})")
            return NotSent(_obstacle(error), _told(error))

    async def aclose(self) -> None:
        transport, self._transport = self._transport, None
        if transport is not None:
            await transport.aclose()

    async def _exchange(self, request: Request) -> Reply:
        import httpx

        transport = await self._opened()
        headers = list(request.headers)
        if request.authentication is not None:
            headers.append((request.authentication.name, request.authentication.value))
        limits = request.time_outs
        response = await transport.handle_async_request(
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
        try:
            body, cut = await _read(response)
        finally:
            await response.aclose()
        found = tuple((name.lower(), value) for name, value in response.headers.multi_items())
        return Reply(response.status_code, found, body, cut)

    async def _opened(self) -> "httpx.AsyncBaseTransport":
        async with self._opening:
            if self._transport is None:
                context = await asyncio.to_thread(_prepare, self._origin)
                self._transport = _open(self._origin, context, proxy_for(self._origin, self._proxy_setting))
        return self._transport


def _prepare(origin: str) -> ssl.SSLContext | None:
    """Load what start-up does without, and the system's trusted certificates. Slow: not on the loop."""
    import aiohttp  # noqa: F401
    import httpx_aiohttp  # noqa: F401

    if not origin.startswith("https:"):
        return None
    import truststore

    return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _open(origin: str, context: ssl.SSLContext | None, proxy: str | None) -> "httpx.AsyncBaseTransport":
    import aiohttp
    import httpx
    import httpx_aiohttp

    tracing = aiohttp.TraceConfig()
    tracing.on_connection_create_end.append(_note_connected)
    tracing.on_connection_reuseconn.append(_note_connected)
    proxy_url, for_proxy = _proxy_parts(proxy)
    tunnelled = origin.startswith("https:")

    def session() -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0, keepalive_timeout=policy.KEEP_ALIVE_TO_SERVICE_S, ssl=context or True
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=None if tunnelled else for_proxy,
            trust_env=False,
            trace_configs=[tracing],
        )

    return httpx_aiohttp.AiohttpTransport(
        verify=context or False,
        trust_env=False,
        client=session,
        proxy=httpx.Proxy(proxy_url, headers=for_proxy if tunnelled else {}) if proxy_url else None,
    )


def _proxy_parts(proxy: str | None) -> tuple[str | None, dict[str, str]]:
    """A proxy's URL without its password, and the header that carries it. Raises UnusableProxy."""
    if proxy is None:
        return None, {}
    parts = urlsplit(proxy)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UnusableProxy(f"proxy scheme {parts.scheme!r} is not supported; name an http:// proxy")
    place = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    if parts.username is None:
        return place, {}
    account = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return place, {"Proxy-Authorization": f"Basic {b64encode(account.encode()).decode()}"}


async def _note_connected(_session: Any, _context: Any, _parameters: Any) -> None:
    _connected.get()[0] = True


async def _read(response: "httpx.Response") -> tuple[bytes, bool]:
    """The raw body, undecoded: a compressed answer is never inflated."""
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > policy.RESPONSE_BYTES:
            return bytes(body[: policy.RESPONSE_BYTES]), True
    return bytes(body), False


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
