"""A home made fit and taken: private modes, a local file system, and the lock that lets one daemon serve."""

import os
import sys
import time
from pathlib import Path
from typing import Final

from swarm_analytics_models.home import Home
from swarm_analytics_models.lock import try_lock
from swarm_analytics_models.private import UnsafePath, check_private_file, ensure_private_directory
from swarm_analyticsd import policy

NETWORK_FILE_SYSTEMS: Final = frozenset(
    {
        "afs",
        "ceph",
        "cifs",
        "coda",
        "fuse.sshfs",
        "glusterfs",
        "gpfs",
        "lustre",
        "nfs",
        "nfs4",
        "smb3",
        "smbfs",
    }
)
"""File systems, as /proc/self/mountinfo names them, whose locks and SQLite's log cannot be relied on."""


class HomeTaken(Exception):
    """Another process holds the home's lock. `pid` is None where the holder has not said who it is."""

    def __init__(self, home: Home, pid: int | None) -> None:
        super().__init__(f"{home.root} is taken by {'another process' if pid is None else f'process {pid}'}")
        self.home = home
        self.pid = pid


def prepare_home(home: Home) -> None:
    """Make the home and its inbox, or check that they and the files in them are ours alone.

    Raises UnsafePath with the remedy, and OSError where the disk refuses.
    """
    ensure_private_directory(home.root)
    ensure_private_directory(home.inbox)
    _refuse_network_file_system(home.root)
    database = tuple(home.outbox.with_name(home.outbox.name + end) for end in ("", "-wal", "-shm"))
    others = (home.lock, home.address, home.capability, home.credentials, home.ballast, home.log)
    for path in (*others, *database):
        try:
            check_private_file(path)
        except FileNotFoundError:
            continue


def _refuse_network_file_system(path: Path) -> None:
    kind = _file_system(path)
    if kind in NETWORK_FILE_SYSTEMS:
        raise UnsafePath(
            f"{path} lies on a network file system ({kind}), whose locks cannot be relied on",
            "Choose a home on a local disk (--home, SWARM_ANALYTICSD_HOME).",
        )


def _file_system(path: Path) -> str | None:
    """The type of the file system that holds `path`; None where the system has no /proc/self/mountinfo."""
    device = path.stat().st_dev
    wanted = f"{os.major(device)}:{os.minor(device)}" if sys.platform != "win32" else ""
    try:
        mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        if before.split()[2] == wanted:
            return after.split()[0]
    return None


class HomeLock:
    """The lock of a home, held from `take_home` to `release` or to the end of the process."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor: int | None = descriptor

    @property
    def in_place(self) -> bool:
        """Whether the home's lock is still the file that we hold. False: the home was wiped, and what lies in
        it now is another daemon's.
        """
        if self._descriptor is None:
            return False
        try:
            return os.path.samestat(os.fstat(self._descriptor), self._path.lstat())
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError:
            return True

    def release(self) -> None:
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None


def take_home(home: Home) -> HomeLock:
    """Take the lock of a prepared home and write our pid into it. Raises HomeTaken, naming the holder.

    The file is never unlinked, so all starters of all times contend for the same inode.
    """
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
    descriptor = os.open(home.lock, flags, 0o600)
    try:
        pid = None
        for _ in range(policy.LOCK_HOLDER_READS):
            if try_lock(descriptor):
                os.ftruncate(descriptor, 0)
                os.lseek(descriptor, 0, os.SEEK_SET)
                os.write(descriptor, f"{os.getpid()}\n".encode())
                return HomeLock(home.lock, descriptor)
            pid = _holder(descriptor)
            if pid is not None:
                break
            time.sleep(policy.LOCK_HOLDER_PAUSE_S)
        raise HomeTaken(home, pid)
    except BaseException:
        os.close(descriptor)
        raise


def _holder(descriptor: int) -> int | None:
    """The living process named in the lock; None in the moment in which a new holder has not yet written."""
    os.lseek(descriptor, 0, os.SEEK_SET)
    try:
        pid = int(os.read(descriptor, 32))
    except ValueError:
        return None
    return pid if _lives(pid) else None


def _lives(pid: int) -> bool:
    if sys.platform == "win32":
        return True  # os.kill(pid, 0) would interrupt that process there
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return True
