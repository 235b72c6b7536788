"""Asking a service for a short-lived token, as its contract says: a session, or a resource's key."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, assert_never

from pydantic import SecretStr, ValidationError

from swarm_analytics_models.authentication import (
    ApiKeyAuthentication,
    ResourceKeyAuthentication,
    SessionAuthentication,
    scheme_for,
)
from swarm_analytics_models.contract import Route, ServiceContract
from swarm_analytics_models.dotted import at
from swarm_analytics_models.identifiers import Destination, uuid7
from swarm_analytics_models.validation import reasons
from swarm_analyticsd import policy
from swarm_analyticsd.clock import Clock
from swarm_analyticsd.credentials.proof import Minted, MintingScheme, MintResult, Unproven, Why
from swarm_analyticsd.credentials.schemes import secret_header
from swarm_analyticsd.credentials.secret import UnusableSecret, session_of
from swarm_analyticsd.delivery.answer import Answer, Obstacle, Reply
from swarm_analyticsd.delivery.outcome import (
    CredentialRefused,
    Delivered,
    EventFault,
    FlowControl,
    NotReached,
    Outcome,
    Portal,
    RouteShut,
    ServiceFault,
    classify,
)
from swarm_analyticsd.delivery.request import Item, single_request
from swarm_analyticsd.delivery.send import Transport
from swarm_analyticsd.delivery.wire import Unsendable


@dataclass(frozen=True, slots=True)
class Minting:
    """Mints for one destination; calling it is one attempt."""

    contract: ServiceContract
    destination: Callable[[], Destination]
    """Where it is now: the path of its base URL may change."""

    transport: Transport
    clock: Clock
    key_name: Callable[[], str | None] = lambda: None
    """What the service shall call a resource's key; None: as it or the contract likes."""

    async def __call__(self, scheme: MintingScheme, resource: str, secret: SecretStr) -> MintResult:
        match scheme:
            case SessionAuthentication():
                session = session_of(secret)
                named = session.model_dump(exclude_none=True, exclude={"key"})
                route, key = self.contract.by_key[scheme.open_route], SecretStr(session.key)
                return await self._ask(route, named, key, scheme, _iso_time)
            case ResourceKeyAuthentication():
                route = self.contract.by_key[scheme.mint_route]
                arguments = {scheme.resource_field: resource}
                if scheme.name_field is not None and (name := self.key_name()) is not None:
                    arguments[scheme.name_field] = name
                return await self._ask(route, arguments, secret, scheme, _milliseconds)
            case _:
                assert_never(scheme)

    async def _ask(
        self,
        route: Route,
        arguments: Mapping[str, Any],
        secret: SecretStr,
        scheme: MintingScheme,
        time_of: Callable[[Any], float | None],
    ) -> MintResult:
        destination = self.destination()
        by = scheme_for(route.authentication, destination.kind)
        if not isinstance(by, ApiKeyAuthentication):
            return Unproven(
                Why.ABSENT, f"{route.key} takes no key from a destination of kind {destination.kind}"
            )
        try:
            body = route.request.model_validate(dict(arguments)).model_dump_json(by_alias=True).encode()
            request = single_request(route, destination.base_url.rstrip("/"), Item(uuid7(), body))
            request = request.authenticated((secret_header(by, secret),))
        except (ValidationError, Unsendable) as error:
            return Unproven(Why.REJECTED, f"no token can be asked for: {_told(error)}")
        except UnusableSecret as error:
            return Unproven(Why.REFUSED, str(error))
        answer = await self.transport.send(request)
        outcome = classify(answer, route, now=self.clock.now())
        refused = failure(outcome, route.key)
        if refused is not None:
            return replace(refused, code=self._code(answer))
        return _token(answer, scheme, time_of)

    def _code(self, answer: Answer) -> str | None:
        if not isinstance(answer, Reply) or answer.status < 400:
            return None
        try:
            body = json.loads(answer.body)
        except (ValueError, RecursionError):
            return None
        code = self.contract.read_error(answer.status, body).code
        return None if code is None else code[: policy.CALL_FIELD_CHARACTERS]


def failure(outcome: Outcome, what: str) -> Unproven | None:
    """Why a request for a token brought none; None: it brought the answer that the contract describes."""
    match outcome:
        case Delivered():
            return None
        case CredentialRefused(status, error):
            return Unproven(Why.REFUSED, f"{what} refused: {error}", status)
        case EventFault(status, error):
            return Unproven(Why.REJECTED, f"{what} refused: {error}", status)
        case RouteShut(status, error):
            return Unproven(Why.SHUT, f"{what} refused: {error}", status)
        case FlowControl(status, error, wait):
            return Unproven(Why.ASKED_TO_WAIT, f"{what} put off: {error}", status, wait)
        case ServiceFault(status, error, _, wait):
            return Unproven(Why.TROUBLE, f"{what} failed: {error}", status, wait)
        case NotReached(_, error):
            return Unproven(Why.UNREACHED, f"{what} failed: {error}")
        case Portal(status, error):
            return Unproven(Why.UNREACHED, f"{what} failed: {error}", status)
        case _:
            assert_never(outcome)


def outcome_of(unproven: Unproven) -> Outcome:
    """What it means for an event that its request could not be authenticated. Nothing of it was sent."""
    error, status = unproven.error[: policy.ERROR_CHARACTERS], unproven.status
    match unproven.why:
        case Why.ABSENT | Why.REFUSED:
            return CredentialRefused(status, error)
        case Why.REJECTED:
            return EventFault(status, error)
        case Why.SHUT:
            return RouteShut(status or 403, error)
        case Why.ASKED_TO_WAIT:
            return FlowControl(status or 429, error, unproven.retry_after_s)
        case Why.TROUBLE:
            return ServiceFault(status, error, ambiguous=False, retry_after_s=unproven.retry_after_s)
        case Why.UNREACHED:
            return NotReached(Obstacle.CONNECT, error)
        case _:
            assert_never(unproven.why)


def _token(answer: Answer, scheme: MintingScheme, time_of: Callable[[Any], float | None]) -> MintResult:
    fields = json.loads(answer.body) if isinstance(answer, Reply) else None
    token = at(fields, scheme.token_field)
    if not isinstance(token, str) or not token:
        return Unproven(Why.TROUBLE, f"no token: the answer has no {scheme.token_field!r}")
    expires_at = time_of(at(fields, scheme.expires_field))
    if expires_at is None:
        return Unproven(Why.TROUBLE, f"no token: the answer's {scheme.expires_field!r} is no time")
    return Minted(SecretStr(token), expires_at)


def _iso_time(value: Any) -> float | None:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()


def _milliseconds(value: Any) -> float | None:
    return value / 1000 if isinstance(value, int | float) and not isinstance(value, bool) else None


def _told(error: ValidationError | Unsendable) -> str:
    return reasons(error) if isinstance(error, ValidationError) else str(error)
