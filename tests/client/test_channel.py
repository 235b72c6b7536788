"""Requests to the daemon: what comes back, and what each trouble is called."""

import json
import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from swarm_analytics import DaemonRefused, DaemonUnavailable, TransportError, policy
from swarm_analytics.channel import DaemonChannel
from swarm_analytics_models.home import Home
from tests.client.scripted import scripted_daemon


@pytest.fixture(params=[False, True], ids=["unix", "loopback"])
def loopback(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def test_json_goes_out_and_comes_back(home: Path, loopback: bool) -> None:
    with scripted_daemon(home, loopback=loopback, answer=lambda *_: (200, {"fine": True})) as daemon:
        assert DaemonChannel(home).request("POST", "/v1/flush", {"timeout_s": 1}) == {"fine": True}
        [(method, path, body, headers)] = daemon.requests
    assert (method, path, body) == ("POST", "/v1/flush", {"timeout_s": 1})
    assert headers["Content-Type"] == "application/json"
    assert headers["Host"] == (daemon.address.removeprefix("http://") if loopback else "localhost")
    assert ("Authorization" in headers) is loopback


def test_an_empty_answer_is_none(home: Path, loopback: bool) -> None:
    with scripted_daemon(home, loopback=loopback, answer=lambda *_: (200, b"")):
        assert DaemonChannel(Home(home)).request("GET", "/v1/version") is None


def test_a_refusal_carries_the_daemons_problem(home: Path, loopback: bool) -> None:
    problem = {"code": "conflict", "message": "Two URLs.", "hint": "Choose one.", "detail": {"a": 1}}
    with (
        scripted_daemon(home, loopback=loopback, answer=lambda *_: (409, problem)),
        pytest.raises(DaemonRefused, match=r"Two URLs\. Choose one\.") as caught,
    ):
        DaemonChannel(home).request("POST", "/v1/services", {})
    assert caught.value.status == 409
    assert caught.value.problem.model_dump() == problem
    assert isinstance(caught.value, TransportError)


@pytest.mark.parametrize("answer", [(500, b"<html>"), (200, b"<html>"), (404, {"detail": "Not Found"})])
def test_an_answer_that_is_not_the_daemons_is_refused(home: Path, answer: tuple[int, Any]) -> None:
    with (
        scripted_daemon(home, answer=lambda *_: answer),
        pytest.raises(DaemonRefused, match="Another program"),
    ):
        DaemonChannel(home).request("GET", "/v1/version")


def test_no_home_no_daemon_and_a_dead_one_are_unavailable_with_a_remedy(home: Path) -> None:
    channel = DaemonChannel(home)
    with pytest.raises(DaemonUnavailable, match="swarm-analyticsd run"):
        channel.request("GET", "/v1/version")
    home.mkdir(mode=0o700)
    with pytest.raises(DaemonUnavailable, match="swarm-analyticsd run"):
        channel.request("GET", "/v1/version")
    with scripted_daemon(home) as daemon:
        address = daemon.home.address.read_bytes()
    daemon.home.address.write_bytes(address)
    with pytest.raises(DaemonUnavailable, match="swarm-analyticsd run"):
        channel.request("GET", "/v1/version")


def test_an_answer_that_does_not_come_is_given_up_in_time(home: Path, loopback: bool) -> None:
    gate = threading.Event()

    def hang(*_: object) -> tuple[int, Any]:
        gate.wait(10.0)
        return 200, {}

    with scripted_daemon(home, loopback=loopback, answer=hang):
        started = time.monotonic()
        with pytest.raises(DaemonUnavailable, match=r"did not answer GET /v1/version within 0\.2 s"):
            DaemonChannel(home).request("GET", "/v1/version", timeout=0.2)
        assert time.monotonic() - started < 2.0
        gate.set()


def _trickling_server(home: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(home / "daemon.sock"))
    listener.listen()

    def trickle() -> None:
        sock, _ = listener.accept()
        sock.recv(65536)
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        try:
            while True:
                sock.sendall(b"x")
                time.sleep(0.02)
        except OSError:
            sock.close()

    threading.Thread(target=trickle, daemon=True).start()
    return listener


def test_the_time_out_bounds_a_body_that_never_ends(home: Path) -> None:
    with scripted_daemon(home) as daemon:
        address = json.loads(daemon.home.address.read_bytes())
    listener = _trickling_server(home)
    (home / "address.json").write_text(json.dumps(address))
    started = time.monotonic()
    with pytest.raises(DaemonUnavailable, match="did not answer"):
        DaemonChannel(home).request("GET", "/v1/version", timeout=0.3)
    assert time.monotonic() - started < 2.0
    listener.close()


def test_an_answer_that_is_too_long_is_cut_off(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy, "MAX_ANSWER_BYTES", 100)
    with (
        scripted_daemon(home, answer=lambda *_: (200, b"1" * 101)),
        pytest.raises(DaemonUnavailable, match="longer than 100 bytes"),
    ):
        DaemonChannel(home).request("GET", "/v1/version")


@pytest.mark.parametrize(
    "address", ["http://192.0.2.1:80", "http://127.0.0.1.example:80", "https://127.0.0.1:1", "nonsense"]
)
def test_an_address_beyond_this_machine_is_not_called(home: Path, address: str) -> None:
    with scripted_daemon(home) as daemon:
        content = json.loads(daemon.home.address.read_bytes())
        daemon.home.address.write_text(json.dumps(content | {"address": address}))
        with pytest.raises(DaemonUnavailable, match="not an address of this machine"):
            DaemonChannel(home).request("GET", "/v1/version")


@pytest.mark.parametrize(("name", "mode"), [("capability", 0o644), ("", 0o755)])
def test_a_home_or_capability_that_others_may_read_is_not_trusted(home: Path, name: str, mode: int) -> None:
    with scripted_daemon(home, loopback=True):
        (home / name).chmod(mode)
        with pytest.raises(DaemonUnavailable, match="chmod"):
            DaemonChannel(home).request("GET", "/v1/version")


def test_what_is_no_socket_is_not_connected_to(home: Path) -> None:
    with scripted_daemon(home) as daemon:
        content = json.loads(daemon.home.address.read_bytes())
        daemon.home.address.write_text(json.dumps(content | {"address": f"unix:{home / 'address.json'}"}))
        with pytest.raises(DaemonUnavailable, match="not a socket of this user"):
            DaemonChannel(home).request("GET", "/v1/version")
