"""Every number of the client, with its unit and its reason.

What a service's own SDK has as defaults stands beside the client that takes its names.
"""

from typing import Final

# --- journal ---

SEGMENT_BYTES: Final = 4 * 1024 * 1024
"""A journal goes on in a new segment from here on, so that what has a receipt can be given back in pieces."""

SPENT_BYTES: Final = 256 * 1024
"""From here on a segment that the daemon has taken whole is given back at the next call: on a full disk its
space is what settling needs. About every 800th event then costs a tenth of a millisecond more."""

INBOX_BYTES: Final = 64 * 1024 * 1024
"""All journals of a home together. Beyond it a call raises: something has kept the daemon away for long."""

LOCK_TRIES: Final = 5
"""New files tried before a journal counts as unlockable: a scan may hold the lock of a file just made."""

# --- link to the daemon ---

SEND_BUFFER_BYTES: Final = 4 * 1024 * 1024
"""Asked of the kernel for the hand-off socket; it may grant less. Lines that fit are never read from disk."""

CONNECT_S: Final = 2.0
"""A daemon that listens accepts at once; one that does not within this is hung."""

MAX_MESSAGE_BYTES: Final = 8 * 1024 * 1024
"""Longest line taken from a daemon; a dropped event comes with its body, which may have 1 MiB."""

RETRY_FIRST_S: Final = 0.05
RETRY_FACTOR: Final = 2.0
RETRY_CAP_S: Final = 2.0
"""Reconnecting while something waits for a receipt: 0.05, 0.1, 0.2, ... 2 s, each times 0.5 to 1."""

REST_CAP_S: Final = 60.0
"""The same with nothing to hand over: a daemon that another app starts is found within a minute."""

GROUP_BYTES: Final = 1024 * 1024 + 8 * 1024
"""Most bytes of one ``POST /v1/hand-off``: room for the longest line."""

TROUBLES_REMEMBERED: Final = 100
"""Different troubles that are not logged a second time; the oldest is forgotten first."""

# --- starting the daemon ---

START_WAIT_S: Final = 15.0
"""From spawn to ready. About half a second on an idle machine; recovery and a cold disk may take many."""

RESTART_FIRST_S: Final = 1.0
RESTART_CAP_S: Final = 60.0
"""Between starts that failed, made by the background thread: 1, 2, 4, ... 60 s, each times 0.5 to 1."""

ADOPT_POLL_S: Final = 0.1
"""Between looks at a home that another process is starting or leaving."""

STOP_WAIT_S: Final = 10.0
"""A daemon that was asked to end gets this long before it is killed; nothing is lost either way."""

LOG_BYTES: Final = 1024 * 1024
"""``daemon.log`` is emptied at a start when it is longer."""

LOG_TAIL_BYTES: Final = 2000
"""How much of what a daemon wrote before it failed goes into the error."""

# --- requests to the daemon ---

REQUEST_S: Final = 10.0
"""One request, from connect to the answer's last byte, unless the caller says otherwise."""

ANSWER_MARGIN_S: Final = 0.5
"""Added to a request that asks the daemon to wait, so that the daemon's answer comes before our time-out."""

MAX_ANSWER_BYTES: Final = 16 * 1024 * 1024
"""Longest answer read from the daemon."""

ADOPT_TOKEN_S: Final = 5.0
"""Handing a token over to the daemon, on the background thread."""

CONSENT_WAIT_S: Final = 10.0
"""`opt_out` waits so long for the local purge; after that the journalled decision brings it about."""

FLUSH_POLL_S: Final = 0.05
"""Between a flush's attempts to reach a daemon that is being started."""

# --- calls of services, made by the daemon ---

CALL_WAIT_S: Final = 3600.0
"""A call whose caller named no deadline: the daemon ends it long before, by the service's own times. Only a
daemon that hangs is waited for so long."""

CALL_MARGIN_S: Final = 2.0
"""Added to the deadline that a caller named, so that the daemon's answer, which says more, comes first."""

CALLS_AT_ONCE: Final = 100
"""Of this process, to all daemons; others wait for their turn. As many as the most generous of the services'
own clients makes; each has a connection, of which a daemon allows a process 128."""

MAX_HEAD_BYTES: Final = 64 * 1024
"""Longest head of a daemon's answer, which has a few hundred bytes."""

MAX_ENVELOPE_BYTES: Final = 64 * 1024
"""What the daemon puts around a service's answer at the most."""

READ_BYTES: Final = 64 * 1024
"""Read from a connection at a time."""

MAX_PIECE_BYTES: Final = 8 * 1024 * 1024
"""Longest event of an answer in pieces."""

BACKLOG_POLL_S: Final = 0.005
"""Between attempts to connect to a Unix socket whose queue is full."""
