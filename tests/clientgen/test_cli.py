"""The command as people and the gate run it: exit codes, what it says, and where it reads from."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from clientgen import sources
from clientgen.cli import DRIFT, FINE, OUTPUT, REFUSED, main
from clientgen.sources import Service, registered_services
from tests.clientgen import toy_payloads
from tests.clientgen.toy import ROUTES, contract, event_route

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
    files = len([path for path in output.rglob("*") if path.is_file()])
    assert capsys.readouterr().out == f"{output}: {files} files, {files} changes\n"
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
