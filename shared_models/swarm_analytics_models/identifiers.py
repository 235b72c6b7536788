"""Names for things: idempotency keys, origins, destinations and install references."""

import base64
import hashlib
import json
import os
import threading
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal
from urllib.parse import urlsplit

REFERENCE_PREFIX: Final = "swaref_"
"""Every install reference starts so; a real token never does."""

DESTINATION_PREFIX: Final = "d_"
"""Every destination's `ref` starts so."""

MAX_IDENTITY_CHARACTERS: Final = 128
"""Longest install id that the service takes (its `create_install_token`), and so of every identity."""


class InvalidBaseUrl(ValueError):
    """A base URL from which no origin can be read."""


_uuid7_lock = threading.RLock()  # a signal handler that emits may interrupt its own thread in here
_uuid7_last = 0


def _renew_uuid7_lock() -> None:
    global _uuid7_lock
    _uuid7_lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_uuid7_lock)


def uuid7() -> str:
    """Mint a UUIDv7 (RFC 9562) as text: time-ordered, and strictly increasing within a process.

    Time-ordered keys keep the outbox's unique index append-only. The 12 bits after the millisecond hold
    its fraction (RFC 9562, section 6.2, method 3); when the clock stands still or steps back, they count on.
    """
    global _uuid7_last
    nanoseconds = time.time_ns()
    milliseconds, rest = divmod(nanoseconds, 1_000_000)
    stamp = (milliseconds << 12) | (rest * 4096 // 1_000_000)
    with _uuid7_lock:
        if stamp <= _uuid7_last:
            stamp = _uuid7_last + 1
        _uuid7_last = stamp
    entropy = int.from_bytes(os.urandom(8)) & 0x3FFF_FFFF_FFFF_FFFF
    value = ((stamp >> 12) & 0xFFFF_FFFF_FFFF) << 80 | 0x7 << 76 | (stamp & 0xFFF) << 64 | 0x2 << 62 | entropy
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A base URL, taken apart: the origin a credential is bound to, and the path put before routes."""

    origin: str
    prefix: str

    @property
    def base_url(self) -> str:
        return self.origin + self.prefix


def parse_base_url(base_url: str) -> Endpoint:
    """Split `base_url` into its origin (scheme, host, port; lower case, default port left out) and path.

    Raises InvalidBaseUrl, naming the remedy, for a scheme other than http(s), user info, query or
    fragment.
    """
    if any(ord(character) <= 0x20 or ord(character) == 0x7F for character in base_url):
        raise InvalidBaseUrl(f"base URL {base_url!r} holds white space or control characters; remove them")
    try:
        parts = urlsplit(base_url)
        port = parts.port
    except ValueError as error:
        raise InvalidBaseUrl(f"base URL {base_url!r} cannot be read: {error}") from error
    scheme = parts.scheme.lower()
    if scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise InvalidBaseUrl(f"base URL {base_url!r} must look like https://host[:port][/path]")
    if parts.username is not None or parts.password is not None:
        raise InvalidBaseUrl("a base URL must not carry user name or password; register a credential instead")
    if parts.query or parts.fragment:
        raise InvalidBaseUrl(
            f"base URL {base_url!r} must not carry a query or fragment; cut it after the path"
        )
    host = parts.hostname.lower()
    authority = f"[{host}]" if ":" in host else host
    if port is not None and port != _DEFAULT_PORTS[scheme]:
        authority = f"{authority}:{port}"
    return Endpoint(origin=f"{scheme}://{authority}", prefix=parts.path.rstrip("/"))


class IdentityKind(StrEnum):
    """How the service knows whose events these are."""

    INSTALL = "install"
    """An install id: the daemon registers it, and registers it again after a 401."""

    TOKEN = "token"  # noqa: S105
    """A token that an app passed in; the identity is its fingerprint, and only the app can renew it."""

    KEY = "key"
    """An API key: the identity is its fingerprint where an app passed it in, else the name under which the
    daemon finds it (``default``, or that of one of the contract's key sources)."""

    AGENT = "agent"
    """An agent id whose secret signs requests."""

    SESSION = "session"
    """A user for whom sessions are opened with a public key; the identity is the fingerprint of both."""


@dataclass(frozen=True, slots=True)
class Destination:
    """Where an event goes and as whom. An event is bound to one at hand-off and never sent under another."""

    service: str
    base_url: str
    kind: IdentityKind
    identity: str

    @property
    def ref(self) -> str:
        """Stable id: equal for equal (service, origin, kind, identity), whatever the path of the base URL."""
        origin = parse_base_url(self.base_url).origin
        canonical = json.dumps([self.service, origin, self.kind, self.identity], separators=(",", ":"))
        return DESTINATION_PREFIX + hashlib.sha256(canonical.encode()).hexdigest()[:24]


def _checksum(payload: bytes) -> str:
    return hashlib.sha256(b"swarm-analytics reference\0" + payload).hexdigest()[:12]


def encode_reference(destination: Destination) -> str:
    """The opaque text that `register` hands to an app in place of the token. It names, and holds no secret.

    It carries the destination, so that a home that was wiped can register again by itself.
    """
    payload = json.dumps(
        [
            destination.service,
            destination.base_url,
            destination.kind,
            destination.identity,
        ],
        separators=(",", ":"),
    ).encode()
    text = base64.urlsafe_b64encode(payload).decode().rstrip("=")
    return f"{REFERENCE_PREFIX}{text}.{_checksum(payload)}"


def decode_reference(
    reference: str,
) -> Destination | Literal["unknown", "not_a_reference"]:
    """The destination a reference names; `unknown` when it is damaged or foreign: hold, never send it."""
    if not reference.startswith(REFERENCE_PREFIX):
        return "not_a_reference"
    text, _, checksum = reference.removeprefix(REFERENCE_PREFIX).partition(".")
    try:
        payload = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        if _checksum(payload) != checksum:
            return "unknown"
        service, base_url, kind, identity = json.loads(payload)
        return Destination(service, base_url, IdentityKind(kind), identity)
    except (ValueError, TypeError):
        return "unknown"


def token_destination(service: str, base_url: str, token: str) -> Destination:
    """The destination of a real token that an app passed in.

    A JSON Web Token that names its install (claim ``install_id``) belongs to that install, so that a renewed
    token continues its queue; any other token is its own identity, known by its fingerprint alone.
    """
    claimed = _claimed_install(token)
    if claimed is not None:
        return Destination(service, base_url, IdentityKind.INSTALL, claimed)
    return Destination(service, base_url, IdentityKind.TOKEN, fingerprint(token))


def key_destination(service: str, base_url: str, key: str) -> Destination:
    """The destination of an API key that an app passed in, known by its fingerprint."""
    return Destination(service, base_url, IdentityKind.KEY, fingerprint(key))


def session_destination(
    service: str, base_url: str, key: str, user_id: str | None, anonymous_id: str | None
) -> Destination:
    """The destination of what one user does, under one public key."""
    identity = fingerprint(json.dumps([key, user_id, anonymous_id], separators=(",", ":")))
    return Destination(service, base_url, IdentityKind.SESSION, identity)


def fingerprint(secret: str) -> str:
    """24 hexadecimal digits that tell secrets apart and give none away."""
    return hashlib.sha256(secret.encode()).hexdigest()[:24]


def _claimed_install(token: str) -> str | None:
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return None
    install = claims.get("install_id") if isinstance(claims, dict) else None
    return install if isinstance(install, str) and 1 <= len(install) <= MAX_IDENTITY_CHARACTERS else None
