"""Homes of tests: short paths, and the daemon that serves one, whoever started it."""

import contextlib
import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

from swarm_analytics_models.home import Home, read_address
from swarm_analyticsd.homedir import HomeLock, take_home
from tests.support.waiting import eventually


@contextlib.contextmanager
def short_directory() -> Iterator[Path]:
    """A private directory whose path leaves room for a socket's name in 104 bytes, removed at the end."""
    parent = "/tmp" if os.name == "posix" else None
    with tempfile.TemporaryDirectory(prefix="sa-", dir=parent, ignore_cleanup_errors=True) as path:
        yield Path(path)


def lock_is_held(home: Path) -> bool:
    """Whether a daemon (or a command that works without one) holds the home."""
    import fcntl

    try:
        descriptor = os.open(Home(home).lock, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def holding(home: Home) -> Iterator[HomeLock]:
    """A home taken, as a daemon takes it, for the length of a block."""
    lock = take_home(home)
    try:
        yield lock
    finally:
        lock.release()


def daemon_pid(home: Path) -> int | None:
    """The pid of the daemon that serves `home`, whoever started it; None when none does."""
    if not lock_is_held(home):
        return None
    address = read_address(Home(home))
    return None if address is None else address.pid


def kill_daemon(home: Path) -> int | None:
    """kill -9 of the daemon that serves `home`, if any; its pid. Returns when its lock is free."""
    pid = daemon_pid(home)
    if pid is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        eventually(lambda: not lock_is_held(home), what=f"the end of the daemon {pid}")
    return pid


def kill_together(*pids: int) -> None:
    """kill -9 of several processes at once: all are stopped first, so that none acts on another's end."""
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
