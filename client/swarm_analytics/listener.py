"""Where a daemon takes requests, and what its listener wants to be told with each."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from swarm_analytics_models.home import AddressFile, Home
from swarm_analytics_models.private import check_private_file

if TYPE_CHECKING:
    import socket

LOOPBACK: Final = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Listener:
    """A Unix socket, or a port of this machine together with its capability."""

    path: str | None
    port: int
    headers: dict[str, str]

    def connect(self, timeout: float) -> "socket.socket":
        """A socket that is connected within `timeout` seconds. Raises OSError."""
        if self.path is not None:
            from swarm_analytics.link import connect_unix

            return connect_unix(self.path, timeout)
        import socket

        return socket.create_connection((LOOPBACK, self.port), timeout)


def listener_of(home: Home, address: AddressFile) -> Listener:
    """The listener that `address` names. Raises OSError, UnsafePath, and ValueError for one elsewhere."""
    if address.address.startswith("unix:"):
        return Listener(address.address.removeprefix("unix:"), 0, {"Host": "localhost"})
    parts = urlsplit(address.address)
    if parts.scheme != "http" or parts.hostname != LOOPBACK or parts.port is None:
        raise ValueError("not an address of this machine")
    check_private_file(home.capability)
    capability = home.capability.read_text().strip()
    return Listener(None, parts.port, {"Host": parts.netloc, "Authorization": f"Bearer {capability}"})
