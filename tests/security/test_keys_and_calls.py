"""SECURITY S4, S5 and S7 to S10 for keys and calls: a real daemon, and a service that attacks it."""

import asyncio
import contextlib
import gzip
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from swarm_analytics.channel import DaemonChannel
from swarm_analytics.errors import DaemonRefused
from swarm_analytics_models.calls import MAX_CALL_ANSWER_BYTES
from swarm_analytics_models.home import Home, read_address
from swarm_analytics_models.services import contracts
from tests.delivery.scripted import Action, Script, ScriptedServer, Seen, answer, scripted
from tests.support.homes import short_directory
from tests.support.processes import DaemonProcess

pytestmark = pytest.mark.anyio

KEY = "sk-canary/3f7a 9c+x"
AGENT_SECRET = "c0ffee42" * 8
ONCE = {"max_retries": 0, "breaker_threshold": 1_000_000}
MODELS = b'{"success":true,"models":["m"]}'
MESSAGE = {"channelId": "00000000-0000-4000-8000-000000000001", "type": "TEXT", "body": "b"}
NEW_PATHS = (
    "/v1/call/swarms/models.list",
    "/v1/call-cache/clear",
    "/v1/register",
    "/v1/credentials",
    "/v1/credentials/remove",
    "/v1/credentials/forget",
)


@pytest.fixture(scope="module")
def daemon() -> Iterator[DaemonProcess]:
    with short_directory() as directory:
        environment = {"SWARMS_API_KEY": None, "SWARM_ANALYTICSD_LOG_LEVEL": "debug"}
        started = DaemonProcess(directory / "home", environment=environment)
        yield started
        said = started.errors
        started.release()
        assert KEY not in said


async def posted(home: Path, path: str, content: bytes, **headers: str) -> tuple[int, Any]:
    address = read_address(Home(home))
    assert address is not None
    reader, writer = await asyncio.open_unix_connection(address.address.removeprefix("unix:"))
    fields = {"Host": "localhost", "Content-Type": "application/json", "Connection": "close"} | headers
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    writer.write(f"POST {path} HTTP/1.1\r\n{head}Content-Length: {len(content)}\r\n\r\n".encode() + content)
    async with asyncio.timeout(30):
        start, _, told = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
    return int(start.split()[1]), json.loads(told)


@dataclass
class There:
    daemon: DaemonProcess
    remote: ScriptedServer

    async def ask(self, path: str, body: Any, **headers: str) -> tuple[int, Any]:
        """The daemon's answer to one request."""
        return await posted(self.daemon.home, path, json.dumps(body).encode(), **headers)

    async def register(self, service: str, base_url: str | None = None, **more: Any) -> str:
        """The `ref` of a destination of this test's own."""
        asked = {"service": service, "base_url": base_url or self.remote.base_url, "kind": "key"}
        asked |= {"identity": "app", "adopt": KEY} | more
        answered = await asyncio.to_thread(
            DaemonChannel(self.daemon.home).request, "POST", "/v1/register", asked
        )
        return str(answered["destination"])

    async def call(
        self, operation: str, arguments: Any, ref: str | None = None, **more: Any
    ) -> tuple[int, Any]:
        """`operation` begins with its service's name."""
        service, _, name = operation.partition(" ")
        asked = {"destination": ref or await self.register(service), "arguments": arguments}
        return await self.ask(f"/v1/call/{service}/{name}", {**asked, "settings": ONCE, **more})


@contextlib.asynccontextmanager
async def there(daemon: DaemonProcess, script: Script) -> AsyncIterator[There]:
    async with scripted(script) as remote:
        yield There(daemon, remote)


def echo(status: int) -> Script:
    """Answers with the request's headers, and with its secret where errors have their message."""

    def script(seen: Seen) -> Action:
        secret = (seen.values("authorization") + seen.values("x-api-key"))[0]
        told = {"detail": secret, "message": secret, "error": {"code": secret, "message": secret}}
        return answer(status, json.dumps(told | {"headers": seen.headers, "models": [secret]}).encode())

    return script


@pytest.mark.parametrize("path", NEW_PATHS)
async def test_s4_s5_a_web_page_reaches_no_key_and_no_call(daemon: DaemonProcess, path: str) -> None:
    async with there(daemon, lambda _: answer()) as at:
        for header in ({"Origin": "null"}, {"Referer": "http://localhost/"}, {"Host": "evil.test"}):
            status, told = await at.ask(path, {}, **header)
            assert (status, told["code"]) == (403, "host" if "Host" in header else "origin")
        status, told = await at.ask(path, {}, **{"Content-Type": "text/plain"})
        assert (status, told["code"]) == (415, "content_type")
        assert at.remote.seen == []


@pytest.mark.parametrize("status", [200, 400, 401, 403, 429, 500])
@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("swarms models.list", {}),
        ("swarms agent.create", {"agent_config": {"agent_name": "A"}, "task": "t"}),
        ("openspawn agents.list", {}),
        ("syvain experiments.list", {}),
        ("syvain annotations.create", {"experiment_id": "e", "annotation": "x"}),
    ],
)
async def test_s7_a_service_that_echoes_the_key_tells_it_to_nobody(
    daemon: DaemonProcess, operation: str, arguments: Any, status: int
) -> None:
    async with there(daemon, echo(status)) as at:
        _, told = await at.call(operation, arguments)
        assert len(at.remote.seen) == 1
        seen = at.remote.seen[0]
        sent = (seen.values("authorization") + seen.values("x-api-key"))[0]
        assert sent.endswith(KEY)
        shown = await asyncio.to_thread(DaemonChannel(daemon.home).request, "GET", "/v1/status")
        for text in (json.dumps(told), json.dumps(shown)):
            assert not [part for part in (KEY, "sk-canary", "9c+x") if part in text]


async def test_s7_what_a_service_issues_is_an_answer_that_nothing_keeps(daemon: DaemonProcess) -> None:
    """No operation whose answer has a secret may have its answer given again."""
    cached = [
        route for contract in contracts().values() for route in contract.routes if route.cache_s is not None
    ]
    assert cached
    for route in cached:
        assert route.response is not None
        schema = json.dumps(route.response.model_json_schema()).lower()
        assert not [word for word in ("secret", "token", "password", "api_key") if word in schema], route.key


async def test_s7_equal_calls_with_different_keys_share_no_answer(daemon: DaemonProcess) -> None:
    def by_key(seen: Seen) -> Action:
        return answer(200, json.dumps({"success": True, "models": seen.values("x-api-key")}).encode())

    async with there(daemon, by_key) as at:
        for name in ("first", "second"):
            ref = await at.register("swarms", identity=name, adopt=f"key-of-{name}")
            for _ in range(2):
                status, told = await at.call("swarms models.list", {}, ref)
                assert (status, told["body"]["models"]) == (200, ["[redacted]"])
        assert [seen.values("x-api-key") for seen in at.remote.seen] == [["key-of-first"], ["key-of-second"]]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_s8_no_call_and_no_mint_follows_a_redirect(daemon: DaemonProcess, status: int) -> None:
    async with (
        scripted() as evil,
        there(daemon, lambda _: answer(status, b"", Location=evil.base_url)) as at,
    ):
        for operation, arguments in (
            ("swarms logs.list", {}),
            ("swarms agent.create", {"agent_config": {"agent_name": "A"}, "task": "t"}),
            ("syvain annotations.create", {"experiment_id": "e", "annotation": "x"}),
        ):
            answered, _ = await at.call(operation, arguments)
            assert answered >= 400
        assert at.remote.seen[-1].path == "/api/v1/experiments/e/ingestion-keys"
        assert (len(at.remote.seen), evil.seen) == (3, [])


async def test_s8_a_key_stays_where_it_was_given_for(daemon: DaemonProcess) -> None:
    async with scripted() as evil, there(daemon, lambda _: answer(200, MODELS)) as at:
        assert (await at.call("swarms models.list", {}))[0] == 200
        elsewhere = await at.register("swarms", evil.base_url, adopt=None)
        status, told = await at.call("swarms models.list", {}, elsewhere)
        assert (status, told["code"]) == (424, "credential_absent")
        prefixed = await at.register("swarms", f"{at.remote.base_url}/proxy", adopt=None)
        status, _ = await at.call("swarms logs.list", {}, prefixed)
        assert at.remote.seen[-1].path == "/proxy/v1/swarm/logs", (
            "a path of the same origin is the same place"
        )
        assert evil.seen == []


@pytest.mark.parametrize(
    "base_url", ["{}\\@evil.test", "http://u:p@{0}", "{}?x", "{}#x", "{} x", "file:///x"]
)
async def test_s8_a_base_url_that_two_readers_may_read_differently_is_refused(
    daemon: DaemonProcess, base_url: str
) -> None:
    async with there(daemon, lambda _: answer()) as at:
        with pytest.raises(DaemonRefused):
            await at.register("swarms", base_url.format(at.remote.base_url))
        assert at.remote.seen == []


async def test_s8_a_caller_chooses_neither_url_nor_header_nor_method(daemon: DaemonProcess) -> None:
    async with there(daemon, lambda _: answer(200, MODELS)) as at:
        for more in ({"url": "http://evil.test"}, {"headers": {"x": "y"}}, {"method": "PUT"}, {"path": "/x"}):
            status, told = await at.call("swarms models.list", {}, **more)
            assert (status, told["code"]) == (422, "invalid")
        for operation in ("segops session.open", "syvain metrics.record", "swarms nosuch", "nosuch x"):
            ref = await at.register("swarms")
            assert (await at.call(operation, {}, ref))[0] == 404
        status, told = await at.call("openspawn agents.list", {}, await at.register("swarms"))
        assert (status, told["code"]) == (404, "unknown_destination")
        assert at.remote.seen == []


@pytest.mark.parametrize(
    ("experiment", "path"),
    [
        ("../../x", "..%2F..%2Fx"),
        ("a\r\nX-Evil: 1", "a%0D%0AX-Evil%3A%201"),
        ("a?b#c", "a%3Fb%23c"),
        ("%2e%2e", "%252e%252e"),
        ("{experiment_id}", "%7Bexperiment_id%7D"),
        ("..", None),
        (".", None),
        ("", None),
    ],
)
async def test_s9_no_argument_leaves_its_place_in_the_path(
    daemon: DaemonProcess, experiment: str, path: str | None
) -> None:
    async with there(daemon, lambda _: answer(404)) as at:
        await at.call("syvain experiments.get", {"experiment_id": experiment})
        lines = [seen.line for seen in at.remote.seen]
        assert lines == ([] if path is None else [f"GET /api/v1/experiments/{path} HTTP/1.1"])
        assert not [seen for seen in at.remote.seen if seen.values("x-evil")]


@pytest.mark.parametrize("text", ["k\r\nX-Evil: 1", "k\0", "é", " k", "k\n"])
async def test_s9_no_key_and_no_agents_id_makes_a_header(daemon: DaemonProcess, text: str) -> None:
    async with there(daemon, lambda _: answer(200, b'{"data":[]}')) as at:
        status, told = await at.call("openspawn messages.send", MESSAGE, key=text)
        assert (status, told["code"]) == (422, "invalid")
        agent = await at.register("openspawn", kind="agent", identity=text, adopt=AGENT_SECRET)
        status, told = await at.call("openspawn agents.list", {}, agent)
        assert (status, told["detail"]["attempts"]) == (502, 0)
        assert at.remote.seen == []


async def test_s9_what_is_no_header_is_no_key(daemon: DaemonProcess) -> None:
    async with there(daemon, lambda _: answer()) as at:
        for secret in ("k\r\nX-Evil: 1", "k\0k", "é", "   "):
            asked = {"service": "swarms", "base_url": at.remote.base_url, "secret": secret}
            status, told = await at.ask("/v1/credentials", asked)
            assert (status, told["code"]) == (422, "unusable_secret")
            assert secret.strip() == "" or secret not in json.dumps(told)


@pytest.mark.parametrize(
    ("content", "headers"),
    [
        (gzip.compress(bytes(50_000_000)), {"Content_Encoding": "gzip"}),
        (gzip.compress(MODELS), {"Content_Encoding": "gzip"}),
        (b'"' + b"x" * (MAX_CALL_ANSWER_BYTES + 1) + b'"', {}),
    ],
)
async def test_s10_an_answer_is_never_inflated_and_has_an_end(
    daemon: DaemonProcess, content: bytes, headers: dict[str, str]
) -> None:
    async with there(daemon, lambda _: answer(200, content, **headers)) as at:
        status, told = await at.call("swarms models.list", {})
        assert (status, told["code"]) == (502, "malformed" if headers else "too_large")
        assert len(json.dumps(told)) < 100_000
        assert at.remote.seen[0].values("accept-encoding") == ["identity"]


@pytest.mark.parametrize(
    "arguments",
    ['{"a":' * 100_000, '{"task":"t","agent_config":' + '{"a":' * 190 + "1" + "}" * 190 + "}", "9" * 100_000],
)
async def test_s10_a_call_that_is_made_to_hurt_is_refused(daemon: DaemonProcess, arguments: str) -> None:
    async with there(daemon, lambda _: answer()) as at:
        ref = await at.register("swarms")
        body = f'{{"destination":"{ref}","arguments":{arguments}}}'
        status, told = await posted(daemon.home, "/v1/call/swarms/agent.create", body.encode())
        assert (status, told["code"]) == (422, "invalid")
        assert at.remote.seen == []
