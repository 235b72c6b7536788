"""As whom a client's events are sent: a secret key, or one user's sessions under a public key."""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from pydantic import SecretStr

from swarm_analytics.handoff import Adoption
from swarm_analytics.segops.types import UserContext, user_of
from swarm_analytics_models.api import SessionIdentity
from swarm_analytics_models.identifiers import key_destination, session_destination

SERVICE: Final = "segops"
PUBLIC_KEY_PREFIX: Final = "pk_"
_QUERY_KEY_PREFIX: Final = "mk_"

GetUser: TypeAlias = Callable[[], UserContext | Mapping[str, Any]]


def checked_key(api_key: str) -> str:
    """`api_key`, if events can be sent with it. Raises ValueError, naming the remedy."""
    if not api_key:
        raise ValueError("api_key is empty; pass a secret key (sk_...) or a public key (pk_...)")
    if api_key.startswith(_QUERY_KEY_PREFIX):
        raise ValueError("an mk_ key reads and cannot send events; pass a secret (sk_) or public (pk_) key")
    return api_key


class Identity:
    """Says, for a moment in the app's life, where its events go and what the daemon needs for that."""

    def __init__(self, base_url: str, api_key: str, get_user: GetUser | None) -> None:
        self._base_url: Final = base_url
        self._key: Final = SecretStr(checked_key(api_key))
        self._get_user: Final = get_user or _anonymous
        self.has_sessions: Final = api_key.startswith(PUBLIC_KEY_PREFIX)

    def adoption(self) -> Adoption:
        """As of now. With a public key it asks `get_user`, whose errors it passes on."""
        key = self._key.get_secret_value()
        if not self.has_sessions:
            return Adoption(key_destination(SERVICE, self._base_url, key), self._key)
        user = user_of(self._get_user())
        destination = session_destination(SERVICE, self._base_url, key, user.user_id, user.anonymous_id)
        session = SessionIdentity(
            key=key,
            user_id=user.user_id,
            anonymous_id=user.anonymous_id,
            user_id_sig=user.user_id_sig,
            user_id_ts=user.user_id_ts,
        )
        return Adoption(destination, SecretStr(session.model_dump_json(exclude_none=True)))


def _anonymous() -> UserContext:
    """What SegOps' own package says where it was given no `get_user`."""
    return UserContext(anonymous_id="anonymous")
