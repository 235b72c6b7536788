"""Which destination a client's arguments mean. Pure: no I/O, and no secret is kept in the answer but once."""

from dataclasses import dataclass
from typing import Final

from pydantic import SecretStr

from swarm_analytics_models.identifiers import (
    MAX_IDENTITY_CHARACTERS,
    Destination,
    IdentityKind,
    decode_reference,
    parse_base_url,
    token_destination,
)

UNKNOWN_REFERENCE: Final = "unknown-reference"
"""Identity of events whose client was given a reference that is damaged or from elsewhere: they are held."""

_NOWHERE: Final = "https://unknown-reference.invalid"


@dataclass(frozen=True, slots=True)
class Chosen:
    """`destination` is None for the home's only one; `adopt` is a real token for the daemon to adopt."""

    destination: Destination | None
    adopt: SecretStr | None = None


def choose_destination(
    service: str, base_url: str | None, token: str | None, install_id: str | None
) -> Chosen:
    """What `AnalyticsClient` was told to send to, and as whom. Raises ValueError, naming the remedy."""
    if base_url is not None:
        parse_base_url(base_url)
    if token is None:
        return _by_install(service, base_url, install_id)
    if not token:
        raise ValueError(
            "token is empty; leave it out and pass install_id, and the daemon registers by itself"
        )
    named = decode_reference(token)
    if named == "not_a_reference":
        return _by_token(service, base_url, token, install_id)
    if named == "unknown":
        return Chosen(Destination(service, base_url or _NOWHERE, IdentityKind.TOKEN, UNKNOWN_REFERENCE))
    if install_id is not None and (named.kind, named.identity) != (IdentityKind.INSTALL, install_id):
        raise ValueError(
            f"token stands for the {named.kind} {named.identity!r}, and install_id is {install_id!r}; "
            "pass one of them"
        )
    return Chosen(Destination(service, base_url or named.base_url, named.kind, named.identity))


def _by_install(service: str, base_url: str | None, install_id: str | None) -> Chosen:
    if base_url is None and install_id is None:
        return Chosen(None)
    if base_url is None or install_id is None:
        given, lacking = (
            ("install_id", "base_url") if base_url is None else ("base_url", "install_id or token")
        )
        raise ValueError(
            f"{given} needs {lacking} beside it; pass both, or neither to use the home's only destination"
        )
    if not 1 <= len(install_id) <= MAX_IDENTITY_CHARACTERS:
        raise ValueError(
            f"install_id has {len(install_id)} characters; it must have 1 to {MAX_IDENTITY_CHARACTERS}"
        )
    return Chosen(Destination(service, base_url, IdentityKind.INSTALL, install_id))


def _by_token(service: str, base_url: str | None, token: str, install_id: str | None) -> Chosen:
    if base_url is None:
        raise ValueError(
            "token needs base_url beside it: a token is sent to the service that issued it and no other"
        )
    secret = SecretStr(token)
    if install_id is not None:
        chosen = _by_install(service, base_url, install_id)
        return Chosen(chosen.destination, secret)
    return Chosen(token_destination(service, base_url, token), secret)
