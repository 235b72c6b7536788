"""Dotted paths into JSON, by wire names: as contracts name fields that are not at the top."""

from collections.abc import Mapping
from typing import Any


def at(value: Any, path: str) -> Any:
    """What is found in `value` at `path` (``agent_config.streaming_on``); None where nothing is."""
    for step in path.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    return value
