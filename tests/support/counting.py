"""Services of a test's own: one that counts what it has at once, and one that breaks off its answers."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class CountingService(ThreadingHTTPServer):
    """Answers every request with `answer`, once `gate` is open, on connections that it keeps."""

    daemon_threads = True

    def __init__(self, answer: Any) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.content = json.dumps(answer).encode()
        self.gate = threading.Event()
        self.gate.set()
        self.lock = threading.Lock()
        self.connections = 0
        self.requests = 0
        self.under_way = 0
        self.most_under_way = 0

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: CountingService

    def setup(self) -> None:
        super().setup()
        with self.server.lock:
            self.server.connections += 1

    def do_GET(self) -> None:
        counted = self.server
        with counted.lock:
            counted.requests += 1
            counted.under_way += 1
            counted.most_under_way = max(counted.most_under_way, counted.under_way)
        counted.gate.wait()
        with counted.lock:
            counted.under_way -= 1
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(counted.content)))
        self.end_headers()
        self.wfile.write(counted.content)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is logged."""


@contextmanager
def counting_service(answer: Any) -> Iterator[CountingService]:
    service = CountingService(answer)
    with served(service):
        try:
            yield service
        finally:
            service.gate.set()


@contextmanager
def breaking_off(beginning: bytes, media_type: str = "text/event-stream") -> Iterator[str]:
    """The base URL of a service that answers each request with `beginning` and then breaks off."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.send_header("content-type", media_type)
            self.send_header("transfer-encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"%x\r\n%b\r\n" % (len(beginning), beginning))
            self.close_connection = True

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing is logged."""

    with served(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as server:
        yield f"http://127.0.0.1:{server.server_port}"


@contextmanager
def served(server: ThreadingHTTPServer) -> Iterator[ThreadingHTTPServer]:
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
