"""Directories and files that belong to one user alone: made so, and refused where they are not."""

import os
import stat
from contextlib import suppress
from pathlib import Path

from swarm_analytics_models.explained import Explained


class UnsafePath(Explained):
    """A path that another user could read, replace or redirect."""


def _refuse_foreign(path: Path, found: os.stat_result, *, directory: bool) -> None:
    if stat.S_ISLNK(found.st_mode):
        raise UnsafePath(f"{path} is a symbolic link", "Name the real directory, or remove the link.")
    if stat.S_ISDIR(found.st_mode) is not directory:
        kind = "a directory" if directory else "a regular file"
        raise UnsafePath(f"{path} is not {kind}", "Move it away, or choose another home.")
    if not hasattr(os, "geteuid"):
        return
    if found.st_uid != os.geteuid():
        raise UnsafePath(
            f"{path} belongs to user id {found.st_uid}, not to {os.geteuid()}",
            "Choose a home of your own (--home, SWARM_ANALYTICSD_HOME).",
        )
    if found.st_mode & 0o077:
        mode = stat.S_IMODE(found.st_mode)
        wanted = 0o700 if directory else 0o600
        raise UnsafePath(
            f"{path} is open to other users (mode {mode:04o})", f"Run: chmod {wanted:o} '{path}'"
        )


def ensure_private_directory(path: Path) -> None:
    """Make `path` (mode 0700) and its parents, or check that it is ours alone. Raises UnsafePath, OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        path.mkdir(mode=0o700)
    _refuse_foreign(path, path.lstat(), directory=True)


def check_private_directory(path: Path) -> None:
    """Check that `path` is a directory of ours that nobody else may enter. Raises UnsafePath, OSError."""
    _refuse_foreign(path, path.lstat(), directory=True)


def check_private_file(path: Path) -> None:
    """Check that `path` is a regular file of ours that nobody else may open. Raises UnsafePath, OSError."""
    _refuse_foreign(path, path.lstat(), directory=False)


def replace_private_file(path: Path, content: bytes, *, durable: bool) -> None:
    """Put a file of mode 0600 in the place of `path`: a reader, or a crash, finds the old content or the new.

    `durable`: it survives a loss of power when this returns. One writer at a time. Raises OSError.
    """
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0), 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        if durable:
            file.flush()
            os.fsync(file.fileno())
    os.replace(fresh, path)
    if durable and os.name == "posix":
        directory = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
