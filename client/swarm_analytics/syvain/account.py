"""Whose metrics they are, and where: what a client's constructor was told. No I/O."""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias
from urllib.parse import urlsplit

from pydantic import SecretStr

from swarm_analytics.syvain.errors import MetricsApiAuthError
from swarm_analytics_models.identifiers import InvalidBaseUrl, fingerprint, parse_base_url

Source: TypeAlias = Literal["api_key", "local", "local-dev"]

LOCAL: Final = "local"
LOCAL_DEV: Final = "local-dev"
"""What the Syvain CLI has logged in to, and its development twin."""

HOSTS: Final = {
    "api_key": "https://metrics.syvain.com",
    "local": "https://metrics.syvain.com",
    "local-dev": "https://syvain-metrics-app-dev.syvaintech.workers.dev",
}
"""Where the service is unless somebody says otherwise (sheet, section 1)."""

_HOST_HINT: Final = "Write it as https://host or https://host:port."


@dataclass(frozen=True, slots=True)
class Account:
    source: Source
    identity: str
    """The key's fingerprint, or the name of the file that the daemon reads it from."""

    secret: SecretStr | None
    """A key that the application passed in."""

    host: str | None
    """An origin; None: the daemon knows, or the service's own."""


def account_of(auth: str, host: str | None) -> Account:
    """Raises MetricsApiAuthError for an empty key and for a host that is no origin."""
    origin = None if host is None or not host.strip() else _origin(host.strip())
    if auth == LOCAL:
        return Account(LOCAL, auth, None, origin)
    if auth == LOCAL_DEV:
        return Account(LOCAL_DEV, auth, None, origin)
    key = auth.strip()
    if not key:
        raise MetricsApiAuthError(
            "the API key is empty", 'Pass a key (ak_org_...), or "local" for the login of the Syvain CLI.'
        )
    return Account("api_key", fingerprint(key), SecretStr(key), origin)


def _origin(host: str) -> str:
    try:
        endpoint = parse_base_url(host)
        path = urlsplit(host).path
    except InvalidBaseUrl as error:
        raise MetricsApiAuthError(f"host cannot be used: {error}", _HOST_HINT) from error
    if path not in ("", "/"):
        raise MetricsApiAuthError(f"host {host!r} has a path", _HOST_HINT)
    return endpoint.origin
