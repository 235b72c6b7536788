"""How a secret becomes the header that carries it."""

from typing import TypeAlias

from pydantic import SecretStr

from swarm_analytics_models.authentication import (
    ApiKeyAuthentication,
    Authentication,
    InstallTokenAuthentication,
    NoAuthentication,
    SessionAuthentication,
    schemes_of,
)
from swarm_analytics_models.contract import ServiceContract
from swarm_analyticsd.credentials.secret import AuthenticationHeader, checked_secret

CarriedScheme: TypeAlias = InstallTokenAuthentication | ApiKeyAuthentication
"""Schemes that send the destination's secret itself."""


def secret_header(scheme: CarriedScheme, secret: SecretStr) -> AuthenticationHeader:
    """The header that carries `secret`. Raises UnusableSecret."""
    if isinstance(scheme, ApiKeyAuthentication):
        return AuthenticationHeader(
            scheme.header, f"{scheme.prefix}{checked_secret(secret).get_secret_value()}"
        )
    return bearer(secret)


def bearer(secret: SecretStr) -> AuthenticationHeader:
    """Raises UnusableSecret."""
    return AuthenticationHeader("Authorization", f"Bearer {checked_secret(secret).get_secret_value()}")


def needs_secret(authentication: Authentication) -> bool:
    return not any(isinstance(scheme, NoAuthentication) for scheme in schemes_of(authentication))


def registration_of(contract: ServiceContract) -> InstallTokenAuthentication | None:
    """How the service mints a token for an install id, where it does."""
    schemes = (scheme for route in contract.routes for scheme in schemes_of(route.authentication))
    return next((scheme for scheme in schemes if isinstance(scheme, InstallTokenAuthentication)), None)


def sessions_of(contract: ServiceContract) -> SessionAuthentication | None:
    """How the service opens sessions, where it does."""
    schemes = (scheme for route in contract.routes for scheme in schemes_of(route.authentication))
    return next((scheme for scheme in schemes if isinstance(scheme, SessionAuthentication)), None)
