"""The sandbox as a process, and its OpenAPI against the contracts."""

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from swarm_analytics_models.contract import InvalidContract
from swarm_analytics_models.services import contracts
from swarm_analytics_models.services.openswarm.contract import OPENSWARM
from swarm_analytics_sandbox.app import create_app
from swarm_analytics_sandbox.faults import Script
from tests.support.child import Child
from tests.support.processes import Processes, SandboxProcess


def test_the_ready_line_names_pid_and_base_url(sandbox: Callable[..., SandboxProcess]) -> None:
    service = sandbox()
    assert service.ready == {"ready": True, "pid": service.pid, "base_url": service.base_url}
    assert service.base_url.startswith("http://127.0.0.1:")
    assert service.ledger()["received"] == 0
    assert service.stop() == 0
    assert service.rest() == []


def test_it_ends_when_its_parents_pipe_closes(sandbox: Callable[..., SandboxProcess]) -> None:
    service = sandbox()
    service.hang_up()
    assert service.wait() == 0


def test_it_starts_again_on_the_same_port(sandbox: Callable[..., SandboxProcess]) -> None:
    first = sandbox()
    first.register("install-1")
    first.kill()
    assert sandbox("--port", str(first.port)).port == first.port


def test_a_script_file_is_in_force_from_the_start(
    sandbox: Callable[..., SandboxProcess], tmp_path: Path
) -> None:
    script = tmp_path / "faults.json"
    script.write_text('{"seed": 3, "faults": [{"action": {"kind": "status", "status": 503}}]}')
    service = sandbox("--script", str(script))
    answer = service.http.post(f"{service.base_url}/public/logs", json={})
    assert answer.status_code == 503


def started(processes: Processes, *arguments: str) -> Child:
    child = Child([sys.executable, "-m", "swarm_analytics_sandbox", *arguments])
    processes.keep(child)
    return child


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, ["No such file or directory", "Name a readable file"]),
        ("{faults: []}", ["is not JSON", "line 1 column 2", "Mend it there"]),
        (b"\xff", ["is not JSON"]),
        ('{"faults": [{"action": {"kind": "explode"}}]}', ["faults.0.action", "'latency'", "looks like"]),
        ('{"faults": [{"action": {"kind": "status"}}]}', ["faults.0.action.status.status", "Field required"]),
        ("[]", ["the script itself", "looks like"]),
    ],
)
def test_an_unusable_script_ends_it_with_the_remedy(
    processes: Processes, tmp_path: Path, content: str | bytes | None, said: list[str]
) -> None:
    script = tmp_path / "faults.json"
    if content is not None:
        script.write_bytes(content if isinstance(content, bytes) else content.encode())
    child = started(processes, "--script", str(script))
    assert child.wait() == 2
    assert str(script) in child.errors
    assert "Traceback" not in child.errors
    for text in said:
        assert text in child.errors


def test_the_example_in_the_error_is_a_script() -> None:
    from swarm_analytics_sandbox.faults import EXAMPLE

    assert Script.model_validate_json(EXAMPLE).faults


def test_a_taken_port_ends_it_with_the_remedy(
    processes: Processes, sandbox: Callable[..., SandboxProcess]
) -> None:
    port = sandbox().port
    child = started(processes, "--port", str(port))
    assert child.wait() == 1
    assert f"port {port} cannot be used" in child.errors
    assert "Choose another" in child.errors


def test_a_damaged_ledger_file_ends_it_with_the_remedy(processes: Processes, tmp_path: Path) -> None:
    file = tmp_path / "ledger.ndjson"
    file.write_text("not a ledger\n")
    child = started(processes, "--ledger", str(file))
    assert child.wait() == 1
    assert "Name another file" in child.errors
    assert file.read_text() == "not a ledger\n"


def operations(document: dict[str, Any]) -> dict[tuple[str, str], Any]:
    return {
        (method.upper(), path): operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def request_schema(document: dict[str, Any], operation: Any) -> Any:
    reference = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    return document["components"]["schemas"][reference.rpartition("/")[2]]


def as_openapi(schema: Any) -> Any:
    """As FastAPI writes it: without defaults that are null, and bounds as floating-point numbers."""
    if isinstance(schema, dict):
        kept = {
            name: as_openapi(value) for name, value in schema.items() if (name, value) != ("default", None)
        }
        return {
            name: float(value) if name in ("minimum", "maximum") else value for name, value in kept.items()
        }
    return [as_openapi(each) for each in schema] if isinstance(schema, list) else schema


def test_openapi_describes_exactly_the_contracts_routes() -> None:
    described = operations(create_app().openapi())
    declared = {
        (route.method, each.base_path + route.path) for each in contracts().values() for route in each.routes
    }
    assert set(described) == declared
    assert len(declared) >= 11


@pytest.mark.parametrize("route", OPENSWARM.routes, ids=lambda route: route.key)
def test_openapi_carries_each_request_model_field_by_field(route: Any) -> None:
    document = create_app().openapi()
    operation = operations(document)[route.method, route.path]
    assert operation["requestBody"]["required"] is True
    schema = request_schema(document, operation)
    expected = route.request.model_json_schema(ref_template="#/components/schemas/{model}")
    definitions = expected.pop("$defs", {})
    assert schema == as_openapi(expected)
    for name, definition in definitions.items():
        assert document["components"]["schemas"][name] == as_openapi(definition)


def test_openapi_carries_the_registrations_answer() -> None:
    document = create_app().openapi()
    operation = operations(document)["POST", "/public/identify/create_install_token"]
    answer = operation["responses"]["200"]["content"]["application/json"]["schema"]
    assert answer == {"$ref": "#/components/schemas/InstallToken"}


def test_openapi_is_served(sandbox: Callable[..., SandboxProcess]) -> None:
    service = sandbox()
    served = service.http.get(f"{service.base_url}/openapi.json").json()
    assert served == json.loads(json.dumps(create_app().openapi()))


def test_a_sandbox_of_other_contracts_has_their_routes_only() -> None:
    opt_out = OPENSWARM.by_key["preferences.opt_out"]
    register = OPENSWARM.by_key["identify.register"]
    fewer = replace(OPENSWARM, name="small", routes=(register, opt_out))
    described = operations(create_app({"small": fewer}).openapi())
    assert set(described) == {("POST", register.path), ("POST", opt_out.path)}


def test_contracts_that_collide_are_refused() -> None:
    with pytest.raises(InvalidContract, match="start a sandbox for each"):
        create_app({"openswarm": OPENSWARM, "twin": replace(OPENSWARM, name="twin")})


def test_a_route_that_the_sandbox_cannot_answer_is_refused() -> None:
    register = OPENSWARM.by_key["identify.register"]
    log = OPENSWARM.by_key["logs.write"]
    asked = replace(register, key="identify.ask", path="/ask")
    with pytest.raises(InvalidContract, match=r"identify\.ask has an answer and no example of it; add one"):
        create_app({"small": replace(OPENSWARM, name="small", routes=(register, log, asked))})
    unfit = replace(asked, example={"token": 5})
    with pytest.raises(InvalidContract, match=r"identify\.ask's example does not fit its response"):
        create_app({"small": replace(OPENSWARM, name="small", routes=(register, log, unfit))})


@pytest.mark.anyio
async def test_it_works_in_process_too() -> None:
    app = create_app()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://sandbox") as client:
        answer = await client.post("/public/identify/create_install_token", json={"install_id": "i"})
        headers = {"authorization": f"Bearer {answer.json()['token']}"}
        body = {"ts": 1.0, "submission_id": "k", "tag": "t"}
        assert (await client.post("/public/logs", json=body, headers=headers)).status_code == 200
        await client.post("/_sandbox/script", json={"faults": [{"action": {"kind": "reset"}}]})
        with pytest.raises(ConnectionResetError):
            await client.post("/public/logs", json=body, headers=headers)
        assert (await client.get("/_sandbox/ledger")).json()["unique"] == 1
