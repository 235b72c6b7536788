"""Who may send to a service, as far as its contract says it: any key that is not revoked, any agent, and
whoever holds a token that was minted here."""

import copy
import hashlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, assert_never

from pydantic import BaseModel

from swarm_analytics_models.authentication import (
    ApiKeyAuthentication,
    InstallTokenAuthentication,
    NoAuthentication,
    ResourceKeyAuthentication,
    Scheme,
    SessionAuthentication,
    SignatureAuthentication,
    schemes_of,
)
from swarm_analytics_models.contract import Route, ServiceContract
from swarm_analytics_sandbox.stand_in import Asked
from swarm_analytics_sandbox.tokens import Grant, Refused, TokenOffice


def fingerprint(secret: str) -> str:
    """Tells secrets apart and gives none away."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()[:8]


class Senders:
    """Lets in and issues tokens."""

    def __init__(self, contract: ServiceContract, now: Callable[[], float]) -> None:
        self.tokens = TokenOffice(now)
        self.revoked_keys: frozenset[str] = frozenset()
        self._nonces: set[str] = set()
        self._issuers: dict[str, Scheme] = {}
        for route in contract.routes:
            for scheme in schemes_of(route.authentication):
                if (issuer := _issuer(scheme)) is not None:
                    self._issuers[issuer] = scheme

    def identify(self, asked: Asked, route: Route) -> str | Refused:
        """Who sends, by the first of the route's schemes that lets the request in."""
        identity: str | Refused = Refused.MISSING
        for scheme in schemes_of(route.authentication):
            found = self._identify_by(asked, scheme)
            if not isinstance(found, Refused):
                return found
            if found is not Refused.MISSING:
                identity = found
        return identity

    def issues(self, route: Route) -> bool:
        return route.key in self._issuers

    def issue(self, asked: Asked, route: Route, payload: BaseModel) -> dict[str, Any]:
        """The answer of a route that issues tokens: its example, with a fresh one."""
        answer: dict[str, Any] = copy.deepcopy(route.example) if isinstance(route.example, dict) else {}
        scheme = self._issuers[route.key]
        match scheme:
            case InstallTokenAuthentication(install_field=name, token_field=token):
                identity = getattr(payload, name)
                answer |= {token: self.tokens.mint(route.key, identity)[0], name: identity}
            case SessionAuthentication(token_field=token, expires_field=expires):
                identity = _user(payload)
                answer[token], end = self.tokens.mint(route.key, identity)
                answer[expires] = datetime.fromtimestamp(end, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            case ResourceKeyAuthentication(token_field=token, expires_field=expires):
                minted, end = self.tokens.mint(route.key, asked.path_values[scheme.resource_field])
                _put(answer, token, minted)
                _put(answer, expires, int(end * 1000))
            case _:
                raise LookupError(f"{route.key} issues no tokens")
        return answer

    def _identify_by(self, asked: Asked, scheme: Scheme) -> str | Refused:
        match scheme:
            case NoAuthentication():
                return ""
            case InstallTokenAuthentication(register_route=issuer) | SessionAuthentication(open_route=issuer):
                found = self.tokens.look_up(issuer, _proof(asked, "authorization", "Bearer "))
                return found.identity if isinstance(found, Grant) else found
            case ResourceKeyAuthentication(mint_route=issuer, resource_field=resource):
                found = self.tokens.look_up(issuer, _proof(asked, "authorization", "Bearer "))
                if isinstance(found, Grant) and found.identity != asked.path_values.get(resource):
                    return Refused.UNKNOWN
                return f"{resource}:{found.identity}" if isinstance(found, Grant) else found
            case ApiKeyAuthentication(header=header, prefix=prefix):
                key = _proof(asked, header, prefix)
                if not key:
                    return Refused.MISSING
                return Refused.REVOKED if key in self.revoked_keys else f"key:{fingerprint(key)}"
            case SignatureAuthentication():
                return self._signed(asked, scheme)
            case _:
                assert_never(scheme)

    def _signed(self, asked: Asked, scheme: SignatureAuthentication) -> str | Refused:
        """Whether it is signed at all, with a nonce of its own; no secret is known to check it with."""
        agent, nonce = asked.header(scheme.id_header), asked.header(scheme.nonce_header)
        if not agent or not nonce or not asked.header(scheme.time_header):
            return Refused.MISSING
        if not asked.header(scheme.signature_header) or nonce in self._nonces:
            return Refused.UNKNOWN
        self._nonces.add(nonce)
        return f"agent:{agent}"


def _issuer(scheme: Scheme) -> str | None:
    match scheme:
        case InstallTokenAuthentication(register_route=issuer):
            return issuer
        case SessionAuthentication(open_route=issuer):
            return issuer
        case ResourceKeyAuthentication(mint_route=issuer):
            return issuer
        case NoAuthentication() | ApiKeyAuthentication() | SignatureAuthentication():
            return None
        case _:
            assert_never(scheme)


def _user(payload: BaseModel) -> str:
    named: Mapping[str, Any] = payload.model_dump(by_alias=True)
    return str(named.get("user_id") or named.get("anonymous_id") or "anonymous")


def _proof(asked: Asked, header: str, prefix: str) -> str | None:
    value = asked.header(header) or ""
    return value.removeprefix(prefix).strip() if value.startswith(prefix) else None


def _put(answer: dict[str, Any], dotted: str, value: Any) -> None:
    *steps, last = dotted.split(".")
    for step in steps:
        answer = answer.setdefault(step, {})
    answer[last] = value
