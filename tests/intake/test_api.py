"""The HTTP API of a real daemon: every answer, and every refusal a Problem."""

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from swarm_analytics_models.home import Home
from swarm_analytics_models.identifiers import Destination, IdentityKind, decode_reference, uuid7
from swarm_analyticsd import policy
from tests.intake.lines import DECLARATION, event, raw
from tests.support.homes import short_directory
from tests.support.processes import DaemonProcess, Processes, SandboxProcess
from tests.support.waiting import eventually

Asked = tuple[int, Any]


@dataclass
class Service:
    """A daemon and a sandbox, shared by this module's tests: each uses an install id of its own."""

    daemon: DaemonProcess
    sandbox: SandboxProcess

    def ask(
        self, method: str, path: str, body: Any = None, *, headers: dict[str, str] | None = None
    ) -> Asked:
        connection = http.client.HTTPConnection("localhost", timeout=30)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(30)
        connection.sock.connect(str(self.daemon.home / "daemon.sock"))
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        sent = {"Content-Type": "application/json"} if content is not None else {}
        try:
            connection.request(method, path, content, sent | (headers or {}))
            response = connection.getresponse()
            answer = response.status, json.loads(response.read())
        finally:
            connection.close()
        return answer

    def problem(self, method: str, path: str, body: Any = None, **options: Any) -> tuple[int, str]:
        """Status and code of a refusal, which says what to do."""
        status, content = self.ask(method, path, body, **options)
        assert set(content) == {"code", "message", "hint", "detail"}
        assert content["message"]
        assert content["hint"]
        return status, content["code"]

    def post(self, path: str, **body: Any) -> Any:
        status, content = self.ask("POST", path, body)
        assert status == 200, content
        return content

    def lines(self, *lines: bytes, **headers: str) -> Any:
        sent = {"Content-Type": "application/x-ndjson"} | headers
        status, content = self.ask("POST", "/v1/hand-off", b"".join(lines), headers=sent)
        assert status == 200, content
        return content

    def destination(self, install: str) -> Destination:
        return Destination("openswarm", self.sandbox.base_url, IdentityKind.INSTALL, install)

    def event(self, install: str, seq: int = 0, **options: Any) -> bytes:
        return event(seq, destination=self.destination(install).ref, **options)

    def register(self, install: str) -> None:
        self.post("/v1/register", service="openswarm", identity=install, wait_s=10)

    def state(self, key: str) -> str:
        found = self.ask("GET", f"/v1/events/{key}")[1]["events"]
        return str(found[0]["state"]) if found else "unknown"


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    processes = Processes()
    with short_directory() as directory:
        sandbox = processes.sandbox()
        daemon = processes.daemon(directory / "home", services={"openswarm": sandbox.base_url})
        yield Service(daemon, sandbox)
        processes.release()


def test_version(service: Service) -> None:
    status, answer = service.ask("GET", "/v1/version")
    assert status == 200
    assert answer["pid"] == service.daemon.pid


def test_config_names_the_source_of_each_value(service: Service) -> None:
    settings = service.ask("GET", "/v1/config")[1]["settings"]
    assert settings["services.openswarm"] == {
        "value": service.sandbox.base_url,
        "source": "flag",
        "where": "--service",
    }
    assert settings["credential_store"]["source"] == "environment"


@pytest.mark.parametrize(
    ("method", "path", "body", "refusal"),
    [
        ("GET", "/v1/nosuch", None, (404, "not_found")),
        ("GET", "/v1/status/", None, (404, "not_found")),
        ("GET", "/v1/stop", None, (405, "http")),
        ("POST", "/v1/status", {}, (405, "http")),
        ("POST", "/v1/flush", b"{", (422, "invalid")),
        ("POST", "/v1/flush", {}, (422, "invalid")),
        ("POST", "/v1/flush", {"timeout_s": -1}, (422, "invalid")),
        ("POST", "/v1/flush", b'{"timeout_s":NaN}', (422, "invalid")),
        ("POST", "/v1/flush", {"timeout_s": 1, "colour": "red"}, (422, "invalid")),
        ("POST", "/v1/flush", {"timeout_s": 1, "journal": "../lock", "offset": 1}, (400, "journal")),
        ("POST", "/v1/consent", {"mode": "loud"}, (422, "invalid")),
        ("POST", "/v1/consent", {"mode": "full", "service": "nosuch"}, (404, "unknown_service")),
        ("POST", "/v1/pause", {"service": "nosuch"}, (404, "unknown_service")),
        ("POST", "/v1/services", {"services": {"nosuch": "https://x.test"}}, (404, "unknown_service")),
        ("POST", "/v1/services", {"services": {"openswarm": "ftp://x"}}, (422, "base_url")),
        ("POST", "/v1/services", {"services": {"openswarm": "https://other.test"}}, (409, "conflict")),
        ("POST", "/v1/register", {"service": "nosuch", "identity": "i"}, (404, "unknown_service")),
        ("POST", "/v1/register", {"service": "openswarm", "identity": ""}, (422, "invalid")),
        ("POST", "/v1/credentials", {"destination": "d_x", "secret": "s"}, (404, "unknown_destination")),
        (
            "POST",
            "/v1/credentials/forget",
            {"destination": "d_x", "resource": "r"},
            (404, "unknown_destination"),
        ),
        ("POST", "/v1/dead/retry", {}, (422, "choice")),
        ("POST", "/v1/dead/drop", {"ids": ["a"], "everything": True}, (422, "choice")),
        ("GET", "/v1/events?state=lost", None, (422, "invalid")),
        ("GET", "/v1/events?limit=0", None, (422, "invalid")),
    ],
)
def test_every_refusal_is_a_problem(
    service: Service, method: str, path: str, body: Any, refusal: tuple[int, str]
) -> None:
    assert service.problem(method, path, body) == refusal


def test_a_body_whose_length_nobody_said_is_bounded_too(service: Service) -> None:
    with socket.socket(socket.AF_UNIX) as app:
        app.settimeout(30)
        app.connect(str(service.daemon.home / "daemon.sock"))
        size = policy.MAX_QUESTION_BYTES + 1
        app.sendall(
            b"POST /v1/flush HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
            b"transfer-encoding: chunked\r\n\r\n%x\r\n" % size + b" " * size
        )
        answer = http.client.HTTPResponse(app)
        answer.begin()
        assert (answer.status, json.loads(answer.read())["code"]) == (413, "too_large")
        assert app.recv(1) == b""


def test_a_secret_is_repeated_in_no_refusal(service: Service) -> None:
    body = {"destination": "d_x", "secret": ["swarm-canary-secret"], "more": "swarm-canary-secret"}
    _, content = service.ask("POST", "/v1/credentials", body)
    assert "canary" not in json.dumps(content)


def test_a_conflict_names_both_base_urls(service: Service) -> None:
    _, content = service.ask("POST", "/v1/services", {"services": {"openswarm": "https://other.test"}})
    assert service.sandbox.base_url in content["message"]
    assert "https://other.test" in content["message"]


def test_services_that_agree_are_taken(service: Service) -> None:
    answer = service.post("/v1/services", services={"openswarm": service.sandbox.base_url + "/"})
    assert answer["services"] == {"openswarm": service.sandbox.base_url}


def test_registering_gives_a_reference_and_no_secret(service: Service) -> None:
    answer = service.post("/v1/register", service="openswarm", identity="install-r", wait_s=10)
    assert decode_reference(answer["reference"]) == service.destination("install-r")
    assert answer["destination"] == service.destination("install-r").ref
    assert answer["credential"] == "present"
    status = json.dumps(service.ask("GET", "/v1/status")[1])
    secrets = json.loads(Home(service.daemon.home).credentials.read_text())["secrets"]
    assert secrets
    assert not any(secret in status or secret in json.dumps(answer) for secret in secrets.values())


def test_registering_with_nobody_there_says_so_and_goes_on(service: Service) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        base_url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        asked = {"service": "openswarm", "identity": "install-u", "base_url": base_url}
        assert service.problem("POST", "/v1/register", asked | {"wait_s": 0.1}) == (504, "unreachable")
        answer = service.post("/v1/register", **asked)
        assert answer["credential"] in ("absent", "pending")


def test_registering_where_the_service_refuses_is_an_error_of_its_own(service: Service) -> None:
    service.sandbox.fail(401)
    try:
        asked = {"service": "openswarm", "identity": "install-refused", "wait_s": 10}
        assert service.problem("POST", "/v1/register", asked) == (401, "auth")
    finally:
        service.sandbox.calm()


def test_a_real_token_is_adopted_and_works(service: Service) -> None:
    token = service.sandbox.register("install-t")
    service.post("/v1/register", service="openswarm", identity="install-t", adopt=token)
    key = uuid7()
    assert service.lines(service.event("install-t", key=key))["accepted"] == 1
    eventually(lambda: service.state(key) == "delivered")


def test_hand_off_answers_with_keys_in_order_and_refusals_by_line(service: Service) -> None:
    service.register("install-h")
    good, bad = service.event("install-h", 1, key="h-1"), b"garbage\n"
    written = raw(
        service="openswarm",
        route="logs.write",
        destination=service.destination("install-h").ref,
        body={"tag": "t"},
    )
    answer = service.lines(good, bad, written.rstrip(b"\n"))
    assert (answer["accepted"], answer["duplicates"]) == (2, 0)
    assert answer["keys"][0] == "h-1"
    assert len(answer["keys"]) == 2
    (refused,) = answer["refused"]
    assert (refused["code"], refused["offset"]) == ("garbled", len(good))
    assert service.lines(good)["duplicates"] == 1


def test_hand_off_of_one_event_as_json_however_laid_out(service: Service) -> None:
    service.register("install-j")
    content = {
        "service": "openswarm",
        "route": "logs.write",
        "destination": service.destination("install-j").ref,
        "body": {"tag": "t", "data": {"text": "two\nlines"}},
    }
    status, answer = service.ask("POST", "/v1/hand-off", json.dumps(content, indent=2).encode())
    assert (status, answer["accepted"], answer["refused"]) == (200, 1, [])


def test_hand_off_with_a_journal_takes_the_gap_and_nothing_twice(service: Service) -> None:
    service.register("install-g")
    name = "31-0123456789abcdef-000001.ndjson"
    lines = [DECLARATION, *(service.event("install-g", number) for number in range(4))]
    data = b"".join(lines)
    journal = service.daemon.home / "inbox" / name
    journal.write_bytes(data)
    import fcntl

    with journal.open("ab") as owner:
        fcntl.flock(owner, fcntl.LOCK_EX)
        start = len(data) - len(lines[-1])
        answer = service.lines(lines[-1], **{"X-Journal": name, "X-Journal-Offset": str(start)})
        assert answer["refused"] == []
        assert answer["consent"]["openswarm"] == "full"
        again = service.lines(data, **{"X-Journal": name, "X-Journal-Offset": "0"})
        assert (again["accepted"], again["duplicates"], again["refused"]) == (0, 0, [])
        headers = {"X-Journal": name, "X-Journal-Offset": "999999", "Content-Type": "application/x-ndjson"}
        assert service.problem("POST", "/v1/hand-off", lines[-1], headers=headers) == (400, "journal")


def test_flush_waits_for_delivery_and_no_longer(service: Service) -> None:
    service.register("install-f")
    service.sandbox.fail(503)
    key = uuid7()
    service.lines(service.event("install-f", key=key, client="flusher"))
    assert service.post("/v1/flush", timeout_s=0.1, client="flusher") == {
        "drained": False,
        "pending": 1,
        "error": None,
        "status": None,
    }
    assert service.post("/v1/flush", timeout_s=0.1, client="somebody-else")["drained"]
    answers: list[Any] = []
    waiting = threading.Thread(
        target=lambda: answers.append(service.post("/v1/flush", timeout_s=30, client="flusher"))
    )
    waiting.start()
    service.sandbox.calm()
    service.post("/v1/flush", timeout_s=30, client="flusher")
    waiting.join()
    assert [answer["drained"] for answer in answers] == [True]
    assert service.state(key) == "delivered"


def test_flush_takes_the_journal_first(service: Service) -> None:
    service.register("install-fj")
    name = "32-0123456789abcdef-000001.ndjson"
    line = service.event("install-fj", client="journalist")
    (service.daemon.home / "inbox" / name).write_bytes(line)
    answer = service.post("/v1/flush", timeout_s=30, client="journalist", journal=name, offset=len(line))
    assert (answer["drained"], answer["pending"]) == (True, 0)


def test_a_paused_service_is_sent_nothing_until_it_is_resumed(service: Service) -> None:
    service.register("install-p")
    service.ask("POST", "/v1/pause", {"service": "openswarm"})
    key = uuid7()
    service.lines(service.event("install-p", key=key, client="p"))
    assert not service.post("/v1/flush", timeout_s=0.2, client="p")["drained"]
    found = service.ask("GET", "/v1/status")[1]["services"]["openswarm"]
    assert (found["paused"], found["held_reason"]) == (True, "paused")
    service.ask("POST", "/v1/resume", {})
    eventually(lambda: service.state(key) == "delivered")


def test_dead_events_are_listed_retried_and_dropped(service: Service) -> None:
    service.register("install-d")
    service.sandbox.fail(422)
    keys = [uuid7(), uuid7()]
    service.lines(*(service.event("install-d", n, key=key, agent=f"d{n}") for n, key in enumerate(keys)))
    eventually(lambda: [service.state(key) for key in keys] == ["dead", "dead"])
    service.sandbox.calm()
    listed = service.ask("GET", "/v1/events?state=dead&service=openswarm")[1]["events"]
    assert {each["id"] for each in listed} >= set(keys)
    detail = service.ask("GET", f"/v1/events/{keys[0]}?body=true")[1]["events"][0]
    assert detail["body"]["submission_id"] == keys[0]
    assert "body" not in listed[0]
    assert service.post("/v1/dead/drop", ids=[keys[1]]) == {"changed": 1}
    assert service.post("/v1/dead/retry", ids=[keys[0]]) == {"changed": 1}
    eventually(lambda: service.state(keys[0]) == "delivered")
    assert service.state(keys[1]) == "evicted"
    assert service.post("/v1/dead/retry", everything=True) == {"changed": 0}


def test_an_id_that_cannot_be_one_is_unknown(service: Service) -> None:
    assert service.ask("GET", "/v1/events/%00%1b%5b")[1] == {"events": []}


def test_consent_over_the_api_returns_after_the_purge(service: Service) -> None:
    service.register("install-c")
    service.sandbox.fail(503)
    secret = "swarm-canary-transcript"
    service.lines(*(service.event("install-c", number, content=secret * 20) for number in range(50)))
    answer = service.post("/v1/consent", mode="minimal", service="openswarm")
    assert answer["consent"]["openswarm"] == "minimal"
    assert answer["withdrawn"] >= 50
    assert answer["journals_left"] == []
    files = [path for path in Path(service.daemon.home).rglob("*") if path.is_file()]
    assert not any(secret.encode() in path.read_bytes() for path in files)
    service.sandbox.calm()
    assert set(service.post("/v1/consent", mode="full")["consent"].values()) == {"full"}


def test_status_is_balanced_and_names_its_destinations(service: Service) -> None:
    service.register("install-s")
    status = service.ask("GET", "/v1/status")[1]
    assert status["ledger"]["balanced"]
    assert status["daemon"]["rss_bytes"] > 10_000_000
    assert any("Credentials are kept in a file" in warning for warning in status["daemon"]["warnings"])
    found = status["services"]["openswarm"]
    assert "install:install-s" in [each["identity"] for each in found["destinations"]]
    for state in ("queued", "leased", "held", "dead"):
        assert found[state] == sum(each[state] for each in found["destinations"])
