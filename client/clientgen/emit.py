"""The output directory: compared with what it should hold, or swapped for it whole."""

import tempfile
from collections.abc import Mapping
from pathlib import Path


def differences(files: Mapping[str, str], directory: Path) -> tuple[str, ...]:
    """What must change in `directory`, one line a file: missing, differing or left over."""
    present = {
        path.relative_to(directory).as_posix(): path
        for path in sorted(directory.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
    found = []
    for name in sorted(files.keys() | present.keys()):
        if name not in present:
            found.append(f"{name} is missing")
        elif name not in files:
            found.append(f"{name} is left over: no contract yields it")
        elif present[name].read_bytes() != files[name].encode():
            found.append(f"{name} differs from what the contracts yield")
    return tuple(found)


def swap(files: Mapping[str, str], directory: Path) -> None:
    """Replace `directory` by one that holds `files` and nothing else.

    The new one is complete before the old one moves aside, and the old one comes back if that fails.
    """
    directory.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".clientgen-", dir=directory.parent) as workshop:
        fresh, old = Path(workshop) / "fresh", Path(workshop) / "old"
        for name, text in files.items():
            path = fresh / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
        if directory.exists():
            directory.rename(old)
        try:
            fresh.rename(directory)
        except OSError:
            if old.exists():
                old.rename(directory)
            raise
