"""Calls through a real daemon, over its own socket: answers, streams, and what ends when an app leaves."""

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from swarm_analytics.channel import DaemonChannel
from swarm_analytics_models.calls import MAX_CALL_BYTES
from swarm_analytics_models.home import Home, read_address
from swarm_analyticsd import policy
from tests.calls.support import FLOW_HEAD, in_turn
from tests.delivery.scripted import (
    Action,
    Script,
    ScriptedServer,
    answer,
    eventually,
    hang,
    raw,
    scripted,
    until_left,
)
from tests.support.child import CREDENTIAL_STORE_VARIABLE
from tests.support.homes import short_directory
from tests.support.processes import DaemonProcess

pytestmark = pytest.mark.anyio
resource = pytest.importorskip("resource", reason="no Unix, so no Unix socket either")

KEY = "sk-canary-3f7a9c"
ARGUMENTS = {"agent_config": {"agent_name": "A"}, "task": "t"}
STREAMED = {"agent_config": {"agent_name": "A", "streaming_on": True}, "task": "t"}
COMPLETION = {
    "id": "agent-1",
    "success": True,
    "name": "A",
    "description": None,
    "temperature": 0.5,
    "outputs": [{"role": "A", "content": "é"}],
    "usage": {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2},
    "timestamp": "2025-05-28T12:00:00+00:00",
}
DONE = answer(200, json.dumps(COMPLETION).encode(), X_Request_Id="r-1")


@dataclass
class Wire:
    """A connection to the daemon, on which one request was sent."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def head(self) -> tuple[int, dict[str, str]]:
        lines = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        return int(lines[0].split()[1]), dict(line.lower().split(": ", 1) for line in lines[1:] if line)

    async def whole(self) -> tuple[int, Any]:
        status, headers = await self.head()
        return status, json.loads(await self.reader.readexactly(int(headers["content-length"])))

    async def chunk(self) -> bytes:
        size = int(await self.reader.readline(), 16)
        return (await self.reader.readexactly(size + 2))[:-2]

    async def leave(self) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()


@dataclass
class World:
    daemon: DaemonProcess
    remote: ScriptedServer
    ref: str

    async def ask(self, operation: str, arguments: Any, **settings: Any) -> Wire:
        asked = {"destination": self.ref, "arguments": arguments, "settings": settings}
        return await self.post(f"/v1/call/swarms/{operation}", json.dumps(asked).encode())

    async def post(self, path: str, body: bytes) -> Wire:
        address = read_address(Home(self.daemon.home))
        assert address is not None
        wire = Wire(*await asyncio.open_unix_connection(address.address.removeprefix("unix:")))
        head = (
            f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        wire.writer.write(head.encode() + body)
        return wire

    async def status(self) -> Any:
        """Of the destination."""
        channel = DaemonChannel(self.daemon.home)
        found = await asyncio.to_thread(channel.request, "GET", "/v1/status")
        service = found["services"]["swarms"]
        (ours,) = (each for each in service["destinations"] if each["ref"] == self.ref)
        return ours | {"service": service}


def start(home: Path) -> DaemonProcess:
    return DaemonProcess(home, environment={"SWARMS_API_KEY": None, CREDENTIAL_STORE_VARIABLE: "file"})


@pytest.fixture(scope="module")
def daemon() -> Iterator[DaemonProcess]:
    """One for all tests here: each calls a service of its own. It is started with few descriptors."""
    with short_directory() as directory:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 256), hard))
        try:
            started = start(directory / "home")
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        yield started
        started.release()


@contextlib.asynccontextmanager
async def world(daemon: DaemonProcess, script: Script) -> AsyncIterator[World]:
    async with scripted(script) as remote:
        registering = {
            "service": "swarms",
            "base_url": remote.base_url,
            "kind": "key",
            "identity": "app",
            "adopt": KEY,
        }
        channel = DaemonChannel(daemon.home)
        registered = await asyncio.to_thread(channel.request, "POST", "/v1/register", registering)
        yield World(daemon, remote, registered["destination"])


async def test_an_answer_comes_as_the_service_wrote_it(daemon: DaemonProcess) -> None:
    async with world(daemon, lambda _: DONE) as there:
        wire = await there.ask("agent.create", ARGUMENTS)
        status, content = await wire.whole()
        assert status == 200
        assert content == {"status": 200, "request_id": "r-1", "attempts": 1, "body": COMPLETION}
        assert there.remote.seen[0].path == "/v1/agent/completions"
        assert there.remote.seen[0].values("x-api-key") == [KEY]
        await wire.leave()


async def test_an_error_says_what_the_service_said_and_what_to_do(daemon: DaemonProcess) -> None:
    broke = answer(402, json.dumps({"detail": f"Insufficient credits for {KEY}"}).encode())
    async with world(daemon, lambda _: broke) as there:
        wire = await there.ask("agent.create", ARGUMENTS)
        status, problem = await wire.whole()
        assert (status, problem["code"]) == (502, "rejected")
        assert (problem["detail"]["status"], problem["detail"]["attempts"]) == (402, 1)
        assert "Insufficient credits" in problem["message"]
        assert problem["hint"]
        assert KEY not in json.dumps(problem)
        await wire.leave()


async def test_an_app_that_leaves_ends_the_request_to_the_service(daemon: DaemonProcess) -> None:
    left = asyncio.Event()
    async with world(daemon, lambda seen: until_left(seen, left)) as there:
        wire = await there.ask("agent.create", ARGUMENTS)
        await eventually(lambda: there.remote.seen)
        assert (await there.status())["calls"]["in_flight"] == 1
        await wire.leave()
        await asyncio.wait_for(left.wait(), 10)


async def test_pieces_come_as_they_come_and_end_when_the_app_leaves(daemon: DaemonProcess) -> None:
    left = asyncio.Event()
    piece = b'data: {"type":"metadata"}\n\n'
    chunk = b"%x\r\n%b\r\n" % (len(piece), piece)
    async with world(daemon, lambda seen: until_left(seen, left, FLOW_HEAD, chunk)) as there:
        wire = await there.ask("agent.create", STREAMED)
        status, headers = await wire.head()
        assert (status, headers["content-type"]) == (200, "text/event-stream")
        assert await wire.chunk() == piece
        assert not left.is_set()
        await wire.leave()
        await asyncio.wait_for(left.wait(), 10)


async def test_a_stream_that_breaks_off_has_no_end_for_the_app_either(
    daemon: DaemonProcess,
) -> None:
    whole = raw(FLOW_HEAD, b"1\r\nx\r\n0\r\n\r\n")
    broken = raw(FLOW_HEAD, b"1\r\nx\r\n")
    async with world(daemon, in_turn([whole, broken])) as there:
        wire = await there.ask("agent.create", STREAMED)
        await wire.head()
        assert await wire.reader.readuntil(b"0\r\n\r\n") == b"1\r\nx\r\n0\r\n\r\n"
        await wire.leave()
        wire = await there.ask("agent.create", STREAMED)
        await wire.head()
        assert await asyncio.wait_for(wire.reader.read(), 10) == b"1\r\nx\r\n"
        await wire.leave()


async def test_a_daemon_that_stops_ends_calls_and_says_so(home: Path) -> None:
    left = asyncio.Event()
    stopping = await asyncio.to_thread(start, home)
    try:
        async with world(stopping, lambda seen: until_left(seen, left)) as there:
            wire = await there.ask("agent.create", ARGUMENTS)
            await eventually(lambda: there.remote.seen)
            await asyncio.to_thread(DaemonChannel(home).request, "POST", "/v1/stop", {})
            status, problem = await wire.whole()
            assert (status, problem["code"]) == (503, "stopping")
            await asyncio.wait_for(left.wait(), 10)
            await wire.leave()
    finally:
        await asyncio.to_thread(stopping.release)


@pytest.mark.parametrize(("size", "expected"), [(MAX_CALL_BYTES // 2, 200), (MAX_CALL_BYTES + 1, 413)])
async def test_a_call_may_be_large_and_no_larger(daemon: DaemonProcess, size: int, expected: int) -> None:
    async with world(daemon, lambda _: DONE) as there:
        wire = await there.ask("agent.create", ARGUMENTS | {"task": "x" * size})
        status, _ = await wire.head()
        assert status == expected
        assert len(there.remote.seen) == (expected == 200)
        await wire.leave()


async def test_an_open_breaker_is_seen_in_status(daemon: DaemonProcess) -> None:
    async with world(daemon, lambda _: answer(500)) as there:
        for expected in ("may_be_executed", "may_be_executed", "breaker_open"):
            wire = await there.ask("agent.create", ARGUMENTS, breaker_threshold=2)
            _, problem = await wire.whole()
            assert problem["code"] == expected
            await wire.leave()
        found = await there.status()
        assert (found["calls"]["breaker"], found["breaker"]) == ("open", "closed")
        assert found["service"]["breaker"] == "open"


@pytest.mark.skipif(sys.platform != "linux", reason="limits of another process are read from /proc")
def test_the_daemon_asks_for_descriptors_enough(daemon: DaemonProcess) -> None:
    limits = Path(f"/proc/{daemon.pid}/limits").read_text()
    (line,) = (line for line in limits.splitlines() if line.startswith("Max open files"))
    soft, hard = (int(number) for number in line.split()[3:5])
    assert soft >= min(hard, policy.DESCRIPTORS)


@pytest.mark.parametrize("body", [b"{}", b"[", b'{"destination":"d","arguments":{},"url":"http://evil"}'])
async def test_what_is_no_call_is_refused(daemon: DaemonProcess, body: bytes) -> None:
    async with world(daemon, lambda _: hang()) as there:
        wire = await there.post("/v1/call/swarms/agent.create", body)
        status, problem = await wire.whole()
        assert (status, problem["code"]) == (422, "invalid")
        assert not there.remote.seen
        await wire.leave()


async def test_the_cache_is_cleared_when_an_app_asks(daemon: DaemonProcess) -> None:
    listing: Action = answer(200, b'{"success":true,"models":["m"]}')
    async with world(daemon, lambda _: listing) as there:
        for expected in (1, 0):
            wire = await there.ask("models.list", {})
            _, content = await wire.whole()
            assert content["attempts"] == expected
            await wire.leave()
        wire = await there.post("/v1/call-cache/clear", json.dumps({"destination": there.ref}).encode())
        assert (await wire.head())[0] == 200
        await wire.leave()
        wire = await there.ask("models.list", {})
        assert (await wire.whole())[1]["attempts"] == 1
        await wire.leave()
