"""SECURITY S3 to S6, S9 and S10, at the one gate before routing."""

import asyncio
import logging
import os
import socket
import stat
from pathlib import Path

import pytest

from swarm_analytics_models.calls import MAX_CALL_BYTES
from swarm_analytics_models.home import Home, read_address
from swarm_analyticsd import policy
from swarm_analyticsd.intake import gate
from swarm_analyticsd.intake.guard import Receive, Scope, Send
from swarm_analyticsd.intake.peer import Peer, peer_of
from tests.security.serving import Answer, Served, serving
from tests.support.waiting import eventually_async

pytestmark = pytest.mark.anyio


def refused(answer: Answer, status: int, code: str) -> bool:
    """Whether the answer is a problem of that kind, with a remedy."""
    assert answer.headers["content-type"] == "application/json"
    assert answer.content["message"]
    assert answer.content["hint"]
    return (answer.status, answer.content["code"]) == (status, code)


async def closes_a_connection(served: Served) -> bool:
    wire = await served.connect()
    wire.send(b"GET /v1/x HTTP/1.1\r\nhost: localhost\r\n\r\n")
    return await wire.ended()


async def test_a_plain_local_request_passes(home: Path) -> None:
    async with serving(home) as served:
        assert (await served.ask()).status == 200
        assert (await served.ask("POST", body=b'{"a":1}')).content == {"length": 7}


async def test_s3_another_users_process_is_turned_away_whatever_the_modes(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(home) as served:
        monkeypatch.setattr(gate, "peer_of", lambda _connection: Peer(uid=os.geteuid() + 1, pid=1))
        assert await closes_a_connection(served)
        assert served.application.seen == []


async def test_s3_the_peer_is_who_the_kernel_says(home: Path) -> None:
    seen: list[Peer] = []
    async with serving(home) as served:
        listening = served.listeners.handoff
        assert listening is not None
        served_by = gate.Gate(listening, lambda connection: _note(seen, connection))
        served_by.open()
        with socket.socket(socket.AF_UNIX) as app:
            app.connect(listening.getsockname())
            await eventually_async(lambda: _is(seen))
        assert seen == [Peer(uid=os.geteuid(), pid=os.getpid())]
        await served_by.close()


async def _note(seen: list[Peer], connection: socket.socket) -> None:
    seen.append(peer_of(connection))


async def _is(value: object) -> bool:
    return bool(value)


@pytest.mark.parametrize("name", ["Origin", "Referer", "oRIGIN"])
@pytest.mark.parametrize("value", ["http://localhost", "https://evil.test", "null"])
async def test_s4_a_web_page_is_refused(home: Path, name: str, value: str) -> None:
    async with serving(home) as served:
        assert refused(await served.ask(headers={name: value}), 403, "origin")
        assert served.application.seen == []


@pytest.mark.parametrize(
    "host", ["evil.test", "localhost:80", "LOCALHOST", "127.0.0.1", "localhost.evil.test"]
)
async def test_s4_a_rebound_name_is_refused(home: Path, host: str) -> None:
    async with serving(home) as served:
        assert refused(await served.ask(headers={"Host": host}), 403, "host")
        assert served.application.seen == []


async def test_s4_on_loopback_only_the_literal_address_and_port_is_served(home: Path) -> None:
    async with serving(home, loopback=True) as served:
        assert (await served.ask()).status == 200
        for host in ("localhost", "127.0.0.1", "127.0.0.1:1", "[::1]:80"):
            assert refused(await served.ask(headers={"Host": host}), 403, "host")


async def test_s4_no_host_and_two_hosts_are_refused(home: Path) -> None:
    async with serving(home) as served:
        for head, status in ((b"", 403), (b"host: localhost\r\nhost: evil.test\r\n", 400)):
            wire = await served.connect()
            wire.send(b"GET /v1/x HTTP/1.1\r\n" + head + b"\r\n")
            assert (await wire.answer()).status == status
        assert served.application.seen == []


async def test_s4_the_check_comes_before_routing(home: Path) -> None:
    async with serving(home) as served:
        known, unknown = [
            await served.ask(path=path, headers={"Host": "evil.test"}) for path in ("/v1/status", "/nosuch")
        ]
        assert (known.status, known.content) == (unknown.status, unknown.content)


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/json; x=y"],
)
async def test_s5_what_a_form_can_send_is_refused(home: Path, content_type: str) -> None:
    async with serving(home) as served:
        answer = await served.ask("POST", body=b"{}", headers={"Content-Type": content_type})
        assert refused(answer, 415, "content_type")


async def test_s5_lines_are_taken_by_hand_off_alone(home: Path) -> None:
    async with serving(home) as served:
        lines = {"Content-Type": "application/x-ndjson"}
        assert (await served.ask("POST", "/v1/hand-off", headers=lines)).status == 200
        assert refused(await served.ask("POST", "/v1/stop", headers=lines), 415, "content_type")


@pytest.mark.parametrize("method", ["OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "HEAD"])
async def test_s5_other_methods_and_preflights_are_refused(home: Path, method: str) -> None:
    async with serving(home) as served:
        wire = await served.connect()
        wire.send(f"{method} /v1/x HTTP/1.1\r\nhost: localhost\r\n\r\n".encode())
        head = await wire.reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 405 ")
        assert b"access-control" not in head.lower()
        assert served.application.seen == []


async def test_s5_no_answer_carries_cors_headers(home: Path) -> None:
    async with serving(home) as served:
        answer = await served.ask()
        assert not any(name.startswith("access-control") for name in answer.headers)


@pytest.mark.parametrize("sent", ["", "Bearer", "Bearer x", "Basic abc"])
async def test_s6_without_the_capability_nothing_is_served_on_tcp(home: Path, sent: str) -> None:
    async with serving(home, loopback=True) as served:
        assert refused(await served.ask(headers={"Authorization": sent}), 401, "capability")
        assert served.application.seen == []


async def test_s6_the_capability_has_256_bits_a_private_file_and_lasts_for_one_start(home: Path) -> None:
    capabilities = []
    for _ in range(2):
        async with serving(home, loopback=True) as served:
            path = Home(home).capability
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            assert path.read_text() == served.listeners.capability
            capabilities.append(path.read_text())
            address = read_address(Home(home))
            assert address is not None
            assert capabilities[-1] not in address.model_dump_json()
        assert not path.exists()
    assert len(set(capabilities)) == 2
    assert all(len(each) >= 43 for each in capabilities)


async def test_s6_the_capability_is_compared_in_constant_time(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[tuple[bytes, bytes]] = []

    def compare(a: bytes, b: bytes) -> bool:
        compared.append((a, b))
        return False

    monkeypatch.setattr("swarm_analyticsd.intake.guard.hmac.compare_digest", compare)
    async with serving(home, loopback=True) as served:
        assert refused(await served.ask(), 401, "capability")
        assert compared == [(f"Bearer {served.listeners.capability}".encode(),) * 2]


async def test_s6_the_capability_is_not_logged(home: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with serving(home, loopback=True) as served:
        assert (await served.ask()).status == 200
        assert (await served.ask("POST", "/fails")).status == 500
        assert served.listeners.capability is not None
        assert served.listeners.capability not in caplog.text


@pytest.mark.parametrize("byte", [b"\x00", b"\r", b"\x01", b"\x7f"])
async def test_s9_control_characters_in_a_header_are_refused(home: Path, byte: bytes) -> None:
    async with serving(home) as served:
        wire = await served.connect()
        wire.send(b"GET /v1/x HTTP/1.1\r\nhost: localhost\r\nx-journal: a" + byte + b"b\r\n\r\n")
        assert (await wire.answer()).status == 400
        assert served.application.seen == []


@pytest.mark.parametrize("name", ["Authorization", "Content-Length", "X-Journal"])
async def test_s9_a_header_that_decides_something_may_come_once(home: Path, name: str) -> None:
    async with serving(home) as served:
        wire = await served.connect()
        wire.send(f"GET /v1/x HTTP/1.1\r\nhost: localhost\r\n{name}: 0\r\n{name}: 0\r\n\r\n".encode())
        assert (await wire.answer()).status == 400


async def test_s9_length_and_chunks_together_are_refused(home: Path) -> None:
    async with serving(home) as served:
        wire = await served.connect()
        wire.send(
            b"POST /v1/x HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
            b"content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"
        )
        assert (await wire.answer()).status == 400


async def test_s10_a_body_that_is_announced_too_large_is_refused_unread(home: Path) -> None:
    async with serving(home) as served:
        answer = await served.ask("POST", headers={"Content-Length": str(policy.MAX_QUESTION_BYTES + 1)})
        assert refused(answer, 413, "too_large")
        too_long = {"Content-Length": str(policy.MAX_REQUEST_BYTES + 1)}
        answer = await served.ask("POST", "/v1/hand-off", headers=too_long)
        assert refused(answer, 413, "too_large")


async def test_s10_calls_alone_may_be_large(home: Path) -> None:
    async with serving(home) as served:
        body = b'"' + bytes(policy.MAX_QUESTION_BYTES) + b'"'
        assert (await served.ask("POST", "/v1/call/a/b", body=body)).status == 200
        too_long = {"Content-Length": str(MAX_CALL_BYTES + 1)}
        assert refused(await served.ask("POST", "/v1/call/a/b", headers=too_long), 413, "too_large")
        for path in ("/v1/call", "/v1/call-cache/clear", "/v1/credentials", "/v1/register"):
            assert refused(await served.ask("POST", path, body=body), 413, "too_large")


async def test_s10_a_body_that_grows_too_large_in_chunks_is_cut_off(home: Path) -> None:
    async with serving(home) as served:
        wire = await served.connect()
        wire.send(
            b"POST /v1/x HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
            b"transfer-encoding: chunked\r\n\r\n"
        )
        for _ in range(policy.MAX_QUESTION_BYTES // 4096 + 1):
            wire.send(b"1000\r\n" + b"x" * 4096 + b"\r\n")
        assert refused(await wire.answer(), 413, "too_large")
        assert await wire.ended()


@pytest.mark.parametrize("path", ["/v1/x", "/v1/call/swarms/agent.create", "/v1/credentials"])
async def test_s10_a_body_that_never_ends_is_given_up(
    home: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr(policy, "BODY_DEADLINE_S", 0.05)
    async with serving(home) as served:
        wire = await served.connect()
        wire.send(
            f"POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
            "content-length: 10\r\n\r\nabc".encode()
        )
        assert refused(await wire.answer(), 408, "slow")
        assert await wire.ended()


@pytest.mark.parametrize("begun", [b"", b"GET /v1/x HTTP/1.1\r\nhost: loc"])
async def test_s10_a_head_that_never_ends_is_given_up(
    home: Path, monkeypatch: pytest.MonkeyPatch, begun: bytes
) -> None:
    monkeypatch.setattr(policy, "HEADER_DEADLINE_S", 0.05)
    async with serving(home) as served:
        wire = await served.connect()
        wire.send(begun)
        assert await wire.ended()


async def test_s10_the_next_heads_on_a_connection_have_the_same_deadline(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy, "HEADER_DEADLINE_S", 0.2)
    async with serving(home) as served:
        wire = await served.connect()
        wire.send(b"GET /v1/x HTTP/1.1\r\nhost: localhost\r\n\r\n")
        assert (await wire.answer()).status == 200
        wire.send(b"GET /v1/x HTTP/1.1\r\n")
        assert await wire.ended()


async def test_s10_a_head_that_grows_without_end_is_cut_off(home: Path) -> None:
    async with serving(home) as served:
        wire = await served.connect()
        wire.send(b"GET /v1/x HTTP/1.1\r\nhost: localhost\r\nx-long: ")
        for _ in range(20):
            wire.send(b"a" * 4096)
        assert await wire.ended()


async def test_s10_too_many_and_too_long_headers_are_refused(home: Path) -> None:
    async with serving(home) as served:
        many = {f"x-{number}": "1" for number in range(policy.MAX_HEADERS)}
        assert refused(await served.ask(headers=many), 431, "headers")
        assert refused(await served.ask(headers={"X-Long": "a" * policy.MAX_HEADER_BYTES}), 431, "headers")


async def test_s10_a_process_has_so_many_connections_and_no_more(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy, "MAX_CONNECTIONS_PER_PROCESS", 3)
    async with serving(home) as served:
        wires = [await served.connect() for _ in range(3)]
        for wire in wires:
            wire.send(b"GET /v1/x HTTP/1.1\r\nhost: localhost\r\n\r\n")
            assert (await wire.answer()).status == 200
        assert await closes_a_connection(served)
        await wires[0].close()

        async def served_again() -> bool:
            try:
                return (await served.ask()).status == 200
            except (ConnectionError, asyncio.IncompleteReadError):
                return False

        assert await eventually_async(served_again)


async def test_s10_all_together_have_so_many_connections_and_no_more(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy, "MAX_CONNECTIONS", 2)
    async with serving(home, loopback=True) as served:
        for _ in range(2):
            wire = await served.connect()
            wire.send(
                f"GET /v1/x HTTP/1.1\r\nhost: {served.listeners.host}\r\n"
                f"authorization: Bearer {served.listeners.capability}\r\n\r\n".encode()
            )
            assert (await wire.answer()).status == 200
        assert await closes_a_connection(served)


async def test_what_is_not_http_is_answered_with_a_problem(home: Path) -> None:
    async with serving(home) as served:
        wire = await served.connect()
        wire.send(b"\x16\x03\x01 hello\r\n\r\n")
        assert refused(await wire.answer(), 400, "http")


async def test_a_failure_is_a_problem_and_tells_nothing_of_the_cause(home: Path) -> None:
    async with serving(home) as served:
        answer = await served.ask("POST", "/fails")
        assert refused(answer, 500, "internal")
        assert "canary" not in str(answer.content)


async def test_who_waits_while_the_daemon_stops_is_told_so(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy, "STOP_REQUESTS_S", 0.01)
    begun = asyncio.Event()

    async def waits(_scope: Scope, _receive: Receive, _send: Send) -> None:
        begun.set()
        await asyncio.Event().wait()

    async with serving(home, waits) as served:
        wire = await served.connect()
        wire.send(b"GET /v1/x HTTP/1.1\r\nhost: localhost\r\n\r\n")
        await begun.wait()
        await served.server.stop()
        assert refused(await wire.answer(), 503, "stopping")
