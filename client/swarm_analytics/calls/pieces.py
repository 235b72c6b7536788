"""An answer in pieces, taken apart: server-sent events, or one JSON value a line. No I/O."""

import codecs
import json
from collections.abc import Iterator
from typing import Any, Literal, Protocol

from swarm_analytics import policy
from swarm_analytics_models.calling import server_sent


class UnreadablePiece(Exception):
    """What came is not of the format that the contract names."""


class Pieces(Protocol):
    """Takes bytes as they come, gives the values that models read."""

    def feed(self, data: bytes) -> Iterator[Any]: ...

    def end(self) -> Iterator[Any]:
        """The answer is complete."""
        ...


def pieces_of(format: Literal["sse", "ndjson"]) -> Pieces:
    return ServerSentEvents() if format == "sse" else JsonLines()


class JsonLines:
    """One JSON value a line; the last line may lack its end, and empty lines say nothing."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[Any]:
        *lines, self._rest = (self._rest + data).split(b"\n")
        _refuse_endless(len(self._rest))
        for line in lines:
            yield from _json_line(line)

    def end(self) -> Iterator[Any]:
        yield from _json_line(self._rest)


def _json_line(line: bytes) -> Iterator[Any]:
    if line.strip():
        try:
            yield json.loads(line)
        except ValueError as error:
            raise UnreadablePiece("a line is not JSON") from error


class ServerSentEvents:
    """As WHATWG HTML, section 9.2, has it; ids and reconnection times are of no use here."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""
        self._began = False
        self._name = ""
        self._data: list[str] = []
        self._size = 0

    def feed(self, data: bytes) -> Iterator[Any]:
        text = self._rest + self._decoder.decode(data)
        if not self._began and text:
            self._began = True
            text = text.removeprefix("\ufeff")
        held = "\r" if text.endswith("\r") else ""  # the line feed that belongs to it may come next
        lines = _lines(text.removesuffix(held) if held else text)
        self._rest = lines.pop() + held
        for line in lines:
            yield from self._line(line)
        _refuse_endless(len(self._rest) + self._size)

    def end(self) -> Iterator[Any]:
        """An event that no empty line ends is not one. Only a carriage return may have been held back."""
        if self._rest.endswith("\r"):
            for line in _lines(self._rest)[:-1]:
                yield from self._line(line)

    def _line(self, line: str) -> Iterator[Any]:
        if not line:
            if self._data:
                yield server_sent(self._name or "message", "\n".join(self._data))
            self._name, self._data, self._size = "", [], 0
            return
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            self._name = value
        elif field == "data":
            self._data.append(value)
            self._size += len(value)


def _lines(text: str) -> list[str]:
    """`text` at its line ends, which are CR LF, LF or CR; the last is what no end follows."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _refuse_endless(length: int) -> None:
    if length > policy.MAX_PIECE_BYTES:
        raise UnreadablePiece(f"a piece is longer than {policy.MAX_PIECE_BYTES} bytes")
