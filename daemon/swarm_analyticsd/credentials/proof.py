"""Proofs of who sends a request, where secrets for them are minted, and why there is none."""

from collections.abc import Awaitable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Protocol, TypeAlias

from pydantic import SecretStr

from swarm_analytics_models.authentication import ResourceKeyAuthentication, SessionAuthentication
from swarm_analyticsd.credentials.secret import AuthenticationHeader


class Why(StrEnum):
    """Why a request cannot be authenticated now. In no case was it sent."""

    ABSENT = "absent"
    """No credential is known."""

    REFUSED = "refused"
    """The service refuses the credential, or a person must renew it."""

    REJECTED = "rejected"
    """The request is at fault: what it names gets no key, or it cannot be signed."""

    SHUT = "shut"
    """The way to a key is shut (403, 404 and the like)."""

    ASKED_TO_WAIT = "asked_to_wait"
    """The service that was asked for a key wants a pause."""

    TROUBLE = "trouble"
    """The service that was asked for a key is in trouble."""

    UNREACHED = "unreached"
    """The service could not be asked for a key: no network, mostly."""


_TEMPORARY: Final = frozenset({Why.ASKED_TO_WAIT, Why.TROUBLE, Why.UNREACHED})


@dataclass(frozen=True, slots=True)
class Unproven:
    """There is no proof for a request, which must not be sent."""

    why: Why
    error: str
    status: int | None = None
    """Of the service's answer, where it gave one."""

    retry_after_s: float | None = None
    generation: int = -1
    """Of the destination's secret that did not do."""

    code: str | None = None
    """The service's own, of its answer to a request for a token."""

    @property
    def temporary(self) -> bool:
        """Nothing was decided: trying again later may help."""
        return self.why in _TEMPORARY


@dataclass(frozen=True, slots=True)
class Proof:
    """What authenticates one attempt of one request. A retry takes a new one."""

    headers: tuple[AuthenticationHeader, ...]
    generation: int
    """Of the destination's secret that it rests on."""

    refusals: frozenset[int]
    """Statuses by which the service refuses it."""

    token: tuple[str, int] | None = None
    """Where it is a minted token: of which resource (of none, if it is a session's), and its number."""

    @property
    def of_resource(self) -> bool:
        """It is a resource's key: what is said of it says nothing of the key that minted it."""
        return self.token is not None and self.token[0] != ""


@dataclass(frozen=True, slots=True)
class Minted:
    secret: SecretStr = field(repr=False)
    expires_at: float | None = None
    """Unix time; None: nobody says."""


MintResult: TypeAlias = Minted | Unproven
MintingScheme: TypeAlias = SessionAuthentication | ResourceKeyAuthentication


class Mint(Protocol):
    """Asks a service for a short-lived token. One call is one attempt."""

    def __call__(
        self, scheme: MintingScheme, resource: str, secret: SecretStr, /
    ) -> Awaitable[MintResult]: ...
