"""Client for OpenSpawn: agents, tasks, credits, messages and events, with the names of its own Python SDK.

    from swarm_analytics.openspawn import OpenSpawnClient

    with OpenSpawnClient(base_url="https://api.openspawn.dev", agent_id="talent", secret=secret) as client:
        for agent in client.agents.list():
            print(agent.name, agent.level)

Requests and their models are in `models`, enumerations in `enums`, errors in `errors` (and in `http_client`,
where the SDK has them). The local daemon keeps the secret, signs, and sends.
"""

from swarm_analytics.openspawn.client import AsyncOpenSpawnClient, OpenSpawnClient
from swarm_analytics.openspawn.enums import (
    AgentRole,
    AgentStatus,
    CreditType,
    EventSeverity,
    MessageType,
    TaskPriority,
    TaskStatus,
)
from swarm_analytics.openspawn.errors import APIError, AuthenticationError, OpenSpawnError, RetryableError
from swarm_analytics.openspawn.models import Agent, CreditTransaction, Event, Message, Task

__all__ = [
    "APIError",
    "Agent",
    "AgentRole",
    "AgentStatus",
    "AsyncOpenSpawnClient",
    "AuthenticationError",
    "CreditTransaction",
    "CreditType",
    "Event",
    "EventSeverity",
    "Message",
    "MessageType",
    "OpenSpawnClient",
    "OpenSpawnError",
    "RetryableError",
    "Task",
    "TaskPriority",
    "TaskStatus",
]
