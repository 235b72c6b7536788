"""How a secret becomes a header."""

from dataclasses import dataclass, field
from typing import assert_never

from pydantic import SecretStr

from swarm_analytics_models.authentication import (
    ApiKeyAuthentication,
    Authentication,
    InstallTokenAuthentication,
    NoAuthentication,
    ResourceKeyAuthentication,
    Scheme,
    SessionAuthentication,
    SignatureAuthentication,
    schemes_of,
)
from swarm_analytics_models.contract import ServiceContract
from swarm_analyticsd import policy


class UnusableSecret(ValueError):
    """A secret that cannot travel in a header. Says why, never what it is."""


@dataclass(frozen=True, slots=True)
class AuthenticationHeader:
    name: str
    value: str = field(repr=False)


def checked_secret(secret: SecretStr) -> SecretStr:
    """`secret` without white space around it. Raises UnusableSecret."""
    text = secret.get_secret_value().strip()
    if not text or len(text) > policy.SECRET_CHARACTERS:
        raise UnusableSecret(f"a credential has 1 to {policy.SECRET_CHARACTERS} characters, not {len(text)}")
    if any(not 0x20 <= ord(character) < 0x7F for character in text):
        raise UnusableSecret("a credential holds printable ASCII only; this one has other characters")
    return SecretStr(text)


def authentication_header(authentication: Scheme, secret: SecretStr | None) -> AuthenticationHeader | None:
    """The header that authenticates a request, or None for an open route. Raises UnusableSecret."""
    match authentication:
        case NoAuthentication():
            return None
        case InstallTokenAuthentication() | SessionAuthentication() | ResourceKeyAuthentication():
            return AuthenticationHeader("Authorization", f"Bearer {_text(secret)}")
        case ApiKeyAuthentication(header, prefix):
            return AuthenticationHeader(header, f"{prefix}{_text(secret)}")
        case SignatureAuthentication():
            raise UnusableSecret("an event is never signed: signatures belong to calls")
        case _:
            assert_never(authentication)


def needs_secret(authentication: Authentication) -> bool:
    return not any(isinstance(scheme, NoAuthentication) for scheme in schemes_of(authentication))


def registration_of(contract: ServiceContract) -> InstallTokenAuthentication | None:
    """How the service mints a token for an install id, where it does."""
    schemes = (scheme for route in contract.routes for scheme in schemes_of(route.authentication))
    return next((scheme for scheme in schemes if isinstance(scheme, InstallTokenAuthentication)), None)


def _text(secret: SecretStr | None) -> str:
    if secret is None:
        raise UnusableSecret("there is no credential yet")
    return checked_secret(secret).get_secret_value()
