"""Cuts a stream of bytes into whole lines, in bounded memory whatever the peer sends. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from swarm_analytics_models.handoff import MAX_LINE_BYTES


@dataclass(frozen=True, slots=True)
class Overlong:
    """A line longer than any may be. Its bytes are gone; `length` counts them, newline included."""

    length: int


Piece: TypeAlias = bytes | Overlong
"""One or more whole lines, or one line that was too long."""


class Framer:
    """Feed it what arrives; it yields every byte as part of a piece as soon as its line is whole."""

    def __init__(self) -> None:
        self._tail = bytearray()
        self._swallowed = 0

    @property
    def pending(self) -> int:
        """Bytes of a line whose end has not come."""
        return len(self._tail) + self._swallowed

    def feed(self, data: bytes) -> Iterator[Piece]:
        if self._swallowed:
            end = data.find(b"\n") + 1
            self._swallowed += end or len(data)
            if not end:
                return
            yield Overlong(self._swallowed)
            self._swallowed = 0
            data = data[end:]
        cut = data.rfind(b"\n") + 1
        if cut:
            whole = bytes(self._tail) + data[:cut] if self._tail else data[:cut]
            self._tail = bytearray(data[cut:])
            yield whole
        else:
            self._tail += data
        if len(self._tail) > MAX_LINE_BYTES:
            self._swallowed = len(self._tail)
            self._tail = bytearray()
