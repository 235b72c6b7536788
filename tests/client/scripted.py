"""A daemon's two sockets, scripted by a test: what an app sends is recorded, and the test answers."""

import contextlib
import json
import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import BaseServer, ThreadingTCPServer, ThreadingUnixStreamServer
from typing import Any, Final

from swarm_analytics_models.home import AddressFile, Home
from tests.support.waiting import eventually

VERSION: Final = "0.1.0"


class Connection:
    """One accepted hand-off connection. Reads until told to pause; keeps every byte."""

    def __init__(self, sock: socket.socket, welcome: bytes, *, reading: bool) -> None:
        self._sock = sock
        self._may_read = threading.Event()
        self.received = b""
        self.ended = False
        if reading:
            self._may_read.set()
        with contextlib.suppress(
            OSError
        ):  # the app may have ended already; what it sent is read all the same
            sock.sendall(welcome)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        while True:
            self._may_read.wait()
            try:
                chunk = self._sock.recv(65536)
            except OSError:
                chunk = b""
            if not chunk:
                self.ended = True
                with contextlib.suppress(OSError):
                    self._sock.close()
                return
            self.received += chunk

    def read_on(self) -> None:
        self._may_read.set()

    def say(self, *messages: Mapping[str, Any] | bytes) -> None:
        for message in messages:
            self._sock.sendall(
                message if isinstance(message, bytes) else json.dumps(message).encode() + b"\n"
            )

    def receipt(self, journal: str, offset: int, refused: tuple[Mapping[str, Any], ...] = ()) -> None:
        self.say({"type": "receipt", "journal": journal, "offset": offset, "refused": list(refused)})

    def hang_up(self) -> None:
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The complete lines so far."""
        return [json.loads(line) for line in self.received.split(b"\n")[:-1]]

    @property
    def hello(self) -> dict[str, Any]:
        first: dict[str, Any] = eventually(lambda: self.lines, what="a hello")[0]
        assert first["type"] == "hello"
        return first

    @property
    def keys(self) -> list[str]:
        return [line["key"] for line in self.lines if line["type"] == "event"]

    @property
    def payload(self) -> bytes:
        """All bytes after the first hello."""
        return self.received.partition(b"\n")[2]


Answer = tuple[int, Any]
Answerer = Callable[[str, str, bytes, Mapping[str, str]], Answer]


class ScriptedDaemon:
    """Listens in `home` until closed. `answer` decides HTTP answers; `requests` lists what was asked."""

    def __init__(
        self,
        home: Path,
        *,
        loopback: bool = False,
        reading: bool = True,
        consent: Mapping[str, str] | None = None,
        version: str = VERSION,
        answer: Answerer | None = None,
    ) -> None:
        self.home = Home(home)
        self.reading = reading
        self.connections: list[Connection] = []
        self.requests: list[tuple[str, str, Any, dict[str, str]]] = []
        self.answer = answer or (lambda method, path, body, headers: (200, self.ordinary(method, path)))
        self._version = version
        self._welcome = json.dumps(
            {
                "type": "welcome",
                "protocol": 1,
                "version": version,
                "pid": os.getpid(),
                "consent": dict(consent or {}),
            }
        )
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in ("handoff.sock", "daemon.sock"):
            (home / name).unlink(missing_ok=True)
        self._listener: socket.socket | None = None
        self._http = self._serve_http(loopback)
        handoff = None if loopback else self._listen(home / "handoff.sock")
        self.address = self._http_address(loopback)
        self.home.address.write_text(
            AddressFile(
                address=self.address,
                handoff=handoff,
                pid=os.getpid(),
                version=version,
                protocol=1,
            ).model_dump_json()
        )

    def ordinary(self, method: str, path: str) -> Any:
        if path == "/v1/version":
            return {"version": self._version, "protocol": 1, "pid": os.getpid()}
        if path == "/v1/flush":
            return {"drained": True, "pending": 0}
        return {}

    def connection(self, number: int = 0) -> Connection:
        """The connection of that number, waited for."""
        eventually(lambda: len(self.connections) > number, what=f"connection {number}")
        return self.connections[number]

    def asked(self, path: str) -> list[Any]:
        """Bodies of the requests for `path`."""
        return [body for _, asked, body, _ in self.requests if asked == path]

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        if self._listener is not None:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
        for connection in self.connections:
            connection.hang_up()
            connection.read_on()
        self.home.address.unlink(missing_ok=True)
        for name in ("handoff.sock", "daemon.sock"):
            (self.home.root / name).unlink(missing_ok=True)

    def _listen(self, path: Path) -> str:
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        self._listener.listen()
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()
        return str(path)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            self.connections.append(Connection(sock, self._welcome.encode() + b"\n", reading=self.reading))

    def _serve_http(self, loopback: bool) -> BaseServer:
        daemon = self

        class Handler(BaseHTTPRequestHandler):
            def _handle(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                is_json = (
                    "json" in self.headers.get("Content-Type", "")
                    and "nd" not in self.headers["Content-Type"]
                )
                headers = dict(self.headers.items())
                daemon.requests.append(
                    (self.command, self.path, json.loads(body) if body and is_json else body, headers)
                )
                status, answer = daemon.answer(self.command, self.path, body, headers)
                content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                with contextlib.suppress(OSError):
                    self.wfile.write(content)

            do_GET = do_POST = _handle

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

            def address_string(self) -> str:
                return "app"

        server: BaseServer
        if loopback:
            ThreadingTCPServer.daemon_threads = True
            server = ThreadingTCPServer(("127.0.0.1", 0), Handler)
            self.home.capability.write_text("s3same")
            self.home.capability.chmod(0o600)
        else:
            ThreadingUnixStreamServer.daemon_threads = True
            server = ThreadingUnixStreamServer(str(self.home.root / "daemon.sock"), Handler)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return server

    def _http_address(self, loopback: bool) -> str:
        if loopback:
            assert isinstance(self._http, ThreadingTCPServer)
            return f"http://127.0.0.1:{self._http.socket.getsockname()[1]}"
        return f"unix:{self.home.root / 'daemon.sock'}"


@contextlib.contextmanager
def scripted_daemon(home: Path, **options: Any) -> Iterator[ScriptedDaemon]:
    daemon = ScriptedDaemon(home, **options)
    try:
        yield daemon
    finally:
        daemon.close()


def journal_bytes(home: Path) -> bytes:
    """All journals of a home, in order."""
    return b"".join(path.read_bytes() for path in sorted((home / "inbox").glob("*.ndjson")))


def journal_lines(home: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in journal_bytes(home).splitlines()]


def journal_keys(home: Path) -> list[str]:
    return [line["key"] for line in journal_lines(home) if line["type"] == "event"]
