"""Where the daemon listens: its own sockets, in private directories, and the files that name them."""

import contextlib
import hashlib
import os
import secrets
import socket
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from swarm_analytics_models.handoff import PROTOCOL
from swarm_analytics_models.home import MAX_SOCKET_PATH_BYTES, AddressFile, Home
from swarm_analytics_models.private import (
    UnsafePath,
    check_private_directory,
    ensure_private_directory,
    replace_private_file,
)
from swarm_analyticsd import VERSION, policy


@dataclass(frozen=True, slots=True)
class Listeners:
    """Bound and listening. Only whoever holds the home's lock may have them."""

    http: socket.socket
    handoff: socket.socket | None
    """None on a loopback listener."""

    address: str
    host: str
    """The only Host header that is served."""

    capability: str | None
    files: tuple[Path, ...]
    """What leads here."""

    def withdraw(self) -> None:
        """Let nobody find us any more; who is connected stays so."""
        for path in self.files:
            path.unlink(missing_ok=True)

    def close(self) -> None:
        for listening in (self.http, self.handoff):
            if listening is not None:
                listening.close()


def listen_unix(home: Home) -> Listeners:
    """Bind both sockets, 0600 in a 0700 directory. Raises UnsafePath, OSError."""
    directory = socket_directory(home)
    paths = [directory / name for name in ("daemon.sock", "handoff.sock")]
    bound = [_bind(path) for path in paths]
    return Listeners(
        http=bound[0],
        handoff=bound[1],
        address=f"unix:{paths[0]}",
        host="localhost",
        capability=None,
        files=(home.address, *paths),
    )


def listen_loopback(home: Home) -> Listeners:
    """Bind a port of 127.0.0.1 for ourselves alone, and make this start's capability. Raises OSError."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if sys.platform == "win32":
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
    listening.bind(("127.0.0.1", 0))
    listening.listen(policy.LISTEN_BACKLOG)
    listening.setblocking(False)
    capability = secrets.token_urlsafe(32)
    replace_private_file(home.capability, capability.encode(), durable=False)
    host = f"127.0.0.1:{listening.getsockname()[1]}"
    return Listeners(
        http=listening,
        handoff=None,
        address=f"http://{host}",
        host=host,
        capability=capability,
        files=(home.address, home.capability),
    )


def announce(home: Home, listeners: Listeners) -> None:
    """Write ``address.json``, whole or not at all."""
    handoff = None if listeners.handoff is None else listeners.handoff.getsockname()
    content = AddressFile(
        address=listeners.address, handoff=handoff, pid=os.getpid(), version=VERSION, protocol=PROTOCOL
    )
    replace_private_file(home.address, content.model_dump_json().encode(), durable=False)


def _bind(path: Path) -> socket.socket:
    """Bind, in place of a socket that a dead daemon of this home left. The caller holds the home's lock."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        pass
    else:
        if not stat.S_ISSOCK(found.st_mode) or found.st_uid != os.geteuid():
            raise UnsafePath(f"{path} is not a socket of ours", "Move it away.")
        path.unlink()
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listening.bind(str(path))
        path.chmod(0o600)
        listening.listen(policy.LISTEN_BACKLOG)
        listening.setblocking(False)
    except BaseException:
        listening.close()
        raise
    return listening


def socket_directory(home: Home) -> Path:
    """The home itself or, where its path is too long for a socket, a private directory of the user's session.

    Raises UnsafePath when there is no such directory.
    """
    if _fits(home.root):
        return home.root
    name = hashlib.sha256(os.fsencode(home.root)).hexdigest()[:16]
    for base in _runtime_directories():
        directory = base / "swarm-analyticsd" / name
        if not _fits(directory):
            continue
        try:
            ensure_private_directory(directory.parent)
            ensure_private_directory(directory)
        except (UnsafePath, OSError):
            continue
        return directory
    raise UnsafePath(
        f"the path of {home.root} is too long for a socket, and there is no runtime directory of yours",
        "Choose a shorter home, set XDG_RUNTIME_DIR to a directory of mode 0700, or use --listen loopback.",
    )


def _fits(directory: Path) -> bool:
    return len(os.fsencode(directory / "handoff.sock")) < MAX_SOCKET_PATH_BYTES


def _runtime_directories() -> Iterator[Path]:
    """Directories that belong to this user alone, never a shared /tmp."""
    candidates = [os.environ.get("XDG_RUNTIME_DIR"), f"/run/user/{os.geteuid()}"]
    if sys.platform == "darwin":
        candidates.append(os.confstr("CS_DARWIN_USER_TEMP_DIR"))
    for candidate in candidates:
        if not candidate or not os.path.isabs(candidate):
            continue
        path = Path(candidate).resolve()
        with contextlib.suppress(UnsafePath, OSError):
            check_private_directory(path)
            yield path
    yield Path.home() / ".swarm-analyticsd"
