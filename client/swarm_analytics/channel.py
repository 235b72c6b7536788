"""Requests to the local daemon: a small HTTP client over its Unix socket or loopback port.

Used by the client for what needs an answer (never for events), and by the daemon's own command line.
"""

import json
import os
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from swarm_analytics import policy
from swarm_analytics.errors import DaemonRefused as DaemonRefused
from swarm_analytics.errors import DaemonUnavailable as DaemonUnavailable
from swarm_analytics.forking import importing
from swarm_analytics.listener import listener_of
from swarm_analytics_models.api import Problem
from swarm_analytics_models.home import AddressFile, Home, read_address, resolve_home
from swarm_analytics_models.private import UnsafePath, check_private_directory

if TYPE_CHECKING:
    import socket

__all__ = ["DaemonChannel", "DaemonRefused", "DaemonUnavailable", "find_address"]

START_HINT: Final = "Start one with `swarm-analyticsd run`."
_SLOW_HINT: Final = "Try again. If it hangs, end it; what was accepted is on disk: kill -9 {pid}"


def find_address(home: Home) -> AddressFile:
    """Where the home's daemon says it listens. DaemonUnavailable also when the home is not ours alone."""
    try:
        check_private_directory(home.root)
    except UnsafePath as error:
        raise DaemonUnavailable(f"the home is not trusted: {error.message}", error.hint) from error
    except OSError as error:
        raise DaemonUnavailable(f"there is no home at {home.root}: {error.strerror}", START_HINT) from error
    address = read_address(home)
    if address is None:
        raise DaemonUnavailable(f"no daemon runs in {home.root}", START_HINT)
    return address


def nobody_listens(home: Home, address: AddressFile, error: Exception) -> DaemonUnavailable:
    """The error for an address at which no connection could be made."""
    return DaemonUnavailable(
        f"no daemon listens at {address.address}, where {home.address} says: {error}", START_HINT
    )


class DaemonChannel:
    """One home's daemon. Making a channel does no I/O; each request connects anew, so it may be restarted."""

    def __init__(self, home: Home | str | os.PathLike[str] | None = None) -> None:
        self.home = home if isinstance(home, Home) else resolve_home(home)

    def request(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        timeout: float = policy.REQUEST_S,
    ) -> Any:
        """Send one request and return the answer's JSON (None when it is empty).

        `timeout` bounds it all, in seconds. Raises DaemonUnavailable when nobody answers in time, and
        DaemonRefused with the daemon's `Problem` for every status of 400 and above.
        """
        content = None if body is None else json.dumps(body, separators=(",", ":")).encode()
        return self.send(method, path, content, {"Content-Type": "application/json"}, timeout=timeout)

    def send(
        self,
        method: str,
        path: str,
        content: bytes | None,
        headers: Mapping[str, str],
        *,
        timeout: float = policy.REQUEST_S,
    ) -> Any:
        """As `request`, with content of any kind."""
        with importing():
            from http.client import HTTPException

        deadline = time.monotonic() + timeout
        address = find_address(self.home)
        try:
            listener = listener_of(self.home, address)
            sock = listener.connect(min(timeout, policy.CONNECT_S))
        except (OSError, UnsafePath, ValueError) as error:
            raise nobody_listens(self.home, address, error) from error
        connection = _Connection(listener.headers["Host"], sock)
        try:
            status, answer = _exchange(
                connection, method, path, content, {**headers, **listener.headers}, deadline=deadline
            )
        except TimeoutError as error:
            raise DaemonUnavailable(
                f"the daemon (pid {address.pid}) did not answer {method} {path} within {timeout:g} s",
                _SLOW_HINT.format(pid=address.pid),
            ) from error
        except (OSError, HTTPException) as error:
            cause = str(error) or type(error).__name__
            raise DaemonUnavailable(
                f"the daemon (pid {address.pid}) broke off {method} {path}: {cause}",
                "Try again; if it stays, see its log (daemon.log in the home).",
            ) from error
        finally:
            connection.close()
        return read_answer(status, answer, f"{method} {path}")


class _Connection:
    """http.client on a socket that is connected already, with one deadline for the whole exchange."""

    def __init__(self, host: str, sock: "socket.socket") -> None:
        import http.client

        self.sock = sock
        self.http: http.client.HTTPConnection = http.client.HTTPConnection(host)
        self.http.sock = sock

    def close(self) -> None:
        self.http.close()
        self.sock.close()


def _exchange(
    connection: _Connection,
    method: str,
    path: str,
    content: bytes | None,
    headers: Mapping[str, str],
    *,
    deadline: float,
) -> tuple[int, bytes]:
    def remaining() -> float:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    connection.sock.settimeout(remaining())
    connection.http.request(method, path, body=content, headers={**headers, "Connection": "close"})
    connection.sock.settimeout(remaining())
    response = connection.http.getresponse()
    answer = bytearray()
    while part := response.read1(65536):
        answer += part
        if len(answer) > policy.MAX_ANSWER_BYTES:
            raise OSError(f"the answer is longer than {policy.MAX_ANSWER_BYTES} bytes")
        if not response.isclosed():  # from Python 3.13 on, the last byte closes the socket
            connection.sock.settimeout(remaining())
    return response.status, bytes(answer)


def read_answer(status: int, answer: bytes, what: str) -> Any:
    """The JSON of the daemon's answer to `what`. Raises DaemonRefused for every status of 400 and above."""
    try:
        parsed = json.loads(answer) if answer else None
        problem = Problem.model_validate(parsed) if status >= 400 else None
    except ValueError:
        problem = Problem(
            code="bad_answer",
            message=f"the daemon answered {what} with status {status} and no JSON that it should send",
            hint="Another program may own its address; stop it, or restart the daemon.",
        )
        parsed = None
    if problem is not None:
        raise DaemonRefused(problem, status)
    return parsed
