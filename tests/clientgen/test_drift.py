"""Every drift between contract and service fails the check and is named in one line (claims 29 and 30)."""

import copy
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import Field

from clientgen.cli import DRIFT, FINE, OUTPUT, main
from clientgen.sources import Service, registered_services
from swarm_analytics_models.categories import Category
from swarm_analytics_models.services.openswarm import payloads
from tests.clientgen.toy import with_routes

OPTED_OUT_IN_QUERY = {"name": "opted_out", "in": "query", "required": True, "schema": {"type": "boolean"}}
(OPENSWARM,) = [service for service in registered_services() if service.contract.name == "openswarm"]


Check = Callable[[Service], tuple[int, list[str]]]


@pytest.fixture
def check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Check:
    """Exit code and complaints of ``--check`` over what is committed of OpenSwarm."""
    output = tmp_path / "committed"
    output.mkdir()
    shutil.copytree(OUTPUT / "openswarm", output / "openswarm")
    shutil.copy(OUTPUT / "__init__.py", output)

    def run(service: Service) -> tuple[int, list[str]]:
        code = main(["--check", "--output", str(output)], services=lambda: [service])
        return code, capsys.readouterr().err.splitlines()

    return run


def changed(mutate: Callable[[Any, Any], object]) -> Service:
    """OpenSwarm, after the service changed what it accepts. `mutate` gets its paths and its schemas."""
    surface = copy.deepcopy(dict(OPENSWARM.surface))
    mutate(surface["paths"], surface["components"]["schemas"])
    return replace(OPENSWARM, surface=surface)


def test_without_drift_the_check_is_fine(check: Check) -> None:
    assert check(OPENSWARM) == (FINE, [])


def move(paths: Any, old: str, new: str) -> None:
    paths[new] = paths.pop(old)


SEEDED: dict[str, tuple[Callable[[Any, Any], object], str]] = {
    "field added": (
        lambda paths, schemas: schemas["Log"]["properties"].update(level={"type": "string"}),
        "POST /public/logs: level: contract says nothing, service says string, optional",
    ),
    "field removed": (
        lambda paths, schemas: schemas["AgentCreate"]["properties"].pop("name"),
        "POST /public/events/agent/create: name: contract says string, optional, service says nothing",
    ),
    "type": (
        lambda paths, schemas: schemas["AgentMessage"]["properties"]["seq"].update(type="number"),
        "POST /public/events/agent/message: seq: contract says type integer, service says type number",
    ),
    "default": (
        lambda paths, schemas: schemas["Message"]["properties"]["branch_id"].update(default=1),
        "POST /public/events/agent/message: message.branch_id: contract says default 0, "
        "service says default 1",
    ),
    "required": (
        lambda paths, schemas: schemas["AppOpened"]["required"].append("timezone"),
        "POST /public/events/app_lifecycle/opened: timezone: contract says optional, service says required",
    ),
    "nullable": (
        lambda paths, schemas: schemas["Log"]["properties"]["subtag"].update(type="string"),
        "POST /public/logs: subtag: contract says nullable, service says not nullable",
    ),
    "enumeration": (
        lambda paths, schemas: schemas["OnboardingStep"]["properties"]["status"]["enum"].append("skipped"),
        "POST /public/events/onboarding/step: status: "
        'contract says enum ["abandoned", "completed", "started"], '
        'service says enum ["abandoned", "completed", "skipped", "started"]',
    ),
    "constraint": (
        lambda paths, schemas: schemas["Email"]["properties"]["email"].update(maxLength=254),
        "POST /public/identify/link_email_to_install: email: contract says maxLength 320, "
        "service says maxLength 254",
    ),
    "route": (
        lambda paths, schemas: move(paths, "/public/logs", "/public/log"),
        "POST /public/logs: endpoint: contract says that it exists, service says nothing",
    ),
    "method": (
        lambda paths, schemas: paths["/public/logs"].update(put=paths["/public/logs"].pop("post")),
        "POST /public/logs: method: contract says POST, service says PUT",
    ),
    "new endpoint": (
        lambda paths, schemas: paths.update({"/public/events/agent/archived": {"post": {}}}),
        "POST /public/events/agent/archived: endpoint: contract says nothing, service says that it exists",
    ),
    "removed endpoint": (
        lambda paths, schemas: paths.pop("/public/preferences/opt_out"),
        "POST /public/preferences/opt_out: endpoint: contract says that it exists, service says nothing",
    ),
    "place": (
        lambda paths, schemas: paths["/public/preferences/opt_out"]["post"].update(
            requestBody={},
            parameters=[
                {"name": "opted_out", "in": "query", "required": True, "schema": {"type": "boolean"}}
            ],
        ),
        "POST /public/preferences/opt_out: opted_out: contract says in body, service says in query",
    ),
    "answer": (
        lambda paths, schemas: schemas["InstallToken"]["properties"].pop("token"),
        "POST /public/identify/create_install_token: answer.token: contract says string, required, "
        "service says nothing",
    ),
}


@pytest.mark.parametrize("drift", SEEDED)
def test_claim_29_a_drift_of_the_service_fails_the_check(drift: str, check: Check) -> None:
    mutate, line = SEEDED[drift]
    code, complaints = check(changed(mutate))
    assert code == DRIFT
    assert line in complaints
    assert "disagree" in complaints[-1]


class LogWritten(payloads.LogWritten):
    """A diagnostic entry."""

    level: str | None = None


class DashboardEvent(payloads.EventMeta):
    """A dashboard was opened, closed, created or deleted."""

    dashboard_id: str


class AgentMessageEvent(payloads.AgentMessageEvent):
    """One message of an agent's transcript."""

    seq: str  # type: ignore[assignment]


class AgentCreated(payloads.AgentCreated):
    """An agent came to be."""

    name: str | None = "unnamed"


class AppOpened(payloads.AppOpened):
    """The app was started."""

    timezone: str


class OnboardingStep(payloads.OnboardingStep):
    """A step of the first run."""

    status: Literal["started", "completed"]


class EmailLinked(payloads.EmailLinked):
    """The user's e-mail address."""

    email: str = Field(min_length=1)


CONTRACT_CHANGES: dict[str, tuple[str, dict[str, Any], str]] = {
    "field added": ("logs.write", {"request": LogWritten}, "level: contract says string, optional"),
    "field removed": ("events.dashboard.event", {"request": DashboardEvent}, "action: contract says nothing"),
    "type": ("events.agent.message", {"request": AgentMessageEvent}, "seq: contract says type string"),
    "default": ("events.agent.create", {"request": AgentCreated}, 'name: contract says default "unnamed"'),
    "required": ("events.app_lifecycle.opened", {"request": AppOpened}, "timezone: contract says required"),
    "enumeration": ("events.onboarding.step", {"request": OnboardingStep}, "status: contract says enum"),
    "constraint": ("identify.link_email", {"request": EmailLinked}, "email: contract says no maxLength"),
    "route": (
        "logs.write",
        {"path": "/public/log"},
        "POST /public/log: endpoint: contract says that it exists",
    ),
    "method": (
        "logs.write",
        {"method": "PUT"},
        "PUT /public/logs: method: contract says PUT, service says POST",
    ),
    "category": ("logs.write", {"category": Category.PRODUCT}, "openswarm/routes.py differs"),
    "method name": ("logs.write", {"key": "logs.append"}, "openswarm/namespaces.py differs"),
}


@pytest.mark.parametrize("change", CONTRACT_CHANGES)
def test_claim_29_a_drift_of_the_contract_fails_the_check(change: str, check: Check) -> None:
    """What the service's surface cannot show (category, the method's name) shows in the committed output."""
    key, changes, said = CONTRACT_CHANGES[change]
    code, complaints = check(with_routes(OPENSWARM, {key: changes}))
    assert code == DRIFT
    assert said in "\n".join(complaints)


def test_claim_29_a_route_that_the_contract_lost_fails_the_check(check: Check) -> None:
    routes = tuple(route for route in OPENSWARM.contract.routes if route.key != "logs.write")
    code, complaints = check(replace(OPENSWARM, contract=replace(OPENSWARM.contract, routes=routes)))
    assert code == DRIFT
    assert "POST /public/logs: endpoint: contract says nothing, service says that it exists" in complaints


def test_claim_29_generation_fails_on_drift_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    service = changed(lambda paths, schemas: paths.update({"/public/new": {"post": {}}}))
    assert main(["--output", str(tmp_path / "out")], services=lambda: [service]) == DRIFT
    assert "POST /public/new" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
