"""Every command explains itself: in its help, and with each of its options in docs/commands.md."""

import json
import re
from pathlib import Path
from typing import Any, Final, get_args

import pytest
from fastapi.routing import APIRoute
from typer.main import get_command

from swarm_analytics_models.categories import ConsentMode
from swarm_analytics_models.status import (
    BreakerState,
    CredentialState,
    DestinationStatus,
    Ledger,
    ServiceStatus,
    Status,
)
from swarm_analytics_sandbox.control import control_routes
from swarm_analytics_sandbox.faults import FinalAction, Latency, parse_script
from swarm_analytics_sandbox.service import Service
from swarm_analyticsd.cli import app, main, run
from swarm_analyticsd.cli.status_page import status_page
from swarm_analyticsd.settings import Settings
from tests.cli.test_status_page import daemon, service

ROOT: Final = Path(__file__).parents[2]
PROMISED: Final = frozenset({
    "run", "status", "why", "events", "dead list", "dead show", "dead retry", "dead drop", "flush", "pause",
    "resume", "stop", "register", "consent", "config", "sandbox", "demo", "version",
})  # fmt: skip


def commands(group: Any, prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            found |= commands(command, f"{prefix}{name} ")
        else:
            found[prefix + name] = command
    return found


COMMANDS: Final = commands(get_command(app.app))


def options(name: str) -> set[str]:
    if name == "run":
        return set(re.findall(r"--[a-z-]+", run.parser().format_help())) - {"--help"}
    return {option for parameter in COMMANDS[name].params for option in parameter.opts if option[:2] == "--"}


def section(name: str) -> str:
    text = (ROOT / "docs" / "commands.md").read_text()
    found = re.search(rf"^## {re.escape(name)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return found.group(1) if found else ""


def test_every_promised_command_is_there() -> None:
    assert COMMANDS.keys() >= PROMISED


def test_the_documentation_names_no_command_that_is_not_there() -> None:
    text = (ROOT / "docs" / "commands.md").read_text()
    assert set(re.findall(r"^## (.+)$", text, re.MULTILINE)) == COMMANDS.keys()


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_a_command_has_help_and_a_section_with_its_options(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*name.split(), "--help"]) == 0
    shown = capsys.readouterr().out
    assert len(shown.splitlines()) > 4
    assert max(map(len, shown.splitlines())) <= 80
    text = section(name)
    assert f"`swarm-analyticsd {name}" in text
    assert {option for option in options(name) if option not in text} <= {"--home", "--help"}


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_takes_a_home(name: str) -> None:
    assert "--home" in options(name)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_is_in_the_readme(name: str) -> None:
    assert re.search(rf"`{name.split()[0]}\b", (ROOT / "README.md").read_text())


@pytest.mark.parametrize("words", [[], ["dead"], ["credential"]])
def test_a_word_missing_prints_what_there_is(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    assert "Commands:" in "".join(capsys.readouterr())


@pytest.mark.parametrize(
    "words",
    [
        ["frobnicate"],
        ["status", "--colour"],
        ["events", "--state", "lost"],
        ["events", "--limit", "0"],
        ["consent", "maybe"],
        ["why"],
        ["register", "--service", "openswarm"],
        ["flush", "--timeout", "-1"],
        ["run", "--listen", "everywhere"],
        ["run", "--service", "openswarm"],
        ["run", "surplus"],
    ],
)
def test_wrong_usage_is_2_and_says_what_is_wrong(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    assert "error" in capsys.readouterr().err.lower()


def test_run_passes_on_what_was_set_and_nothing_else(tmp_path: Path) -> None:
    home, flags = run.parse(["--home", str(tmp_path)])
    assert (home.root, flags) == (tmp_path, {})
    services = "--service openswarm=http://a --service other=http://b"
    given = f"{services} --listen loopback --parent-pipe --durability fast"
    assert run.parse(given.split())[1] == {
        "services": {"openswarm": "http://a", "other": "http://b"},
        "listen": "loopback",
        "parent_pipe": True,
        "durability": "fast",
    }


UNREACHABLE: Final = service(breaker=BreakerState.OPEN, queued=1)
SHOWN: Final = (
    Status(daemon=daemon()),
    Status(daemon=daemon(pid=0)),
    Status(daemon=daemon(), ledger=Ledger(balanced=False)),
    *(
        Status(daemon=daemon(), services={"openswarm": each})
        for each in (
            UNREACHABLE,
            service(credential=CredentialState.HELD),
            service(credential=CredentialState.ABSENT, held=1),
            ServiceStatus(held=1, destinations=[DestinationStatus(held=1)]),
            service(held=1, held_reason="route"),
            service(dead=1),
            service(paused=True),
            service(consent=ConsentMode.MINIMAL),
        )
    ),
)


def test_the_readme_explains_what_status_says() -> None:
    table = (ROOT / "README.md").read_text().partition("| it says |")[2].partition("\n\n")[0]
    explained = re.findall(r"^\| `(.+?)` \|", table, re.MULTILINE)
    pages = [" ".join(line.text.strip() for line in status_page(status, 0.0)) for status in SHOWN]
    assert len(explained) == len(pages)
    for phrase in explained:
        pattern = ".*".join(re.escape(part) for part in phrase.split("..."))
        assert any(re.search(pattern, page) for page in pages), phrase


def test_every_setting_is_documented() -> None:
    assert set(re.findall(r"^\| `([a-z_]+)` \|", section("config"), re.MULTILINE)) == set(
        Settings.model_fields
    )


def test_the_sandbox_documentation_holds() -> None:
    text = (ROOT / "docs" / "sandbox.md").read_text()
    script = re.search(r"```json\n(.*?)```", text, re.DOTALL)
    assert script
    assert len(parse_script(json.loads(script.group(1)), "docs").faults) == 2
    kinds = {each.model_fields["kind"].default for each in (*get_args(FinalAction), Latency)}
    assert set(re.findall(r"^\| `([a-z_]+)` \|", text, re.MULTILINE)) == kinds
    served = {
        (method, f"/_sandbox{route.path}")
        for route in control_routes(Service({})).routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    }
    assert set(re.findall(r"^\| `(GET|POST) (/_sandbox/[a-z/]+)` \|", text, re.MULTILINE)) <= served
