"""Who is at the other end of a Unix socket."""

import socket
import struct
import sys
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Peer:
    uid: int | None
    """None on a listener that has no notion of it (TCP: the capability stands in)."""

    pid: int | None
    """None where the system does not tell."""


def peer_of(connection: socket.socket) -> Peer:
    """The process that connected, as the kernel saw it at that moment. Raises OSError where it cannot say."""
    if sys.platform == "linux":
        pid, uid, _ = struct.unpack(
            "3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        )
        return Peer(uid, pid)
    # <sys/un.h> of macOS and the BSDs: SOL_LOCAL 0, LOCAL_PEERCRED 1 (struct xucred: version, uid, ...),
    # LOCAL_PEERPID 2. Python names none of them.
    _, uid = struct.unpack_from("iI", connection.getsockopt(0, 1, 76))
    (pid,) = struct.unpack("i", connection.getsockopt(0, 2, 4))
    return Peer(uid, pid)
