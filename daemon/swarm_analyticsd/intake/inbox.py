"""The files in a home's inbox: naming, reading, adopting, blanking. Blocking; call it off the loop."""

import os
import re
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from pydantic_core import from_json

from swarm_analytics_models.lock import try_lock

_NAME: Final = re.compile(r"[0-9]{1,10}-[0-9a-f]{4,64}-[0-9]{6}\.ndjson\Z")
_OPEN: Final = sum(
    getattr(os, flag, 0) for flag in ("O_CLOEXEC", "O_NOFOLLOW", "O_NONBLOCK", "O_BINARY", "O_NOINHERIT")
)


class NotAJournal(Exception):
    """A name that no journal has, or a file that is not one of ours."""


def is_journal(name: str) -> bool:
    return _NAME.match(name) is not None


def owner_of(name: str) -> str:
    """The app process a journal belongs to: equal for all its segments."""
    return name.rpartition("-")[0]


def names(directory: Path) -> list[str]:
    """Every journal, those of one owner in the order in which they were written."""
    return sorted(name for name in os.listdir(directory) if is_journal(name))


def read(path: Path, position: int, most: int) -> bytes:
    """Bytes of a journal; none at its end, or where there is no such file any more."""
    try:
        descriptor = _open(path, os.O_RDONLY)
    except FileNotFoundError:
        return b""
    try:
        os.lseek(descriptor, position, os.SEEK_SET)
        return os.read(descriptor, most)
    finally:
        os.close(descriptor)


def adopt(path: Path, newborn_s: float, now: float) -> int | None:
    """The descriptor of a journal whose owner is dead, locked for as long as it is open; None if it lives.

    An empty journal younger than `newborn_s` may be about to be locked by its owner: it counts as alive.
    """
    try:
        descriptor = _open(path, os.O_RDWR)
    except FileNotFoundError:
        return None
    adopted = False
    try:
        found = os.fstat(descriptor)
        newborn = found.st_size == 0 and abs(now - found.st_mtime) < newborn_s
        adopted = not newborn and try_lock(descriptor)
    finally:
        if not adopted:
            os.close(descriptor)
    return descriptor if adopted else None


def blank(path: Path, start: int, end: int, keep: Callable[[str, str], bool]) -> None:
    """Overwrite lines from `start` to `end` with spaces, but for declarations and events that `keep` names.

    In place, so that positions stay true; the owner's lock and its appending are not disturbed.
    """
    try:
        descriptor = _open(path, os.O_RDWR)
    except FileNotFoundError:
        return
    try:
        os.lseek(descriptor, start, os.SEEK_SET)
        with open(descriptor, "rb", closefd=False) as file:
            content = file.read(end - start)
        position = start
        for line in content.split(b"\n"):
            if line and not line.isspace() and not _is_kept(line, keep):
                os.lseek(descriptor, position, os.SEEK_SET)
                os.write(descriptor, b" " * len(line))
            position += len(line) + 1
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _is_kept(line: bytes, keep: Callable[[str, str], bool]) -> bool:
    try:
        record = from_json(line)
    except ValueError:
        return False
    if not isinstance(record, dict):
        return False
    if record.get("type") == "destination":
        return True
    service, route = record.get("service"), record.get("route")
    return isinstance(service, str) and isinstance(route, str) and keep(service, route)


def chunks(path: Path, position: int, size: int) -> Iterator[bytes]:
    """A journal from `position` to its end."""
    while data := read(path, position, size):
        yield data
        position += len(data)


def _open(path: Path, flags: int) -> int:
    descriptor = os.open(path, flags | _OPEN)
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode) or (hasattr(os, "geteuid") and found.st_uid != os.geteuid()):
        os.close(descriptor)
        raise NotAJournal(f"{path} is not a file of ours")
    return descriptor
