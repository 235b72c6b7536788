"""The life of an outbox row, in one table. Everything that may change a row's state is decided here.

`TRANSITIONS` is the whole truth: a pair that is not in it is illegal, raises, and changes nothing. The
diagram in ARCHITECTURE.md is rendered from it.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class State(StrEnum):
    """Where an accepted event is. It is in exactly one."""

    QUEUED = "queued"
    """Waits to be sent, now or at its due time. A retry is not a state: it is this, with a later due time."""

    LEASED = "leased"
    """Being sent by the daemon whose epoch the lease carries."""

    HELD = "held"
    """Waits for something that no retry brings: a credential, a decision, a route to reopen."""

    DELIVERED = "delivered"
    """The service's own acknowledgement was recognised."""

    DEAD = "dead"
    """The service rejected it; kept, inspectable, redrivable."""

    EXPIRED = "expired"
    """Older than the home keeps events."""

    EVICTED = "evicted"
    """Given up because the home was over its cap, or dropped by an operator."""

    WITHDRAWN = "withdrawn"
    """The user opted out."""


LIVE: Final = frozenset({State.QUEUED, State.LEASED, State.HELD})
"""Still on its way: `flush` waits for these, and they hold their ordering key."""

KEEPS_BODY: Final = LIVE | {State.DEAD}
"""All others keep a trail only: id, route, times, attempts and outcome."""


class Trigger(StrEnum):
    """What happens to a row."""

    CLAIM = "claim"
    """The scheduler takes it to send it."""

    ACKNOWLEDGE = "acknowledge"
    POSTPONE = "postpone"
    """Try again later: the service, the network or, within its attempts, the event was at fault."""

    RELEASE = "release"
    """The lease ended without a try that counts: shutdown, cancellation, a daemon that died."""

    HOLD = "hold"
    REJECT = "reject"
    WITHDRAW = "withdraw"
    FREE = "free"
    """What it was held for is there."""

    REDRIVE = "redrive"
    """An operator sends a dead event again, under the same key."""

    EXPIRE = "expire"
    EVICT = "evict"


TRANSITIONS: Final[Mapping[tuple[State, Trigger], State]] = MappingProxyType(
    {
        (State.QUEUED, Trigger.CLAIM): State.LEASED,
        (State.QUEUED, Trigger.HOLD): State.HELD,
        (State.QUEUED, Trigger.WITHDRAW): State.WITHDRAWN,
        (State.QUEUED, Trigger.EXPIRE): State.EXPIRED,
        (State.QUEUED, Trigger.EVICT): State.EVICTED,
        (State.LEASED, Trigger.ACKNOWLEDGE): State.DELIVERED,
        (State.LEASED, Trigger.POSTPONE): State.QUEUED,
        (State.LEASED, Trigger.RELEASE): State.QUEUED,
        (State.LEASED, Trigger.HOLD): State.HELD,
        (State.LEASED, Trigger.REJECT): State.DEAD,
        (State.LEASED, Trigger.WITHDRAW): State.WITHDRAWN,
        (State.HELD, Trigger.FREE): State.QUEUED,
        (State.HELD, Trigger.WITHDRAW): State.WITHDRAWN,
        (State.HELD, Trigger.EXPIRE): State.EXPIRED,
        (State.HELD, Trigger.EVICT): State.EVICTED,
        (State.DEAD, Trigger.REDRIVE): State.QUEUED,
        (State.DEAD, Trigger.WITHDRAW): State.WITHDRAWN,
        (State.DEAD, Trigger.EXPIRE): State.EXPIRED,
        (State.DEAD, Trigger.EVICT): State.EVICTED,
    }
)


class IllegalTransition(Exception):
    """A trigger met a row in a state that does not know it; nothing was changed."""

    def __init__(self, state: State, trigger: Trigger) -> None:
        super().__init__(f"a {state} event cannot {trigger}")
        self.state = state
        self.trigger = trigger


def after(state: State, trigger: Trigger) -> State:
    """The state that follows. Raises IllegalTransition where the table has no such pair."""
    try:
        return TRANSITIONS[state, trigger]
    except KeyError:
        raise IllegalTransition(state, trigger) from None


def sources(trigger: Trigger) -> frozenset[State]:
    """The states that know a trigger: what an UPDATE may select."""
    return frozenset(state for state, known in TRANSITIONS if known is trigger)


class HeldReason(StrEnum):
    """What a held event waits for."""

    NO_DESTINATION = "no_destination"
    """Nobody has said where this service is, or as whom to send."""

    CREDENTIAL = "credential"
    """The service refused the credential."""

    CONSENT = "consent"
    """The user asked to keep such events back."""

    ROUTE = "route"
    """The service has shut this route (403, 404 and the like); one event probes it."""


class DeadReason(StrEnum):
    """Why an event died."""

    REJECTED = "rejected"
    """The service called the event itself faulty (400, 413, 422, or what the contract names)."""

    ATTEMPTS = "attempts"
    """Only this event kept failing while its neighbours were delivered."""

    CRASHED = "crashed"
    """The daemon died over it, again and again, when it was alone in its request."""

    AMBIGUOUS = "ambiguous"
    """It may have arrived, the service would not notice a second time, and a person is to decide."""

    UNKNOWN_ROUTE = "unknown_route"
    """This version of the daemon does not know its route any more."""
