"""A service on 127.0.0.1 that takes whatever its clients send, answers after a delay, and counts events.

Runs as ``python -m tests.benchmarks.service``, one for all parties, so that none meets a faster one. An
event is known by the key that programs put into it (`KEY`), whatever a client wraps around it.
"""

import argparse
import asyncio
import gzip
import json
import re
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

import httptools
import httpx

from tests.support.child import Child
from tests.support.waiting import eventually

KEY: Final = re.compile(rb"bench-key-[0-9a-z-]+")
"""What marks an event; a client's program puts it into each event once."""

CONTROL: Final = "/_bench/"
REGISTER: Final = b"/public/identify/create_install_token"
LOGS: Final = b"/v1/swarm/logs"
NO_LOGS: Final = b'{"status": "success", "count": 0, "logs": [], "timestamp": "2026-01-01T00:00:00+00:00"}'
"""An answer that a call waits for."""

PROTOBUF: Final = b"application/x-protobuf"


@dataclass
class Counts:
    """What has come since the last reset."""

    requests: int = 0
    by_key: Counter[bytes] = field(default_factory=Counter)
    first_at: float | None = None
    last_at: float | None = None
    """When the first and the last request with events in it was there in full: time.monotonic(), which is the
    same for all processes of a machine."""

    def take(self, body: bytes) -> None:
        self.requests += 1
        keys = KEY.findall(body)
        if keys:
            self.last_at = time.monotonic()
            self.first_at = self.last_at if self.first_at is None else self.first_at
            self.by_key.update(keys)

    def described(self) -> dict[str, Any]:
        events = self.by_key.total()
        return {
            "requests": self.requests,
            "events": events,
            "unique": len(self.by_key),
            "doubled": events - len(self.by_key),
            "first_at": self.first_at,
            "last_at": self.last_at,
        }


@dataclass
class State:
    """What the connections share."""

    delay_s: float
    counts: Counts = field(default_factory=Counts)


class Connection(asyncio.Protocol):
    """One client's connection; its requests are answered in their order."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._url = b""
        self._headers: dict[bytes, bytes] = {}
        self._body: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            print(f"a request that is none: {error!r} {error.__context__!r}", file=sys.stderr)
            if self._transport is not None:
                self._transport.close()

    def on_message_begin(self) -> None:
        self._url = b""
        self._headers = {}
        self._body = []

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        if self._headers.get(b"expect", b"").lower() == b"100-continue":
            self._send(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        body = b"".join(self._body)
        if self._headers.get(b"content-encoding") == b"gzip":
            body = gzip.decompress(body)
        path = self._url.partition(b"?")[0].decode("latin-1")
        if path.startswith(CONTROL):
            answer = json.dumps(self._control(path.removeprefix(CONTROL), body)).encode()
            self._answer(b"application/json", answer)
            return
        self._state.counts.take(body + self._url)
        media_type, answer = _answer_for(self._url, self._headers, body)
        if self._state.delay_s:
            loop = asyncio.get_running_loop()
            loop.call_later(self._state.delay_s, self._answer, media_type, answer)
        else:
            self._answer(media_type, answer)

    def _control(self, what: str, body: bytes) -> dict[str, Any]:
        match what:
            case "counts":
                return self._state.counts.described()
            case "reset":
                self._state.counts = Counts()
            case "delay":
                self._state.delay_s = json.loads(body)["ms"] / 1000
            case _:
                return {"error": f"no control is called {what}"}
        return {}

    def _answer(self, media_type: bytes, body: bytes) -> None:
        self._send(
            b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\ncontent-length: %d\r\n\r\n%b"
            % (media_type, len(body), body)
        )

    def _send(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)


def _answer_for(url: bytes, headers: Mapping[bytes, bytes], body: bytes) -> tuple[bytes, bytes]:
    if headers.get(b"content-type") == PROTOBUF:
        return PROTOBUF, b""
    if url == REGISTER:
        given = json.loads(body)
        return b"application/json", json.dumps({"token": "bench-token", **given}).encode()
    if url == LOGS:
        return b"application/json", NO_LOGS
    return b"application/json", b"{}"


async def serve(delay_ms: float) -> None:
    """Serve until stdin closes; the JSON line on stdout says where."""
    state = State(delay_ms / 1000)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(state), "127.0.0.1", 0, backlog=1024)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    await loop.run_in_executor(None, sys.stdin.buffer.read)


class ServiceProcess(Child):
    """The service as a process, and its control endpoints."""

    def __init__(self, delay_ms: float = 0.0) -> None:
        super().__init__([sys.executable, "-m", "tests.benchmarks.service", "--delay-ms", str(delay_ms)])
        self.port: int = self.read_ready()["port"]
        self.base_url = f"http://127.0.0.1:{self.port}"
        self._http = httpx.Client(base_url=self.base_url, trust_env=False, timeout=30.0)

    def counts(self) -> dict[str, Any]:
        """requests, events, unique, doubled, first_at, last_at (see `Counts`)."""
        counts: dict[str, Any] = self._http.get(f"{CONTROL}counts").raise_for_status().json()
        return counts

    def reset(self) -> None:
        """Forget what has come."""
        self._http.post(f"{CONTROL}reset").raise_for_status()

    def delay(self, milliseconds: float) -> None:
        """Answer after so long, from now on."""
        self._http.post(f"{CONTROL}delay", json={"ms": milliseconds}).raise_for_status()

    def wait_for(self, unique: int, timeout: float) -> dict[str, Any]:
        """The counts once so many different events have come. AssertionError when they do not in time."""
        eventually(
            lambda: self.counts()["unique"] >= unique, timeout=timeout, what=f"{unique} events at the service"
        )
        return self.counts()

    def release(self) -> None:
        self._http.close()
        super().release()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--delay-ms", type=float, default=0.0)
    arguments = parser.parse_args()
    try:
        import uvloop
    except ImportError:
        asyncio.run(serve(arguments.delay_ms))
    else:
        uvloop.run(serve(arguments.delay_ms))


if __name__ == "__main__":
    main()
