"""OpenSpawn's two clients ask the same of the service, method by method."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

import pytest
from pydantic import BaseModel

from swarm_analytics._generated.openspawn.async_namespaces import (
    AsyncAgentsNamespace,
    AsyncCreditsNamespace,
    AsyncEventsNamespace,
    AsyncMessagesNamespace,
    AsyncTasksNamespace,
)
from swarm_analytics._generated.openspawn.namespaces import (
    AgentsNamespace,
    CreditsNamespace,
    EventsNamespace,
    MessagesNamespace,
    TasksNamespace,
)
from swarm_analytics._generated.openspawn.routes import ROUTES
from swarm_analytics.openspawn import agents, credits, events, messages, tasks
from swarm_analytics.openspawn.enums import AgentRole, EventSeverity, MessageType, TaskPriority, TaskStatus
from swarm_analytics.openspawn.models import (
    CreateAgentRequest,
    CreateTaskRequest,
    NewCapability,
    SendMessageRequest,
    TransferCreditsRequest,
    TransitionTaskRequest,
    new_agent_id,
)
from swarm_analytics_models.client_route import ClientRoute

AnswerT = TypeVar("AnswerT", bound=BaseModel)
AT: Final = datetime(2026, 2, 9, tzinfo=UTC)
PAIRS: Final[dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]]] = {
    "agents": (
        lambda call: agents.Agents(AgentsNamespace(call)),
        lambda call: agents.AsyncAgents(AsyncAgentsNamespace(call)),
    ),
    "tasks": (
        lambda call: tasks.Tasks(TasksNamespace(call)),
        lambda call: tasks.AsyncTasks(AsyncTasksNamespace(call)),
    ),
    "credits": (
        lambda call: credits.Credits(CreditsNamespace(call)),
        lambda call: credits.AsyncCredits(AsyncCreditsNamespace(call)),
    ),
    "messages": (
        lambda call: messages.Messages(MessagesNamespace(call)),
        lambda call: messages.AsyncMessages(AsyncMessagesNamespace(call)),
    ),
    "events": (
        lambda call: events.Events(EventsNamespace(call)),
        lambda call: events.AsyncEvents(AsyncEventsNamespace(call)),
    ),
}
CALLS: Final[dict[str, tuple[tuple[Any, ...], dict[str, Any]]]] = {
    "agents.list": ((), {}),
    "agents.get": (("a",), {}),
    "agents.create": (
        (
            CreateAgentRequest(
                name="n",
                agent_id="i",
                role=AgentRole.HR,
                level=3,
                model="m",
                management_fee_pct=5,
                budget_period_limit=9,
                capabilities=[NewCapability(capability="c")],
                metadata={"k": 1},
            ),
        ),
        {},
    ),
    "agents.spawn": (("n", 2), {"model": "m", "metadata": {"k": 1}, "agent_id": "i"}),
    "agents.get_hierarchy": (("a",), {"depth": 5}),
    "agents.get_balance": (("a",), {}),
    "tasks.create": (
        (
            CreateTaskRequest(
                title="t",
                description="d",
                priority=TaskPriority.LOW,
                assignee_id="a",
                parent_task_id="p",
                approval_required=True,
                due_at="2026-02-09T00:00:00Z",
                tags=["x"],
                metadata={"k": 1},
            ),
        ),
        {},
    ),
    "tasks.list": (
        (),
        {"status": TaskStatus.TODO, "assignee_id": "a", "creator_id": "c", "parent_task_id": "p"},
    ),
    "tasks.get": (("t",), {}),
    "tasks.transition": (("t", TransitionTaskRequest(status=TaskStatus.DONE, notes="n")), {}),
    "tasks.assign": (("t", "a"), {}),
    "tasks.approve": (("t",), {}),
    "credits.balance": ((), {}),
    "credits.transfer": ((TransferCreditsRequest(to_agent_id="a", amount=1, reason="r"),), {}),
    "credits.history": ((), {"limit": 7, "offset": 3}),
    "credits.spend": (
        (1, "r"),
        {"trigger_type": "t", "source_task_id": "s", "source_agent_id": "a"},
    ),
    "messages.send": (
        (
            SendMessageRequest(
                channel_id="c",
                type=MessageType.HANDOFF,
                body="b",
                parent_message_id="p",
                metadata={"k": 1},
            ),
        ),
        {},
    ),
    "messages.list": (("c",), {"limit": 7, "before": "m"}),
    "messages.get_thread": (("m",), {}),
    "events.list": (
        (),
        {
            "type": "t",
            "actor_id": "a",
            "entity_type": "e",
            "entity_id": "i",
            "severity": EventSeverity.ERROR,
            "start_date": AT,
            "end_date": AT,
            "page": 2,
            "limit": 7,
        },
    ),
    "events.get": (("e",), {}),
}
"""Every method, with every argument that it has."""


class Asked(Exception):
    """Ends a call once it is known what it asks."""

    def __init__(self, key: str, body: bytes) -> None:
        super().__init__(key, body)
        self.asked = key, body


def call(route: ClientRoute, body: dict[str, Any], _answer: type[AnswerT]) -> AnswerT:
    payload = route.request.model_validate(body)
    raise Asked(route.key, payload.model_dump_json(by_alias=True).encode())


async def acall(route: ClientRoute, body: dict[str, Any], answer: type[AnswerT]) -> AnswerT:
    return call(route, body, answer)


def test_every_route_has_a_method() -> None:
    assert CALLS.keys() == ROUTES.keys()


@pytest.mark.parametrize("key", CALLS)
@pytest.mark.anyio
async def test_both_clients_ask_the_same_and_leave_no_argument_out(key: str) -> None:
    namespace, _, method = key.partition(".")
    sync, awaited = PAIRS[namespace]
    positional, named = CALLS[key]
    with pytest.raises(Asked) as first:
        getattr(sync(call), method)(*positional, **named)
    with pytest.raises(Asked) as second:
        await getattr(awaited(acall), method)(*positional, **named)
    assert first.value.asked == second.value.asked
    assert first.value.asked[0] == key
    for value in (*positional, *named.values()):
        for text in value.model_dump(mode="json").values() if isinstance(value, BaseModel) else [value]:
            if isinstance(text, str):
                assert text.encode() in first.value.asked[1]


def test_agent_ids_are_made_of_names_and_never_alike() -> None:
    made = [new_agent_id(name) for name in ("Worker Agent", "Worker Agent", "  ", "É" * 300, "x" * 300)]
    assert len(set(made)) == 5
    assert all(len(agent_id) <= 100 and agent_id.isascii() for agent_id in made)
    assert [agent_id[: agent_id.rindex("-")] for agent_id in made] == [
        *("worker-agent", "worker-agent", "agent", "agent"),
        "x" * 80,
    ]
