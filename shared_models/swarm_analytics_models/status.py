"""What ``status --json`` prints: the fixed part of it and, beside that, each destination."""

from enum import StrEnum
from typing import Any

from pydantic import BaseModel, Field

from swarm_analytics_models.categories import ConsentMode
from swarm_analytics_models.home import Durability


class CredentialState(StrEnum):
    ABSENT = "absent"
    """None is known, and nothing says how to get one."""

    PENDING = "pending"
    """The daemon is registering for one."""

    PRESENT = "present"
    HELD = "held"
    """The service refused it; it is being renewed, or a person must."""


class BreakerState(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Tallies(BaseModel):
    """Where a destination's accepted events are now."""

    queued: int = 0
    leased: int = 0
    held: int = 0
    dead: int = 0


class Incidents(BaseModel):
    """What happened to events besides; counted since the home was made."""

    skipped: int = 0
    """Left out of a batch by the service, which did not say which. They count as delivered."""

    resent: int = 0
    """Queued again although they may have arrived, where the service does not know them again."""

    set_aside: int = 0
    """Dead for that reason instead, as the app or the contract wants it."""


class CallsStatus(BaseModel):
    """Calls to a destination, of all apps; their breaker is not the one of its events."""

    in_flight: int = 0
    waiting: int = 0
    """For others to end, since only so many may be in flight."""

    breaker: BreakerState = BreakerState.CLOSED
    """The worst, where apps call with settings of their own."""

    open_until: float | None = None
    """Unix time in seconds at which a call may probe an open breaker."""

    last_error: str | None = None


class DestinationStatus(Tallies, Incidents):
    identity: str = ""
    """Its kind and name: ``install:<id>``, ``key:<fingerprint>``, ``agent:<id>`` and so on."""

    ref: str = ""
    base_url: str | None = None
    credential: CredentialState = CredentialState.ABSENT
    consent: ConsentMode = ConsentMode.FULL
    breaker: BreakerState = BreakerState.CLOSED
    held_reason: str | None = None
    next_attempt_at: float | None = None
    """Unix time in seconds."""

    oldest_queued_age_s: float | None = None
    last_delivered_at: float | None = None
    last_error: str | None = None
    calls: CallsStatus | None = None
    """None: nobody has called since the daemon started."""


class ServiceStatus(Tallies, Incidents):
    """The sum over a service's destinations; of what cannot be summed, the worst."""

    base_url: str | None = None
    credential: CredentialState = CredentialState.ABSENT
    consent: ConsentMode = ConsentMode.FULL
    breaker: BreakerState = BreakerState.CLOSED
    paused: bool = False
    held_reason: str | None = None
    next_attempt_at: float | None = None
    oldest_queued_age_s: float | None = None
    last_delivered_at: float | None = None
    last_error: str | None = None
    destinations: list[DestinationStatus] = Field(default_factory=list)


class Ledger(BaseModel):
    """Every accepted event is in exactly one of the states; `refused` and `duplicates` stand beside."""

    accepted: int = 0
    queued: int = 0
    leased: int = 0
    held: int = 0
    delivered: int = 0
    dead: int = 0
    expired: int = 0
    evicted: int = 0
    withdrawn: int = 0
    refused: int = 0
    duplicates: int = 0
    balanced: bool = True


class DaemonStatus(BaseModel):
    version: str
    protocol: int
    pid: int
    uptime_s: float
    address: str
    home: str
    durability: Durability
    sqlite_version: str
    rss_bytes: int
    warnings: list[str] = Field(default_factory=list)
    """What a person should know: each says what is wrong and what to do."""

    outbox_bytes: int = 0
    credential_store: str = ""
    journals: int = 0


class Status(BaseModel):
    daemon: DaemonStatus
    services: dict[str, ServiceStatus] = Field(default_factory=dict)
    ledger: Ledger = Field(default_factory=Ledger)


class EventSummary(BaseModel):
    """One row of the outbox as ``events`` and ``dead list`` show it: never its body."""

    id: str
    service: str
    route: str
    destination: str | None
    state: str
    held_reason: str | None = None
    attempts: int = 0
    accepted_at: float
    due_at: float | None = None
    settled_at: float | None = None
    last_error: str | None = None
    outcome: str | None = None
    size_bytes: int = 0


class EventDetail(EventSummary):
    """All that is known of one event; `body` only where it was asked for and is still kept."""

    category: str
    priority: int
    ordering_key: str | None = None
    behind: str | None = None
    """The event of the same ordering key that goes before it, where one does."""

    explanation: str = ""
    """One sentence for a person: why it is where it is, and what happens next."""

    body: Any = None
