"""Seed 002, what goes wrong: errors, retries, idempotency keys, signatures, types."""

import inspect
import os
import re
import subprocess
import sys
import typing
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

from swarm_analytics.errors import (
    AnalyticsError,
    CredentialRefused,
    DaemonMissing,
    MalformedAnswer,
    MayBeExecuted,
    NotReached,
)
from swarm_analytics.openspawn import (
    APIError,
    AsyncOpenSpawnClient,
    AuthenticationError,
    OpenSpawnClient,
    OpenSpawnError,
    RetryableError,
    http_client,
)
from swarm_analytics.openspawn.destination import PATH_PREFIX, Signature
from swarm_analytics.openspawn.enums import TaskStatus
from swarm_analytics.openspawn.models import (
    CreateTaskRequest,
    SendMessageRequest,
    TransferCreditsRequest,
    TransitionTaskRequest,
)
from swarm_analytics_models.home import AUTOSTART_VARIABLE
from swarm_analytics_models.services.openspawn.contract import OPENSPAWN, SIGNATURE
from tests.support.openspawn import CHANNEL, CHILD, FOUNDER, OpenSpawnWorld, standing_world

REPOSITORY = Path(__file__).parents[2]
SECRET = "c0ffee" + "00" * 29


@pytest.fixture(scope="module")
def _standing_world() -> Iterator[OpenSpawnWorld]:
    with standing_world() as world:
        yield world


@pytest.fixture
def world(_standing_world: OpenSpawnWorld, monkeypatch: pytest.MonkeyPatch) -> OpenSpawnWorld:
    monkeypatch.setenv(AUTOSTART_VARIABLE, "0")
    _standing_world.begin()
    return _standing_world


def key_of(request: dict[str, Any]) -> str:
    """The idempotency key of a request, which both headers carry."""
    key: str = request["headers"]["x-idempotency-key"]
    assert request["headers"]["idempotency-key"] == key
    assert str(uuid.UUID(key)) == key
    return key


def test_002_22_the_seeds_errors_with_their_attributes(world: OpenSpawnWorld, home: Path) -> None:
    for kind in (APIError, AuthenticationError, RetryableError):
        assert issubclass(kind, OpenSpawnError)
        assert issubclass(kind, AnalyticsError)
        assert getattr(http_client, kind.__name__) is kind
    assert not issubclass(AuthenticationError, APIError)

    with pytest.raises(APIError) as refused:
        world.client().tasks.create(CreateTaskRequest(title="t", assignee_id="agent_id"))
    error = refused.value
    assert (error.status_code, error.message) == (400, "assigneeId must be a UUID")
    assert error.response_data == {"error": ["assigneeId must be a UUID"], "code": "Bad Request"}

    with pytest.raises(AuthenticationError) as forged:
        world.client(secret=SECRET).agents.list()
    assert isinstance(forged.value, CredentialRefused)
    world.client().agents.list()

    with pytest.raises(RetryableError) as unreached:
        world.client(base_url="http://127.0.0.1:9", max_retries=0).agents.list()
    assert isinstance(unreached.value, NotReached)
    with pytest.raises(RetryableError) as alone:
        world.client(home=home).agents.list()
    assert isinstance(alone.value, DaemonMissing)

    world.fault("wrong_json", text='{"data": 5}')
    with pytest.raises(OpenSpawnError) as malformed:
        world.client().agents.list()
    assert isinstance(malformed.value, MalformedAnswer)
    for other in (forged.value, unreached.value, alone.value, malformed.value):
        assert other.hint, "each says what to do"
        assert SECRET not in f"{other!r}{other}{other.__dict__}"


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_002_23_trouble_is_retried_with_growing_pauses(world: OpenSpawnWorld, status: int) -> None:
    world.fault("status", status=status, count=2, route="agents.list")
    assert world.client().agents.list()
    first, second, third = (request["received_at"] for request in world.requests("agents.list"))
    assert 0.4 < second - first < 2.5
    assert 0.9 < third - second < 4.0, "1 s, then 2 s, each drawn down to its half"


def test_002_b1_no_more_retries_than_asked_for_and_none_of_other_4xx(world: OpenSpawnWorld) -> None:
    world.fault("status", status=503, route="agents.list", body={"error": "down", "code": "X"})
    with pytest.raises(APIError, match="down") as down:
        world.client(max_retries=1).agents.list()
    assert (down.value.status_code, down.value.attempts) == (503, 2)
    assert len(world.requests("agents.list")) == 2
    with pytest.raises(APIError) as missing:
        world.client().agents.get(CHANNEL)
    assert (missing.value.status_code, missing.value.attempts) == (404, 1)


def test_002_24_an_agents_writing_is_repeated_under_one_key_and_done_once(world: OpenSpawnWorld) -> None:
    """The server remembers what succeeded: the answer that was lost comes from its memory."""
    client = world.client()
    client.agents.list()
    world.fault("reset", accept=True, count=1, route="tasks.create")
    task = client.tasks.create(CreateTaskRequest(title="once"))
    world.fault("status", status=503, count=1, route="tasks.transition")
    client.tasks.transition(task.id, TransitionTaskRequest(status=TaskStatus.TODO))
    assert [each["title"] for each in world.state["tasks"]] == ["once"]
    for route in ("tasks.create", "tasks.transition"):
        first, second = world.requests(route)
        assert key_of(first) == key_of(second)
        assert first["headers"]["x-nonce"] != second["headers"]["x-nonce"]
    assert key_of(world.requests("tasks.create")[0]) != key_of(world.requests("tasks.transition")[0])


@pytest.mark.parametrize("kind", ["reset", "status"])
def test_002_b2_a_keys_writing_and_moves_of_money_are_never_repeated(
    world: OpenSpawnWorld, kind: str
) -> None:
    """The server looks at no key of theirs; what may have been executed is for the caller to look at."""
    if kind == "status":
        world.fault(kind, accept=True, status=500)
    else:
        world.fault(kind, accept=True)
    keyed = OpenSpawnClient(**world.keyed())
    agent = world.client()
    calls: dict[str, Callable[[], object]] = {
        "tasks.create": lambda: keyed.tasks.create(CreateTaskRequest(title="t")),
        "messages.send": lambda: keyed.messages.send(SendMessageRequest(channel_id=CHANNEL, body="b")),
        "credits.spend": lambda: agent.credits.spend(amount=1, reason="r"),
        "credits.transfer": lambda: agent.credits.transfer(
            TransferCreditsRequest(to_agent_id=CHILD, amount=1, reason="r")
        ),
    }
    for route, call in calls.items():
        with pytest.raises(MayBeExecuted) as uncertain:
            call()
        assert isinstance(uncertain.value, OpenSpawnError)
        assert not isinstance(uncertain.value, RetryableError)
        assert isinstance(uncertain.value, APIError) is (kind == "status")
        (request,) = world.requests(route)
        key_of(request)
    world.sandbox.calm()
    assert agent.credits.balance() == 998


def test_002_b3_a_move_of_money_that_was_not_executed_is_retried(world: OpenSpawnWorld) -> None:
    world.fault("status", status=429, retry_after="1", count=1, route="credits.spend")
    assert world.client().credits.spend(amount=1, reason="r").balance_after == 999
    first, second = world.requests("credits.spend")
    assert key_of(first) == key_of(second)
    assert second["received_at"] - first["received_at"] >= 0.95, "as long as the server asked for"


def test_002_25_each_attempt_is_signed_anew_over_the_full_path(world: OpenSpawnWorld) -> None:
    """The stand-in verifies as the server does, each nonce once: a signature that is reused gets a 401."""
    world.fault("status", status=503, accept=True, count=2, route="agents.list")
    assert world.client().agents.list()
    requests = world.requests("agents.list")
    assert [request["answered"] for request in requests] == ["status", "status", "200"]
    for name in ("x-nonce", "x-signature"):
        assert len({request["headers"][name] for request in requests}) == 3
    client = world.client()
    assert client.tasks.list(status=TaskStatus.TODO) == [], "the query is not signed"
    task = client.tasks.create(
        CreateTaskRequest(
            title='d é \u2028 "', approval_required=True, metadata={"b": 1.0, "10": [1e21, 1e-7], "2": {}}
        )
    )
    assert client.tasks.approve(task.id).approved_by == FOUNDER, "an empty body is signed as {}"
    assert client.agents.get_hierarchy(FOUNDER).children


def test_002_b4_path_prefix_and_scheme_can_be_chosen(world: OpenSpawnWorld) -> None:
    assert OPENSPAWN.base_path == PATH_PREFIX
    assert get_args(Signature) == tuple(name for name, _ in SIGNATURE.schemes)
    base_url = world.sandbox.base_url
    assert world.client(base_url=f"{base_url}/api/v1").agents.list()
    for signature in get_args(Signature)[1:]:
        with pytest.raises(AuthenticationError):
            world.client(signature=signature).tasks.list(status=TaskStatus.TODO)
    with pytest.raises(APIError) as lost:
        world.client(path_prefix="/api/v2").agents.list()
    assert lost.value.status_code == 404
    with pytest.raises(ValueError, match="must be empty or begin with a slash"):
        world.client(path_prefix=".evil.example/api/v1")
    with pytest.raises(ValueError, match="must be one of server, python_sdk"):
        world.client(signature="sdk")


def test_002_b5_a_clock_that_is_wrong_by_minutes_is_refused_as_any_signature(world: OpenSpawnWorld) -> None:
    world.configure(skew_s=400)
    with pytest.raises(AuthenticationError):
        world.client().agents.list()


USAGE = """\
from swarm_analytics.openspawn import AsyncOpenSpawnClient, OpenSpawnClient
from swarm_analytics.openspawn.models import Agent, CreditTransaction, CreditsMeta, Task

client: OpenSpawnClient = OpenSpawnClient("https://api.openspawn.dev", api_key="k")
agents: list[Agent] = client.agents.list()
task: Task = client.tasks.get("task_id")
balance: int = client.credits.balance()
history: tuple[list[CreditTransaction], CreditsMeta] = client.credits.history(limit=50, offset=0)

async def main(awaited: AsyncOpenSpawnClient) -> list[Task]:
    return await awaited.tasks.list()

client.tasks.list(status="in_progress")
client.credits.spend(amount="10", reason="r")
wrong: str = client.agents.get("agent_id")
"""


def test_002_26_everything_is_typed(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    for kind in (OpenSpawnClient, AsyncOpenSpawnClient):
        client = kind("https://api.openspawn.dev", api_key="k", home=tmp_path / "home")
        for namespace in (client.agents, client.tasks, client.credits, client.messages, client.events):
            for name, method in inspect.getmembers(namespace, inspect.ismethod):
                if not name.startswith("_"):
                    hints = typing.get_type_hints(method)
                    assert hints.keys() == {*inspect.signature(method).parameters, "return"}
                    assert not re.search("Any|dict", str(hints["return"]))
    usage = tmp_path / "usage.py"
    usage.write_text(USAGE)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "mypy", "--config-file", str(REPOSITORY / "pyproject.toml")),
            *("--cache-dir", str(pytestconfig.rootpath / ".mypy_cache" / "openspawn")),
            *("--no-error-summary", "--hide-error-context", "--no-pretty", str(usage)),
        ],
        cwd=REPOSITORY,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        check=False,
    )
    wrong = re.findall(r"usage\.py:(\d+): error: .*\[(.+)\]", done.stdout)
    assert wrong == [("13", "arg-type"), ("14", "arg-type"), ("15", "assignment")], done.stdout


def test_a_secret_is_found_in_the_vault_and_nowhere_else(world: OpenSpawnWorld, home: Path) -> None:
    """Security S7 and S11: what a client is given, and what a spawn answers."""
    world.configure(agents=[{"agentId": "canary", "name": "Canary", "level": 5, "secret": SECRET}])
    api_key = "osp_ca" + "1a" * 31
    OpenSpawnClient(**world.keyed(api_key=api_key)).agents.list()
    client = world.client(agent_id="canary", secret=SECRET)
    spawned = client.agents.spawn(name="Below", level=1)["secret"]
    with pytest.raises(APIError):
        client.tasks.get(CHANNEL)
    told = [world.daemon.cli(*command) for command in (("status",), ("status", "--json"), ("config",))]
    said = "".join(done.stdout + done.stderr for done in told) + world.daemon.errors
    for secret, kept in ((api_key, True), (SECRET, True), (spawned, False)):
        places = {
            path.name
            for path in world.home.rglob("*")
            if path.is_file() and secret.encode() in path.read_bytes()
        }
        assert places == ({"credentials.json"} if kept else set())
        assert secret not in said
        if sys.platform == "linux":
            for source in ("cmdline", "environ"):
                assert secret.encode() not in Path(f"/proc/{world.daemon.pid}/{source}").read_bytes()
