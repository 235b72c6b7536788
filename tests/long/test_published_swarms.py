"""swarms-client 0.1.6, as published, works against the sandbox; the same calls through this client put the
same requests on the wire. That package is what the seed describes.

Differences, each with its reason:

- An agent without a role: the package sends ``worker``, which is the service's own default; the seed says
  None, and this client sends none.
- A swarm without a task: the package sends it, since its check never fires; this client refuses it.
- Errors wrapped in a 500: the package raises APIError, this client the class that is meant.
- A swarm's answer with a list as output, and a batch of agents as an array: the package gives back what it
  parsed, without a model.
"""

import json
import subprocess
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from swarm_analytics_models.home import HOME_VARIABLE
from tests.support.processes import Processes, SandboxProcess

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

IMPORTS: Final = """
import asyncio, sys
from {package} import (
    AgentCompletion, AgentSpec, AuthenticationError, InvalidRequestError, RateLimitError, SwarmsClient,
    SwarmsError, SwarmSpec,
)
"""
CALLS: Final = """
OPTIONS = dict(
    api_key="sk-1", base_url=sys.argv[1], timeout=20, max_retries=3, retry_delay=1, log_level="ERROR",
    pool_connections=100, pool_maxsize=100, keep_alive_timeout=5, max_concurrent_requests=100,
    circuit_breaker_threshold=5, circuit_breaker_timeout=60, enable_cache=True)
RESEARCHER = {"agent_name": "Researcher", "description": "Reads", "model_name": "gpt-4o", "temperature": 0.7}
CRITIC = {
    "agent_name": "Critic", "role": "critic", "max_loops": 2, "max_tokens": 100, "system_prompt": "Judge",
    "auto_generate_prompt": True, "tools_dictionary": [{"type": "function", "function": {"name": "f"}}]}
TASK = "Summarize h\\u00e9llo \\U0001f980"

def agent(): return dict(agent_config=dict(RESEARCHER), task=TASK)
def swarm(**more): return dict(name="Team", description="d", swarm_type="SequentialWorkflow", task=TASK,
                               agents=[dict(RESEARCHER), dict(CRITIC)], **more)

client = SwarmsClient(**OPTIONS)
client.agent.create(**agent())
client.agent.create(
    agent_config=AgentSpec(agent_name="A", mcp_url="http://mcp"), task="t", history={"user": [1, None]})
client.agent.create_batch([agent(), AgentCompletion(agent_config=AgentSpec(**CRITIC), task="t")])
client.swarm.create(**swarm(max_loops=3, return_history=False, rules="Be brief", service_tier="flex"))
client.swarm.create(
    tasks=["one", "two"], rearrange_flow="A -> B", img="http://img", agents=[AgentSpec(**CRITIC)])
client.swarm.create(
    messages=[{"role": "user", "content": "Hi"}], schedule={"scheduled_time": "2026-01-01T00:00:00Z"})
client.swarm.create_batch([swarm(), SwarmSpec(name="Second", task="t", swarm_type="auto")])
for _ in range(2):
    client.swarm.list_types()
    client.models.list()
    client.logs.list()
client.clear_cache()
client.models.list()

async def main():
    async with SwarmsClient(**{**OPTIONS, "timeout": 21}) as client:
        await client.agent.acreate(**agent())
        await client.agent.acreate_batch([agent(), agent()])
        await client.swarm.acreate(**swarm())
        await client.swarm.acreate_batch([swarm(), swarm()])
        for _ in range(2):
            await client.swarm.alist_types()
            await client.models.alist()
            await client.logs.alist()

asyncio.run(main())
"""
SHOWS: Final = """
client = SwarmsClient(api_key="sk-1", base_url=sys.argv[1], log_level="ERROR", retry_delay=0)
completion = client.agent.create(agent_config={"agent_name": "A"}, task="t")
swarm = client.swarm.create(task="t", agents=[{"agent_name": "A"}])
logs = client.logs.list()
print(completion.id[:6], completion.success, completion.name, completion.outputs)
print(completion.usage.total_tokens, completion.temperature, completion.description)
print(swarm.job_id[:7], swarm.status, swarm.number_of_agents, sorted(swarm.output), swarm.service_tier)
print(client.models.list().models, client.swarm.list_types().success)
print(logs.status, logs.count, [entry.data.get("job_id", "")[:7] for entry in logs.logs])
"""
FAILS: Final = """
for number in range({times}):
    client = SwarmsClient(
        api_key=f"sk-{{number}}", base_url=sys.argv[1], log_level="ERROR", max_retries=0)
    try:
        client.swarm.create(task="t", agents=[{{"agent_name": "A"}}])
    except SwarmsError as error:
        print(type(error).__name__, error.http_status, error.message, error.body)
"""


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter that has the published package."""
    place = tmp_path_factory.mktemp("swarms")
    venv.create(place, with_pip=True)
    interpreter = place / "bin" / "python"
    subprocess.run([interpreter, "-m", "pip", "install", "--quiet", "swarms-client==0.1.6"], check=True)
    return interpreter


class Pair:
    """The published package and this client, each with a sandbox of its own."""

    def __init__(
        self,
        published: Path,
        cwd: Path,
        home: Path,
        processes: Processes,
        sandbox: Callable[..., SandboxProcess],
    ) -> None:
        self._published, self._cwd, self._home, self._processes = published, cwd, home, processes
        self.theirs, self.ours = sandbox(), sandbox()

    def both(self, prepare: Callable[[SandboxProcess], object]) -> None:
        prepare(self.theirs)
        prepare(self.ours)

    def run(self, script: str) -> tuple[str, str]:
        """What the script prints with the package and with this client."""
        source = IMPORTS.format(package="swarms_client") + script
        done = subprocess.run(
            [self._published, "-I", "-c", source, self.theirs.base_url],
            check=True,
            cwd=self._cwd,
            capture_output=True,
            text=True,
            env={},
        )
        source = IMPORTS.format(package="swarm_analytics.swarms") + script + "\nprint('end')"
        app = self._processes.app(
            source, self.ours.base_url, environment={HOME_VARIABLE: str(self._home), "SWARMS_API_KEY": None}
        )
        printed = []
        while (line := app.line()).strip() != "end":
            printed.append(line)
        assert app.wait(60.0) == 0, app.errors
        return done.stdout, "".join(printed)


@pytest.fixture
def pair(
    published: Path,
    tmp_path: Path,
    home: Path,
    processes: Processes,
    sandbox: Callable[..., SandboxProcess],
) -> Pair:
    return Pair(published, tmp_path, home, processes, sandbox)


def wire(sandbox: SandboxProcess) -> list[tuple[str, str, Any, Any, str | None]]:
    """Method, path, query, body and key of each request, in order."""
    found = []
    for request in sandbox.requests():
        headers = {name.lower(): value for name, value in request["headers"].items()}
        body = json.loads(request["body"]) if request["body"] else None
        found.append(
            (request["method"], request["path"], request.get("query"), body, headers.get("x-api-key"))
        )
    return found


def agents_in(body: Any) -> list[dict[str, Any]]:
    """Every agent's description in a request's body."""
    if isinstance(body, list):
        return [agent for member in body for agent in agents_in(member)]
    if not isinstance(body, dict):
        return []
    if "agent_config" in body:
        return [body["agent_config"]]
    return body.get("agents") or []


def test_the_same_calls_put_the_same_requests_on_the_wire(pair: Pair) -> None:
    pair.both(lambda sandbox: sandbox.configure("swarms", output="dict"))
    pair.run(CALLS)
    theirs, ours = wire(pair.theirs), wire(pair.ours)
    assert len(ours) == 20
    for _, _, _, body, _ in theirs:
        for agent in agents_in(body):
            if agent["role"] == "worker":
                del agent["role"]
    assert ours == theirs


def test_the_same_answers_are_read(pair: Pair) -> None:
    pair.both(lambda sandbox: sandbox.configure("swarms", output="dict"))
    theirs, ours = pair.run(SHOWS)
    assert ours == theirs
    assert "agent- True A" in ours


def test_the_same_errors_are_raised(pair: Pair) -> None:
    statuses = (400, 401, 402, 403, 404, 422, 429, 500, 503)
    faults = [
        {
            "match": {"service": "swarms", "count": 1},
            "action": {"kind": "status", "status": status, "body": {"detail": "because"}},
        }
        for status in statuses
    ]
    pair.both(lambda sandbox: sandbox.script(*faults))
    theirs, ours = pair.run(FAILS.format(times=len(statuses)))
    assert ours == theirs
    assert [line.split()[1] for line in ours.splitlines()] == [str(status) for status in statuses]


def test_an_error_wrapped_in_a_500_has_its_class_here_only(pair: Pair) -> None:
    pair.both(lambda sandbox: sandbox.configure("swarms", credits_left=0))
    theirs, ours = pair.run(FAILS.format(times=1))
    assert theirs.startswith("APIError 500 402: Insufficient credits")
    assert ours.startswith("InsufficientCreditsError 402 Insufficient credits")


def test_a_swarm_without_a_task_is_refused_here_only(pair: Pair) -> None:
    script = """
client = SwarmsClient(api_key="sk-1", base_url=sys.argv[1], log_level="ERROR")
try:
    client.swarm.create(name="Idle")
except Exception as error:
    print(type(error).__name__)
"""
    assert pair.run(script) == ("APIError\n", "ValidationError\n")
    assert (len(wire(pair.theirs)), len(wire(pair.ours))) == (1, 0)
