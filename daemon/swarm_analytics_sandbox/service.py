"""The service behind the routes: who may send, what is valid, what it answers. Decides; no network I/O."""

import hashlib
import json
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from swarm_analytics_models.authentication import (
    ApiKeyAuthentication,
    InstallTokenAuthentication,
    NoAuthentication,
    ResourceKeyAuthentication,
    Scheme,
    SessionAuthentication,
    SignatureAuthentication,
    headers_of,
    schemes_of,
)
from swarm_analytics_models.contract import InvalidContract, Route, ServiceContract
from swarm_analytics_sandbox.faults import Faults, Script
from swarm_analytics_sandbox.ledger import Effect, Ledger, key_of
from swarm_analytics_sandbox.stand_in import Answer, Headers
from swarm_analytics_sandbox.tokens import Grant, Refused, TokenOffice

TOKEN_LIFE_S: Final = 30 * 24 * 3600.0
KEPT: Final = 100_000
"""Events, and requests, kept to be looked at; counts and keys are exact beyond that."""

MAX_BODY_BYTES: Final = 8 * 1024 * 1024
"""Larger bodies are answered with 413: eight times what a client may hand off."""


TAKEN: Final = Answer(200, b'{"ok":true}')
"""What the real service says is unknown beyond 2xx."""


def detail(status: int, content: Any) -> Answer:
    return Answer(status, json.dumps({"detail": content}, default=str).encode())


@dataclass(slots=True)
class LoggedRequest:
    """A request as it came, and what became of it."""

    received_at: float
    method: str
    path: str
    headers: Headers
    body: bytes
    answered: str = "pending"
    """The status that was answered, or the fault that was played in place of an answer."""


class Service:
    """All that the sandbox knows, for every contract it stands in for."""

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
        self.tokens = TokenOffice(token_life_s)
        self.ledger = Ledger(keep=keep, file=ledger)
        self.faults = Faults(script or Script())
        self.requests: deque[LoggedRequest] = deque(maxlen=keep)
        self.unauthorized = 0
        self._registers: dict[tuple[str, str], InstallTokenAuthentication] = {}
        for contract in contracts.values():
            for route in contract.routes:
                if isinstance(route.authentication, InstallTokenAuthentication):
                    registers = contract.name, route.authentication.register_route
                    self._registers[registers] = route.authentication
        for contract in contracts.values():
            for route in contract.routes:
                if route.response is not None and (contract.name, route.key) not in self._registers:
                    raise InvalidContract(
                        f"{contract.name}: {route.key} answers with {route.response.__name__}, and the "
                        f"sandbox has no such answer; add one to {__name__}"
                    )

    def reset(self) -> None:
        """Forget events, requests and faults; tokens stay valid."""
        self.ledger.clear()
        self.requests.clear()
        self.faults.load(Script())
        self.unauthorized = 0

    def log(self, method: str, path: str, headers: Headers, body: bytes) -> LoggedRequest:
        entry = LoggedRequest(time.time(), method, path, headers, body)
        self.requests.append(entry)
        return entry

    def take(self, service: str, route: Route, headers: Headers, body: bytes) -> Answer:
        """Handle a request as the real service would."""
        identity = self._identify(service, route, headers)
        if isinstance(identity, Refused):
            self.unauthorized += 1
            return detail(401, f"token {identity}")
        if len(body) > MAX_BODY_BYTES:
            self.ledger.refuse(service, route, identity, f"larger than {MAX_BODY_BYTES} bytes", body)
            return detail(413, f"larger than {MAX_BODY_BYTES} bytes")
        try:
            payload = _read(route, headers, body)
        except _Unreadable as refused:
            self.ledger.refuse(service, route, identity, refused.reason, body)
            return detail(422, refused.reason)
        registers = self._registers.get((service, route.key))
        if registers is not None:
            install_id = getattr(payload, registers.install_field)
            token = self.tokens.mint(service, install_id)
            return Answer(200, json.dumps({registers.token_field: token, "install_id": install_id}).encode())
        key = key_of(route, payload, headers)
        if self.ledger.accept(service, route, identity, key, body) is Effect.CONFLICT:
            return detail(409, f"{key} was taken with another body")
        return TAKEN

    def _identify(self, service: str, route: Route, headers: Headers) -> str | Refused:
        identity: str | Refused = Refused.MISSING
        for scheme in schemes_of(route.authentication):
            identity = self._identify_by(service, scheme, headers)
            if not isinstance(identity, Refused):
                break
        return identity

    def _identify_by(self, service: str, scheme: Scheme, headers: Headers) -> str | Refused:
        match scheme:
            case NoAuthentication():
                return ""
            case InstallTokenAuthentication():
                found = self.tokens.look_up(service, _secret(headers, "authorization", "Bearer "))
                return found.install_id if isinstance(found, Grant) else found
            case ApiKeyAuthentication(header=header, prefix=prefix):
                key = _secret(headers, header, prefix)
                return f"key:{fingerprint(key)}" if key else Refused.MISSING
            case SessionAuthentication() | ResourceKeyAuthentication() | SignatureAuthentication():
                return Refused.UNKNOWN

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


def fingerprint(secret: str) -> str:
    """Tells secrets apart and gives none away."""
    return hashlib.sha256(secret.encode()).hexdigest()[:8]


def _secret(headers: Headers, name: str, prefix: str) -> str | None:
    value = header(headers, name)
    return value.removeprefix(prefix).strip() if value.startswith(prefix) else None


def header(headers: Headers, name: str) -> str:
    wanted = name.lower().encode()
    return next((value.decode("latin-1") for found, value in headers if found == wanted), "")


class _Unreadable(Exception):
    def __init__(self, reason: Any) -> None:
        super().__init__(reason)
        self.reason = reason


def _read(route: Route, headers: Headers, body: bytes) -> Any:
    media_type = header(headers, "content-type").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise _Unreadable(f"content type {media_type!r} is not application/json")
    try:
        return route.request.model_validate_json(body)
    except ValidationError as error:
        raise _Unreadable(
            [
                {"loc": ["body", *each["loc"]], "msg": each["msg"], "type": each["type"]}
                for each in error.errors(include_url=False, include_context=False, include_input=False)
            ]
        ) from error
