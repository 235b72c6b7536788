"""Every number the daemon runs by, each with its unit, the schedule it yields and its reason.

One section for each stage of an event's way. What a person may set is a default here and a field in
`settings`; the rest is not adjustable.
"""

from typing import Final

# --- home ---

LOCK_HOLDER_READS: Final = 40
"""Times a starter that finds the lock taken looks for the holder's pid, which is written just after the lock is
taken: 0.2 s in all, a hundred times longer than that moment lasts on a busy machine."""

LOCK_HOLDER_PAUSE_S: Final = 0.005
"""Seconds between these looks."""

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
