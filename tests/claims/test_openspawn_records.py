"""Seed 002, credits, messages and events: what each claim promises, through real processes."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import pytest

from swarm_analytics.errors import MayBeExecuted
from swarm_analytics.openspawn import APIError, OpenSpawnClient
from swarm_analytics.openspawn.enums import CreditType, EventSeverity, MessageType
from swarm_analytics.openspawn.models import (
    CreateTaskRequest,
    CreditBalance,
    Event,
    SendMessageRequest,
    TransferCreditsRequest,
)
from swarm_analytics_models.home import AUTOSTART_VARIABLE
from tests.support.openspawn import CHANNEL, CHILD, FOUNDER, FOUNDER_ID, OpenSpawnWorld, query, standing_world


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
    task = client.tasks.create(CreateTaskRequest(title="t"))
    spent = client.credits.spend(
        amount=10, reason="API call", trigger_type="llm_call", source_task_id=task.id
    )
    assert (spent.amount, spent.balance_after, spent.type) == (10, 990, CreditType.DEBIT)
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
    client.tasks.create(CreateTaskRequest(title="t"))
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
    client.tasks.create(CreateTaskRequest(title="t"))
    (newest, *_), _ = client.events.list()
    event = client.events.get(newest.id)
    assert isinstance(event, Event)
    assert event == newest
    with pytest.raises(APIError, match="no event has this id") as absent:
        client.events.get(CHILD)
    assert (absent.value.status_code, absent.value.response_data) == (404, {"data": None})
