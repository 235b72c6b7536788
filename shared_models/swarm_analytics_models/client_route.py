"""What the generated client knows of a route, and the ports that it hands its calls to: no runtime."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, TypeVar

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


Submit: TypeAlias = Callable[[ClientRoute, dict[str, Any]], str]
"""Takes an event of the deliver lane, by wire names and without its stamps; returns its submission id."""

AnswerT = TypeVar("AnswerT", bound=BaseModel)


class Call(Protocol):
    """Makes a request of the call lane, by wire names, and returns the service's answer."""

    def __call__(self, route: ClientRoute, body: dict[str, Any], answer: type[AnswerT], /) -> AnswerT: ...
