"""This package's version, and how it compares with a daemon's."""

import re
from functools import cache

from swarm_analytics.forking import importing

_RELEASE = re.compile(r"\d+(\.\d+)*")


@cache
def installed() -> str:
    """The installed version. Looked up on first use: reading metadata costs an import some milliseconds."""
    with importing():
        from importlib.metadata import version

        return version("swarm-analyticsd")


def _release(version: str) -> tuple[int, ...] | None:
    found = _RELEASE.match(version)
    return None if found is None else tuple(int(part) for part in found[0].split("."))


def is_older(version: str, than: str) -> bool:
    """Whether `version` is an earlier release. What cannot be read is not older: never replace on a guess."""
    left, right = _release(version), _release(than)
    return left is not None and right is not None and left < right
