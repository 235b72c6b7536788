"""Contracts against an application or a live service: differences are reported, nonsense is refused."""

import http.server
import itertools
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from clientgen import sources
from clientgen.cli import DRIFT, FINE, REFUSED, main
from clientgen.sources import Service, fetch_document, registered_services
from clientgen.surface import document_surface
from swarm_analytics_models.services import contracts
from swarm_analytics_sandbox.app import create_app
from tests.clientgen import toy_payloads
from tests.clientgen.toy import TOY
from tests.support.processes import SandboxProcess

(OPENSWARM,) = [service for service in registered_services() if service.contract.name == "openswarm"]
SANDBOX = ["--app", f"{__name__}:app"]


def clientgen(*arguments: str) -> int:
    return main(arguments, services=lambda: [OPENSWARM])


def test_the_sandbox_accepts_what_the_contract_says(capsys: pytest.CaptureFixture[str]) -> None:
    """The sandbox is built from the same contract; here it must come out of FastAPI unchanged."""
    assert clientgen(*SANDBOX) == FINE
    assert capsys.readouterr().out == "openswarm: no drift in 11 endpoints\n"


def smaller_app() -> Any:
    """The sandbox without one of its routes."""
    openswarm = contracts()["openswarm"]
    routes = tuple(route for route in openswarm.routes if route.key != "preferences.opt_out")
    return create_app({"openswarm": replace(openswarm, routes=routes)})


def whole_app() -> Any:
    return create_app({"openswarm": contracts()["openswarm"]})


app = whole_app()


@pytest.mark.parametrize("name", ["app", "whole_app"])
def test_an_application_may_be_named_or_made(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert clientgen("--app", f"{__name__}:{name}") == FINE, capsys.readouterr().err


def test_drift_of_an_application_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    assert clientgen("--app", f"{__name__}:smaller_app") == DRIFT
    assert capsys.readouterr().err.splitlines() == [
        "POST /public/preferences/opt_out: endpoint: contract says that it exists, service says nothing"
    ]


def needs_an_argument(_: int) -> None: ...


@pytest.mark.parametrize(
    "target",
    ["no_such_module:app", f"{__name__}:nobody", f"{__name__}:needs_an_argument", "json:loads", "json", ":x"],
)
def test_what_is_no_application_is_refused(target: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert clientgen("--app", target) == REFUSED
    assert capsys.readouterr().err.startswith("clientgen: ")


def test_which_service_must_be_said_where_there_are_several(capsys: pytest.CaptureFixture[str]) -> None:
    both = [OPENSWARM, Service(TOY, toy_payloads, {"paths": {}})]
    assert main(SANDBOX, services=lambda: both) == REFUSED
    assert "--service must name one of openswarm, toy" in capsys.readouterr().err
    assert main([*SANDBOX, "--service", "openswarm"], services=lambda: both) == FINE
    assert main([*SANDBOX, "--service", "toy"], services=lambda: both) == DRIFT
    assert main([*SANDBOX, "--service", "none"], services=lambda: both) == REFUSED


def test_a_live_service_is_compared(
    sandbox: Callable[..., SandboxProcess], capsys: pytest.CaptureFixture[str]
) -> None:
    live = sandbox()
    ours = {path for path, _ in document_surface(OPENSWARM.surface)}
    others = sorted({path for path, _ in document_surface(fetch_document(live.base_url))} - ours)
    ignored = [word for path in others for word in ("--ignore", path)]
    assert clientgen("--against", live.base_url, *ignored) == FINE, capsys.readouterr().err
    assert clientgen("--against", f"{live.base_url}/openapi.json", *ignored) == FINE


class Server(http.server.ThreadingHTTPServer):
    """Answers every GET with `content`."""

    content: bytes = b""
    status = 200

    def handle_error(self, request: Any, client_address: Any) -> None:
        """The client may leave before the end of what it does not want."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(self.server.content)

    def log_message(self, format: str, *args: object) -> None: ...


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def test_drift_of_a_live_service_is_reported_and_ignored_where_asked(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    surface = dict(OPENSWARM.surface)
    server.content = json.dumps(surface | {"paths": surface["paths"] | {"/health": {"get": {}}}}).encode()
    assert clientgen("--against", server.url) == DRIFT
    assert capsys.readouterr().err == (
        "GET /health: endpoint: contract says nothing, service says that it exists\n"
    )
    assert clientgen("--against", server.url, "--ignore", "/health") == FINE


@pytest.mark.parametrize(
    ("status", "content", "said"),
    [
        (200, b"<html>Sign in to the network</html>", "is not JSON"),
        (200, b"[" * 100_000, "is not JSON"),
        (200, b"[]", "is not a JSON object"),
        (200, b"{}", "no object `paths`"),
        (200, b"", "is not JSON"),
        (404, b"{}", "HTTP Error 404"),
        (500, b"{}", "HTTP Error 500"),
    ],
)
def test_a_live_service_without_a_readable_document_is_refused(
    server: Server, status: int, content: bytes, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    server.status, server.content = status, content
    assert clientgen("--against", server.url) == REFUSED
    assert said in capsys.readouterr().err


def test_a_document_that_never_ends_is_refused(
    server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sources, "MAX_DOCUMENT_BYTES", 1000)
    server.content = b" " * 200_000
    assert clientgen("--against", server.url) == REFUSED
    assert "larger than 1000 bytes" in capsys.readouterr().err


def test_a_document_that_comes_too_slowly_is_refused(
    server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    moments = itertools.count(0, 7)
    monkeypatch.setattr(sources, "time", SimpleNamespace(monotonic=lambda: next(moments)))
    server.content = b" " * 2_000_000
    assert clientgen("--against", server.url) == REFUSED
    assert "took longer than 10 s" in capsys.readouterr().err


@pytest.mark.parametrize(
    "url", ["file:///etc/hostname", "ftp://127.0.0.1/x", "127.0.0.1:1", "http://127.0.0.1:1"]
)
def test_what_cannot_be_reached_is_refused(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert clientgen("--against", url) == REFUSED
    assert capsys.readouterr().err.startswith("clientgen: ")
