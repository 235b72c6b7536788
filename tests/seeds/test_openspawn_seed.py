"""Seed 002, block by block: the same calls with the same arguments in the same order, against the sandbox.

Imports, base URLs, ids and keys aside. Blocks that install or develop the SDK itself have no counterpart.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from swarm_analytics.openspawn import AsyncOpenSpawnClient, OpenSpawnClient
from swarm_analytics.openspawn.enums import EventSeverity, MessageType, TaskPriority, TaskStatus
from swarm_analytics.openspawn.http_client import (
    APIError,
    AuthenticationError,
    OpenSpawnError,
    RetryableError,
)
from swarm_analytics.openspawn.models import (
    Agent,
    CreateTaskRequest,
    SendMessageRequest,
    Task,
    TransferCreditsRequest,
    TransitionTaskRequest,
)
from swarm_analytics_models.home import AUTOSTART_VARIABLE, HOME_VARIABLE
from tests.support.openspawn import (
    API_KEY,
    CHANNEL,
    CHILD,
    FOUNDER,
    FOUNDER_ID,
    FOUNDER_SECRET,
    OpenSpawnWorld,
    standing_world,
)


@pytest.fixture(scope="module")
def _standing_world() -> Iterator[OpenSpawnWorld]:
    with standing_world() as world:
        yield world


@pytest.fixture
def world(_standing_world: OpenSpawnWorld, monkeypatch: pytest.MonkeyPatch) -> OpenSpawnWorld:
    """The seed's constructor names no home."""
    monkeypatch.setenv(AUTOSTART_VARIABLE, "0")
    monkeypatch.setenv(HOME_VARIABLE, str(_standing_world.home))
    _standing_world.begin()
    return _standing_world


@pytest.fixture
def client(world: OpenSpawnWorld) -> OpenSpawnClient:
    return OpenSpawnClient(base_url=world.sandbox.base_url, agent_id=FOUNDER_ID, secret=FOUNDER_SECRET)


def test_api_key_authentication(world: OpenSpawnWorld) -> None:
    client = OpenSpawnClient(base_url=world.sandbox.base_url, api_key=API_KEY)
    assert client.agents.list()


def test_hmac_signing(world: OpenSpawnWorld) -> None:
    client = OpenSpawnClient(base_url=world.sandbox.base_url, agent_id=FOUNDER_ID, secret=FOUNDER_SECRET)
    assert client.agents.list()


def test_basic_usage(world: OpenSpawnWorld, capsys: pytest.CaptureFixture[str]) -> None:
    with OpenSpawnClient(base_url=world.sandbox.base_url, api_key=API_KEY) as client:
        agents = client.agents.list()
        for agent in agents:
            print(f"{agent.name} - Level {agent.level}")
        task = client.tasks.create(
            CreateTaskRequest(
                title="Implement new feature", description="Add support for X", priority=TaskPriority.HIGH
            )
        )
        print(f"Created task: {task.id}")
        balance = client.credits.balance()
        print(f"Current balance: {balance}")
    *listed, created, current = capsys.readouterr().out.splitlines()
    assert listed == ["Child - Level 3", "Talent - Level 10"]
    assert created == f"Created task: {world.state['tasks'][0]['id']}"
    assert current == "Current balance: 1000"


def test_basic_usage_with_a_key_on_the_server_as_it_was_found(world: OpenSpawnWorld) -> None:
    """There a key stands for a user, who is no agent: nothing can be done about it from here."""
    world.configure(api_keys_act_as="user")
    with OpenSpawnClient(base_url=world.sandbox.base_url, api_key=API_KEY) as client:
        assert client.agents.list()
        with pytest.raises(APIError) as failed:
            client.tasks.create(CreateTaskRequest(title="Implement new feature"))
        assert failed.value.status_code == 500
        with pytest.raises(APIError, match="Agent not found") as absent:
            client.credits.balance()
        assert absent.value.status_code == 404


@pytest.mark.anyio
async def test_async_support(world: OpenSpawnWorld) -> None:
    async with AsyncOpenSpawnClient(base_url=world.sandbox.base_url, api_key=API_KEY) as client:
        agents = await client.agents.list()
        tasks = await client.tasks.list()
        balance = await client.credits.balance()
    assert ([agent.agent_id for agent in agents], tasks, balance) == (["child", "talent"], [], 1000)


def test_agents(client: OpenSpawnClient, capsys: pytest.CaptureFixture[str]) -> None:
    agents = client.agents.list()
    agent = client.agents.get(FOUNDER)
    response = client.agents.spawn(name="Worker Agent", level=1, model="gpt-4")
    print(f"Secret (save this!): {response['secret']}")
    hierarchy = client.agents.get_hierarchy(FOUNDER, depth=3)
    assert agent.id in [each.id for each in agents]
    assert len(capsys.readouterr().out.split()[-1]) == 64
    assert [child.name for child in hierarchy.children] == ["Child", "Worker Agent"]


def test_tasks(client: OpenSpawnClient) -> None:
    task = client.tasks.create(
        CreateTaskRequest(
            title="Review PR #123",
            description="Code review needed",
            priority=TaskPriority.HIGH,
            assignee_id=CHILD,
        )
    )
    for status in (TaskStatus.TODO, TaskStatus.IN_PROGRESS):
        client.tasks.transition(task.id, TransitionTaskRequest(status=status))
    my_tasks = client.tasks.list(status=TaskStatus.IN_PROGRESS, assignee_id=CHILD)
    assert [each.id for each in my_tasks] == [task.id]
    updated_task = client.tasks.transition(
        task.id, TransitionTaskRequest(status=TaskStatus.REVIEW, notes="Ready for review")
    )
    assert updated_task.status == TaskStatus.REVIEW
    task = client.tasks.assign(task.id, FOUNDER)
    assert task.assignee_id == FOUNDER


def test_credits(client: OpenSpawnClient, capsys: pytest.CaptureFixture[str]) -> None:
    task = client.tasks.create(CreateTaskRequest(title="t"))
    balance = client.credits.balance()
    transaction = client.credits.transfer(
        TransferCreditsRequest(to_agent_id=CHILD, amount=100, reason="Task completion bonus")
    )
    transactions, meta = client.credits.history(limit=50, offset=0)
    print(f"Total transactions: {meta['total']}")
    tx = client.credits.spend(amount=10, reason="API call", trigger_type="llm_call", source_task_id=task.id)
    assert balance == 1000
    assert transaction.from_agent.current_balance == 900
    assert [each.reason for each in transactions] == ["Task completion bonus"]
    assert capsys.readouterr().out == "Total transactions: 1\n"
    assert tx.balance_after == 890


def test_messages(client: OpenSpawnClient) -> None:
    message = client.messages.send(
        SendMessageRequest(channel_id=CHANNEL, type=MessageType.TEXT, body="Hello from Python SDK!")
    )
    reply = client.messages.send(
        SendMessageRequest(channel_id=CHANNEL, body="Hello", parent_message_id=message.id)
    )
    messages = client.messages.list(channel_id=CHANNEL, limit=50)
    thread = client.messages.get_thread(message.id)
    assert [each.body for each in messages] == ["Hello from Python SDK!", "Hello"]
    assert thread == [reply]


def test_events(world: OpenSpawnWorld, client: OpenSpawnClient) -> None:
    world.configure(emit={"type": "agent.crashed", "severity": "error"})
    events, meta = client.events.list(
        severity=EventSeverity.ERROR,
        start_date=datetime.now() - timedelta(days=7),  # noqa: DTZ005 - as the seed calls it
        limit=100,
    )
    event = client.events.get(events[0].id)
    assert (event.type, meta["total"]) == ("agent.crashed", 1)


def handled(client: OpenSpawnClient) -> list[str]:
    """What the seed's handlers say."""
    said = []
    try:
        client.agents.get("invalid_id")
    except AuthenticationError:
        said.append("Authentication failed - check your credentials")
    except APIError as e:
        said.append(f"API error {e.status_code}: {e.message}")
        said.append(f"Response data: {e.response_data}")
    except RetryableError:
        said.append("Request failed after retries")
    except OpenSpawnError as e:
        said.append(f"SDK error: {e}")
    return said


def test_error_handling(world: OpenSpawnWorld) -> None:
    server_error = {"error": "Internal server error", "code": "INTERNAL_ERROR"}
    assert handled(world.client(max_retries=0)) == [
        "API error 500: Internal server error",
        f"Response data: {server_error}",
    ]
    assert handled(world.client(secret="00" * 32)) == ["Authentication failed - check your credentials"]
    gone = world.client(base_url="http://127.0.0.1:9", max_retries=0)
    assert handled(gone) == ["Request failed after retries"]
    world.fault("wrong_json", text="[]")
    (said,) = handled(world.client())
    assert said.startswith("SDK error: ")


def test_retry_logic_and_idempotency(world: OpenSpawnWorld) -> None:
    client = OpenSpawnClient(base_url=world.sandbox.base_url, api_key=API_KEY, max_retries=3)
    world.fault("status", status=503, count=1)
    assert client.agents.list()
    assert len(world.requests("agents.list")) == 2


def test_type_safety(world: OpenSpawnWorld) -> None:
    client: OpenSpawnClient = OpenSpawnClient(
        base_url=world.sandbox.base_url, agent_id=FOUNDER_ID, secret=FOUNDER_SECRET
    )
    made = client.tasks.create(CreateTaskRequest(title="t"))
    agents: list[Agent] = client.agents.list()
    task: Task = client.tasks.get(made.id)
    assert isinstance(agents[0], Agent)
    assert task == made
