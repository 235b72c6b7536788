"""What an event is about, what the user's consent means for it, and who yields when a home is full."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from types import MappingProxyType
from typing import Final


class Category(StrEnum):
    """What an event is about, in the words of the user's consent."""

    PRODUCT = "product"
    DIAGNOSTIC = "diagnostic"
    IDENTITY = "identity"
    BOOTSTRAP = "bootstrap"
    CONSENT = "consent"
    REQUEST = "request"
    """What somebody asked for and waits for: a call, never an event."""


class ConsentMode(StrEnum):
    """What the user allows a service to be sent."""

    FULL = "full"
    """Everything."""

    MINIMAL = "minimal"
    """Categories that are not muted; what is muted is withdrawn and erased."""

    HOLD = "hold"
    """As minimal, but what is muted is kept until the user decides."""


class Priority(IntEnum):
    """Who yields when a home is full: the highest number is evicted first, the lowest is sent first."""

    CONSENT = 0
    IDENTITY = 1
    PRODUCT = 2
    DIAGNOSTIC = 3


@dataclass(frozen=True, slots=True)
class CategoryPolicy:
    """What consent and a full home mean for a category."""

    muted: bool
    """Withheld under `minimal` and `hold`."""

    evictable: bool
    """May be given up when the home is over its cap."""

    priority: Priority


CATEGORY_POLICIES: Final[Mapping[Category, CategoryPolicy]] = MappingProxyType(
    {
        Category.PRODUCT: CategoryPolicy(muted=True, evictable=True, priority=Priority.PRODUCT),
        Category.DIAGNOSTIC: CategoryPolicy(muted=False, evictable=True, priority=Priority.DIAGNOSTIC),
        Category.IDENTITY: CategoryPolicy(muted=False, evictable=False, priority=Priority.IDENTITY),
        Category.BOOTSTRAP: CategoryPolicy(muted=False, evictable=False, priority=Priority.IDENTITY),
        Category.CONSENT: CategoryPolicy(muted=False, evictable=False, priority=Priority.CONSENT),
        Category.REQUEST: CategoryPolicy(muted=False, evictable=False, priority=Priority.IDENTITY),
    }
)
"""Every category has a decision; a route whose category lacks one cannot be declared."""
