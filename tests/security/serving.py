"""The guard before a plain application, on real sockets, and a peer that speaks bytes."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from swarm_analytics_models.home import Home
from swarm_analyticsd.homedir import prepare_home
from swarm_analyticsd.intake.guard import Application, Guard, Receive, Scope, Send
from swarm_analyticsd.intake.listener import Listeners, announce, listen_loopback, listen_unix
from swarm_analyticsd.intake.server import HttpServer

Headers = Mapping[str, str]


@dataclass
class Plain:
    """Reads a request's whole body and says what it saw."""

    seen: list[tuple[str, str, bytes]] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = b""
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            more = message.get("more_body", False)
        self.seen.append((scope["method"], scope["path"], body))
        if scope["path"] == "/fails":
            raise RuntimeError("swarm-canary-in-an-exception")
        content = json.dumps({"length": len(body)}).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": content})


@dataclass
class Served:
    listeners: Listeners
    application: Plain
    server: HttpServer
    wires: "list[Wire]" = field(default_factory=list)

    async def connect(self) -> "Wire":
        address = self.listeners.http.getsockname()
        if isinstance(address, str):
            wire = Wire(*await asyncio.open_unix_connection(address))
        else:
            wire = Wire(*await asyncio.open_connection(*address))
        self.wires.append(wire)
        return wire

    async def ask(
        self, method: str = "GET", path: str = "/v1/x", body: bytes = b"", headers: Headers | None = None
    ) -> "Answer":
        """One request with this listener's own Host and capability, but for what `headers` change."""
        lines = {"host": self.listeners.host}
        if self.listeners.capability is not None:
            lines["authorization"] = f"Bearer {self.listeners.capability}"
        if method == "POST":
            lines |= {"content-type": "application/json", "content-length": str(len(body))}
        lines |= {name.lower(): value for name, value in (headers or {}).items()}
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value != "")
        wire = await self.connect()
        wire.send(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body)
        return await wire.answer()


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    content: Any


@dataclass
class Wire:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def answer(self) -> Answer:
        async with asyncio.timeout(10):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
            content = await self.reader.readexactly(int(headers["content-length"]))
        return Answer(int(head[0].split()[1]), headers, json.loads(content))

    async def ended(self) -> bool:
        """Wait for the daemon to close the connection."""
        async with asyncio.timeout(10):
            try:
                return await self.reader.read() == b""
            except ConnectionError:
                return True

    async def close(self) -> None:
        self.writer.close()
        with suppress(ConnectionError):
            await self.writer.wait_closed()


@asynccontextmanager
async def serving(
    root: Path, application: Application | None = None, *, loopback: bool = False
) -> AsyncIterator[Served]:
    home = Home(root)
    prepare_home(home)
    listeners = listen_loopback(home) if loopback else listen_unix(home)
    announce(home, listeners)
    plain = Plain()
    guard = Guard(application or plain, host=listeners.host, capability=listeners.capability)
    server = HttpServer(guard, listeners.http)
    server.start()
    served = Served(listeners, plain, server)
    try:
        yield served
    finally:
        for wire in served.wires:
            await wire.close()
        await server.stop()
        listeners.withdraw()
        listeners.close()
