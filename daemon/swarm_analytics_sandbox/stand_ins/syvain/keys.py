"""API keys, which belong to an organization, and ingestion keys, which are minted for an experiment."""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Final

from swarm_analytics_sandbox.stand_ins.syvain.envelope import Refusal, absent

API_KEY_PREFIX: Final = "ak_"
TOKEN_PREFIX: Final = "ik_"  # noqa: S105 - opens the sandbox only
DAY_MS: Final = 24 * 60 * 60 * 1000
"""Life of an ingestion key for which none is asked; the real service's is unknown."""


@dataclass(slots=True)
class Key:
    """An ingestion key as the service shows it, but for its token."""

    id: str
    experiment_id: str
    name: str
    created_at_ms: int
    expires_at_ms: int
    revoked_at_ms: int | None = None
    last_used_at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks; `key` is the ingestion key where it is one."""

    org_id: str
    key: Key | None = None


class KeyOffice:
    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._by_token: dict[str, Caller] = {}
        self.refused_api_keys: set[str] = set()
        self.life_ms = DAY_MS
        self.minted = 0

    def caller(self, authorization: str | None) -> Caller:
        """Whose bearer token it is. Raises Refusal."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme != "Bearer" or not token:
            raise Refusal(401, "A bearer token is required.", "unauthenticated")
        if token.startswith(TOKEN_PREFIX):
            return self._by_ingestion_key(token)
        if not token.startswith(API_KEY_PREFIX) or token in self.refused_api_keys:
            raise Refusal(401, "The API key is not valid.", "invalid_api_key")
        return Caller("org_" + hashlib.sha256(token.encode()).hexdigest()[:12])

    def mint(self, org_id: str, experiment_id: str, name: str, ttl_ms: int | None) -> tuple[Key, str]:
        now = self._now_ms()
        self.minted += 1
        key = Key(f"ikey_{self.minted}", experiment_id, name, now, now + (ttl_ms or self.life_ms))
        token = TOKEN_PREFIX + secrets.token_hex(16)
        self._by_token[token] = Caller(org_id, key)
        return key, token

    def of(self, experiment_id: str) -> list[Key]:
        return [
            caller.key
            for caller in self._by_token.values()
            if caller.key is not None and caller.key.experiment_id == experiment_id
        ]

    def revoke(self, experiment_id: str, key_id: str) -> Key:
        found = next((key for key in self.of(experiment_id) if key.id == key_id), None)
        if found is None:
            raise absent("ingestion_key", key_id)
        found.revoked_at_ms = found.revoked_at_ms or self._now_ms()
        return found

    def revoke_all(self) -> None:
        for caller in self._by_token.values():
            if caller.key is not None:
                caller.key.revoked_at_ms = self._now_ms()

    def shown(self) -> list[dict[str, Any]]:
        return [asdict(caller.key) for caller in self._by_token.values() if caller.key is not None]

    def _by_ingestion_key(self, token: str) -> Caller:
        caller = self._by_token.get(token)
        if caller is None or caller.key is None:
            raise Refusal(401, "The ingestion key is not known.", "invalid_ingestion_key")
        if caller.key.revoked_at_ms is not None:
            raise Refusal(401, "The ingestion key was revoked.", "ingestion_key_revoked")
        if caller.key.expires_at_ms <= self._now_ms():
            raise Refusal(401, "The ingestion key has expired.", "ingestion_key_expired")
        caller.key.last_used_at_ms = self._now_ms()
        return caller
