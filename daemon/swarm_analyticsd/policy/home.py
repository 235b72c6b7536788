"""The home, and what a person may set in it: those are defaults, and fields of `settings`."""

import sys
from typing import Final

from swarm_analytics_models.home import Listen

LOCK_HOLDER_READS: Final = 40
"""Times a starter that finds the lock taken looks for the holder's pid, which is written just after the lock
is taken: 0.2 s in all, a hundred times longer than that moment lasts on a busy machine."""

LOCK_HOLDER_PAUSE_S: Final = 0.005
"""Seconds between these looks."""

UMASK: Final = 0o077
"""umask of the daemon: whatever it makes is its user's alone."""

DESCRIPTORS: Final = 4_096
"""Files and sockets that the daemon asks to be allowed: a call has a connection on each side, and systems
that allow a process 256 or 1,024 by default allow it more when it asks."""

DEFAULT_LISTENER: Final[Listen] = "loopback" if sys.platform == "win32" else "unix"
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
