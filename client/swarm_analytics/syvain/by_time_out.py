"""One port for two time-outs: what is written with an ingestion key may take longer."""

from collections.abc import AsyncIterator, Iterator
from typing import Any, Final, TypeVar

from pydantic import BaseModel

from swarm_analytics_models.client_route import AsyncCall, Call, ClientRoute

AnswerT = TypeVar("AnswerT", bound=BaseModel)

WITH_INGESTION_KEY: Final = frozenset({"metrics.ingest", "annotations.create"})


class ByTimeOut:
    def __init__(self, ordinary: Call, ingesting: Call) -> None:
        self._ordinary = ordinary
        self._ingesting = ingesting

    def __call__(self, route: ClientRoute, body: dict[str, Any], answer: type[AnswerT], /) -> AnswerT:
        port = self._ingesting if route.key in WITH_INGESTION_KEY else self._ordinary
        return port(route, body, answer)

    def stream(self, route: ClientRoute, body: dict[str, Any], event: type[AnswerT], /) -> Iterator[AnswerT]:
        return self._ordinary.stream(route, body, event)


class AsyncByTimeOut:
    def __init__(self, ordinary: AsyncCall, ingesting: AsyncCall) -> None:
        self._ordinary = ordinary
        self._ingesting = ingesting

    async def __call__(self, route: ClientRoute, body: dict[str, Any], answer: type[AnswerT], /) -> AnswerT:
        port = self._ingesting if route.key in WITH_INGESTION_KEY else self._ordinary
        return await port(route, body, answer)

    def stream(
        self, route: ClientRoute, body: dict[str, Any], event: type[AnswerT], /
    ) -> AsyncIterator[AnswerT]:
        return self._ordinary.stream(route, body, event)
