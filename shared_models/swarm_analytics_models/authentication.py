"""How a route's requests say who sends them: part of the vocabulary in which a service is declared."""

from dataclasses import dataclass
from typing import TypeAlias


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


Authentication: TypeAlias = NoAuthentication | InstallTokenAuthentication | ApiKeyAuthentication
