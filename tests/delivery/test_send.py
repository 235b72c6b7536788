"""The way out, against services that misbehave: what was sent, what was not, and no more than the limits."""

import asyncio
import gzip
import socket
import ssl
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from swarm_analytics_models.handling import TimeOuts
from swarm_analyticsd import policy
from swarm_analyticsd.credentials.schemes import bearer
from swarm_analyticsd.delivery.answer import NoAnswer, NotSent, Obstacle, Reply
from swarm_analyticsd.delivery.proxy import DIRECT, proxy_for
from swarm_analyticsd.delivery.request import Item, Request, single_request
from swarm_analyticsd.delivery.send import BrokenOff, Flow, HttpTransport, Limits
from tests.delivery.scripted import (
    Action,
    Seen,
    answer,
    closed_port,
    drip,
    endless,
    eventually,
    hang,
    page,
    raw,
    reset,
    scripted,
    silent,
    until_left,
)
from tests.delivery.support import TITLE

pytestmark = pytest.mark.anyio

QUICK = TimeOuts(connect_s=1.0, read_s=0.3, total_s=0.6)
PATIENT = TimeOuts(connect_s=5.0, read_s=30.0, total_s=30.0)
FLOW_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n"
)
CANARY = SecretStr("canary-2f9e")
CERTIFICATE = Path(__file__).with_name("localhost.pem")


def request(base_url: str, limits: TimeOuts = QUICK, body: bytes = b'{"id":"a"}') -> Request:
    made = single_request(TITLE, base_url, Item("k", body))
    return replace(made.authenticated((bearer(CANARY),)), time_outs=limits)


@pytest.fixture
async def transport() -> AsyncIterator[HttpTransport]:
    made = HttpTransport("http://127.0.0.1", proxy=DIRECT)
    yield made
    await made.aclose()


async def test_what_arrives_is_what_was_meant_and_nothing_else(transport: HttpTransport) -> None:
    async with scripted(lambda _: answer(201, b'{"ok":1}', Set_Cookie="a=b")) as remote:
        for _ in range(2):
            reply = await transport.send(request(remote.base_url + "/v2"))
            assert reply == Reply(
                201,
                (("content-type", "application/json"), ("content-length", "8"), ("set-cookie", "a=b")),
                b'{"ok":1}',
            )
        first, second = remote.seen
        assert first.line == "POST /v2/public/events/agent/title HTTP/1.1"
        assert first.body == b'{"id":"a"}'
        names = [name.lower() for name, _ in first.headers]
        assert sorted(names) == sorted(
            [
                "host",
                "content-length",
                "user-agent",
                "accept",
                "accept-encoding",
                "content-type",
                "authorization",
            ]
        )
        assert first.values("authorization") == ["Bearer canary-2f9e"]
        assert first.values("accept-encoding") == ["identity"]
        assert first.headers == second.headers
        assert remote.connections == 1


async def test_no_redirect_is_followed_so_no_credential_wanders(transport: HttpTransport) -> None:
    async with scripted() as other:
        for status in (301, 302, 303, 307, 308):
            async with scripted(lambda _, s=status: answer(s, b"", Location=other.base_url)) as remote:  # type: ignore[misc]
                reply = await transport.send(request(remote.base_url))
                assert isinstance(reply, Reply)
                assert reply.status == status
        assert other.seen == []


async def test_a_refused_connection_sent_nothing(transport: HttpTransport) -> None:
    found = await transport.send(request(f"http://127.0.0.1:{closed_port()}"))
    assert isinstance(found, NotSent)
    assert found.obstacle is Obstacle.CONNECT


async def test_a_name_that_nobody_knows_sent_nothing(
    transport: HttpTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    found = await transport.send(request("http://analytics.example"))
    assert isinstance(found, NotSent)
    assert found.obstacle is Obstacle.NAME


async def test_a_connection_that_is_never_taken_up_sent_nothing(transport: HttpTransport) -> None:
    with silent() as base_url:
        limits = TimeOuts(connect_s=0.2, read_s=0.2, total_s=0.5)
        found = await transport.send(request(base_url, limits))
    assert isinstance(found, NotSent)
    assert found.obstacle is Obstacle.TIME_OUT


@pytest.mark.parametrize("silence", [hang(), reset(), raw(), raw(b"HTTP/1.1 200 O")])
async def test_silence_after_sending_may_have_arrived(transport: HttpTransport, silence: object) -> None:
    async with scripted(lambda _: silence) as remote:  # type: ignore[arg-type, return-value]
        found = await transport.send(request(remote.base_url))
        assert isinstance(found, NoAnswer)
        assert len(remote.seen) == 1


async def test_a_reused_connection_that_breaks_may_have_carried_it(transport: HttpTransport) -> None:
    replies = iter([answer(), reset()])
    async with scripted(lambda _: next(replies)) as remote:
        assert isinstance(await transport.send(request(remote.base_url)), Reply)
        assert isinstance(await transport.send(request(remote.base_url)), NoAnswer)
        assert remote.connections == 1


@pytest.mark.parametrize(
    "garbage",
    [
        b"SSH-2.0-OpenSSH_9.7\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 5_000 + b"\r\n",
    ],
)
async def test_what_is_not_http_is_no_answer(transport: HttpTransport, garbage: bytes) -> None:
    async with scripted(lambda _: raw(garbage)) as remote:
        found = await transport.send(request(remote.base_url))
        assert isinstance(found, NoAnswer)
        assert "canary" not in found.detail


async def test_a_body_shorter_than_announced_is_no_answer(transport: HttpTransport) -> None:
    short = raw(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{}")
    async with scripted(lambda _: short) as remote:
        assert isinstance(await transport.send(request(remote.base_url)), NoAnswer)


async def test_one_limit_spans_the_whole_attempt_however_the_peer_drips(transport: HttpTransport) -> None:
    async with scripted(lambda _: drip()) as remote:
        started = time.monotonic()
        found = await transport.send(request(remote.base_url))
        assert time.monotonic() - started < 5 * QUICK.total_s
        assert found == NoAnswer("no complete answer within 0.6 s", timed_out=True)


async def test_headers_that_drip_end_as_well(transport: HttpTransport) -> None:
    slow = raw(b"HTTP/1.1 200 OK\r\n", *(b"X: y\r\n",) * 100, pause_s=0.05)
    async with scripted(lambda _: slow) as remote:
        assert isinstance(await transport.send(request(remote.base_url)), NoAnswer)


async def test_no_more_than_the_limit_is_read_of_an_endless_answer(transport: HttpTransport) -> None:
    async with scripted(lambda _: endless()) as remote:
        found = await transport.send(request(remote.base_url, TimeOuts(1.0, 5.0, 10.0)))
        assert isinstance(found, Reply)
        assert (len(found.body), found.cut) == (policy.RESPONSE_BYTES, True)
        assert isinstance(await transport.send(request(remote.base_url, TimeOuts(1.0, 5.0, 10.0))), Reply)
        assert remote.connections == 2


async def test_a_compressed_answer_is_never_inflated(transport: HttpTransport) -> None:
    bomb = gzip.compress(bytes(50_000_000))
    assert len(bomb) < policy.RESPONSE_BYTES
    async with scripted(lambda _: answer(200, bomb, Content_Encoding="gzip")) as remote:
        found = await transport.send(request(remote.base_url, TimeOuts(1.0, 5.0, 10.0)))
        assert isinstance(found, Reply)
        assert found.body == bomb


async def test_informational_answers_are_passed_over(transport: HttpTransport) -> None:
    early = raw(
        b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
    )
    async with scripted(lambda _: early) as remote:
        found = await transport.send(request(remote.base_url))
        assert isinstance(found, Reply)
        assert found.status == 204


async def test_cancelling_is_no_answer_but_a_cancellation(transport: HttpTransport) -> None:
    async with scripted(lambda _: hang()) as remote:
        sending = asyncio.create_task(transport.send(request(remote.base_url, PATIENT)))
        await eventually(lambda: remote.seen)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending


async def test_cancelling_ends_the_request_to_the_service(transport: HttpTransport) -> None:
    left = asyncio.Event()
    async with scripted(lambda seen: until_left(seen, left)) as remote:
        sending = asyncio.create_task(transport.send(request(remote.base_url, PATIENT)))
        await eventually(lambda: remote.seen)
        sending.cancel()
        await asyncio.wait_for(left.wait(), 10)


async def test_a_url_goes_out_as_it_is_written(transport: HttpTransport) -> None:
    target = "/a%2Fb%3A%40%20%C3%A9/?q=x%20y%2Bz%2C%3A%26&e=%5B%7B%22a%22%3A1%7D%5D"
    async with scripted() as remote:
        await transport.send(replace(request(remote.base_url), url=remote.base_url + target))
        assert remote.seen[0].path == target


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
async def test_no_library_sends_anything_twice(transport: HttpTransport, method: str) -> None:
    taken = 0

    def once(_: Seen) -> Action:
        nonlocal taken
        taken += 1
        return answer() if taken == 1 else reset()

    async with scripted(once) as remote:
        made = replace(request(remote.base_url, body=b""), method=method)
        assert isinstance(await transport.send(made), Reply)
        assert isinstance(await transport.send(made), NoAnswer)
        assert [one.line for one in remote.seen] == [f"{method} {TITLE.path} HTTP/1.1"] * 2


async def test_a_flow_passes_on_each_piece_as_it_comes(transport: HttpTransport) -> None:
    go_on = asyncio.Event()

    async def act(writer: asyncio.StreamWriter) -> bool:
        writer.write(FLOW_HEAD + b"6\r\ndata: \r\n")
        await go_on.wait()
        writer.write(b"3\r\nx\n\n\r\n0\r\n\r\n")
        await writer.drain()
        return True

    async with scripted(lambda _: act) as remote:
        flow = await transport.open(request(remote.base_url), "text/event-stream")
        assert isinstance(flow, Flow)
        assert (flow.status, dict(flow.headers)["content-type"]) == (200, "text/event-stream; charset=utf-8")
        pieces = flow.pieces()
        assert await anext(pieces) == b"data: "
        go_on.set()
        assert [piece async for piece in pieces] == [b"x\n\n"]
        await flow.aclose()
        assert isinstance(await transport.send(request(remote.base_url)), NoAnswer | Reply)
        assert remote.connections == 1


async def test_an_answer_of_another_type_is_collected(transport: HttpTransport) -> None:
    async with scripted(lambda seen: answer(500 if seen.path.endswith("bad") else 200)) as remote:
        for path, status in (("/good", 200), ("/bad", 500)):
            made = replace(request(remote.base_url), url=remote.base_url + path)
            found = await transport.open(made, "text/event-stream")
            assert isinstance(found, Reply)
            assert (found.status, found.body) == (status, b"{}")


async def test_a_flow_that_breaks_off_or_falls_silent_says_so(transport: HttpTransport) -> None:
    for breaking in (raw(FLOW_HEAD, b"6\r\ndata: "), raw(FLOW_HEAD, b"1\r\nx\r\n", then_hang=True)):
        async with scripted(lambda _, act=breaking: act) as remote:  # type: ignore[misc]
            flow = await transport.open(request(remote.base_url), "text/event-stream")
            assert isinstance(flow, Flow)
            with pytest.raises(BrokenOff):
                _ = [piece async for piece in flow.pieces()]
            await flow.aclose()


async def test_closing_a_flow_ends_the_request_to_the_service(transport: HttpTransport) -> None:
    left = asyncio.Event()
    async with scripted(lambda seen: until_left(seen, left, FLOW_HEAD, b"1\r\nx\r\n")) as remote:
        flow = await transport.open(request(remote.base_url, PATIENT), "text/event-stream")
        assert isinstance(flow, Flow)
        assert await anext(flow.pieces()) == b"x"
        await flow.aclose()
        await asyncio.wait_for(left.wait(), 10)


async def test_a_transport_reads_as_much_and_keeps_as_long_as_it_is_told() -> None:
    transport = HttpTransport("http://127.0.0.1", proxy=DIRECT, limits=Limits(2, 0.0, 100_000))
    async with scripted(lambda _: answer(200, b"x" * 100_000)) as remote:
        for _ in range(2):
            found = await transport.send(request(remote.base_url, PATIENT))
            assert isinstance(found, Reply)
            assert (len(found.body), found.cut) == (100_000, False)
    await transport.aclose()


async def test_a_certificate_that_nobody_vouches_for_stops_it_before_anything_is_sent() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    async with scripted(context=context) as remote:
        transport = HttpTransport(remote.base_url)
        found = await transport.send(request(remote.base_url))
        await transport.aclose()
        assert isinstance(found, NotSent)
        assert found.obstacle is Obstacle.TLS
        assert remote.seen == []


async def test_the_systems_trust_store_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    async with scripted(context=context) as remote:
        transport = HttpTransport(remote.base_url)
        found = await transport.send(request(remote.base_url, TimeOuts(5.0, 5.0, 10.0)))
        await transport.aclose()
        assert isinstance(found, Reply)


async def test_a_service_that_speaks_no_tls_gets_nothing() -> None:
    async with scripted(lambda _: page()) as remote:
        transport = HttpTransport(remote.base_url.replace("http:", "https:"))
        found = await transport.send(request(remote.base_url.replace("http:", "https:")))
        await transport.aclose()
        assert isinstance(found, NotSent)
        assert remote.seen == []


async def test_a_proxy_carries_what_goes_elsewhere() -> None:
    async with scripted() as proxy:
        url = proxy.base_url.replace("http://", "http://user:p%40ss@")
        transport = HttpTransport("http://analytics.example", proxy=url)
        assert isinstance(await transport.send(request("http://analytics.example")), Reply)
        await transport.aclose()
        assert proxy.seen[0].line.startswith("POST http://analytics.example/public/")
        assert proxy.seen[0].values("proxy-authorization") == ["Basic dXNlcjpwQHNz"]


async def test_a_proxy_that_refuses_the_tunnel_sent_nothing() -> None:
    async with scripted(lambda _: answer(407)) as proxy:
        url = proxy.base_url.replace("http://", "http://user:p%40ss@")
        transport = HttpTransport("https://analytics.example", proxy=url)
        found = await transport.send(request("https://analytics.example"))
        await transport.aclose()
        assert isinstance(found, NotSent)
        assert found.obstacle is Obstacle.PROXY
        assert [seen.line.split(" ")[0] for seen in proxy.seen] == ["CONNECT"]
        assert proxy.seen[0].values("proxy-authorization") == ["Basic dXNlcjpwQHNz"]
        assert not any("canary" in value for seen in proxy.seen for _, value in seen.headers)


@pytest.mark.parametrize("scheme", ["http", "socks5"])
async def test_a_proxy_that_cannot_be_used_sent_nothing(scheme: str) -> None:
    transport = HttpTransport("http://analytics.example", proxy=f"{scheme}://127.0.0.1:{closed_port()}")
    found = await transport.send(request("http://analytics.example"))
    await transport.aclose()
    assert isinstance(found, NotSent)
    assert found.obstacle is Obstacle.PROXY


def test_proxies_come_from_the_setting_or_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "REQUEST_METHOD"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    assert proxy_for("https://a.example", None) is None
    monkeypatch.setenv("https_proxy", "http://env:1")
    monkeypatch.setenv("no_proxy", "b.example")
    assert proxy_for("https://a.example", None) == "http://env:1"
    assert proxy_for("https://b.example", None) is None
    assert proxy_for("http://a.example", None) is None
    assert proxy_for("https://a.example", "http://set:2") == "http://set:2"
    assert proxy_for("https://a.example", DIRECT) is None
    for origin in ("http://127.0.0.1:8080", "http://localhost", "http://[::1]:1", "http://127.8.8.8"):
        monkeypatch.setenv("http_proxy", "http://env:1")
        assert proxy_for(origin, "http://set:2") is None
