"""This process's journal: lines handed off, in call order, kept until the daemon's receipt.

Files in the home's inbox, each locked by this process for as long as it lives. The daemon reads from them
what a socket did not bring, and takes over those whose lock is free. Not thread-safe: `HandOff` locks.
"""

import contextlib
import errno
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from swarm_analytics import policy
from swarm_analytics.errors import HandOffError
from swarm_analytics_models.home import Home
from swarm_analytics_models.lock import try_lock
from swarm_analytics_models.private import UnsafePath, ensure_private_directory

_OPEN_FLAGS: Final = sum(getattr(os, flag, 0) for flag in ("O_CLOEXEC", "O_BINARY", "O_NOINHERIT"))


@dataclass(frozen=True, slots=True)
class Declared:
    """A destination as a journal declares it."""

    ref: str
    line: bytes


@dataclass(slots=True)
class Segment:
    """One file of the journal."""

    name: str
    path: Path
    fd: int
    end: int = 0
    receipted: int = 0
    declared: dict[str, bytes] = field(default_factory=dict)
    """The last declaration of each destination, by `ref`: another one changes its settings."""

    @property
    def pending(self) -> bool:
        return self.receipted < self.end


_REMEDIES: Final = {
    errno.ENOSPC: "Free some disk space; the next call works again.",
    errno.EDQUOT: "Free some of your disk quota; the next call works again.",
    errno.EFBIG: "Raise the process's limit on file sizes (ulimit -f).",
    errno.EROFS: "Choose a home on a writable file system (SWARM_ANALYTICSD_HOME).",
    errno.EACCES: "Make the home writable for this user, or choose another (SWARM_ANALYTICSD_HOME).",
    errno.ENOLCK: "Choose a home on a local file system (SWARM_ANALYTICSD_HOME).",
    errno.EOPNOTSUPP: "Choose a home on a local file system (SWARM_ANALYTICSD_HOME).",
    errno.EMFILE: "Raise the process's limit on open files (ulimit -n).",
}


def _cannot(what: str, error: OSError) -> HandOffError:
    remedy = _REMEDIES.get(error.errno or 0, "Check the disk that the home is on, or choose another home.")
    return HandOffError(f"the event was not accepted: cannot {what}: {error.strerror or error}", remedy)


class Journal:
    """Appends lines, and gives segments back once they are receipted."""

    def __init__(
        self,
        home: Home,
        *,
        segment_bytes: int = policy.SEGMENT_BYTES,
        inbox_bytes: int = policy.INBOX_BYTES,
    ) -> None:
        self._home = home
        self._segment_bytes = segment_bytes
        self._inbox_bytes = inbox_bytes
        self.pid = os.getpid()
        self._stem = f"{self.pid}-{os.urandom(8).hex()}"
        self._opened = 0
        self._segments: list[Segment] = []
        self._torn: Segment | None = None
        self._own_bytes = 0
        self._others_bytes = 0

    @property
    def current(self) -> Segment | None:
        """Where the next line goes, if it fits."""
        return self._segments[-1] if self._segments else None

    @property
    def pending(self) -> list[Segment]:
        """Segments that hold lines without a receipt, oldest first."""
        return [segment for segment in self._segments if segment.pending]

    def append(self, line: bytes, destination: Declared | None) -> tuple[Segment, bytes]:
        """Append one line, before it the declaration of its destination where the segment lacks that.

        Returns the segment and the bytes appended. Raises HandOffError; then nothing was appended.
        """
        segment = self.current
        if segment is None or (segment.end and segment.end + len(line) > self._segment_bytes):
            segment = self.rotate()
        elif segment.end >= policy.SPENT_BYTES and not segment.pending:
            with contextlib.suppress(HandOffError):  # the present segment has room
                segment = self.rotate()
        data = line
        declare = destination is not None and segment.declared.get(destination.ref) != destination.line
        if destination is not None and declare:
            data = destination.line + line
        self._reserve(len(data))
        self._write(segment, data)
        if destination is not None and declare:
            segment.declared[destination.ref] = destination.line
        return segment, data

    def rotate(self) -> Segment:
        """Go on in a new segment; what came before is given back when it is receipted."""
        try:
            ensure_private_directory(self._home.root)
            ensure_private_directory(self._home.inbox)
            self._others_bytes = self._measure_others()
            segment = self._open()
        except UnsafePath as error:
            raise HandOffError(f"the event was not accepted: {error.message}", error.hint) from error
        except OSError as error:
            raise _cannot(f"open a journal in {self._home.inbox}", error) from error
        self._segments.append(segment)
        self._release_receipted()
        return segment

    def receipted(self, name: str, offset: int) -> None:
        """Everything of the segment `name` before `offset` is the daemon's now."""
        for segment in self._segments:
            if segment.name == name:
                segment.receipted = max(segment.receipted, offset)
        self._release_receipted()

    def was_removed(self) -> bool:
        """Whether someone deleted the file under us, so that nobody will ever read what is appended."""
        return self.current is not None and os.fstat(self.current.fd).st_nlink == 0

    def abandon(self) -> None:
        """Close without unlocking, as a forked child must: the lock goes on belonging to the parent."""
        for segment in self._segments:
            os.close(segment.fd)
        self._segments.clear()

    def _open(self) -> Segment:
        for _ in range(policy.LOCK_TRIES):
            self._opened += 1
            name = f"{self._stem}-{self._opened:06}.ndjson"
            path = self._home.inbox / name
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | _OPEN_FLAGS, 0o600)
            try:
                # A daemon that took it for a dead process's, before it was locked, may have removed it.
                if try_lock(fd) and os.fstat(fd).st_nlink:
                    return Segment(name, path, fd)
            except OSError:
                os.close(fd)
                path.unlink()
                raise
            os.close(fd)
        raise OSError(errno.EWOULDBLOCK, "another process keeps locking every new file")

    def _write(self, segment: Segment, data: bytes) -> None:
        try:
            if self._torn is segment:
                os.ftruncate(segment.fd, segment.end)
                self._torn = None
            written = os.write(segment.fd, data)
            if written != len(data):
                self._torn = segment
                os.ftruncate(segment.fd, segment.end)
                self._torn = None
                raise OSError(errno.ENOSPC, "the file system took only a part of it")
        except OSError as error:
            raise _cannot(f"write to {segment.path}", error) from error
        segment.end += written
        self._own_bytes += written

    def _reserve(self, size: int) -> None:
        if self._own_bytes + self._others_bytes + size <= self._inbox_bytes:
            return
        self._others_bytes = self._measure_others()
        if self._own_bytes + self._others_bytes + size > self._inbox_bytes:
            raise HandOffError(
                f"the event was not accepted: {self._home.inbox} has reached its cap of "
                f"{self._inbox_bytes // (1024 * 1024)} MiB, since no daemon has taken what it holds",
                "See why with `swarm-analyticsd status`, or start one with `swarm-analyticsd run`.",
            )

    def _measure_others(self) -> int:
        return sum(_sizes_of_others(self._home.inbox, self._stem))

    def _release_receipted(self) -> None:
        current = self.current
        for segment in list(self._segments):
            if segment is not current and not segment.pending:
                self._segments.remove(segment)
                self._own_bytes -= segment.end
                _give_back(segment)


def _sizes_of_others(inbox: Path, stem: str) -> Iterator[int]:
    with os.scandir(inbox) as entries:
        for entry in entries:
            if not entry.name.startswith(stem):
                try:
                    yield entry.stat(follow_symlinks=False).st_size
                except FileNotFoundError:
                    continue


def _give_back(segment: Segment) -> None:
    if sys.platform == "win32":
        os.close(segment.fd)  # an open file cannot be unlinked there
        segment.path.unlink(missing_ok=True)
    else:
        segment.path.unlink(missing_ok=True)
        os.close(segment.fd)
