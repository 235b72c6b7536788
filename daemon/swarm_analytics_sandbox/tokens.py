"""Bearer tokens: minted, looked up, revoked."""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

TOKEN_LIFE_S: Final = 30 * 24 * 3600.0


class Refused(StrEnum):
    """Why a credential does not open a route."""

    MISSING = "missing"
    UNKNOWN = "unknown"
    REVOKED = "revoked"
    EXPIRED = "expired"


@dataclass(slots=True)
class Grant:
    """What a token stands for."""

    scope: str
    """The route that minted it."""

    identity: str
    expires_at: float
    revoked: bool = False


def _part(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


@dataclass(slots=True)
class TokenOffice:
    """Mints JSON Web Tokens (HS256) and knows each one it minted; those of another process it does not."""

    now: Callable[[], float]
    life_s: float = TOKEN_LIFE_S
    _secret: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    _grants: dict[str, Grant] = field(default_factory=dict)

    @property
    def minted(self) -> int:
        return len(self._grants)

    def mint(self, scope: str, identity: str) -> tuple[str, float]:
        """A fresh valid token and the end of its life; those minted before stay valid."""
        now = self.now()
        claims = {
            "install_id": identity,
            "iat": int(now),
            "exp": int(now + self.life_s),
            "jti": secrets.token_hex(8),
        }
        signed = ".".join(
            _part(json.dumps(piece).encode()) for piece in ({"alg": "HS256", "typ": "JWT"}, claims)
        )
        signature = hmac.digest(self._secret, signed.encode(), hashlib.sha256)
        token = f"{signed}.{_part(signature)}"
        grant = self._grants[token] = Grant(scope, identity, now + self.life_s)
        return token, grant.expires_at

    def look_up(self, scope: str, token: str | None) -> Grant | Refused:
        if not token:
            return Refused.MISSING
        grant = self._grants.get(token)
        if grant is None or grant.scope != scope:
            return Refused.UNKNOWN
        if grant.revoked:
            return Refused.REVOKED
        if grant.expires_at <= self.now():
            return Refused.EXPIRED
        return grant

    def revoke(self, *, identity: str | None = None, token: str | None = None) -> int:
        """Revoke what matches both, and say how many were valid until now. Neither given: all of them."""
        revoked = 0
        for minted, grant in self._grants.items():
            if grant.revoked or (identity not in (None, grant.identity)) or (token not in (None, minted)):
                continue
            grant.revoked = True
            revoked += 1
        return revoked
