"""The frozen values that go into the outbox and come out of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, TypeAlias

from swarm_analytics_models.categories import ConsentMode
from swarm_analytics_models.handoff import DeliverySettings, DroppedEvent
from swarm_analytics_models.identifiers import Destination
from swarm_analytics_models.status import CredentialState
from swarm_analyticsd.outbox.lifecycle import DeadReason, HeldReason


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event that passed admission, ready to be inserted."""

    offset: int
    """Where its line starts in its journal or request; refusals refer to it."""

    service: str
    destination: str | None
    """`Destination.ref`; None: the service's only one."""

    route: str
    category: str
    priority: int
    muted_without_consent: bool
    evictable: bool
    ordering_key: str | None
    key: str
    body: bytes
    """Canonical: every resend is byte-identical."""

    client: str | None
    resource: str = ""
    """What of the service its path names (`resource_value`)."""


@dataclass(frozen=True, slots=True)
class Admission:
    """What one read of one journal, or one request, brought. Committed as a whole."""

    events: tuple[NewEvent, ...] = ()
    destinations: tuple[Destination, ...] = ()
    settings: Mapping[str, DeliverySettings] = field(default_factory=dict)
    """By `Destination.ref`, for those of the destinations that came with any."""

    journal: str | None = None
    start: int = 0
    end: int = 0
    """The journal was read from `start` up to here; both are committed with the rows."""

    refused: int = 0
    """Lines that admission refused before they came here; counted in the ledger."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """The same key was accepted before with another body."""

    event: NewEvent


@dataclass(frozen=True, slots=True)
class NoDestination:
    """The event names no destination that exists; `known` lists those it could mean."""

    event: NewEvent
    known: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NoSpace:
    """The home is full for events of this priority."""

    event: NewEvent


RefusedEvent: TypeAlias = Conflict | NoDestination | NoSpace


@dataclass(frozen=True, slots=True)
class Admitted:
    """What became of an admission, after its commit."""

    accepted: int
    duplicates: int
    refused: tuple[RefusedEvent, ...] = ()
    woken: frozenset[int] = frozenset()
    """Ids of destinations that now have something to send."""

    stale: int | None = None
    """Set, and nothing else done, when the journal was already committed up to this other offset."""

    dropped: tuple[DroppedEvent, ...] = ()
    """Events that were evicted to stay under the cap and whose client wants to know."""


WhenAmbiguous: TypeAlias = Literal["resend", "set_aside"]
"""What is done with an event that may have arrived at a service which would not know it again."""


class Phase(StrEnum):
    """What the daemon is doing with a row over which daemons have died (`Claimed.alone`)."""

    HANDLING = "handling"
    """Its request is being built, or its answer handled: a death now may be its doing."""

    WAITING = "waiting"
    """It is on the network: a death now says nothing about it."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """One leased row, with all that a request needs but the credential."""

    seq: int
    lease: int
    destination: int
    route: str
    category: str
    key: str
    body: bytes
    ordering_key: str | None
    attempts: int
    """Real tries before this one."""

    strikes: int
    """Tries that counted against the event."""

    suspect_mark: int | None
    """The destination's delivered count at its last failure that was put down to the service."""

    alone: bool
    """Its lease was lost so often that it must travel in a request of its own."""

    client: str | None
    accepted_at: float
    resource: str = ""


@dataclass(frozen=True, slots=True)
class Claim:
    rows: tuple[Claimed, ...]
    next_due_at: float | None
    """Unix time when the earliest row that is not yet due becomes so; None when no such row is queued."""

    delivered: int
    """The destination's count of delivered events at this moment."""


@dataclass(frozen=True, slots=True)
class Acknowledge:
    status: int
    skipped: int = 0
    """Events of the same request that the service left out without naming them; said of one row only."""


@dataclass(frozen=True, slots=True)
class Postpone:
    due_at: float
    error: str
    strike: bool
    """It counts against the event."""

    mark: int | None = None
    """New `suspect_mark`."""

    resent: bool = False
    """It may have arrived, and will be sent again all the same."""


@dataclass(frozen=True, slots=True)
class Hold:
    reason: HeldReason
    error: str


@dataclass(frozen=True, slots=True)
class Reject:
    reason: DeadReason
    error: str
    status: int | None


@dataclass(frozen=True, slots=True)
class Release:
    """The lease is given back; nothing counts."""

    resent: bool = False
    """It may have arrived, and will be sent again all the same."""


Verdict: TypeAlias = Acknowledge | Postpone | Hold | Reject | Release


@dataclass(frozen=True, slots=True)
class Settlement:
    """What becomes of one leased row. Applied only if the lease is still ours (compare-and-set)."""

    seq: int
    lease: int
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Settled:
    applied: int
    """Settlements whose lease was still ours."""

    dropped: tuple[DroppedEvent, ...] = ()
    """Of those, the events that are dead now and whose client wants to know."""


@dataclass(frozen=True, slots=True)
class KnownDestination:
    """A destination row."""

    id: int
    destination: Destination
    credential: CredentialState
    credential_error: str | None
    backoff_until: float | None
    """Unix time; kept over restarts so that a Retry-After is."""

    backoff_failures: int
    backoff_reason: str | None
    settings: DeliverySettings | None = None
    """How apps want its events sent: as the last of them said."""

    forgotten: bool = False
    """A person removed it, and nobody has declared it since."""

    @property
    def ref(self) -> str:
        return self.destination.ref


@dataclass(frozen=True, slots=True)
class Purged:
    """What an opt-out erased."""

    withdrawn: int


@dataclass(frozen=True, slots=True)
class Recovery:
    """What opening the outbox found."""

    epoch: int
    """This start's number; leases carry it."""

    released: int
    """Leases of earlier starts that were given back."""

    warnings: tuple[str, ...] = ()
    """For a person: an old SQLite, a corrupt file set aside and what was lost with it."""

    consent: dict[str, ConsentMode] = field(default_factory=dict)
    decided: dict[str, str] = field(default_factory=dict)
    """The moment, as a UUIDv7, of each service's newest decision about consent."""

    paused: frozenset[str] = frozenset()

    dropped: tuple[DroppedEvent, ...] = ()
    """Events that are dead now because daemons kept dying over them."""
