"""How a service knows what it has seen: part of the vocabulary in which a service is declared."""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from swarm_analytics_models.identifiers import IdentityKind

KEY_TEXT: Final = "{key}"
"""In a header's value: the idempotency key as it is, a UUID where a client minted it."""

KEY_HEX: Final = "{hex}"
"""In a header's value: the 32 hexadecimal digits of the key, which must be a UUID."""


@dataclass(frozen=True, slots=True)
class KeyInBody:
    """The service deduplicates on a field of the body, which carries the idempotency key.

    Where the field is none that the client stamps, the caller names the key in it.
    """

    field: str


@dataclass(frozen=True, slots=True)
class InProgress:
    """An answer that says: the request with this key is still being worked on; ask again."""

    status: int
    code: str
    every_s: float
    most: int
    """Requests in all, the first included."""


@dataclass(frozen=True, slots=True)
class KeyInHeader:
    """The service deduplicates on a request header, which carries the idempotency key."""

    headers: tuple[str, ...]
    """All get the same value. None of those that the daemon alone sets."""

    value: str = KEY_TEXT
    """Fixed text around `KEY_TEXT` or `KEY_HEX`."""

    honoured_for: frozenset[IdentityKind] | None = None
    """The service looks at it for destinations of these kinds only; None: for all."""

    in_progress: InProgress | None = None


@dataclass(frozen=True, slots=True)
class NaturallyIdempotent:
    """Sending it twice has the effect of sending it once (a read, an upsert)."""


@dataclass(frozen=True, slots=True)
class NotIdempotent:
    """The service remembers nothing: what may have arrived is treated as `when_ambiguous` says."""

    when_ambiguous: Literal["resend", "set_aside", "report"]
    """Of an event: `resend` or `set_aside`. Of a call: `report`, to the caller, that it may be executed."""

    headers: tuple[str, ...] = ()
    """Headers that carry the key all the same: the service does not keep to it."""


Idempotency: TypeAlias = KeyInBody | KeyInHeader | NaturallyIdempotent | NotIdempotent
