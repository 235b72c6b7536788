"""The schema, as SQLAlchemy Core tables. `migrations` builds it; a test proves that the two are equal.

The conditions (`IS_LIVE` and the like) are literal text, the same in the indexes and in the statements:
SQLite uses a partial index only where the statement's own words imply the index's.
"""

from collections.abc import Iterable
from typing import Final

from sqlalchemy import Column, Float, Index, Integer, LargeBinary, MetaData, Table, Text, text
from sqlalchemy.sql.elements import TextClause

from swarm_analyticsd.outbox.lifecycle import KEEPS_BODY, LIVE, State

METADATA: Final = MetaData()


def in_states(states: Iterable[State]) -> TextClause:
    """`state IN (...)`."""
    chosen = frozenset(states)
    return text("state IN ({})".format(", ".join(f"'{state}'" for state in State if state in chosen)))


IS_LIVE: Final = in_states(LIVE)
KEEPS_ITS_BODY: Final = in_states(KEEPS_BODY)
IS_SETTLED: Final = in_states(frozenset(State) - KEEPS_BODY)
IS_QUEUED: Final = text("state = 'queued'")
IS_READY: Final = text("state = 'queued' AND head = 1")
IS_LEASED: Final = text("state = 'leased'")
IS_HELD: Final = text("state = 'held'")
IS_DEAD: Final = text("state = 'dead'")

NOTED: Final = ("skipped", "resent", "set_aside")
"""What happened to events besides their being in a state: left out of a batch by the service, queued again
although they may have arrived, given up to a person for that reason."""

home: Final = Table(
    "home",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("epoch", Integer, nullable=False),
    Column("observed_s", Float, nullable=False),
    Column("observed_wall", Float, nullable=False),
    Column("refused", Integer, nullable=False),
    Column("duplicates", Integer, nullable=False),
)
"""One row: the number of this start, the observed time and when it was kept, and the counts that stand
beside the balance."""

services: Final = Table(
    "services",
    METADATA,
    Column("service", Text, primary_key=True),
    Column("consent", Text, nullable=False),
    Column("paused", Integer, nullable=False),
    Column("decided_at", Text),
)
"""What a person decided about a service. No row: full consent, not paused. `decided_at` is the moment of the
newest decision about consent, as a UUIDv7."""

destinations: Final = Table(
    "destinations",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("service", Text, nullable=False),
    Column("ref", Text),
    Column("base_url", Text),
    Column("kind", Text),
    Column("identity", Text),
    Column("credential", Text, nullable=False),
    Column("credential_error", Text),
    Column("backoff_until", Float),
    Column("backoff_failures", Integer, nullable=False),
    Column("backoff_reason", Text),
    Column("settings", Text),
    Column("forgotten", Integer, nullable=False, server_default=text("0")),
)
"""Where events go and as whom. A service's row without ref stands in while nobody has said so. `settings` is
a `DeliverySettings` as JSON. `forgotten`: a person removed it, and no app has declared it since; the row
stays for its trail, and for an app that still runs and names it."""

Index("destinations_by_ref", destinations.c.service, destinations.c.ref, unique=True)
Index("destinations_unknown", destinations.c.service, unique=True, sqlite_where=text("ref IS NULL"))

ledger: Final = Table(
    "ledger",
    METADATA,
    Column("destination", Integer, primary_key=True),
    Column("accepted", Integer, nullable=False),
    *(Column(state.value, Integer, nullable=False) for state in State),
    Column("bytes", Integer, nullable=False),
    Column("last_delivered_at", Float),
    Column("last_error", Text),
    *(Column(name, Integer, nullable=False, server_default=text("0")) for name in NOTED),
)
"""Each destination's counts, changed in the transactions that change its rows."""

clients: Final = Table(
    "clients",
    METADATA,
    Column("client", Text, primary_key=True),
    Column("pending", Integer, nullable=False),
)
"""How many events of a client object are on their way. None: no row."""

journals: Final = Table(
    "journals",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("position", Integer, nullable=False),
)
"""Up to where each journal is committed, written in the transactions that commit its lines."""

events: Final = Table(
    "events",
    METADATA,
    Column("seq", Integer, primary_key=True),
    Column("destination", Integer, nullable=False),
    Column("route", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("muted", Integer, nullable=False),
    Column("evictable", Integer, nullable=False),
    Column("ordering_key", Text),
    Column("key", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("client", Text),
    Column("size", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text),
    Column("head", Integer, nullable=False),
    Column("accepted_at", Float, nullable=False),
    Column("observed_s", Float, nullable=False),
    Column("settled_at", Float),
    Column("due_at", Float, nullable=False, server_default=text("0")),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("strikes", Integer, nullable=False, server_default=text("0")),
    Column("suspect_mark", Integer),
    Column("lease", Integer),
    Column("lease_losses", Integer, nullable=False, server_default=text("0")),
    Column("phase", Text),
    Column("last_status", Integer),
    Column("last_error", Text),
    Column("resource", Text, nullable=False, server_default=text("''")),
    Column("when_ambiguous", Text),
)
"""Every accepted event, and the trail of those that are settled.

`observed_s` is the observed time of acceptance and, once settled, of settling. `due_at` is 0 until a first
retry. `head`: nothing of the same ordering key goes before it. `reason` says why a row is held, dead or
evicted. `lease` has the number of the start in its upper half, of the claim in its lower. `digest` covers
key, route and body. `resource` is what of the service its path names. `when_ambiguous` stands while a request
may be with a service that would not know it again, and says what is done if no answer comes.
"""

bodies: Final = Table(
    "bodies",
    METADATA,
    Column("seq", Integer, primary_key=True),
    Column("body", LargeBinary, nullable=False),
)
"""Canonical bodies, in a table of their own so that settling in order gives whole pages back."""

# The key leads: keys are time-ordered, so the index grows at its end whatever the destination.
Index("events_by_key", events.c.key, events.c.destination, events.c.route, events.c.resource, unique=True)
Index(
    "events_ready",
    events.c.destination,
    events.c.priority,
    events.c.due_at,
    events.c.seq,
    sqlite_where=IS_READY,
)
Index(
    "events_in_order",
    events.c.destination,
    events.c.ordering_key,
    events.c.seq,
    sqlite_where=text(f"ordering_key IS NOT NULL AND {IS_LIVE.text}"),
)
Index("events_kept", events.c.priority, events.c.seq, sqlite_where=KEEPS_ITS_BODY)
Index(
    "events_held", events.c.destination, events.c.reason, events.c.route, events.c.seq, sqlite_where=IS_HELD
)
Index("events_leased", events.c.seq, sqlite_where=IS_LEASED)
Index("events_dead", events.c.destination, events.c.seq, sqlite_where=IS_DEAD)
Index("events_settled", events.c.observed_s, sqlite_where=IS_SETTLED)
