"""What becomes of a call: an answer, an answer in pieces, or a failure."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from swarm_analytics_models.calls import CallFailure


@dataclass(frozen=True, slots=True)
class Answered:
    status: int
    request_id: str | None
    attempts: int
    """0: it came from the cache."""

    body: bytes = field(repr=False)
    """JSON."""


@dataclass(frozen=True, slots=True)
class Streamed:
    """To be closed, whether it was read to its end or not."""

    status: int
    media_type: str
    request_id: str | None
    attempts: int
    pieces: AsyncGenerator[bytes, None]
    """Raises BrokenOff."""

    aclose: Callable[[], Awaitable[None]]
    """Ends the request to the service if it has not ended."""


@dataclass(frozen=True, slots=True)
class Failed:
    failure: CallFailure


CallOutcome: TypeAlias = Answered | Streamed | Failed
