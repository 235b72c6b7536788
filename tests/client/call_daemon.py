"""A daemon for calls, scripted byte by byte: what an app asks is recorded, and the test answers."""

import json
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from swarm_analytics_models.home import AddressFile, Home

VERSION: Final = "0.1.0"
DESTINATION: Final = "d_0123456789abcdef01234567"
REGISTERED: Final = {"reference": "swaref_x", "destination": DESTINATION, "credential": "present"}
THREAD_NAME: Final = "call-daemon"


class Asked:
    """One request, and the connection to answer it on."""

    def __init__(self, sock: socket.socket, path: str, headers: dict[str, str], content: bytes) -> None:
        self._sock = sock
        self.path = path
        self.headers = headers
        self.json: Any = json.loads(content) if content else None
        self.gone = threading.Event()
        """The app has closed the connection."""

    def reply(self, status: int, body: Any) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.begin(status, "application/json", f"content-length: {len(content)}")
        self.send(content)

    def begin(self, status: int, media_type: str, framing: str = "transfer-encoding: chunked") -> None:
        self.send(f"HTTP/1.1 {status} X\r\ncontent-type: {media_type}\r\n{framing}\r\n\r\n".encode())

    def piece(self, content: bytes) -> None:
        """A chunk; an empty one is the end."""
        self.send(b"%x\r\n%b\r\n" % (len(content), content))

    def send(self, raw: bytes) -> None:
        with suppress(OSError):
            self._sock.sendall(raw)

    def hang_up(self) -> None:
        with suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)

    def await_leaving(self) -> None:
        """Read until the app closes the connection."""
        with suppress(OSError):
            while self._sock.recv(65536):
                continue
        self.gone.set()


Script = Callable[[Asked], None]


def envelope(body: Any, **facts: Any) -> dict[str, Any]:
    """A success, as the daemon words it."""
    return {"status": 200, "request_id": None, "attempts": 1, "body": body, **facts}


class CallDaemon:
    """Listens in `home` until closed. `script` answers what is no registration."""

    def __init__(
        self,
        home: Path,
        script: Script,
        *,
        loopback: bool = False,
        version: str = VERSION,
        most_read: int | None = None,
    ) -> None:
        self._most_read = most_read
        self.asked: list[Asked] = []
        self.script = script
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._home = Home(home)
        self._listener = self._listen(loopback)
        port = self._listener.getsockname()[1] if loopback else 0
        address = f"http://127.0.0.1:{port}" if loopback else f"unix:{home / 'daemon.sock'}"
        found = AddressFile(address=address, handoff=None, pid=os.getpid(), version=version, protocol=1)
        self._home.address.write_text(found.model_dump_json())
        threading.Thread(target=self._accept, name=THREAD_NAME, daemon=True).start()

    def calls(self) -> list[Asked]:
        return [asked for asked in self.asked if asked.path != "/v1/register"]

    def registrations(self) -> list[Any]:
        return [asked.json for asked in self.asked if asked.path == "/v1/register"]

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for asked in self.asked:
            asked.hang_up()
        self._home.address.unlink(missing_ok=True)
        (self._home.root / "daemon.sock").unlink(missing_ok=True)

    def _listen(self, loopback: bool) -> socket.socket:
        if loopback:
            self._home.capability.write_text("s3same")
            self._home.capability.chmod(0o600)
            return socket.create_server(("127.0.0.1", 0), backlog=128)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(self._home.root / "daemon.sock"))
        listener.listen(128)
        return listener

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(sock,), name=THREAD_NAME, daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        with sock, suppress(OSError):
            asked = _read(sock, self._most_read)
            if asked is None:
                return
            self.asked.append(asked)
            if asked.path == "/v1/register":
                asked.reply(
                    200, {"reference": "swaref_x", "destination": DESTINATION, "credential": "present"}
                )
            else:
                self.script(asked)


def _read(sock: socket.socket, most: int | None) -> Asked | None:
    """The next request; None where there is none. Of a longer body than `most`, the rest is left unread."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = sock.recv(65536)
        if not part:
            return None
        data += part
    head, _, content = data.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    length = int(headers["content-length"])
    if most is not None and length > most:
        return Asked(sock, first.split(" ")[1], headers, b"")
    while len(content) < length:
        content += sock.recv(65536)
    return Asked(sock, first.split(" ")[1], headers, content)


@contextmanager
def call_daemon(home: Path, script: Script, **options: Any) -> Iterator[CallDaemon]:
    daemon = CallDaemon(home, script, **options)
    try:
        yield daemon
    finally:
        daemon.close()
