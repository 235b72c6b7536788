"""Seed 002, calls: what each claim promises, through real processes."""

import inspect
import re
from collections.abc import Iterator

import pytest
from pydantic import ValidationError

from swarm_analytics.openspawn import APIError, AsyncOpenSpawnClient, OpenSpawnClient
from swarm_analytics.openspawn.enums import (
    EventSeverity,
    MessageType,
    TaskPriority,
    TaskStatus,
)
from swarm_analytics.openspawn.models import (
    CreateAgentRequest,
    CreateTaskRequest,
    Task,
    TransitionTaskRequest,
)
from swarm_analytics_models.home import AUTOSTART_VARIABLE
from tests.support.openspawn import CHILD, FOUNDER, FOUNDER_ID, OpenSpawnWorld, query, standing_world

NAMESPACES = ("agents", "tasks", "credits", "messages", "events")


@pytest.fixture(scope="module")
def _standing_world() -> Iterator[OpenSpawnWorld]:
    with standing_world() as world:
        yield world


@pytest.fixture
def world(_standing_world: OpenSpawnWorld, monkeypatch: pytest.MonkeyPatch) -> OpenSpawnWorld:
    monkeypatch.setenv(AUTOSTART_VARIABLE, "0")
    _standing_world.begin()
    return _standing_world


@pytest.fixture
def client(world: OpenSpawnWorld) -> OpenSpawnClient:
    return world.client()


def new_task(client: OpenSpawnClient, *moves: TaskStatus, title: str = "t") -> Task:
    """A task that has made these moves."""
    task = client.tasks.create(CreateTaskRequest(title=title))
    for status in moves:
        task = client.tasks.transition(task.id, TransitionTaskRequest(status=status))
    return task


def test_002_01_the_seeds_constructors(world: OpenSpawnWorld) -> None:
    parameters = inspect.signature(OpenSpawnClient).parameters
    assert next(iter(parameters)) == "base_url"
    assert parameters["max_retries"].default == 3
    assert inspect.signature(AsyncOpenSpawnClient).parameters.keys() == parameters.keys()
    for agent_id, secret in ((None, None), ("a", None), (None, "00" * 32)):
        with pytest.raises(ValueError, match="give api_key, or both agent_id and secret"):
            OpenSpawnClient("https://api.openspawn.dev", agent_id=agent_id, secret=secret)
    for unfit in ({"agent_id": "x" * 101}, {"agent_id": "über"}, {"secret": "a\nb"}, {"api_key": "osp_\r\n"}):
        with pytest.raises(ValueError, match=r"must be (at most 100|printable ASCII)"):
            world.client(**unfit)
    OpenSpawnClient(**world.signing()).agents.list()
    OpenSpawnClient(**world.keyed()).agents.list()
    OpenSpawnClient(**world.keyed(), agent_id="talent", secret="00" * 32).agents.list()
    signed, *keyed = world.requests("agents.list")
    assert signed["path"] == "/api/v1/agents"
    assert signed["headers"].keys() >= {"x-agent-id", "x-timestamp", "x-nonce", "x-signature"}
    assert "authorization" not in signed["headers"]
    assert len(keyed) == 2
    for request in keyed:
        assert request["headers"]["authorization"].startswith("Bearer ")
        assert "x-agent-id" not in request["headers"]


@pytest.mark.anyio
async def test_002_02_with_closes_and_the_async_client_awaits_everything(world: OpenSpawnWorld) -> None:
    with world.client() as client:
        assert client.agents.list()
    async with world.async_client() as awaited:
        assert await awaited.agents.list()
        for name in NAMESPACES:
            sync, other = getattr(client, name), getattr(awaited, name)
            methods = [method for method in dir(sync) if not method.startswith("_")]
            assert methods == [method for method in dir(other) if not method.startswith("_")]
            for method in methods:
                assert inspect.iscoroutinefunction(getattr(other, method)), f"{name}.{method}"
                assert inspect.signature(getattr(sync, method)) == inspect.signature(getattr(other, method))


def test_002_03_agents_list(client: OpenSpawnClient) -> None:
    assert [(agent.name, agent.level) for agent in client.agents.list()] == [("Child", 3), ("Talent", 10)]


def test_002_04_agents_get(client: OpenSpawnClient) -> None:
    agent = client.agents.get(FOUNDER)
    assert (agent.id, agent.agent_id, agent.level, agent.budget_period_spent) == (FOUNDER, FOUNDER_ID, 10, 0)
    for unfit in ("", "..", "."):
        with pytest.raises(ValidationError, match="name a resource"):
            client.agents.get(unfit)


def test_002_05_agents_spawn_makes_an_agent_id_and_hides_the_secret(
    world: OpenSpawnWorld, client: OpenSpawnClient
) -> None:
    response = client.agents.spawn(name="Worker Agent", level=1, model="gpt-4")
    assert re.fullmatch(r"[0-9a-f]{64}", response["secret"])
    assert response["secret"] not in f"{response!r}{response}"
    assert re.fullmatch(r"worker-agent-[0-9a-f]{12}", response.data.agent_id)
    assert world.body("agents.spawn") == {
        "name": "Worker Agent",
        "agentId": response.data.agent_id,
        "level": 1,
        "model": "gpt-4",
    }
    assert client.agents.spawn(name="Named", level=1, agent_id="own-id").data.agent_id == "own-id"
    registered = client.agents.create(CreateAgentRequest(name="Direct", level=2))
    with world.client(agent_id=registered.data.agent_id, secret=registered["secret"]) as agent:
        assert agent.credits.balance() == 0, "what was registered may sign at once"


def test_002_06_agents_get_hierarchy_without_the_secrets_that_the_server_leaks(
    world: OpenSpawnWorld, client: OpenSpawnClient
) -> None:
    hierarchy = client.agents.get_hierarchy(FOUNDER, depth=3)
    assert [child.name for child in hierarchy.children] == ["Child"]
    assert hierarchy["children"][0]["agentId"] == "child"
    assert "hmacSecretEnc" not in hierarchy.model_dump_json(by_alias=True)
    (request,) = world.requests("agents.get_hierarchy")
    assert (request["path"], query(request)) == (f"/api/v1/agents/{FOUNDER}/hierarchy", {"depth": "3"})


def test_002_07_tasks_create(world: OpenSpawnWorld, client: OpenSpawnClient) -> None:
    task = client.tasks.create(
        CreateTaskRequest(
            title="Review PR #123",
            description="Code review needed",
            priority=TaskPriority.HIGH,
            assignee_id=CHILD,
        )
    )
    assert (task.title, task.priority, task.status) == (
        "Review PR #123",
        TaskPriority.HIGH,
        TaskStatus.BACKLOG,
    )
    assert world.body("tasks.create") == {
        "title": "Review PR #123",
        "description": "Code review needed",
        "priority": "high",
        "assigneeId": CHILD,
    }
    with pytest.raises(ValidationError):
        CreateTaskRequest(title="x" * 256)
    with pytest.raises(ValidationError, match="estimated_credits"):
        CreateTaskRequest.model_validate({"title": "t", "estimated_credits": 5})


def test_002_08_tasks_list_by_status_and_assignee(world: OpenSpawnWorld, client: OpenSpawnClient) -> None:
    mine = new_task(client, TaskStatus.TODO, TaskStatus.IN_PROGRESS)
    new_task(client, TaskStatus.TODO, TaskStatus.IN_PROGRESS)
    client.tasks.assign(mine.id, CHILD)
    tasks = client.tasks.list(status=TaskStatus.IN_PROGRESS, assignee_id=CHILD)
    assert [task.id for task in tasks] == [mine.id]
    (request,) = world.requests("tasks.list")
    assert query(request) == {"status": "in_progress", "assigneeId": CHILD}
    assert len(client.tasks.list()) == 2


def test_002_09_tasks_transition_sends_the_notes_as_the_servers_reason(
    world: OpenSpawnWorld, client: OpenSpawnClient
) -> None:
    task = new_task(client, TaskStatus.TODO, TaskStatus.IN_PROGRESS)
    moved = client.tasks.transition(
        task.id, TransitionTaskRequest(status=TaskStatus.REVIEW, notes="Ready for review")
    )
    assert moved.status is TaskStatus.REVIEW
    *_, last = world.requests("tasks.transition")
    assert last["body"] == '{"status":"review","reason":"Ready for review"}'
    with pytest.raises(APIError, match="Invalid transition: review → todo") as refused:
        client.tasks.transition(task.id, TransitionTaskRequest(status=TaskStatus.TODO))
    assert refused.value.status_code == 422


def test_002_10_tasks_assign_and_approve(client: OpenSpawnClient) -> None:
    assert client.tasks.assign(new_task(client).id, CHILD).assignee_id == CHILD
    guarded = client.tasks.create(CreateTaskRequest(title="t", approval_required=True))
    assert client.tasks.approve(guarded.id).approved_by == FOUNDER


def test_002_11_tasks_get(client: OpenSpawnClient) -> None:
    task = client.tasks.create(CreateTaskRequest(title="t", tags=["a", "b"], metadata={"k": [1]}))
    found = client.tasks.get(task.id)
    assert found == task
    assert ([tag.tag for tag in found.tags], found.metadata) == (["a", "b"], {"k": [1]})


def test_002_21_the_seeds_enumerations() -> None:
    assert {member.value for member in TaskPriority} == {"urgent", "high", "normal", "low"}
    assert {member.value for member in TaskStatus} == {
        *("backlog", "todo", "in_progress", "review", "done", "blocked", "cancelled")
    }
    assert {member.value for member in MessageType} == {"text", "handoff", "status_update", "request"}
    assert {member.value for member in EventSeverity} == {"info", "warning", "error", "critical"}
    assert str(TaskStatus.IN_PROGRESS) == "in_progress"
