"""``client.agents``"""

import builtins
from typing import Any

from swarm_analytics._generated.openspawn.async_namespaces import AsyncAgentsNamespace
from swarm_analytics._generated.openspawn.namespaces import AgentsNamespace
from swarm_analytics.openspawn.models import (
    Agent,
    AgentHierarchy,
    CreateAgentRequest,
    CreateAgentResponse,
    CreditBalance,
    SpawnAgentResponse,
    balance_of,
    new_agent_id,
)


class Agents:
    """Agents of the organization. Ids are the server's UUIDs; anything else it answers with a 500."""

    def __init__(self, agents: AgentsNamespace) -> None:
        self._agents = agents

    def list(self) -> builtins.list[Agent]:
        """All agents, the newest first, without budget and capabilities."""
        return self._agents.list().data

    def get(self, agent_id: str) -> Agent:
        """One agent, with budget and capabilities."""
        return self._agents.get(id=agent_id).data

    def create(self, request: CreateAgentRequest) -> CreateAgentResponse:
        """Register an agent: for agents of the role hr, by signature only (an API key is refused, 403).

        The answer's ``["secret"]`` is told this once; it is in no log and no repr.
        """
        return self._agents.create(
            name=request.name,
            agent_id=request.agent_id,
            role=request.role,
            level=request.level,
            model=request.model,
            mode=request.mode,
            management_fee_pct=request.management_fee_pct,
            budget_period_limit=request.budget_period_limit,
            capabilities=request.capabilities,
            metadata=request.metadata,
        )

    def spawn(
        self,
        name: str,
        level: int,
        *,
        model: str | None = None,
        metadata: dict[str, Any] | None = None,
        agent_id: str | None = None,
    ) -> SpawnAgentResponse:
        """Make a child agent, of a lower level than the caller's; it is pending until it is activated.

        The answer's ``["secret"]`` is told this once; it is in no log and no repr. The server demands an
        `agent_id`, which its SDK does not send: one is made of the name unless it is given. `metadata` the
        server ignores.
        """
        return self._agents.spawn(
            name=name, agent_id=agent_id or new_agent_id(name), level=level, model=model, metadata=metadata
        )

    def get_hierarchy(self, agent_id: str, depth: int = 3) -> AgentHierarchy:
        """An agent and its `children`, `depth` levels of them.

        The server puts agents' encrypted secrets into its answer; they are taken out by the daemon.
        """
        return self._agents.get_hierarchy(id=agent_id, depth=depth).data

    def get_balance(self, agent_id: str) -> CreditBalance:
        """The credits that an agent has."""
        return balance_of(self._agents.get_balance(id=agent_id).data)


class AsyncAgents:
    """As `Agents`, for asyncio."""

    def __init__(self, agents: AsyncAgentsNamespace) -> None:
        self._agents = agents

    async def list(self) -> builtins.list[Agent]:
        """All agents, the newest first, without budget and capabilities."""
        return (await self._agents.list()).data

    async def get(self, agent_id: str) -> Agent:
        """One agent, with budget and capabilities."""
        return (await self._agents.get(id=agent_id)).data

    async def create(self, request: CreateAgentRequest) -> CreateAgentResponse:
        """Register an agent; see `Agents.create`."""
        return await self._agents.create(
            name=request.name,
            agent_id=request.agent_id,
            role=request.role,
            level=request.level,
            model=request.model,
            mode=request.mode,
            management_fee_pct=request.management_fee_pct,
            budget_period_limit=request.budget_period_limit,
            capabilities=request.capabilities,
            metadata=request.metadata,
        )

    async def spawn(
        self,
        name: str,
        level: int,
        *,
        model: str | None = None,
        metadata: dict[str, Any] | None = None,
        agent_id: str | None = None,
    ) -> SpawnAgentResponse:
        """Make a child agent; see `Agents.spawn`."""
        return await self._agents.spawn(
            name=name, agent_id=agent_id or new_agent_id(name), level=level, model=model, metadata=metadata
        )

    async def get_hierarchy(self, agent_id: str, depth: int = 3) -> AgentHierarchy:
        """An agent and its `children`; see `Agents.get_hierarchy`."""
        return (await self._agents.get_hierarchy(id=agent_id, depth=depth)).data

    async def get_balance(self, agent_id: str) -> CreditBalance:
        """The credits that an agent has."""
        return balance_of((await self._agents.get_balance(id=agent_id)).data)
