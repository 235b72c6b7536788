"""A remote service on a raw socket, which can misbehave in every way a test needs."""

import asyncio
import contextlib
import json
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.support.waiting import eventually_async

REGISTER_PATH = "/public/identify/create_install_token"


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as it came in."""

    line: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    rest: asyncio.StreamReader = field(repr=False, compare=False)
    """What comes after it on its connection."""

    @property
    def path(self) -> str:
        return self.line.split(" ")[1]

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def values(self, name: str) -> list[str]:
        return [value for known, value in self.headers if known.lower() == name.lower()]


Action = Callable[[asyncio.StreamWriter], Awaitable[bool]]
"""Answers; False: the connection ends with it."""

Script = Callable[[Seen], Action]


def answer(status: int = 200, body: bytes = b"{}", **headers: str) -> Action:
    fields = {"Content-Type": "application/json", "Content-Length": str(len(body))}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}

    async def act(writer: asyncio.StreamWriter) -> bool:
        head = f"HTTP/1.1 {status} Whatever\r\n" + "".join(f"{k}: {v}\r\n" for k, v in fields.items())
        writer.write(head.encode("latin-1") + b"\r\n" + body)
        await writer.drain()
        return True

    return act


def token(text: str) -> Action:
    return answer(200, json.dumps({"token": text, "install_id": "i"}).encode())


def page(status: int = 200) -> Action:
    return answer(status, b"<!doctype html><html>Log in</html>", Content_Type="text/html")


def raw(*pieces: bytes, pause_s: float = 0.0, then_hang: bool = False) -> Action:
    """These bytes and no others, with pauses between them."""

    async def act(writer: asyncio.StreamWriter) -> bool:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause_s)
        if then_hang:
            await asyncio.Event().wait()
        return False

    return act


def hang() -> Action:
    return raw(then_hang=True)


def hold(until: asyncio.Event, then: Action) -> Action:
    async def act(writer: asyncio.StreamWriter) -> bool:
        await until.wait()
        return await then(writer)

    return act


def until_left(seen: "Seen", left: asyncio.Event, *pieces: bytes) -> Action:
    """These bytes, then nothing until the peer has closed its side: then `left` is set."""

    async def act(writer: asyncio.StreamWriter) -> bool:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        with contextlib.suppress(ConnectionError):
            await seen.rest.read()
        left.set()
        return False

    return act


def reset() -> Action:
    """Take the request, then tear the connection down without a word."""

    async def act(writer: asyncio.StreamWriter) -> bool:
        sock: socket.socket = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
        return False

    return act


def endless(piece: bytes = b"x" * 8192) -> Action:
    async def act(writer: asyncio.StreamWriter) -> bool:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
        while True:
            writer.write(piece)
            await writer.drain()

    return act


def drip() -> Action:
    """A body that never quite ends: one byte now and then."""

    async def act(writer: asyncio.StreamWriter) -> bool:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
        while True:
            await writer.drain()
            await asyncio.sleep(0.02)
            writer.write(b" ")

    return act


@dataclass
class ScriptedServer:
    """Answers every request as `script` says, and remembers it."""

    script: Script = field(default=lambda _seen: answer())
    seen: list[Seen] = field(default_factory=list)
    connections: int = 0
    open_requests: int = 0
    most_open: int = 0
    base_url: str = ""
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def events(self) -> list[Seen]:
        return [one for one in self.seen if one.path != REGISTER_PATH]

    @property
    def registrations(self) -> list[Seen]:
        return [one for one in self.seen if one.path == REGISTER_PATH]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while (seen := await _read(reader)) is not None:
                self.seen.append(seen)
                self.open_requests += 1
                self.most_open = max(self.most_open, self.open_requests)
                try:
                    go_on = await self.script(seen)(writer)
                finally:
                    self.open_requests -= 1
                if not go_on:
                    break
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError, ssl.SSLError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def end(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def _read(reader: asyncio.StreamReader) -> Seen | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    line, *fields = head.decode("latin-1").split("\r\n")[:-2]
    headers = tuple((name, value.strip()) for name, _, value in (text.partition(":") for text in fields))
    length = next((int(value) for name, value in headers if name.lower() == "content-length"), 0)
    return Seen(line, headers, await reader.readexactly(length), reader)


@contextlib.asynccontextmanager
async def scripted(
    script: Script | None = None, *, context: ssl.SSLContext | None = None
) -> AsyncIterator[ScriptedServer]:
    remote = ScriptedServer() if script is None else ScriptedServer(script)
    server = await asyncio.start_server(remote.serve, "127.0.0.1", 0, ssl=context, limit=4 * 1024 * 1024)
    port = server.sockets[0].getsockname()[1]
    remote.base_url = f"{'https' if context else 'http'}://127.0.0.1:{port}"
    try:
        yield remote
    finally:
        server.close()
        await remote.end()
        await server.wait_closed()


@contextlib.contextmanager
def silent() -> Iterator[str]:
    """The base URL of a service that takes no connection up: none comes to stand, and none is refused."""
    with contextlib.ExitStack() as sockets:
        full = sockets.enter_context(socket.socket())
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        for _ in range(4):
            filler = sockets.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(address)
        yield f"http://127.0.0.1:{address[1]}"


def closed_port() -> int:
    """A port of this machine on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def eventually(predicate: Callable[[], Any], timeout: float = 10.0) -> Any:
    """The predicate's first true answer."""

    async def ask() -> Any:
        return predicate()

    return await eventually_async(ask, timeout)
