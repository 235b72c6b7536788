"""What the generated client knows of a route, and the ports that it hands its calls to: no runtime."""

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias, TypeVar

from pydantic import BaseModel


@dataclass(frozen=True, slots=True)
class ClientRoute:
    """One operation as the generator writes it into a client's route table."""

    service: str
    key: str
    category: str
    muted: bool
    """Not handed off by a client in mode ``minimal``."""

    request: type[BaseModel]
    stamps: tuple[str, ...]
    """Which of ``ts`` and ``submission_id`` the body carries."""

    opt_out_field: str | None
    key_field: str | None = None
    """The field of the body in which the caller names the idempotency key; None: one is minted."""

    streaming_field: str | None = None
    """The field of the request that asks for an answer in pieces, as in `Streaming.field`."""

    streaming_format: Literal["sse", "ndjson"] | None = None
    repeatable: bool = False
    """A call that may be made twice without harm, whoever makes it."""


Submit: TypeAlias = Callable[[ClientRoute, dict[str, Any]], str]
"""Takes an event of the deliver lane, by wire names and without its stamps; returns its submission id."""

AnswerT = TypeVar("AnswerT", bound=BaseModel)


class Call(Protocol):
    """Makes a request of the call lane, by wire names, and returns the service's answer."""

    def __call__(self, route: ClientRoute, body: dict[str, Any], answer: type[AnswerT], /) -> AnswerT: ...

    def stream(self, route: ClientRoute, body: dict[str, Any], event: type[AnswerT], /) -> Iterator[AnswerT]:
        """As a call, for an answer in pieces. Closing the iterator ends the request to the service."""
        ...


class AsyncCall(Protocol):
    """As `Call`, for asyncio. Cancelling it ends the request to the service."""

    async def __call__(
        self, route: ClientRoute, body: dict[str, Any], answer: type[AnswerT], /
    ) -> AnswerT: ...

    def stream(
        self, route: ClientRoute, body: dict[str, Any], event: type[AnswerT], /
    ) -> AsyncIterator[AnswerT]: ...
