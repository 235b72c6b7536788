"""Seed 002, calls: what each claim promises, through real processes."""

import inspect
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qsl

import pytest
from pydantic import ValidationError

from swarm_analytics.errors import MayBeExecuted
from swarm_analytics.openspawn import APIError, AsyncOpenSpawnClient, OpenSpawnClient, enums
from swarm_analytics.openspawn.enums import (
    EventSeverity,
    MessageType,
    TaskPriority,
    TaskStatus,
)
from swarm_analytics.openspawn.models import (
    CreateAgentRequest,
    CreateTaskRequest,
    CreditBalance,
    Event,
    SendMessageRequest,
    Task,
    TransferCreditsRequest,
    TransitionTaskRequest,
)
from swarm_analytics_models.home import AUTOSTART_VARIABLE
from tests.support.openspawn import CHANNEL, CHILD, FOUNDER, FOUNDER_ID, OpenSpawnWorld, standing_world

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


def query(request: dict[str, Any]) -> dict[str, str]:
    return dict(parse_qsl(request["query"]))


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


def test_002_12_credits_balance_is_a_number_with_its_budget(
    world: OpenSpawnWorld, client: OpenSpawnClient
) -> None:
    world.configure(agents=[{"agentId": FOUNDER_ID, "budgetPeriodLimit": 500}])
    balance = client.credits.balance()
    assert f"Current balance: {balance}" == "Current balance: 1000"
    assert balance > 999
    assert (balance.budget_period_limit, balance["budgetPeriodSpent"], balance["balance"]) == (500, 0, 1000)
    other = client.agents.get_balance(CHILD)
    assert isinstance(other, CreditBalance)
    assert (other, other.budget_period_limit) == (0, None)


def test_002_13_credits_transfer_and_never_twice(world: OpenSpawnWorld, client: OpenSpawnClient) -> None:
    request = TransferCreditsRequest(to_agent_id=CHILD, amount=100, reason="Task completion bonus")
    transfer = client.credits.transfer(request)
    assert world.body("credits.transfer") == {
        "toAgentId": CHILD,
        "amount": 100,
        "reason": "Task completion bonus",
    }
    assert (transfer.from_agent.current_balance, transfer["to"].current_balance) == (900, 100)
    world.configure(transfer="breaks")
    with pytest.raises(APIError) as broken:
        client.credits.transfer(request)
    assert isinstance(broken.value, MayBeExecuted)
    assert (broken.value.status_code, broken.value.attempts) == (500, 1)
    assert len(world.requests("credits.transfer")) == 2
    assert client.credits.balance() == 800, "it was executed, once"


def test_002_14_credits_history_with_its_meta(world: OpenSpawnWorld, client: OpenSpawnClient) -> None:
    for amount in (1, 2, 3):
        client.credits.spend(amount=amount, reason="r")
    transactions, meta = client.credits.history(limit=2, offset=1)
    assert [transaction.amount for transaction in transactions] == [2, 1]
    assert (meta["total"], meta["limit"], meta.offset) == (3, 2, 1)
    assert query(world.requests("credits.history")[0]) == {"limit": "2", "offset": "1"}


def test_002_15_credits_spend(world: OpenSpawnWorld, client: OpenSpawnClient) -> None:
    task = new_task(client)
    spent = client.credits.spend(
        amount=10, reason="API call", trigger_type="llm_call", source_task_id=task.id
    )
    assert (spent.amount, spent.balance_after, spent.type) == (10, 990, enums.CreditType.DEBIT)
    assert (spent.trigger_type, spent.source_task_id) == ("llm_call", task.id)
    with pytest.raises(APIError, match="Insufficient balance") as refused:
        client.credits.spend(amount=10_000, reason="too much")
    assert (refused.value.status_code, refused.value.code) == (400, "Bad Request")


def test_002_16_messages_send(world: OpenSpawnWorld, client: OpenSpawnClient) -> None:
    message = client.messages.send(
        SendMessageRequest(channel_id=CHANNEL, type=MessageType.TEXT, body="Hello from Python SDK!")
    )
    assert (message.body, message.type, message.sender_id) == (
        "Hello from Python SDK!",
        MessageType.TEXT,
        FOUNDER,
    )
    client.messages.send(SendMessageRequest(channel_id=CHANNEL, body="é\u2028"))
    assert world.requests("messages.send")[1]["body"] == (
        f'{{"channelId":"{CHANNEL}","type":"text","body":"é\u2028"}}'
    )


def test_002_17_messages_list(client: OpenSpawnClient) -> None:
    first, second, third = (
        client.messages.send(SendMessageRequest(channel_id=CHANNEL, body=text)) for text in "abc"
    )
    newest = client.messages.list(channel_id=CHANNEL, limit=2)
    assert [message.id for message in newest] == [second.id, third.id]
    assert [message.id for message in client.messages.list(CHANNEL, before=second.id)] == [first.id]


def test_002_18_messages_get_thread(client: OpenSpawnClient) -> None:
    parent = client.messages.send(SendMessageRequest(channel_id=CHANNEL, body="parent"))
    for text in ("one", "two"):
        client.messages.send(SendMessageRequest(channel_id=CHANNEL, body=text, parent_message_id=parent.id))
    assert [message.body for message in client.messages.get_thread(parent.id)] == ["one", "two"]


def test_002_19_events_list_reads_the_servers_rows(world: OpenSpawnWorld, client: OpenSpawnClient) -> None:
    world.configure(emit={"type": "agent.crashed", "severity": "error", "data": {"why": "x"}})
    new_task(client)
    ahead = timezone(timedelta(hours=2))
    start = datetime.now(ahead) - timedelta(days=7)
    events, meta = client.events.list(severity=EventSeverity.ERROR, start_date=start, limit=100)
    (event,) = events
    assert (event.type, event.severity, event.data) == ("agent.crashed", EventSeverity.ERROR, {"why": "x"})
    assert (event.message, event.metadata) == ("agent.crashed", {"why": "x"})
    assert (meta["total"], meta["page"], meta["limit"]) == (1, 1, 100)
    (request,) = world.requests("events.list")
    assert "%2B02%3A00" in request["query"]
    assert query(request)["startDate"] == start.isoformat()
    naive = datetime.now()  # noqa: DTZ005 - as the seed calls it
    client.events.list(start_date=naive)
    sent = datetime.fromisoformat(query(world.requests("events.list")[1])["startDate"])
    assert sent == naive.astimezone(UTC), "local time, said with its offset"
    everything, _ = client.events.list(entity_type="task", type="task.created")
    assert [each.entity_type for each in everything] == ["task"]


def test_002_20_events_get(client: OpenSpawnClient) -> None:
    new_task(client)
    (newest, *_), _ = client.events.list()
    event = client.events.get(newest.id)
    assert isinstance(event, Event)
    assert event == newest
    with pytest.raises(APIError, match="no event has this id") as absent:
        client.events.get(CHILD)
    assert (absent.value.status_code, absent.value.response_data) == (404, {"data": None})


def test_002_21_the_seeds_enumerations() -> None:
    assert {member.value for member in TaskPriority} == {"urgent", "high", "normal", "low"}
    assert {member.value for member in TaskStatus} == {
        *("backlog", "todo", "in_progress", "review", "done", "blocked", "cancelled")
    }
    assert {member.value for member in MessageType} == {"text", "handoff", "status_update", "request"}
    assert {member.value for member in EventSeverity} == {"info", "warning", "error", "critical"}
    assert str(TaskStatus.IN_PROGRESS) == "in_progress"
