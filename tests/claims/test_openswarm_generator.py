"""Seed 000, the generator's claims."""

from dataclasses import replace
from pathlib import Path

import pytest

from clientgen.cli import DRIFT, FINE, OUTPUT, main
from clientgen.sources import Service, registered_services


def test_000_28_the_client_is_generated(tmp_path: Path) -> None:
    assert main(["--output", str(tmp_path / "generated")]) == FINE
    for path in sorted((tmp_path / "generated").rglob("*.py")):
        committed = OUTPUT / path.relative_to(tmp_path / "generated")
        assert committed.read_text() == path.read_text()


def changed(service: Service, change: str) -> Service:
    """The service, where it is OpenSwarm, with an endpoint more or less."""
    routes = service.contract.routes
    if service.contract.name != "openswarm":
        return service
    if change == "removed":
        routes = tuple(route for route in routes if route.key != "logs.write")
    else:
        (logs,) = (route for route in routes if route.key == "logs.write")
        routes = (*routes, replace(logs, key="logs.read", path="/public/logs/read"))
    return replace(service, contract=replace(service.contract, routes=routes))


@pytest.mark.parametrize("change", ["new", "removed"])
def test_000_29_new_and_removed_endpoints_fail_generation(
    tmp_path: Path, change: str, capsys: pytest.CaptureFixture[str]
) -> None:
    services = [changed(service, change) for service in registered_services()]
    assert main(["--output", str(tmp_path / "generated")], lambda: services) == DRIFT
    assert "/public/logs" in capsys.readouterr().err
    assert not (tmp_path / "generated").exists(), "nothing was written"


def test_000_30_check_fails_on_stale_output(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "generated"
    assert main(["--check"]) == FINE
    main(["--output", str(output)])
    stale = output / "openswarm" / "namespaces.py"
    stale.write_text(stale.read_text().replace("def closed", "def ended"))
    assert main(["--check", "--output", str(output)]) == DRIFT
    assert "make generate" in capsys.readouterr().err
