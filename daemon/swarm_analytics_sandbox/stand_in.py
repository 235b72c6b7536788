"""The port behind which each service is played: what it is asked, and what it answers."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final, Protocol, TypeAlias
from urllib.parse import parse_qsl

from swarm_analytics_models.contract import Route, ServiceContract
from swarm_analytics_sandbox.ledger import Effect, Ledger

Headers: TypeAlias = list[tuple[bytes, bytes]]
"""As they came; names in lower case."""

JSON: Final = ((b"content-type", b"application/json"),)


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes = b""
    headers: tuple[tuple[bytes, bytes], ...] = JSON
    pieces: tuple[bytes, ...] = ()
    """Sent one after the other, in chunks, in place of `body`."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request to a service."""

    contract: ServiceContract
    route: Route | None
    """None: no route of the contract has this method and path, which looks like one of the service's."""

    method: str
    path: str
    """As on the wire, percent-encoded, the contract's `base_path` included, without the query."""

    path_values: Mapping[str, str]
    """What the path's fields hold, by wire name, decoded."""

    query_string: str
    """As on the wire, without the question mark."""

    headers: Headers
    body: bytes
    ledger: Ledger
    allowed: tuple[str, ...] = ()
    """The methods for which the contract has a route at this path."""

    @cached_property
    def json(self) -> Any:
        """The parsed body; None where there is none, or no JSON."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    @cached_property
    def query(self) -> tuple[tuple[str, str], ...]:
        """Names and values in the order in which they came, decoded."""
        return tuple(parse_qsl(self.query_string, keep_blank_values=True))

    def to(self, route: Route | None) -> "Asked":
        """The same request, taken as one to `route`."""
        return replace(self, route=route)

    def header(self, name: str) -> str | None:
        """The first value of a header; None where it is absent."""
        wanted = name.lower().encode("latin-1")
        return next((value.decode("latin-1") for found, value in self.headers if found == wanted), None)

    def parameter(self, name: str) -> str | None:
        """The first value of a query parameter; None where it is absent."""
        return next((value for found, value in self.query if found == name), None)

    @property
    def declared(self) -> Route:
        """The route. Raises LookupError where the contract has none for the request."""
        if self.route is None:
            raise LookupError(f"{self.contract.name} declares no {self.method} {self.path}")
        return self.route

    @property
    def resource(self) -> str:
        """What the path names, as `resource_value` has it for an event."""
        return "/".join(self.path_values.values())

    def take(self, identity: str, *, key: str | None = None, body: bytes | None = None) -> Effect:
        """Count one event, or one operation that was executed, and keep it to be looked at.

        Several of one request are taken one by one, each with its own `body`. `key` is what the service
        knows a repetition by; None: it knows none, and each counts.
        """
        taken = self.body if body is None else body
        return self.ledger.accept(self.contract.name, self.declared, identity, key, taken, self.resource)

    def refuse(self, identity: str, reason: Any, *, body: bytes | None = None) -> None:
        """Count one event that the service refuses, and keep it with the reason."""
        refused = self.body if body is None else body
        self.ledger.refuse(self.contract.name, self.declared, identity, reason, refused)


class StandIn(Protocol):
    """Plays one service. Decides; does no I/O, and never waits: scripted faults do that."""

    def answer(self, asked: Asked) -> Answer: ...

    def state(self) -> Any:
        """What the service holds, as JSON: shown at ``GET /_sandbox/state/{service}``."""
        ...

    def configure(self, settings: dict[str, Any]) -> None:
        """Change modes, lives of tokens and so on: ``POST /_sandbox/state/{service}``.

        Raises ValueError, naming the remedy, for a setting that there is not.
        """
        ...

    def reset(self) -> None:
        """Forget what was sent; what lets a sender in (tokens, keys) stays valid."""
        ...


Factory: TypeAlias = Callable[[ServiceContract, Callable[[], float]], StandIn]
"""Makes the stand-in of a contract; the second argument is the clock, in Unix seconds."""


def json_answer(status: int, content: Any, headers: Iterable[tuple[bytes, bytes]] = ()) -> Answer:
    """An answer with a JSON body, compact and in UTF-8."""
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":"), default=str).encode()
    return Answer(status, body, (*JSON, *headers))
