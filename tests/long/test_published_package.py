"""The same calls through this client and through the published packages put the same requests on the wire.

The packages are installed from the package index into environments of their own.
"""

import json
import subprocess
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from swarm_analytics_models.home import HOME_VARIABLE
from tests.support.processes import Processes, SandboxProcess

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

CALLS = """
client.events.app_lifecycle.opened(os="darwin", os_version="25.3.0", app_version="1.2.0")
client.events.app_lifecycle.opened(
    os="Linux", os_version="6", app_version="1", timezone="Europe/Berlin", locale="de_DE")
client.events.agent.message(
    agent_id="sess_123", seq=0, message=AgentMessage(id="m1", role="user", content="h\\u00e9llo \\U0001f980"))
client.events.agent.message(agent_id="sess_123", seq=-1, message=AgentMessage(
    id="m2", role="tool_result", content={"nested": [1, 2.5, None, True, {"": ""}]}, parent_id="m1",
    provider="p", model="x", thinking_level="high"))
client.events.agent.message(agent_id="sess_123", seq="3", message=AgentMessage(id="m3", role="thinking"))
client.events.onboarding.step(step_id="connect_provider", status="completed")
client.events.dashboard.event(dashboard_id="dash_1", action="create")
client.logs.write(tag="agent", subtag="tool", data={"name": "shell", "text": "a\\u2028b"})
client.logs.write(tag="")
client.logs.write(tag="numbers", data=[0.1, 1e300, -0.0, 2**53, 1.0])
client.identify.link_email(email="user@example.com")
client.events.app_lifecycle.closed()
"""
CALLS_OF = {
    "0.1.0": 'client.events.agent.create(id="sess_123", name="Refactor auth", dashboard_id="dash_1")\n',
    "0.1.1": CALLS
    + 'client.events.agent.create(id="sess_123", dashboard_id="dash_1")\n'
    + 'client.events.agent.create(id="sess_124")\n'
    + 'client.events.agent.title(id="sess_123", title="Refactor auth")\n'
    + "client.preferences.opt_out(opted_out=False)\n"
    + 'client.preferences.opt_out(opted_out="no")\n',
}
"""0.1.0 is what the seed describes: it has `name`, and not yet `branch_id`, titles and opting out."""

SCRIPT = """
import sys
from swarm_analytics import AgentMessage, AnalyticsClient
token = AnalyticsClient.register(base_url=sys.argv[1], install_id="install-1")
client = AnalyticsClient(base_url=sys.argv[1], token=token)
{calls}
assert client.flush(timeout=30)
client.close()
"""
VOLATILE = ("ts", "submission_id")


@pytest.fixture(scope="module", params=["0.1.0", "0.1.1"])
def published(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """A version of the published package, and an interpreter that has it."""
    place = tmp_path_factory.mktemp("published")
    venv.create(place, with_pip=True)
    interpreter = place / "bin" / "python"
    subprocess.run(
        [interpreter, "-m", "pip", "install", "--quiet", f"swarm-analytics=={request.param}"], check=True
    )
    return request.param, interpreter


def wire(sandbox: SandboxProcess) -> list[tuple[str, str, Any, tuple[str, ...]]]:
    """Method, path, body and the kind of what is volatile, of each request, in a stable order."""
    requests = []
    for request in sandbox.requests():
        body = json.loads(request["body"])
        volatile = tuple(f"{name}:{type(body.pop(name)).__name__}" for name in VOLATILE if name in body)
        requests.append((request["method"], request["path"], body, volatile))
    return sorted(requests, key=lambda request: json.dumps(request, sort_keys=True))


def authenticated(sandbox: SandboxProcess) -> dict[str, bool]:
    return {
        request["path"]: "authorization" in {name.lower() for name in request["headers"]}
        for request in sandbox.requests()
    }


def test_the_same_calls_put_the_same_requests_on_the_wire(
    published: tuple[str, Path],
    home: Path,
    processes: Processes,
    sandbox: Callable[..., SandboxProcess],
    tmp_path: Path,
) -> None:
    version, interpreter = published
    calls = CALLS_OF[version]
    theirs, ours = sandbox(), sandbox()
    script = SCRIPT.format(calls=calls)
    subprocess.run([interpreter, "-I", "-c", script, theirs.base_url], check=True, cwd=tmp_path)
    app = processes.app(script, ours.base_url, environment={HOME_VARIABLE: str(home)})
    assert app.wait(120.0) == 0, app.errors
    assert wire(ours) == wire(theirs)
    assert len(wire(ours)) > calls.count("client.")
    assert authenticated(ours) == authenticated(theirs)
