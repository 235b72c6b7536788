"""A daemon that says what a test tells it to: HTTP over a real Unix socket in a real home."""

import json
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from swarm_analytics_models.home import Home
from swarm_analyticsd import VERSION


@dataclass
class FakeDaemon:
    """`answers` by "METHOD /path": (status, JSON), or a function of the request's body that gives one."""

    home: Home
    answers: dict[str, Any] = field(
        default_factory=lambda: {"GET /v1/version": (200, {"version": VERSION, "protocol": 1, "pid": 4242})}
    )
    requests: list[tuple[str, str, Any]] = field(default_factory=list)
    """What was asked, but for the version, which every command may ask first."""

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        if path != "/v1/version":
            self.requests.append((method, path, body))
        found = self.answers.get(f"{method} {path.partition('?')[0]}")
        if found is None:
            return 404, {"code": "not_found", "message": f"no {path}", "hint": "The test gave no answer."}
        status, content = found(body) if isinstance(found, Callable) else found  # type: ignore[arg-type]
        return status, content


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    fake: FakeDaemon


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _serve(self) -> None:
        server = self.server
        assert isinstance(server, _Server)
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        status, content = server.fake.answer(self.command, self.path, body)
        octets = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(octets)))
        self.end_headers()
        self.wfile.write(octets)

    do_GET = do_POST = _serve

    def address_string(self) -> str:
        return "unix"

    def log_message(self, *_arguments: object) -> None:
        return


@contextmanager
def fake_daemon(root: Path) -> Iterator[FakeDaemon]:
    root.mkdir(mode=0o700)
    home = Home(root)
    server = _Server(str(root / "daemon.sock"), _Handler)
    (root / "daemon.sock").chmod(0o600)
    server.fake = FakeDaemon(home)
    address = {
        "address": f"unix:{root / 'daemon.sock'}",
        "handoff": None,
        "pid": 4242,
        "version": "9.9.9",
        "protocol": 1,
    }
    home.address.write_text(json.dumps(address))
    home.address.chmod(0o600)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.fake
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
