"""The files of a salvage, each step of which a killed daemon may leave behind.

The new outbox is filled under a name of its own, gets another when it is complete, and only then takes the
place of the damaged one. All names share a prefix, so that an opt-out finds and erases whatever is left.
"""

import os
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from swarm_analytics_models.home import Home

PREFIX: Final = "set-aside-"


def building(home: Home) -> Path:
    """Where the new outbox is filled."""
    return home.root / f"{PREFIX}building.db"


def _complete(home: Home) -> Path:
    return home.root / f"{PREFIX}complete.db"


def begin(home: Home) -> None:
    """Remove what an attempt that did not end has left."""
    for end in ("", "-wal", "-shm"):
        Path(f"{building(home)}{end}").unlink(missing_ok=True)


def finish(home: Home) -> Path:
    """The new outbox is filled and closed: put it in place. Returns the new path of the damaged one."""
    os.replace(building(home), _complete(home))
    _sync(home.root)
    return _exchange(home)


def resume(home: Home) -> Path | None:
    """Finish what a killed daemon had begun to put in place. None when there is nothing of the kind."""
    return _exchange(home) if _complete(home).exists() else None


def _exchange(home: Home) -> Path:
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    number = len(list(home.root.glob(f"{PREFIX}*-*.db")))
    kept = home.root / f"{PREFIX}{stamp}-{number}.db"
    Path(f"{home.outbox}-shm").unlink(missing_ok=True)
    for end in ("-wal", ""):  # the log first: it must never lie beside the new file
        with suppress(FileNotFoundError):
            os.replace(f"{home.outbox}{end}", f"{kept}{end}")
    _sync(home.root)
    os.replace(_complete(home), home.outbox)
    _sync(home.root)
    return kept


def _sync(directory: Path) -> None:
    """Make renames durable. Windows cannot open a directory, and keeps renames in a journal of its own."""
    if sys.platform == "win32":
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
