"""A toy service's routes, and both callers behind one face, so that each test is of both."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar

from pydantic import BaseModel, RootModel, SecretStr

from swarm_analytics.calls import AsyncCaller, Caller, Fail, Target, default_failure
from swarm_analytics_models.client_route import ClientRoute
from swarm_analytics_models.home import Home
from swarm_analytics_models.identifiers import IdentityKind

AnswerT = TypeVar("AnswerT", bound=BaseModel)
SECRET = "k_canary_4711"


class Order(BaseModel):
    """Something is ordered."""

    what: str
    stream: bool = False


class Receipt(BaseModel):
    """It was ordered."""

    number: int


class Step(BaseModel):
    """A step of the order."""

    event: Literal["step"]
    text: str


class Piece(RootModel[Step | Receipt]):
    """What an order in pieces brings, or the receipt where it came whole."""


def route(**rest: Any) -> ClientRoute:
    fields: dict[str, Any] = {
        "service": "toy",
        "key": "orders.create",
        "category": "request",
        "muted": False,
        "request": Order,
        "stamps": (),
        "opt_out_field": None,
        "streaming_field": "stream",
        "streaming_format": "sse",
    }
    return ClientRoute(**(fields | rest))


BILLED = route()
REPEATABLE = route(repeatable=True)


def target(home: Path, **rest: Any) -> Target:
    fields: dict[str, Any] = {
        "home": Home(home),
        "service": "toy",
        "kind": IdentityKind.KEY,
        "identity": "default",
        "secret": SecretStr(SECRET),
    }
    return Target(**(fields | rest))


class Calling(Protocol):
    """Either caller, as a test uses it."""

    def call(self, route: ClientRoute, body: dict[str, Any], answer: type[AnswerT]) -> AnswerT: ...

    def stream(self, route: ClientRoute, body: dict[str, Any], event: type[AnswerT]) -> Iterator[AnswerT]: ...

    def clear_cache(self) -> None: ...


class Blocking:
    """`Caller`."""

    def __init__(self, target: Target, fail: Fail = default_failure) -> None:
        self.caller = Caller(target, fail)

    def call(self, route: ClientRoute, body: dict[str, Any], answer: type[AnswerT]) -> AnswerT:
        return self.caller(route, body, answer)

    def stream(self, route: ClientRoute, body: dict[str, Any], event: type[AnswerT]) -> Iterator[AnswerT]:
        return self.caller.stream(route, body, event)

    def clear_cache(self) -> None:
        self.caller.clear_cache()


class Awaiting:
    """`AsyncCaller`, on an event loop of its own for each call."""

    def __init__(self, target: Target, fail: Fail = default_failure) -> None:
        self.caller = AsyncCaller(target, fail)

    def call(self, route: ClientRoute, body: dict[str, Any], answer: type[AnswerT]) -> AnswerT:
        return asyncio.run(self.caller(route, body, answer))

    def stream(self, route: ClientRoute, body: dict[str, Any], event: type[AnswerT]) -> Iterator[AnswerT]:
        """The loop runs only while a piece is asked for."""
        pieces = self.caller.stream(route, body, event)

        async def following() -> AnswerT | None:
            return await anext(pieces, None)

        with asyncio.Runner() as runner:
            while (piece := runner.run(following())) is not None:
                yield piece

    def clear_cache(self) -> None:
        asyncio.run(self.caller.clear_cache())
