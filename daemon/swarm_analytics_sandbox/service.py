"""The services behind the routes, one stand-in for each, and what all of them share. No network I/O."""

import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from swarm_analytics_models.authentication import headers_of, schemes_of
from swarm_analytics_models.contract import ServiceContract
from swarm_analytics_sandbox.by_contract import ByContract, detail
from swarm_analytics_sandbox.faults import Faults, Script
from swarm_analytics_sandbox.ledger import Ledger
from swarm_analytics_sandbox.places import Found, Places
from swarm_analytics_sandbox.reading import fits
from swarm_analytics_sandbox.stand_in import Answer, Asked, Headers, StandIn
from swarm_analytics_sandbox.stand_ins import STAND_INS
from swarm_analytics_sandbox.tokens import TOKEN_LIFE_S, TokenOffice

KEPT: Final = 100_000
"""Events, and requests, kept to be looked at; counts and keys are exact beyond that."""

MAX_BODY_BYTES: Final = 8 * 1024 * 1024
"""Larger bodies are answered with 413: no app can hand more to the daemon."""


@dataclass(slots=True)
class LoggedRequest:
    """A request as it came, and what became of it."""

    received_at: float
    service: str
    route: str | None
    method: str
    path: str
    query: str
    headers: Headers
    body: bytes
    answered: str = "pending"
    """The status that was answered, or the fault that was played in place of an answer."""


class Service:
    """All that the sandbox knows, for every contract it stands in for.

    Raises InvalidContract where two services collide, or one needs a stand-in of its own.
    """

    def __init__(
        self,
        contracts: Mapping[str, ServiceContract],
        *,
        script: Script | None = None,
        ledger: Path | None = None,
        token_life_s: float = TOKEN_LIFE_S,
        keep: int = KEPT,
    ) -> None:
        self.contracts = contracts
        self.places = Places(contracts)
        self.stand_ins: dict[str, StandIn] = {
            name: STAND_INS.get(name, ByContract)(contract, time.time) for name, contract in contracts.items()
        }
        self.ledger = Ledger(keep=keep, file=ledger)
        self.faults = Faults(script or Script())
        self.requests: deque[LoggedRequest] = deque(maxlen=keep)
        self.unauthorized = 0
        for office in self.offices:
            office.life_s = token_life_s

    @property
    def offices(self) -> tuple[TokenOffice, ...]:
        """Where tokens are minted as contracts say it; other stand-ins keep their own."""
        players = self.stand_ins.values()
        return tuple(player.senders.tokens for player in players if isinstance(player, ByContract))

    def reset(self) -> None:
        """Forget events, requests and faults; tokens stay valid."""
        self.ledger.clear()
        self.requests.clear()
        self.faults.load(Script())
        self.unauthorized = 0
        for stand_in in self.stand_ins.values():
            stand_in.reset()

    def asked(self, found: Found, method: str, path: str, query: str, headers: Headers, body: bytes) -> Asked:
        """The request to a service, and the route that it is one to."""
        asked = Asked(
            contract=found.contract,
            route=found.routes[0] if found.routes else None,
            method=method,
            path=path,
            path_values=found.path_values,
            query_string=query,
            headers=headers,
            body=body,
            ledger=self.ledger,
            allowed=found.allowed,
        )
        if len(found.routes) > 1:
            fitting = next((route for route in found.routes if fits(asked, route)), asked.route)
            return asked.to(fitting)
        return asked

    def log(self, asked: Asked) -> LoggedRequest:
        route = None if asked.route is None else asked.route.key
        name, query = asked.contract.name, asked.query_string
        entry = LoggedRequest(
            time.time(), name, route, asked.method, asked.path, query, asked.headers, asked.body
        )
        self.requests.append(entry)
        return entry

    def take(self, asked: Asked) -> Answer:
        """Handle a request as the real service would."""
        if len(asked.body) > MAX_BODY_BYTES:
            reason = f"larger than {MAX_BODY_BYTES} bytes"
            if asked.route is not None:
                asked.refuse("", reason)
            return detail(413, reason)
        answer = self.stand_ins[asked.contract.name].answer(asked)
        self.unauthorized += answer.status == 401
        return answer

    @property
    def secret_headers(self) -> frozenset[str]:
        """Header names, lower case, whose values are never shown."""
        named = (
            name.lower()
            for contract in self.contracts.values()
            for route in contract.routes
            for scheme in schemes_of(route.authentication)
            for name in headers_of(scheme)
        )
        return frozenset({"authorization", "cookie", "proxy-authorization", *named})
