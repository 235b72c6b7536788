"""The generated signatures as a strict type checker sees them: good calls pass, bad ones are errors.

One run of mypy over one file: OpenSwarm's namespaces as committed, and those of a toy service that has both
lanes and every shape of parameter.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from clientgen.emit import swap
from clientgen.plan import plan_service
from clientgen.render import render
from tests.clientgen import toy_payloads
from tests.clientgen.toy import TOY

REPOSITORY = Path(__file__).parents[2]

HEAD = """\
from collections.abc import AsyncIterator, Iterator
from generated_toy.toy.async_namespaces import AsyncToyNamespaces
from generated_toy.toy.namespaces import ToyNamespaces
from swarm_analytics._generated.openswarm.namespaces import OpenswarmNamespaces
from swarm_analytics_models.services.openswarm.payloads import AgentMessage
from tests.clientgen.toy_payloads import Tag, Task, TaskPiece, Tasks, Urgency

client: OpenswarmNamespaces
toy: ToyNamespaces
identifier: str
awaited: AsyncToyNamespaces
pieces: Iterator[TaskPiece]
awaited_pieces: AsyncIterator[TaskPiece]
task: Task
tasks: Tasks
message = AgentMessage(id="m1", role="user", content="hello")
"""

GOOD = [
    'identifier = client.events.app_lifecycle.opened(os="darwin", os_version="25.3.0", app_version="1.2.0")',
    "identifier = client.events.app_lifecycle.closed()",
    'identifier = client.events.agent.create(id="s", name="Refactor auth", dashboard_id="d")',
    'identifier = client.events.agent.create(id="s")',
    'identifier = client.events.agent.title(id="s", title="t")',
    'identifier = client.events.agent.message(agent_id="s", seq=0, message=message)',
    'identifier = client.events.onboarding.step(step_id="connect_provider", status="completed")',
    'identifier = client.events.dashboard.event(dashboard_id="dash_1", action="create")',
    'identifier = client.logs.write(tag="agent", subtag="tool", data={"name": "shell"})',
    'identifier = client.logs.write(tag="agent", data=[1, None, {"a": 2.5}])',
    'identifier = client.identify.link_email(email="user@example.com")',
    "identifier = client.preferences.opt_out(opted_out=True)",
    'task = toy.tasks.create(title="t", urgency=Urgency.HIGH, tags=[Tag(word="w")], level=2, steps=(1, 2))',
    'tasks = toy.tasks.list(owner="ada", labels=["x"])',
    'identifier = toy.tasks.swap(labels=["x"])',
    'identifier = toy.tasks.progress.done(task="t")',
    'task = toy.tasks.change(task="t", title=None)',
    'pieces = toy.tasks.tell_stream(task="t")',
    'awaited_pieces = awaited.tasks.tell_stream(task="t")',
    'async def _call() -> Task: return await awaited.tasks.create(title="t")',
    'identifier = awaited.rooms.measured(room="r", reading_id="a", value=1.0)',
]

BAD = {
    'client.events.agent.create("s")': "call-arg",
    "client.events.agent.create()": "call-arg",
    "client.events.agent.create(id=1)": "arg-type",
    "client.events.agent.create(id=None)": "arg-type",
    'client.events.agent.create(id="s", install_id="i")': "call-arg",
    'client.events.agent.create(id="s", submission_id="u")': "call-arg",
    'client.events.onboarding.step(step_id="s", status="skipped")': "arg-type",
    'client.events.dashboard.event(dashboard_id="d", action="closed")': "arg-type",
    'client.events.agent.message(agent_id="s", seq="0", message=message)': "arg-type",
    'client.events.agent.message(agent_id="s", seq=0, message={"id": "m"})': "arg-type",
    'client.preferences.opt_out(opted_out="yes")': "arg-type",
    'client.identify.register(install_id="i")': "attr-defined",
    "client.nobody": "attr-defined",
    'identifier = toy.tasks.create(title="t")': "assignment",
    'toy.tasks.create(title="t", level=3)': "arg-type",
    'toy.tasks.create(title="t", urgency="high")': "arg-type",
    'toy.tasks.list(owner="ada", labels="x")': "arg-type",
    "toy.tasks.swap(labels=None)": "arg-type",
    'toy.tasks.change(task="t", title=3)': "arg-type",
    'toy.tasks.tell(task="t", stream=True)': "call-arg",
    'task = awaited.tasks.create(title="t")': "assignment",
    'identifier = toy.rooms.measured(room="r", value=1.0)': "call-arg",
}


@pytest.fixture(scope="module")
def errors(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> dict[str, str]:
    """What the type checker said, by the source line of `usage.py`, or by the file for any other."""
    directory = tmp_path_factory.mktemp("types")
    swap(render([plan_service(TOY, toy_payloads)]), directory / "generated_toy")
    usage = directory / "usage.py"
    usage.write_text(HEAD + "\n".join([*GOOD, *BAD]) + "\n")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "mypy", "--config-file", str(REPOSITORY / "pyproject.toml")),
            *("--cache-dir", str(pytestconfig.rootpath / ".mypy_cache" / "usage")),
            *("--no-error-summary", "--hide-error-context", "--no-pretty", "--show-error-codes"),
            *(str(usage), str(directory / "generated_toy")),
        ],
        cwd=REPOSITORY,
        env={**os.environ, "MYPYPATH": str(directory)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    lines = usage.read_text().splitlines()
    found = {}
    for path, line, code in re.findall(r"^(.+?):(\d+): error: .*\[(.+)\]$", done.stdout, re.MULTILINE):
        found[lines[int(line) - 1] if path.endswith("usage.py") else path] = code
    return found


@pytest.mark.parametrize("line", GOOD)
def test_a_good_call_passes(line: str, errors: dict[str, str]) -> None:
    assert line not in errors


@pytest.mark.parametrize("line", BAD)
def test_a_bad_call_is_an_error(line: str, errors: dict[str, str]) -> None:
    assert errors.get(line) == BAD[line]


def test_the_generated_code_has_no_error_of_its_own(errors: dict[str, str]) -> None:
    assert errors.keys() <= BAD.keys()
