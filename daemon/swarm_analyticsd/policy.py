"""Every number the daemon runs by, each with its unit, the schedule it yields and its reason.

One section for each stage of an event's way. What a person may set is a default here and a field in
`settings`; the rest is not adjustable.
"""

from typing import Final

# --- home ---

LOCK_PATIENCE_S: Final = 0.0
"""Seconds a daemon waits for a home's lock. None: whoever finds it taken adopts the holder or exits 75."""
