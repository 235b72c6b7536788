"""How a service knows an event that it has seen: part of the vocabulary in which a service is declared."""

from dataclasses import dataclass
from typing import Literal, TypeAlias


@dataclass(frozen=True, slots=True)
class KeyInBody:
    """The service deduplicates on a field of the body, which carries the submission id."""

    field: str


@dataclass(frozen=True, slots=True)
class KeyInHeader:
    """The service deduplicates on a request header, which carries the submission id."""

    header: str
    """None of those that the daemon alone sets."""


@dataclass(frozen=True, slots=True)
class NaturallyIdempotent:
    """Sending it twice has the effect of sending it once (an upsert)."""


@dataclass(frozen=True, slots=True)
class NotIdempotent:
    """The service remembers nothing: what may have arrived is treated as `when_ambiguous` says."""

    when_ambiguous: Literal["resend", "set_aside"]


Idempotency: TypeAlias = KeyInBody | KeyInHeader | NaturallyIdempotent | NotIdempotent
