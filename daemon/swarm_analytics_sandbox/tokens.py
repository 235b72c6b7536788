"""Install tokens: minted, looked up, revoked."""

import base64
import hashlib
import hmac
import json
import secrets
import time
from dataclasses import dataclass, field
from enum import StrEnum


class Refused(StrEnum):
    """Why a token does not open a route."""

    MISSING = "missing"
    UNKNOWN = "unknown"
    REVOKED = "revoked"
    EXPIRED = "expired"


@dataclass(slots=True)
class Grant:
    """What a token stands for."""

    service: str
    install_id: str
    expires_at: float
    revoked: bool = False


def _part(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


@dataclass(slots=True)
class TokenOffice:
    """Mints JSON Web Tokens (HS256) and knows each one it minted; those of another process it does not."""

    life_s: float
    _secret: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    _grants: dict[str, Grant] = field(default_factory=dict)

    @property
    def minted(self) -> int:
        return len(self._grants)

    def mint(self, service: str, install_id: str) -> str:
        """A fresh valid token; those minted before stay valid."""
        now = time.time()
        claims = {
            "install_id": install_id,
            "iat": int(now),
            "exp": int(now + self.life_s),
            "jti": secrets.token_hex(8),
        }
        signed = ".".join(
            _part(json.dumps(piece).encode()) for piece in ({"alg": "HS256", "typ": "JWT"}, claims)
        )
        signature = hmac.digest(self._secret, signed.encode(), hashlib.sha256)
        token = f"{signed}.{_part(signature)}"
        self._grants[token] = Grant(service, install_id, now + self.life_s)
        return token

    def look_up(self, service: str, token: str | None) -> Grant | Refused:
        if not token:
            return Refused.MISSING
        grant = self._grants.get(token)
        if grant is None or grant.service != service:
            return Refused.UNKNOWN
        if grant.revoked:
            return Refused.REVOKED
        if grant.expires_at <= time.time():
            return Refused.EXPIRED
        return grant

    def revoke(self, *, install_id: str | None = None, token: str | None = None) -> int:
        """Revoke what matches both, and say how many were valid until now. Neither given: all of them."""
        revoked = 0
        for minted, grant in self._grants.items():
            if grant.revoked or (install_id not in (None, grant.install_id)) or (token not in (None, minted)):
                continue
            grant.revoked = True
            revoked += 1
        return revoked
