"""Writes to one app without ever waiting for it."""

import asyncio
import logging
import socket
from collections import deque
from dataclasses import dataclass, field
from typing import Final

from swarm_analytics_models.handoff import Message, Receipt, Refusal
from swarm_analyticsd import policy

log: Final = logging.getLogger(__name__)


@dataclass(slots=True)
class Progress:
    """How far a journal is committed, and which of its lines were refused, since that was last told."""

    offset: int = 0
    refused: list[Refusal] = field(default_factory=list)

    def advance(self, offset: int, refused: tuple[Refusal, ...]) -> None:
        self.offset = max(self.offset, offset)
        self.refused.extend(refused[: policy.REFUSALS_KEPT - len(self.refused)])


class Outlet:
    """The daemon's side of a hand-off connection, for writing.

    An app that does not read costs bounded memory: its receipts melt into the newest of each journal, of its
    notices the oldest go. A write that fails ends writing, never reading.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._loop = asyncio.get_running_loop()
        self._notices: deque[bytes] = deque()
        self._notice_bytes = 0
        self._receipts: dict[str, Progress] = {}
        self._rest = b""
        self._waiting = False
        self.broken = False

    def notice(self, message: Message) -> None:
        """Send a message, before any receipt that waits."""
        line = message.model_dump_json().encode() + b"\n"
        self._notices.append(line)
        self._notice_bytes += len(line)
        while self._notice_bytes > policy.OUTLET_BYTES and len(self._notices) > 1:
            self._notice_bytes -= len(self._notices.popleft())
        self._write()

    def receipt(self, journal: str, offset: int, refused: tuple[Refusal, ...]) -> None:
        """Tell how far `journal` is committed."""
        self._receipts.setdefault(journal, Progress()).advance(offset, refused)
        self._write()

    def untold(self) -> dict[str, Progress]:
        """What was never sent, for the app's next connection."""
        return self._receipts

    def close(self) -> None:
        """Stop writing; the connection itself belongs to its reader."""
        self.broken = True
        if self._waiting:
            self._loop.remove_writer(self._connection)
            self._waiting = False

    def _write(self) -> None:
        if self._waiting or self.broken:
            return
        try:
            self._send_all()
        except BlockingIOError:
            self._waiting = True
            self._loop.add_writer(self._connection, self._writable)
        except OSError as error:
            log.debug("an app takes no receipts any more: %s", error)
            self.close()

    def _send_all(self) -> None:
        while True:
            if not self._rest:
                self._rest = self._next()
                if not self._rest:
                    return
            sent = self._connection.send(self._rest)
            self._rest = self._rest[sent:]

    def _next(self) -> bytes:
        if self._notices:
            line = self._notices.popleft()
            self._notice_bytes -= len(line)
            return line
        if self._receipts:
            journal = next(iter(self._receipts))
            progress = self._receipts.pop(journal)
            receipt = Receipt(journal=journal, offset=progress.offset, refused=tuple(progress.refused))
            return receipt.model_dump_json().encode() + b"\n"
        return b""

    def _writable(self) -> None:
        self._loop.remove_writer(self._connection)
        self._waiting = False
        self._write()
