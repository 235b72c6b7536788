"""What a secret may look like, and the header that carries it."""

from dataclasses import dataclass, field
from typing import assert_never

from pydantic import SecretStr, ValidationError

from swarm_analytics_models.api import SessionIdentity
from swarm_analytics_models.identifiers import Destination, IdentityKind, session_destination
from swarm_analytics_models.validation import places
from swarm_analyticsd import policy


class UnusableSecret(ValueError):
    """A secret that cannot travel in a header, or is another's. Says why, never what it is."""


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


def secret_for(destination: Destination, secret: SecretStr) -> SecretStr:
    """`secret` in the form in which a destination of this kind keeps it. Raises UnusableSecret."""
    match destination.kind:
        case IdentityKind.INSTALL | IdentityKind.TOKEN | IdentityKind.KEY | IdentityKind.AGENT:
            return checked_secret(secret)
        case IdentityKind.SESSION:
            return _session_secret(destination, session_of(secret))
        case _:
            assert_never(destination.kind)


def _session_secret(destination: Destination, session: SessionIdentity) -> SecretStr:
    checked_secret(SecretStr(session.key))
    named = session_destination(
        destination.service, destination.base_url, session.key, session.user_id, session.anonymous_id
    )
    if named.identity != destination.identity:
        raise UnusableSecret("this is another user's, or another key's: events never change their user")
    return checked_secret(SecretStr(session.model_dump_json(ensure_ascii=True, exclude_none=True)))


def session_of(secret: SecretStr) -> SessionIdentity:
    """What a destination of kind ``session`` keeps. Raises UnusableSecret."""
    try:
        return SessionIdentity.model_validate_json(secret.get_secret_value())
    except ValidationError as error:
        raise UnusableSecret(f"this is no session's identity as JSON (look at: {places(error)})") from None
