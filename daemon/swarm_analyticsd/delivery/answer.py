"""What a send brought: an answer, silence, or nothing sent at all."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias


class Obstacle(StrEnum):
    """What kept a request from leaving."""

    NAME = "name"
    """The host name could not be resolved: mostly, no network."""

    CONNECT = "connect"
    TLS = "tls"
    """No trusted connection: an intercepting middlebox, an expired certificate, a wrong clock."""

    PROXY = "proxy"
    TIME_OUT = "time_out"


@dataclass(frozen=True, slots=True)
class NotSent:
    """No byte of the request can have reached the service."""

    obstacle: Obstacle
    detail: str


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """It may have arrived; no complete answer came back."""

    detail: str
    timed_out: bool = False
    """The peer took too long; else the connection broke."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, up to the bytes that are read of one."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    """Names in lower case."""

    body: bytes = field(default=b"", repr=False)
    cut: bool = False
    """The body was longer than what is read."""

    def header(self, name: str) -> str | None:
        """The first value of header `name` (lower case)."""
        return next((value for known, value in self.headers if known == name), None)


Answer: TypeAlias = NotSent | NoAnswer | Reply
