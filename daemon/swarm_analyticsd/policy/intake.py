"""From an app's bytes to their commit, and the answers to its questions."""

from typing import Final

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

ACCEPT_PAUSE_S: Final = 0.5
"""Seconds without accepting after the system refused to, most often for want of descriptors."""

MAX_CONNECTIONS: Final = 384
"""Connections of each listener, all apps together: with as many to services still below the 1,024 descriptors
that a process may open."""

MAX_CONNECTIONS_PER_PROCESS: Final = 128
"""Connections of each listener from one process: an app needs one, and one for each of its calls, of which
the client has 100 at a time."""

OUTLET_BYTES: Final = 256 * 1024
"""Notices kept for an app that does not read: beyond it the oldest are dropped (the ledger has them)."""

REFUSALS_KEPT: Final = 100
"""Refusals told one by one for each journal and request; more are only counted."""

REFUSAL_CHARACTERS: Final = 400
"""Characters of a refusal's message, and of each name that it repeats from the line."""

MAILBOX_EVENTS: Final = 256
"""Dropped events kept for an app whose connection is away for a moment."""

MAILBOXES: Final = 1_024
"""App processes remembered for that; the one heard of least recently is forgotten first."""

CLIENTS_REMEMBERED: Final = 10_000
"""Client objects whose app is remembered, so that it can be told what became of their events."""

TAKE_RETRY_FIRST_S: Final = 0.1
TAKE_RETRY_MOST_S: Final = 30.0
"""Seconds until a journal is read again after a commit failed: 0.1, 0.2, 0.4 ... 30, with full jitter."""

NEWBORN_JOURNAL_S: Final = 60.0
"""Age in seconds below which an empty journal that nobody has locked is taken for one about to be locked."""

SCAN_INTERVAL_S: Final = 60.0
"""Seconds between looks at the inbox, for journals of apps that died before they could connect; also the
longest the daemon sleeps, since timers stop while a laptop does."""

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

MAX_QUESTION_BYTES: Final = 64 * 1024
"""Body of any other request but a call's, whose limit both sides know."""

FLUSH_PAUSE_S: Final = 0.02
"""Least time in seconds between two counts of what a waiting `flush` asks for, however fast events settle."""

FLUSH_NUDGE_S: Final = 2.0
"""Seconds after which a waiting `flush` has everything tried again, back-off or not."""

EVENTS_LISTED: Final = 1_000
"""Most events that one listing returns."""

STOP_COMMITS_S: Final = 2.0
"""Seconds that stopping waits for commits under way; what is not committed is in the journals."""

STOP_REQUESTS_S: Final = 1.0
"""Seconds that stopping waits for requests under way."""

STOP_STEP_S: Final = 3.0
"""Seconds that each part of the daemon has to stop in."""

STOP_TOTAL_S: Final = 10.0
"""Seconds after which a daemon that was told to stop ends itself, whatever hangs: what a host gives its
children before the hard kill. Nothing is lost by it."""
