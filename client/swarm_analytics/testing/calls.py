"""A double of the call lane: the same validation, with scripted answers where the daemon would be."""

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, Final, NamedTuple, TypeVar

from pydantic import BaseModel

from swarm_analytics.sealing import Sealer
from swarm_analytics_models.calling import asking_for_pieces
from swarm_analytics_models.calls import MAX_CALL_BYTES
from swarm_analytics_models.client_route import ClientRoute

AnswerT = TypeVar("AnswerT", bound=BaseModel)


class Called(NamedTuple):
    """One call that would have been made."""

    route: str
    """Its key, such as ``models.list``."""

    arguments: dict[str, Any]
    """As the daemon would get them: by wire name, what goes into path, query and body."""


class _Script:
    """What was called, and what is answered."""

    def __init__(self, answers: Mapping[str, Any] | None = None) -> None:
        """`answers`: by route, the JSON of the service's answer (of a stream: a list of its events), or an
        exception to raise. A change of it counts from the next call on.
        """
        self.answers: Final = dict(answers or {})
        self.called: Final[list[Called]] = []

    def _answer(self, route: ClientRoute, body: dict[str, Any], *, in_pieces: bool = False) -> Any:
        _, sealed = Sealer(route.request, MAX_CALL_BYTES, "send it in several calls").seal(body)
        arguments = json.loads(sealed)
        if in_pieces and route.streaming_field is not None:
            arguments = asking_for_pieces(route.streaming_field, arguments)
        self.called.append(Called(route.key, arguments))
        if route.key not in self.answers:
            raise LookupError(f"no answer is scripted for {route.key}; give one to RecordingCalls")
        answer = self.answers[route.key]
        if isinstance(answer, BaseException):
            raise answer
        return answer


class RecordingCalls(_Script):
    """Takes the place of a `Caller` in tests. No daemon, no network."""

    def __call__(self, route: ClientRoute, body: dict[str, Any], answer: type[AnswerT], /) -> AnswerT:
        return answer.model_validate(self._answer(route, body))

    def stream(self, route: ClientRoute, body: dict[str, Any], event: type[AnswerT], /) -> Iterator[AnswerT]:
        """The scripted events. Counts as called at once; a `Caller` asks with the first event."""
        return iter([event.model_validate(found) for found in self._answer(route, body, in_pieces=True)])


class AsyncRecordingCalls(_Script):
    """Takes the place of an `AsyncCaller` in tests."""

    async def __call__(self, route: ClientRoute, body: dict[str, Any], answer: type[AnswerT], /) -> AnswerT:
        return answer.model_validate(self._answer(route, body))

    async def stream(
        self, route: ClientRoute, body: dict[str, Any], event: type[AnswerT], /
    ) -> AsyncIterator[AnswerT]:
        """The scripted events. Counts as called with the first of them."""
        for found in self._answer(route, body, in_pieces=True):
            yield event.model_validate(found)
