"""How a route's requests say who sends them: part of the vocabulary in which a service is declared."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from swarm_analytics_models.identifiers import IdentityKind


@dataclass(frozen=True, slots=True)
class NoAuthentication:
    """The route is open."""


@dataclass(frozen=True, slots=True)
class InstallTokenAuthentication:
    """A bearer token that the service mints for an install id.

    The daemon calls `register_route` once per destination and again after a 401.
    """

    register_route: str
    install_field: str
    """Field of the bootstrap request that takes the install id."""

    token_field: str
    """Field of the bootstrap answer that holds the token."""


@dataclass(frozen=True, slots=True)
class ApiKeyAuthentication:
    """A key that a person obtained, sent as it is in one header."""

    header: str
    prefix: str
    """Put before the key: ``"Bearer "``, ``"ApiKey "`` or nothing."""


class SignedPath(StrEnum):
    """Which path a signature covers."""

    FULL = "full"
    """As it is on the wire, the base URL's part included."""

    ROUTE = "route"
    """The route's own, without what the base URL puts before it."""


class SignedBody(StrEnum):
    """In which form a signature covers a JSON body."""

    ECMASCRIPT = "ecmascript"
    """As ECMAScript's ``JSON.stringify`` writes the parsed body: compact, UTF-8, integer-like keys first in
    ascending order, ``1.0`` as ``1``."""

    WIRE = "wire"
    """Byte for byte as sent."""


class SigningKey(StrEnum):
    """How the secret becomes the HMAC's key."""

    HEX = "hex"
    """The bytes that its hexadecimal digits stand for."""

    TEXT = "text"
    """Its own characters, as ASCII."""


@dataclass(frozen=True, slots=True)
class SignatureScheme:
    """What a signature covers: method, path, time, nonce and body, in this order, without separators."""

    path: SignedPath
    query: bool
    """Whether ``?query`` belongs to the path."""

    body: SignedBody
    empty_body: str
    """What stands for the body of a POST, PUT or PATCH that has none; GET and DELETE sign nothing for it."""

    key: SigningKey


@dataclass(frozen=True, slots=True)
class SignatureAuthentication:
    """HMAC-SHA256 in lower-case hexadecimal over each attempt, with its own time and nonce.

    The identity of the destination is the id that goes into `id_header`; time is in Unix seconds.
    """

    id_header: str
    time_header: str
    nonce_header: str
    signature_header: str
    schemes: tuple[tuple[str, SignatureScheme], ...]
    """By name; the first is used unless a caller names another."""


@dataclass(frozen=True, slots=True)
class SessionAuthentication:
    """A short-lived bearer token that is minted with a public key for the user whose events these are."""

    open_route: str
    """Its request takes `user_id`, `anonymous_id`, `user_id_sig` and `user_id_ts`, as far as they are set."""

    token_field: str
    expires_field: str
    """Field of the answer with the end of the token's life, ISO 8601; without an offset it is UTC."""

    renew_before_s: float
    proof_life_s: float
    """How old a signed user id may be to open a session; an app that runs is asked for a fresh one."""


@dataclass(frozen=True, slots=True)
class ResourceKeyAuthentication:
    """A bearer token that is minted, with the destination's own key, for the resource that a path names."""

    mint_route: str
    resource_field: str
    """Path field, of the mint route and of the routes that use its keys, that names the resource."""

    token_field: str
    """Dotted path into the mint route's answer."""

    expires_field: str
    """Dotted path to the end of the key's life, in Unix milliseconds."""

    renew_before_s: float
    refused: frozenset[int]
    """Statuses after which it is minted anew, once for each request."""

    name_field: str | None = None
    """Field of the mint route's request that takes a name for the key (`DeliverySettings.key_name`)."""


Scheme: TypeAlias = (
    NoAuthentication
    | InstallTokenAuthentication
    | ApiKeyAuthentication
    | SignatureAuthentication
    | SessionAuthentication
    | ResourceKeyAuthentication
)


@dataclass(frozen=True, slots=True)
class PerIdentity:
    """How a request is authenticated depends on how its destination is known."""

    schemes: tuple[tuple[IdentityKind, Scheme], ...]

    def scheme(self, kind: IdentityKind) -> Scheme | None:
        """None: the service has no way to authenticate such a destination."""
        return dict(self.schemes).get(kind)


Authentication: TypeAlias = Scheme | PerIdentity


def scheme_for(authentication: Authentication, kind: IdentityKind) -> Scheme | None:
    """How a route's request to a destination of `kind` is authenticated; None: it cannot be."""
    return authentication.scheme(kind) if isinstance(authentication, PerIdentity) else authentication


def schemes_of(authentication: Authentication) -> tuple[Scheme, ...]:
    """Every way in which a route's requests may be authenticated."""
    if isinstance(authentication, PerIdentity):
        return tuple(scheme for _, scheme in authentication.schemes)
    return (authentication,)


def headers_of(scheme: Scheme) -> tuple[str, ...]:
    """The headers in which a scheme puts its proof."""
    match scheme:
        case NoAuthentication():
            return ()
        case ApiKeyAuthentication():
            return (scheme.header,)
        case SignatureAuthentication():
            return (scheme.id_header, scheme.time_header, scheme.nonce_header, scheme.signature_header)
        case InstallTokenAuthentication() | SessionAuthentication() | ResourceKeyAuthentication():
            return ("Authorization",)
