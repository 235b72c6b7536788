"""Every number of the command line, which is a process of its own, with its unit and its reason."""

from typing import Final

WATCH_INTERVAL_S: Final = 1.0
"""Seconds between two looks of `status --watch`: a person sees a change, the daemon does not notice it."""

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
