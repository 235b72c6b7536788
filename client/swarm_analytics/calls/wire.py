"""One exchange with the daemon over a blocking socket."""

import contextlib
import socket
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from swarm_analytics import launch, policy, version
from swarm_analytics.calls.setback import NotConnected, Severed
from swarm_analytics.channel import find_address, nobody_listens
from swarm_analytics.errors import DaemonUnavailable
from swarm_analytics.listener import Listener, listener_of
from swarm_analytics_models.home import AddressFile, Home
from swarm_analytics_models.private import UnsafePath

if TYPE_CHECKING:
    from swarm_analytics.calls.exchange import Exchange, Head

_TRY_AGAIN: Final = "Try again; if it stays, see its log (daemon.log in the home)."


def find_listener(home: Home) -> tuple[AddressFile, Listener]:
    """Where the home's daemon listens. Raises NotConnected: nobody does, or one older than this client."""
    try:
        address = find_address(home)
    except DaemonUnavailable as error:
        raise NotConnected(error) from error
    if version.is_older(address.version, version.installed()) and launch.autostart_allowed(home):
        older = DaemonUnavailable(
            f"the daemon in {home.root} is of version {address.version}", "Replace it by a newer one."
        )
        raise NotConnected(older)
    try:
        return address, listener_of(home, address)
    except (OSError, UnsafePath, ValueError) as error:
        raise NotConnected(nobody_listens(home, address, error)) from error


def not_sent(error: OSError) -> NotConnected:
    """The daemon hung up, or took nothing, before it had the whole request."""
    cause = str(error) or type(error).__name__
    return NotConnected(DaemonUnavailable(f"the daemon did not take the request: {cause}", _TRY_AGAIN))


class Wire:
    """A connected socket that carries one request and its answer."""

    def __init__(self, sock: socket.socket, exchange: "Exchange", deadline: float) -> None:
        self._sock = sock
        self._exchange = exchange
        self._deadline = deadline
        self._early: list[bytes] = []
        self.ended_here = False

    @classmethod
    def open(cls, home: Home, path: str, content: bytes, deadline: float) -> "Wire":
        """Connect; nothing is sent yet. Raises NotConnected."""
        from swarm_analytics.calls.exchange import Exchange

        address, listener = find_listener(home)
        try:
            left = max(0.0, deadline - time.monotonic())
            sock = listener.connect(min(left, policy.CONNECT_S))
        except OSError as error:
            raise NotConnected(nobody_listens(home, address, error)) from error
        return cls(sock, Exchange(path, listener.headers, content), deadline)

    def send(self) -> "Head":
        """Send the request and wait for the answer's head. Raises NotConnected, Severed."""
        unsent: OSError | None = None
        try:
            self._sock.settimeout(self._left())
            self._sock.sendall(self._exchange.outgoing)
        except OSError as error:
            unsent = error  # it may have been answered all the same: refused before its end
        try:
            while self._exchange.head is None:
                self._early += self._receive()
        except Severed:
            if unsent is None:
                raise
            raise not_sent(unsent) from unsent
        return self._exchange.head

    def body(self) -> Iterator[bytes]:
        """The answer's body as it comes, to its end. Raises Severed."""
        yield from self._early
        while not self._exchange.complete:
            yield from self._receive()

    def end(self) -> None:
        """Break off, from any thread: whoever waits here gets Severed."""
        self.ended_here = True
        with contextlib.suppress(OSError):  # it is closed already
            self._sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._sock.close()

    def _receive(self) -> list[bytes]:
        try:
            self._sock.settimeout(self._left())
            data = self._sock.recv(policy.READ_BYTES)
        except TimeoutError as error:
            raise Severed("the time was up", late=True) from error
        except OSError as error:
            raise self._broken(str(error) or type(error).__name__) from error
        if self.ended_here:
            raise self._broken("it was closed here")
        return self._exchange.receive(data)

    def _broken(self, cause: str) -> Severed:
        return Severed(cause, final=self.ended_here or self._exchange.head is not None)

    def _left(self) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left
