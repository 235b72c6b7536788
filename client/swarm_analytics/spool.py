"""The seed's spools: accepted, so that its constructor calls keep working, and without effect.

Every event is in a journal on disk when its call returns and in the daemon's outbox soon after, whether or
not a spool is passed. A spool is therefore never opened, read or written.
"""

import os
from typing import Protocol, runtime_checkable


@runtime_checkable
class Spool(Protocol):
    """Whatever an application passes as ``spool=``. None of it is called."""


class SqliteSpool:
    """Names a file that the seed would have spooled to. Touches no disk.

    `max_bytes` was the size at which the seed pruned; the daemon's own caps apply instead.
    """

    def __init__(self, path: str | os.PathLike[str], max_bytes: int = 50_000_000) -> None:
        self.path = path
        self.max_bytes = max_bytes
