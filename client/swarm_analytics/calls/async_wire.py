"""One exchange with the daemon over a socket of asyncio's."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Final

from swarm_analytics import policy
from swarm_analytics.calls.setback import NotConnected, Severed
from swarm_analytics.calls.wire import find_listener, not_sent
from swarm_analytics.channel import nobody_listens
from swarm_analytics.listener import LOOPBACK, Listener
from swarm_analytics_models.home import Home

if TYPE_CHECKING:
    from swarm_analytics.calls.exchange import Exchange, Head


class AsyncWire:
    """A socket of asyncio's that carries one request and its answer."""

    def __init__(self, sock: socket.socket, exchange: "Exchange", deadline: float) -> None:
        self._sock: Final = sock
        self._exchange: Final = exchange
        self._deadline: Final = deadline
        self._early: list[bytes] = []
        self._ended_here = False

    @classmethod
    async def open(cls, home: Home, path: str, content: bytes, deadline: float) -> "AsyncWire":
        """Connect; nothing is sent yet. Raises NotConnected. `deadline` is on the loop's clock."""
        from swarm_analytics.calls.exchange import Exchange

        address, listener = find_listener(home)
        try:
            async with asyncio.timeout_at(deadline), asyncio.timeout(policy.CONNECT_S):
                sock = await _connect(listener)
        except OSError as error:
            raise NotConnected(nobody_listens(home, address, error)) from error
        return cls(sock, Exchange(path, listener.headers, content), deadline)

    async def send(self) -> "Head":
        """Send the request and wait for the answer's head. Raises NotConnected, Severed."""
        unsent: OSError | None = None
        try:
            async with asyncio.timeout_at(self._deadline):
                await asyncio.get_running_loop().sock_sendall(self._sock, self._exchange.outgoing)
        except OSError as error:
            unsent = error  # it may have been answered all the same: refused before its end
        try:
            while self._exchange.head is None:
                self._early += await self._receive()
        except Severed:
            if unsent is None:
                raise
            raise not_sent(unsent) from unsent
        return self._exchange.head

    async def body(self) -> AsyncIterator[bytes]:
        """The answer's body as it comes, to its end. Raises Severed."""
        for part in self._early:
            yield part
        while not self._exchange.complete:
            for part in await self._receive():
                yield part

    def end(self) -> None:
        """Break off: whoever waits here gets Severed."""
        self._ended_here = True
        with contextlib.suppress(OSError):  # it is closed already
            self._sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._sock.close()

    async def _receive(self) -> list[bytes]:
        try:
            async with asyncio.timeout_at(self._deadline):
                data = await asyncio.get_running_loop().sock_recv(self._sock, policy.READ_BYTES)
        except TimeoutError as error:
            raise Severed("the time was up", late=True) from error
        except OSError as error:
            raise self._broken(str(error) or type(error).__name__) from error
        if self._ended_here:
            raise self._broken("it was closed here")
        return self._exchange.receive(data)

    def _broken(self, cause: str) -> Severed:
        return Severed(cause, final=self._ended_here or self._exchange.head is not None)


async def _connect(listener: Listener) -> socket.socket:
    if listener.path is not None:
        from swarm_analytics.link import unix_socket

        sock = unix_socket(listener.path)
    else:
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        if listener.path is None:
            await asyncio.get_running_loop().sock_connect(sock, (LOOPBACK, listener.port))
        else:
            await _connect_unix(sock, listener.path)
    except BaseException:
        sock.close()
        raise
    return sock


async def _connect_unix(sock: socket.socket, path: str) -> None:
    """A Unix socket connects at once, or, when too many wait to be accepted, not at all: then try again."""
    while True:
        try:
            sock.connect(path)
        except BlockingIOError:
            await asyncio.sleep(policy.BACKLOG_POLL_S)
        else:
            return
