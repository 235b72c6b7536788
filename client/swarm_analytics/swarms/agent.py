"""``client.agent``: completions by one agent."""

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Literal, overload

from swarm_analytics._generated.swarms.async_namespaces import AsyncAgentNamespace
from swarm_analytics._generated.swarms.namespaces import AgentNamespace
from swarm_analytics.swarms.events import async_events, events
from swarm_analytics.swarms.fields import Fields, History
from swarm_analytics_models.services.swarms.events import CompletionEvent
from swarm_analytics_models.services.swarms.payloads import (
    AgentCompletion,
    AgentCompletionBatch,
    AgentCompletionResponse,
    AgentSpec,
)


class AgentResource:
    """Completions by one agent, sync and async.

    Arguments are checked before any I/O, and raise `pydantic.ValidationError`; what goes wrong later is a
    `SwarmsError`. A completion is billed each time it is executed, and is never repeated where it may have
    been: see `MayBeExecuted`.
    """

    def __init__(self, calls: AgentNamespace, async_calls: AsyncAgentNamespace) -> None:
        self._calls = calls
        self._async_calls = async_calls

    @overload
    def create(
        self,
        agent_config: AgentSpec | Fields,
        task: str,
        history: History | None = None,
        *,
        stream: Literal[False] = False,
    ) -> AgentCompletionResponse: ...

    @overload
    def create(
        self,
        agent_config: AgentSpec | Fields,
        task: str,
        history: History | None = None,
        *,
        stream: Literal[True],
    ) -> Iterator[CompletionEvent]: ...

    def create(
        self,
        agent_config: AgentSpec | Fields,
        task: str,
        history: History | None = None,
        *,
        stream: bool = False,
    ) -> AgentCompletionResponse | Iterator[CompletionEvent]:
        """Have the agent that `agent_config` describes complete `task`; `history` is the conversation so far.

        With `stream`, or with `streaming_on` in `agent_config`, the answer is an iterator of typed events.
        The request is made when the first is asked for, and ended when the iterator is closed. From a service
        that does not stream comes one `AnswerEvent`.
        """
        wanted = _completion(agent_config, task, history)
        spec, task, told = wanted.agent_config, wanted.task, wanted.history
        if stream or spec.streaming_on:
            return events(self._calls.create_stream(agent_config=spec, task=task, history=told))
        return self._calls.create(agent_config=spec, task=task, history=told)

    @overload
    async def acreate(
        self,
        agent_config: AgentSpec | Fields,
        task: str,
        history: History | None = None,
        *,
        stream: Literal[False] = False,
    ) -> AgentCompletionResponse: ...

    @overload
    async def acreate(
        self,
        agent_config: AgentSpec | Fields,
        task: str,
        history: History | None = None,
        *,
        stream: Literal[True],
    ) -> AsyncIterator[CompletionEvent]: ...

    async def acreate(
        self,
        agent_config: AgentSpec | Fields,
        task: str,
        history: History | None = None,
        *,
        stream: bool = False,
    ) -> AgentCompletionResponse | AsyncIterator[CompletionEvent]:
        """As `create`."""
        wanted = _completion(agent_config, task, history)
        spec, task, told = wanted.agent_config, wanted.task, wanted.history
        if stream or spec.streaming_on:
            return async_events(self._async_calls.create_stream(agent_config=spec, task=task, history=told))
        return await self._async_calls.create(agent_config=spec, task=task, history=told)

    def create_batch(self, completions: Sequence[AgentCompletion | Fields]) -> list[AgentCompletionResponse]:
        """Have several agents complete their tasks. The answers are a list in the order of the tasks.

        So the seed promises, and so it is whether the service answers with an array or, as later ones do,
        with an object. One that failed has `success` false and `error`.
        """
        return self._calls.create_batch(completions=_batch(completions)).completions

    async def acreate_batch(
        self, completions: Sequence[AgentCompletion | Fields]
    ) -> list[AgentCompletionResponse]:
        """As `create_batch`."""
        return (await self._async_calls.create_batch(completions=_batch(completions))).completions


def _completion(agent_config: AgentSpec | Fields, task: str, history: History | None) -> AgentCompletion:
    return AgentCompletion.model_validate({"agent_config": agent_config, "task": task, "history": history})


def _batch(completions: Sequence[AgentCompletion | Fields]) -> list[AgentCompletion]:
    return AgentCompletionBatch.model_validate({"completions": list(completions)}).completions
