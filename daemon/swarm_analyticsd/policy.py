"""Every number the daemon runs by, each with its unit, the schedule it yields and its reason.

One section for each stage of an event's way. What a person may set is a default here and a field in
`settings`; the rest is not adjustable.
"""

import sys
from typing import Final, Literal

# --- home ---

LOCK_HOLDER_READS: Final = 40
"""Times a starter that finds the lock taken looks for the holder's pid, which is written just after the lock is
taken: 0.2 s in all, a hundred times longer than that moment lasts on a busy machine."""

LOCK_HOLDER_PAUSE_S: Final = 0.005
"""Seconds between these looks."""

UMASK: Final = 0o077
"""umask of the daemon: whatever it makes is its user's alone."""

# --- settings ---

DEFAULT_LISTENER: Final[Literal["unix", "loopback"]] = "loopback" if sys.platform == "win32" else "unix"
"""Unix sockets carry the peer's user id and are closed to web pages; Windows' have neither property in Python."""

MAX_OUTBOX_BYTES: Final = 256 * 1024 * 1024
"""Live bytes of the outbox before the lowest priorities are evicted: weeks of a busy desktop app offline."""

LEAST_OUTBOX_BYTES: Final = 1024 * 1024
"""Smallest cap a person may set: less would not hold one event of the largest size."""

MAX_AGE_DAYS: Final = 30.0
"""Days of observed time before an event expires; also the most a person may set, so that no service has
forgotten its key."""

TRAIL_DAYS: Final = 7.0
"""Days for which a settled event's trail is kept, for `why` and for deduplication."""

# --- intake ---

READ_BYTES: Final = 256 * 1024
"""Bytes taken from a socket or a journal at a time: about 900 events, 15 ms of the loop at most."""

UNCOMMITTED_BYTES: Final = 8 * 1024 * 1024
"""Bytes handed to the outbox and not yet committed at which reading pauses: a quarter of a second of disk."""

SOCKET_BUFFER_BYTES: Final = 1024 * 1024
"""Receive buffer asked for each hand-off connection: 3,000 events before an app falls back on its journal."""

HELLO_DEADLINE_S: Final = 10.0
"""Seconds a hand-off connection may take to introduce itself."""

LISTEN_BACKLOG: Final = 128
"""Connections the kernel keeps waiting while the daemon starts."""

MAX_CONNECTIONS: Final = 256
"""Connections of each listener, all apps together: far from the 1,024 descriptors a process may open."""

MAX_CONNECTIONS_PER_PROCESS: Final = 16
"""Connections of each listener from one process: an app needs one and, for calls, a few."""

OUTLET_BYTES: Final = 256 * 1024
"""Notices kept for an app that does not read: beyond it the oldest are dropped (and are still in the ledger)."""

REFUSALS_KEPT: Final = 100
"""Refusals told one by one for each journal and request; more are only counted."""

MAILBOX_EVENTS: Final = 256
"""Dropped events kept for an app whose connection is away for a moment."""

MAILBOXES: Final = 1_024
"""App processes remembered for that; the one heard of least recently is forgotten first."""

CLIENTS_REMEMBERED: Final = 10_000
"""Client objects whose app is remembered, so that it can be told what became of their events."""

TAKE_RETRY_FIRST_S: Final = 0.1
TAKE_RETRY_MOST_S: Final = 30.0
"""Seconds until a journal is read again after a commit failed: 0.1, 0.2, 0.4 ... 30, each with full jitter."""

NEWBORN_JOURNAL_S: Final = 60.0
"""Age in seconds below which an empty journal that nobody has locked is taken for one about to be locked."""

SCAN_INTERVAL_S: Final = 60.0
"""Seconds between looks at the inbox, for journals of apps that died before they could connect; also the longest
the daemon sleeps, since timers stop while a laptop does."""

BODY_DEADLINE_S: Final = 30.0
"""Seconds for a request's body to arrive: a local peer needs milliseconds."""

HEADER_DEADLINE_S: Final = 10.0
"""Seconds for a request's head, from the connection's first moment."""

MAX_HEADER_BYTES: Final = 16 * 1024
"""Bytes of a request's line and headers."""

MAX_HEADERS: Final = 64
"""Header lines in a request."""

KEEP_ALIVE_S: Final = 60
"""Seconds a connection may rest between requests."""

MAX_REQUEST_BYTES: Final = 8 * 1024 * 1024
"""Body of `POST /v1/hand-off`: two journal segments."""

MAX_CALL_BYTES: Final = 64 * 1024
"""Body of any other request."""

FLUSH_PAUSE_S: Final = 0.02
"""Least time in seconds between two counts of what a waiting `flush` asks for, however fast events settle."""

EVENTS_LISTED: Final = 1_000
"""Most events that one listing returns."""

STOP_COMMITS_S: Final = 2.0
"""Seconds that stopping waits for commits under way; what is not committed is in the journals."""

STOP_REQUESTS_S: Final = 1.0
"""Seconds that stopping waits for requests under way."""

STOP_STEP_S: Final = 3.0
"""Seconds that each part of the daemon has to stop in. All of it: under ten."""

# --- command line ---

WATCH_INTERVAL_S: Final = 1.0
"""Seconds between two looks of `status --watch`: a person sees a change, the daemon does not notice the asking."""

PROGRESS_INTERVAL_S: Final = 0.5
"""Seconds between two looks of `flush` at how far it has come."""

FLUSH_TIMEOUT_S: Final = 30.0
"""Seconds `flush` waits where --timeout does not say: one slow attempt (20 s) and a retry after it."""

REGISTER_WAIT_S: Final = 10.0
"""Seconds `register` waits for the service's answer: the time limit of the package this replaces."""

ANSWER_TIMEOUT_S: Final = 10.0
"""Seconds a command waits for the daemon's answer beyond what it asked the daemon to wait. The slowest answer
without a wait of its own is an opt-out's, which erases a full outbox."""

STOP_PATIENCE_S: Final = 15.0
"""Seconds `stop --wait` waits before it says how to end the daemon the hard way."""

STOP_POLL_S: Final = 0.05
"""Seconds between two looks of `stop --wait` at the home's lock."""
