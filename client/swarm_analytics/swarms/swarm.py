"""``client.swarm``: completions by swarms of agents, and the types of swarm that there are."""

from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from typing import Any, Literal, Unpack, overload

from swarm_analytics._generated.swarms.async_namespaces import AsyncSwarmNamespace
from swarm_analytics._generated.swarms.namespaces import SwarmNamespace
from swarm_analytics.swarms.events import async_events, events
from swarm_analytics.swarms.fields import Fields, SwarmFields
from swarm_analytics.swarms.order import in_asked_order
from swarm_analytics_models.services.swarms.events import CompletionEvent
from swarm_analytics_models.services.swarms.payloads import (
    SwarmBatch,
    SwarmCompletionResponse,
    SwarmSpec,
    SwarmTypesResponse,
)
from swarm_analytics_models.services.swarms.requests import SWARM_TYPES


class SwarmResource:
    """Completions by swarms of agents, sync and async. `swarm_types` are those accepted; None: any.

    Arguments are checked before any I/O, and raise `pydantic.ValidationError`; what goes wrong later is a
    `SwarmsError`. A completion is billed each time it is executed, and is never repeated where it may have
    been: see `MayBeExecuted`.
    """

    def __init__(
        self,
        calls: SwarmNamespace,
        async_calls: AsyncSwarmNamespace,
        swarm_types: Collection[str] | None,
    ) -> None:
        self._calls = calls
        self._async_calls = async_calls
        self._context = {SWARM_TYPES: swarm_types}

    @overload
    def create(
        self, *, stream: Literal[False] = False, **fields: Unpack[SwarmFields]
    ) -> SwarmCompletionResponse: ...

    @overload
    def create(
        self, *, stream: Literal[True], **fields: Unpack[SwarmFields]
    ) -> Iterator[CompletionEvent]: ...

    def create(
        self, *, stream: bool = False, **fields: Unpack[SwarmFields]
    ) -> SwarmCompletionResponse | Iterator[CompletionEvent]:
        """Have a swarm complete a task. `fields` are those of `SwarmSpec`, of which all but a task may lack.

        With `stream`, the answer is an iterator of typed events. The request is made when the first is asked
        for, and ended when the iterator is closed. From a service that does not stream, or not this type of
        swarm, comes one `AnswerEvent`.
        """
        wanted = self._wanted(fields)
        return events(self._calls.create_stream(**wanted)) if stream else self._calls.create(**wanted)

    @overload
    async def acreate(
        self, *, stream: Literal[False] = False, **fields: Unpack[SwarmFields]
    ) -> SwarmCompletionResponse: ...

    @overload
    async def acreate(
        self, *, stream: Literal[True], **fields: Unpack[SwarmFields]
    ) -> AsyncIterator[CompletionEvent]: ...

    async def acreate(
        self, *, stream: bool = False, **fields: Unpack[SwarmFields]
    ) -> SwarmCompletionResponse | AsyncIterator[CompletionEvent]:
        """As `create`."""
        wanted = self._wanted(fields)
        if stream:
            return async_events(self._async_calls.create_stream(**wanted))
        return await self._async_calls.create(**wanted)

    def create_batch(self, swarms: Sequence[SwarmSpec | Fields]) -> list[SwarmCompletionResponse]:
        """Have several swarms complete their tasks. The answers are a list in the order of the swarms.

        The service sends them as the swarms end; they are matched by name, and left as they came where a name
        is missing. It says of each only its name, its output and whether it failed (`status` ``error``, and
        `detail`): `job_id` and the other properties that the seed shows are None, whatever the seed says.
        """
        wanted = self._batch(swarms)
        return in_asked_order(wanted, self._calls.create_batch(swarms=wanted).root)

    async def acreate_batch(self, swarms: Sequence[SwarmSpec | Fields]) -> list[SwarmCompletionResponse]:
        """As `create_batch`."""
        wanted = self._batch(swarms)
        return in_asked_order(wanted, (await self._async_calls.create_batch(swarms=wanted)).root)

    def list_types(self) -> SwarmTypesResponse:
        """The types of swarm that the service offers, cached for an hour (see `SwarmsClient.clear_cache`)."""
        return self._calls.list_types()

    async def alist_types(self) -> SwarmTypesResponse:
        """As `list_types`, out of the same cache."""
        return await self._async_calls.list_types()

    def _wanted(self, fields: SwarmFields) -> dict[str, Any]:
        if unknown := sorted(set(fields) - set(SwarmSpec.model_fields)):
            raise TypeError(
                f"a swarm has no {', '.join(unknown)}; what a newer service has added can be sent in a "
                "SwarmSpec, with create_batch"
            )
        wanted = SwarmSpec.model_validate(fields, context=self._context)
        return {name: getattr(wanted, name) for name in SwarmSpec.model_fields if name != "stream"}

    def _batch(self, swarms: Sequence[SwarmSpec | Fields]) -> list[SwarmSpec]:
        return SwarmBatch.model_validate({"swarms": list(swarms)}, context=self._context).swarms
