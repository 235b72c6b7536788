"""One connection to a daemon's hand-off socket (POSIX): lines out without ever blocking, messages in."""

import contextlib
import json
import os
import socket
import stat
import sys
import time
from collections.abc import Iterator
from typing import Any, Final

from swarm_analytics import policy
from swarm_analytics_models.handoff import (
    ConsentChanged,
    DaemonMessage,
    Dropped,
    ProtocolError,
    Receipt,
    SignatureWanted,
    Skipped,
    Welcome,
)

_SEND_FLAGS: Final = getattr(socket, "MSG_DONTWAIT", 0) | getattr(socket, "MSG_NOSIGNAL", 0)
_KINDS: Final[dict[str, type[DaemonMessage]]] = {
    "welcome": Welcome,
    "receipt": Receipt,
    "dropped": Dropped,
    "consent": ConsentChanged,
    "signature_wanted": SignatureWanted,
    "skipped": Skipped,
    "error": ProtocolError,
}


class ForeignSocket(OSError):
    """The path is no socket of this user's."""


def unix_socket(path: str) -> socket.socket:
    """A socket that is yet to be connected to `path`, which is a socket of this user's. Raises OSError."""
    if sys.platform == "win32":
        raise ForeignSocket(f"{path}: Unix sockets are not used on Windows")
    found = os.lstat(path)
    if not stat.S_ISSOCK(found.st_mode) or found.st_uid != os.geteuid():
        raise ForeignSocket(f"{path} is not a socket of this user")
    return socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)


def connect_unix(path: str, timeout: float) -> socket.socket:
    """Connect to a Unix socket that this user owns, within `timeout` seconds. Raises OSError."""
    sock = unix_socket(path)
    deadline = time.monotonic() + timeout
    try:
        sock.settimeout(timeout)
        while not _is_connected(sock, path, deadline):
            time.sleep(policy.BACKLOG_POLL_S)
    except BaseException:
        sock.close()
        raise
    return sock


def _is_connected(sock: socket.socket, path: str, deadline: float) -> bool:
    """False when too many wait to be accepted, and there is time to try again."""
    try:
        sock.connect(path)
    except BlockingIOError:
        if time.monotonic() >= deadline:
            raise
        return False
    return True


class Link:
    """A connected socket. `send` may be called by any thread, `messages` by one."""

    def __init__(self, path: str, timeout: float = policy.CONNECT_S) -> None:
        """Connect within `timeout` seconds; 0: at once or not at all. Raises OSError."""
        self._sock = connect_unix(path, timeout)
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, policy.SEND_BUFFER_BYTES)
        self._sock.settimeout(None)

    def send(self, data: bytes) -> bool:
        """Send all of `data` now, or return False: then a part may have gone, and the link is useless."""
        try:
            return self._sock.send(data, _SEND_FLAGS) == len(data)
        except OSError:
            return False

    def hang_up(self) -> None:
        """Send nothing more. The daemon reads what it was sent, answers, and closes; `messages` then ends."""
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self._sock.close()

    def messages(self) -> Iterator[DaemonMessage]:
        """What the daemon says, until it closes. Unknown kinds are skipped; garbage raises ValueError."""
        rest = b""
        while True:
            try:
                chunk = self._sock.recv(65536)
            except OSError:
                return
            if not chunk:
                return
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                message = parse_message(line)
                if message is not None:
                    yield message
            if len(rest) > policy.MAX_MESSAGE_BYTES:
                raise ValueError(f"a message of more than {policy.MAX_MESSAGE_BYTES} bytes")


def parse_message(line: bytes) -> DaemonMessage | None:
    """One line from the daemon, or None for a kind that this version does not know. Raises ValueError."""
    content: Any = json.loads(line)
    kind = _KINDS.get(content.get("type", "")) if isinstance(content, dict) else None
    return None if kind is None else kind.model_validate(content)
