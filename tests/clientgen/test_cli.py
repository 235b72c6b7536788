"""The command as people and the gate run it: exit codes, what it says, and where it reads from."""

import http.server
import itertools
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from clientgen import sources
from clientgen.cli import DRIFT, FINE, OUTPUT, REFUSED, main
from clientgen.sources import Service, registered_services
from swarm_analytics_models.services import contracts
from swarm_analytics_sandbox.app import create_app
from tests.clientgen import toy_payloads
from tests.clientgen.toy import ROUTES, TOY, contract, event_route
from tests.support.processes import SandboxProcess

REPOSITORY = Path(__file__).parents[2]
(OPENSWARM,) = [service for service in registered_services() if service.contract.name == "openswarm"]


def clientgen(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "clientgen", *arguments]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)


def toy_service(document: Any = None) -> Service:
    return Service(contract(*ROUTES[2:4]), toy_payloads, document or {"paths": {}})


def test_claim_30_the_committed_output_is_what_the_contracts_yield() -> None:
    """The gate's own check; there is nothing that it could skip itself for."""
    done = clientgen("--check")
    assert (done.returncode, done.stdout, done.stderr) == (FINE, "", "")


def test_claim_30_stale_output_is_named_with_the_remedy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "_generated"
    assert main(["--output", str(output)]) == FINE
    assert main(["--check", "--output", str(output)]) == FINE
    with (output / "openswarm" / "routes.py").open("a") as file:
        file.write("EDITED = True\n")
    capsys.readouterr()
    assert main(["--check", "--output", str(output)]) == DRIFT
    assert capsys.readouterr().err.splitlines() == [
        "openswarm/routes.py differs from what the contracts yield",
        f"{output} is stale. To mend it: make generate (python -m clientgen)",
    ]


def test_claim_28_generating_mends_what_is_stale_and_leaves_the_rest_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "_generated"
    assert main(["--output", str(output)]) == FINE
    assert capsys.readouterr().out == f"{output}: 4 files, 4 changes\n"
    written = (output / "openswarm" / "routes.py").stat()
    assert main(["--output", str(output)]) == FINE
    assert (output / "openswarm" / "routes.py").stat().st_mtime_ns == written.st_mtime_ns
    (output / "openswarm" / "routes.py").write_text("")
    assert main(["--output", str(output)]) == FINE
    assert (output / "openswarm" / "routes.py").read_bytes() == (OUTPUT / "openswarm/routes.py").read_bytes()


def test_a_refused_contract_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = Service(contract(replace(ROUTES[2], key="tasks.class")), toy_payloads, {"paths": {}})
    assert main(["--output", str(tmp_path / "out")], services=lambda: [bad]) == REFUSED
    assert "'class' is reserved by Python" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [["--nonsense"], ["--check", "--against", "http://127.0.0.1"], ["--against"], ["stray"]],
)
def test_wrong_usage_is_exit_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == REFUSED


def test_a_service_without_a_reviewed_surface_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sources, "SURFACE_FILE", "no-surface.json")
    assert main(["--check"]) == REFUSED
    said = capsys.readouterr().err
    assert "no-surface.json is missing. Write it from the service's own documentation" in said


@pytest.mark.parametrize(
    ("surface", "said"),
    [
        ({}, "no object `paths`"),
        ({"paths": {"/a": {"post": 3}}}, "POST /a: it is malformed"),
        ({"paths": {"/a": {"post": {"requestBody": {"$ref": "#/nobody"}}}}}, "'#/nobody' points to nothing"),
    ],
)
def test_a_surface_that_cannot_be_read_is_refused(
    surface: Any, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--check"], services=lambda: [replace(OPENSWARM, surface=surface)]) == REFUSED
    assert said in capsys.readouterr().err


def test_the_sandbox_accepts_what_the_contract_says() -> None:
    """The sandbox is built from the same contract; here it must come out of FastAPI unchanged."""
    done = clientgen("--app", "swarm_analytics_sandbox.app:create_app")
    assert (done.returncode, done.stdout) == (FINE, "openswarm: no drift in 11 endpoints\n"), done.stderr


def smaller_app() -> Any:
    """The sandbox without one of its routes."""
    openswarm = contracts()["openswarm"]
    routes = tuple(route for route in openswarm.routes if route.key != "preferences.opt_out")
    return create_app({"openswarm": replace(openswarm, routes=routes)})


app = create_app()


@pytest.mark.parametrize("name", ["app", "create_app"])
def test_an_application_may_be_named_or_made(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--app", f"{__name__}:{name}"]) == FINE, capsys.readouterr().err


def test_drift_of_an_application_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--app", f"{__name__}:smaller_app"]) == DRIFT
    assert capsys.readouterr().err.splitlines() == [
        "POST /public/preferences/opt_out: endpoint: contract says that it exists, service says nothing"
    ]


def needs_an_argument(_: int) -> None: ...


@pytest.mark.parametrize(
    "target",
    ["no_such_module:app", f"{__name__}:nobody", f"{__name__}:needs_an_argument", "json:loads", "json", ":x"],
)
def test_what_is_no_application_is_refused(target: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--app", target]) == REFUSED
    assert capsys.readouterr().err.startswith("clientgen: ")


def test_which_service_must_be_said_where_there_are_several(capsys: pytest.CaptureFixture[str]) -> None:
    both = [OPENSWARM, Service(TOY, toy_payloads, {"paths": {}})]
    target = ["--app", "swarm_analytics_sandbox.app:create_app"]
    assert main(target, services=lambda: both) == REFUSED
    assert "--service must name one of openswarm, toy" in capsys.readouterr().err
    assert main([*target, "--service", "openswarm"], services=lambda: both) == FINE
    assert main([*target, "--service", "toy"], services=lambda: both) == DRIFT
    assert main([*target, "--service", "none"], services=lambda: both) == REFUSED


def test_a_live_service_is_compared(
    sandbox: Callable[..., SandboxProcess], capsys: pytest.CaptureFixture[str]
) -> None:
    live = sandbox()
    assert main(["--against", live.base_url]) == FINE, capsys.readouterr().err
    assert main(["--against", f"{live.base_url}/openapi.json"]) == FINE


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
    assert main(["--against", server.url]) == DRIFT
    assert capsys.readouterr().err == (
        "GET /health: endpoint: contract says nothing, service says that it exists\n"
    )
    assert main(["--against", server.url, "--ignore", "/health"]) == FINE


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
    assert main(["--against", server.url]) == REFUSED
    assert said in capsys.readouterr().err


def test_a_document_that_never_ends_is_refused(
    server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sources, "MAX_DOCUMENT_BYTES", 1000)
    server.content = b" " * 200_000
    assert main(["--against", server.url]) == REFUSED
    assert "larger than 1000 bytes" in capsys.readouterr().err


def test_a_document_that_comes_too_slowly_is_refused(
    server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    moments = itertools.count(0, 7)
    monkeypatch.setattr(sources, "time", SimpleNamespace(monotonic=lambda: next(moments)))
    server.content = b" " * 2_000_000
    assert main(["--against", server.url]) == REFUSED
    assert "took longer than 10 s" in capsys.readouterr().err


@pytest.mark.parametrize(
    "url", ["file:///etc/hostname", "ftp://127.0.0.1/x", "127.0.0.1:1", "http://127.0.0.1:1"]
)
def test_what_cannot_be_reached_is_refused(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--against", url]) == REFUSED
    assert capsys.readouterr().err.startswith("clientgen: ")


def test_the_toy_is_generated_like_any_other(tmp_path: Path) -> None:
    """A service that has its folder needs nothing else."""
    swap = {
        "type": "object",
        "properties": {"labels": {"type": "array", "items": {"type": "string"}}},
        "required": ["labels"],
    }
    done = {
        "type": "object",
        "properties": {"submission_id": {"type": "string"}, "task": {"type": "string"}},
        "required": ["submission_id", "task"],
    }
    document = {
        "paths": {
            path: {
                "post": {
                    "requestBody": {"content": {"application/json": {"schema": schema | {"type": "object"}}}}
                }
            }
            for path, schema in {"/tasks/swap": swap, "/tasks/done": done}.items()
        }
    }
    output = ["--output", str(tmp_path / "out")]
    assert main(output, services=lambda: [OPENSWARM, toy_service(document)]) == FINE
    assert main([*output, "--check"], services=lambda: [OPENSWARM, toy_service(document)]) == FINE
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["__init__.py", "openswarm", "toy"]


def test_a_model_without_a_schema_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    class Odd(toy_payloads.SessionWanted):
        """Holds what no JSON Schema can say."""

        hook: Callable[[], None]

    internal = event_route("tasks.odd", "/odd", Odd, internal=True)
    service = replace(toy_service(), contract=contract(ROUTES[2], internal), payloads=toy_payloads)
    assert main(["--check"], services=lambda: [service]) == REFUSED
    assert capsys.readouterr().err
