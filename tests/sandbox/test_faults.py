"""Each scripted fault, as a client sees it, and whether the event was taken."""

import itertools
import socket
import struct
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.support.processes import Processes, SandboxProcess
from tests.support.waiting import eventually

LOGS = "/public/logs"
CLOSED = "/public/events/app_lifecycle/closed"


@pytest.fixture(scope="module")
def shared() -> Iterator[SandboxProcess]:
    """One process for the tests of this module; each starts from nothing."""
    started = Processes()
    yield started.sandbox()
    started.release()


@pytest.fixture
def service(shared: SandboxProcess) -> SandboxProcess:
    shared.reset()
    return shared


@pytest.fixture
def send(service: SandboxProcess) -> Callable[..., httpx.Response]:
    """Sends one log event, each with a key of its own."""
    token = service.register("install-1")
    numbers = itertools.count()

    def send(path: str = LOGS, tag: str = "app", timeout: float = 10.0) -> httpx.Response:
        body = {"ts": 1.5, "submission_id": f"k{next(numbers)}", "tag": tag}
        return service.http.post(
            service.base_url + path, json=body, headers={"authorization": f"Bearer {token}"}, timeout=timeout
        )

    return send


Send = Callable[..., httpx.Response]


def fault(kind: str, match: dict[str, Any] | None = None, **action: Any) -> dict[str, Any]:
    return {"match": match or {}, "action": {"kind": kind, **action}}


def taken(service: SandboxProcess) -> int:
    unique: int = service.ledger()["unique"]
    return unique


@pytest.mark.parametrize("status", [401, 403, 413, 429, 500, 503, 599])
@pytest.mark.parametrize("accept", [False, True])
def test_a_status(service: SandboxProcess, send: Send, status: int, accept: bool) -> None:
    service.script(fault("status", status=status, accept=accept))
    answer = send()
    assert answer.status_code == status
    assert "detail" in answer.json()
    assert taken(service) == accept
    assert service.requests()[-1]["answered"] == "status"


@pytest.mark.parametrize("value", ["2", "Wed, 21 Oct 2037 07:28:00 GMT", "-1", "1e9", "soon", ""])
def test_retry_after_is_sent_as_it_is(service: SandboxProcess, send: Send, value: str) -> None:
    service.script(fault("status", status=429, retry_after=value))
    assert send().headers["retry-after"] == value


def test_a_status_with_headers_and_a_body_of_its_own(service: SandboxProcess, send: Send) -> None:
    service.script(
        fault("status", {"count": 1}, status=502, headers={"Content-Type": "text/html"}, body="<h1>Bad</h1>"),
        fault("status", status=200, body={"accepted": 0, "errors": ["full"]}),
    )
    assert (send().text, send().json()) == ("<h1>Bad</h1>", {"accepted": 0, "errors": ["full"]})


def test_a_status_without_content(service: SandboxProcess, send: Send) -> None:
    service.script(fault("status", status=204, accept=True))
    assert (send().status_code, taken(service)) == (204, 1)


@pytest.mark.parametrize("accept", [False, True])
def test_a_reset_before_or_after_taking(service: SandboxProcess, send: Send, accept: bool) -> None:
    service.script(fault("reset", accept=accept))
    with pytest.raises(httpx.ReadError):
        send()
    assert taken(service) == accept
    service.calm()
    assert send().status_code == 200


@pytest.mark.parametrize("accept", [False, True])
def test_a_hang_until_the_client_leaves(service: SandboxProcess, send: Send, accept: bool) -> None:
    service.script(fault("hang", accept=accept))
    with pytest.raises(httpx.ReadTimeout):
        send(timeout=0.1)
    assert taken(service) == accept
    service.calm()
    assert send().status_code == 200


def test_a_hang_that_ends_in_a_reset(service: SandboxProcess, send: Send) -> None:
    service.script(fault("hang", seconds=0.1))
    started = time.monotonic()
    with pytest.raises(httpx.ReadError):
        send()
    assert time.monotonic() - started >= 0.1


def test_latency_delays_and_the_event_is_taken_even_if_the_client_leaves(
    service: SandboxProcess, send: Send
) -> None:
    service.script(fault("latency", seconds=0.2))
    started = time.monotonic()
    assert send().status_code == 200
    assert time.monotonic() - started >= 0.2
    with pytest.raises(httpx.ReadTimeout):
        send(timeout=0.05)
    eventually(lambda: taken(service) == 2, what="taking the event whose client left")


def test_latencies_add_up_and_another_fault_decides(service: SandboxProcess, send: Send) -> None:
    service.script(fault("latency", seconds=0.1), fault("latency", seconds=0.1), fault("status", status=503))
    started = time.monotonic()
    assert send().status_code == 503
    assert time.monotonic() - started >= 0.2
    assert service.struck() == [1, 1, 1]


def test_a_captive_portal(service: SandboxProcess, send: Send) -> None:
    service.script(fault("portal"))
    answer = send()
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "<html" in answer.text
    assert taken(service) == 0


def test_a_redirect(service: SandboxProcess, send: Send) -> None:
    service.script(fault("redirect", location="http://elsewhere.example/", status=302))
    answer = send()
    assert (answer.status_code, answer.headers["location"]) == (302, "http://elsewhere.example/")
    assert taken(service) == 0


def test_wrong_json(service: SandboxProcess, send: Send) -> None:
    service.script(fault("wrong_json", {"count": 1}), fault("wrong_json", text='{"token":'))
    assert send().json() == []
    answer = send()
    assert (answer.text, answer.headers["content-type"]) == ('{"token":', "application/json")
    assert taken(service) == 2


def test_wrong_json_in_answer_to_a_registration(service: SandboxProcess) -> None:
    service.script(fault("wrong_json", {"route": "identify.register"}, text='{"tok":1}'))
    answer = service.http.post(
        f"{service.base_url}/public/identify/create_install_token", json={"install_id": "i"}
    )
    assert answer.json() == {"tok": 1}


def test_a_slow_body(service: SandboxProcess, send: Send) -> None:
    service.script(fault("slow_body", seconds=0.3))
    started = time.monotonic()
    assert send().json() == {"ok": True}
    assert time.monotonic() - started >= 0.25
    assert taken(service) == 1
    service.script(fault("slow_body", seconds=600))
    with pytest.raises(httpx.ReadTimeout):
        send(timeout=0.1)


def test_a_flood(service: SandboxProcess, send: Send) -> None:
    service.script(fault("flood", {"count": 1}, size=200_000), fault("flood", size=3_000_000, gzip=True))
    plain = send()
    assert (plain.content, "content-encoding" in plain.headers) == (b" " * 200_000, False)
    bomb = send()
    assert len(bomb.content) == 3_000_000
    assert bomb.num_bytes_downloaded < 10_000
    assert taken(service) == 2


def test_an_endless_flood_ends_when_the_client_leaves(service: SandboxProcess) -> None:
    token = service.register("install-1")
    service.script(fault("flood", size=2**40))
    headers = {"authorization": f"Bearer {token}"}
    body = {"ts": 1.5, "submission_id": "k", "tag": "app"}
    with service.http.stream("POST", service.base_url + LOGS, json=body, headers=headers) as answer:
        assert len(next(answer.iter_raw())) > 0
    service.calm()
    assert service.register("install-1")


@pytest.mark.parametrize(
    ("match", "hit"),
    [
        ({}, "1111"),
        ({"nth": 2}, "0100"),
        ({"nth": 2, "count": 2}, "0110"),
        ({"count": 3}, "1110"),
        ({"route": "logs.*"}, "1111"),
        ({"route": "events.*"}, "0000"),
        ({"path": "/public/l*"}, "1111"),
        ({"path": "/private/*"}, "0000"),
        ({"service": "openswarm"}, "1111"),
        ({"service": "another"}, "0000"),
        ({"contains": "poison"}, "0010"),
        ({"contains": "poison", "nth": 2}, "0000"),
    ],
)
def test_which_requests_a_fault_hits(
    service: SandboxProcess, send: Send, match: dict[str, Any], hit: str
) -> None:
    service.script(fault("status", match, status=500))
    statuses = [send(tag="poison" if place == 2 else "app").status_code for place in range(4)]
    assert statuses == [500 if each == "1" else 200 for each in hit]
    assert service.struck() == [hit.count("1")]


def test_chance_is_seeded(service: SandboxProcess, send: Send) -> None:
    def run(seed: int) -> list[int]:
        service.script(fault("status", {"probability": 0.5}, status=500), seed=seed)
        return [send().status_code for _ in range(20)]

    first = run(7)
    assert first == run(7)
    assert first != run(8)
    assert set(first) == {200, 500}


def test_faults_are_asked_in_order(service: SandboxProcess, send: Send) -> None:
    service.script(fault("status", {"count": 1}, status=429), fault("status", {"count": 1}, status=503))
    assert [send().status_code for _ in range(3)] == [429, 503, 200]


@pytest.mark.parametrize(
    "script",
    [
        {"faults": [{"action": {"kind": "explode"}}]},
        {"faults": [{"action": {"kind": "status"}}]},
        {"faults": [{"action": {"kind": "hang"}, "when": "now"}]},
        {"faults": [{"match": {"nth": 0}, "action": {"kind": "hang"}}]},
        {"faults": [{"action": {"kind": "status", "status": 429, "retry_after": "1\r\nX: y"}}]},
        {"fault": []},
    ],
)
def test_a_script_that_is_not_one_is_refused_and_changes_nothing(
    service: SandboxProcess, script: dict[str, Any]
) -> None:
    service.fail(503)
    answer = service.http.post(f"{service.base_url}/_sandbox/script", json=script)
    assert answer.status_code == 422
    assert service.struck() == [0]


def test_a_client_that_leaves_before_the_end_of_its_body_leaves_no_trace(service: SandboxProcess) -> None:
    with socket.create_connection(("127.0.0.1", service.port)) as connection:
        connection.sendall(b"POST /public/logs HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert service.register("install-1")
    assert len(service.requests()) == 1


def test_an_answer_that_is_cut_off_is_taken(service: SandboxProcess, send: Send) -> None:
    service.script(fault("cut", {"count": 1}, size=3), fault("cut"))
    for _ in range(2):
        with pytest.raises(httpx.ReadError):
            send()
    assert taken(service) == 2


def test_what_is_cut_off_begins_as_the_genuine_answer(service: SandboxProcess) -> None:
    service.script(fault("cut", size=5))
    with service.http.stream("POST", f"{service.base_url}{LOGS}", json={}) as answer:
        assert int(answer.headers["content-length"]) > 5
        assert next(answer.iter_raw()) == b'{"det'
