"""Every number the daemon runs by, each with its unit, the schedule it yields and its reason.

One section for each stage of an event's way. What a person may set is a default here and a field in
`settings`; the rest is not adjustable.
"""

import sys
from typing import Final, Literal

# --- home ---

LOCK_HOLDER_READS: Final = 40
"""Times a starter that finds the lock taken looks for the holder's pid, which is written just after the lock
is taken: 0.2 s in all, a hundred times longer than that moment lasts on a busy machine."""

LOCK_HOLDER_PAUSE_S: Final = 0.005
"""Seconds between these looks."""

UMASK: Final = 0o077
"""umask of the daemon: whatever it makes is its user's alone."""

# --- settings ---

DEFAULT_LISTENER: Final[Literal["unix", "loopback"]] = "loopback" if sys.platform == "win32" else "unix"
"""Unix sockets carry the peer's user id and are closed to web pages; Windows has neither in Python."""

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

ACCEPT_PAUSE_S: Final = 0.5
"""Seconds without accepting after the system refused to, most often for want of descriptors."""

MAX_CONNECTIONS: Final = 256
"""Connections of each listener, all apps together: far from the 1,024 descriptors a process may open."""

MAX_CONNECTIONS_PER_PROCESS: Final = 64
"""Connections of each listener from one process: an app needs one, and one for each thread that waits for an
answer."""

OUTLET_BYTES: Final = 256 * 1024
"""Notices kept for an app that does not read: beyond it the oldest are dropped (the ledger has them)."""

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

MAX_CALL_BYTES: Final = 64 * 1024
"""Body of any other request."""

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

HOLDER_PATIENCE_S: Final = 5.0
"""Seconds a command gives a process that holds the home, and does not answer, to start serving or to let go:
ten times what a start takes."""

HOLDER_POLL_S: Final = 0.1
"""Seconds between two looks whether it does."""

STOP_PATIENCE_S: Final = 15.0
"""Seconds `stop --wait` waits before it says how to end the daemon the hard way."""

STOP_POLL_S: Final = 0.05
"""Seconds between two looks of `stop --wait` at the home's lock."""

# --- delivery ---

BACKOFF_FIRST_S: Final = 1.0
"""Seconds: the longest wait after a first failure; each further one doubles it up to the cap."""

SERVICE_BACKOFF_MOST_S: Final = 300.0
"""Cap in seconds while a service answers badly: twelve probes an hour from each home at the least."""

OFFLINE_BACKOFF_MOST_S: Final = 60.0
"""Cap in seconds while nothing can be sent at all: such a try costs the service nothing, and a laptop that is
back on line should not sit idle for minutes."""

EVENT_BACKOFF_MOST_S: Final = 300.0
"""Cap in seconds for an event that alone keeps failing."""

EVENT_STRIKES: Final = 8
"""Failures that are the event's own before it is dead: about two minutes of waits in the mean."""

FAULTY_ROW_PAUSE_S: Final = 300.0
"""Seconds until an event is tried again over which our own code stumbled; that never counts against it."""

ROUTE_PROBE_FIRST_S: Final = 30.0
ROUTE_PROBE_MOST_S: Final = 3_600.0
"""Seconds until one event probes a shut route: within 30, 60, 120 ... 3600."""

RETRY_AFTER_MOST_S: Final = 86_400.0
"""Longest Retry-After obeyed, in seconds: a day, the longest quota period; more is a mistake of the service."""

RESPONSE_BYTES: Final = 64 * 1024
"""Bytes read of an answer. Acknowledgements and tokens are far smaller; the rest of a longer one is not read."""

ERROR_CHARACTERS: Final = 300
"""Characters kept of what went wrong with an event."""

KEEP_ALIVE_TO_SERVICE_S: Final = 4.0
"""Seconds an idle connection is kept: less than the 5 s of uvicorn and Node, so that they rarely close first."""

# --- schedule ---

LONGEST_NAP_S: Final = 60.0
"""Longest sleep in seconds while events wait: timers stand still while a laptop sleeps."""

WINDOW_FIRST: Final = 8.0
"""Requests in flight to a service at first; doubles for each round trip until it hurts."""

WINDOW_REOPENED: Final = 1.0
"""Requests in flight after a breaker closed again: the ramp starts from one."""

WINDOW_LEAST: Final = 1.0
WINDOW_MOST: Final = 128.0
"""Most requests in flight to one destination: 2,300 a second at 50 ms; beyond it nothing is gained."""

WINDOW_SLOWER: Final = 2.0
"""Times its best latency at which a service counts as loaded: the window then stops growing."""

WINDOW_NOISE_S: Final = 0.02
"""Latency in seconds below which differences say more about this machine than about the service."""

IN_FLIGHT_BYTES: Final = 16 * 1024 * 1024
"""Bytes of bodies in memory for one destination, so that 128 events of the largest size do not add up."""

LANE_RESTART_S: Final = 5.0
"""Seconds until a lane is tried again over which our own code, or the disk, stumbled."""

# --- credentials ---

KEYRING_LIMIT_S: Final = 5.0
"""Seconds a keyring may take (some ask a person to unlock them); after that secrets go to the file."""

REGISTRATION_MOST_S: Final = 300.0
"""Cap in seconds of the waits between registrations that failed."""

REGISTRATION_REFUSED_MOST_S: Final = 3_600.0
"""Cap in seconds while the service refuses the install id, or the tokens that it has just minted."""

REGISTRATION_LEAST_S: Final = 1.0
"""Least wait in seconds after a registration that did not help."""

SECRET_CHARACTERS: Final = 16_384
"""Longest credential: far above any token, below what servers take as a header."""

# --- outbox ---

GROUP_OPERATIONS: Final = 4_096
"""Most operations in one commit: bounds what a failing one makes run again."""

FAST_SYNC_S: Final = 0.5
"""Seconds after which `fast` syncs a commit: half of the second it promises, the rest is for a slow disk."""

BUSY_TIMEOUT_MS: Final = 100
"""Milliseconds to wait for another program that looks into the file; the daemon itself never competes."""

LOG_PAGES: Final = 4_000
"""Pages of 4 KiB in SQLite's log before it is copied into the file: 16 MB, a copy every second in a flood."""

LOG_KEPT_BYTES: Final = 32 * 1024 * 1024
"""Bytes to which the log's file is cut after a copy."""

CACHE_KIB: Final = 8 * 1024
"""SQLite's page cache in KiB: the indexes' edges, where all the work is, take a tenth of it."""

STEP_ROWS: Final = 1_000
"""Rows that a walk over the outbox reads at a time: about 5 ms."""

SWEEP_ROWS: Final = 5_000
"""Rows of shut routes that one claim sets aside at most: about 50 ms."""

FRESH_SHARE: Final = 4
"""One place in so many goes to the newest events, so that a backlog of days does not make today's late."""

LOSSES_BEFORE_ALONE: Final = 3
"""Lost leases after which a row travels alone: hosts that kill their children at every quit cost it that."""

DEATHS_WHEN_ALONE: Final = 3
"""Deaths of the daemon over such a row, while handled and not on the network, after which it is dead."""

ROW_BYTES: Final = 300
"""Bytes a row takes besides its body, its index entries included: measured with a million rows."""

EVICT_DOWN_TO: Final = 0.98
"""Share of the cap to which an eviction goes, so that the next few thousand events need none."""

EVICT_ROWS: Final = 5_000
"""Rows that one commit evicts at most: about 100 ms, and more than one commit brings."""

FREE_FLOOR_BYTES: Final = 64 * 1024 * 1024
FREE_FLOOR_SHARE: Final = 0.05
"""Free space, in bytes or as a share of the file system if that is less, under which diagnostics are not
accepted any more; under half of it, neither are product events."""

LEAN_BELOW_BYTES: Final = 128 * 1024 * 1024
"""Free bytes under which the log is copied into the file after each commit, at the cost of
a quarter of the speed: a log of full length and its copy fit twice."""

BALLAST_BYTES: Final = 256 * 1024
"""Bytes given back to a full disk, so that settling and erasing can still commit."""

TRAIL_ROWS: Final = 200_000
"""Settled events whose trail is kept: 80 MB at most, a quiet week or a busy hour."""

RESTART_GAP_MOST_S: Final = 86_400.0
"""Most seconds of observed time that pass between two starts, whatever the wall clock says: it may have
jumped, and one day of thirty expires nothing that a person would miss."""

LONGEST_DELAY_S: Final = RETRY_AFTER_MOST_S
"""Seconds that a queued event may wait at most for its next try: the longest Retry-After that is obeyed.
After a jump of the clock nothing is due later than that."""

REPORT_LIMIT_S: Final = 2.0
"""Seconds a report may read: a reader keeps the log from being cut."""

REPORT_CHECK_STEPS: Final = 10_000
"""Steps of SQLite's machine between two looks at that limit: about 0.1 ms."""

RECOUNT_ROWS: Final = 50_000
"""Rows up to which `status` counts anew what the ledger says; beyond it trusts the sums: about 10 ms."""

VACUUM_PAGES: Final = 2_000
"""Pages given back at a time: 8 MB, about 20 ms."""

# --- upkeep ---

UPKEEP_INTERVAL_S: Final = 60.0
"""Seconds between two rounds: the one wake-up a minute that an idle daemon allows itself."""

OBSERVE_INTERVAL_S: Final = 900.0
"""Seconds between two commits that only keep the observed time: what a crash may cost an event's age."""

TIDY_INTERVAL_S: Final = 600.0
"""Seconds between two rounds of forgetting old trails and giving space back."""

CLOCK_JUMP_S: Final = 30.0
"""Seconds by which the wall clock may part from the monotonic one between two rounds before it counts as a
jump: corrections of a running clock are far smaller."""
