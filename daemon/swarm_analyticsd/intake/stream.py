"""One app's hand-off connection: NDJSON in, receipts out. Read to its end, whatever becomes of the writes."""

import asyncio
import logging
import socket
from typing import Final

from pydantic import ValidationError
from pydantic_core import from_json

from swarm_analytics_models.handoff import PROTOCOL, Hello, ProtocolError, SignatureWanted, Welcome
from swarm_analyticsd import VERSION, policy
from swarm_analyticsd.intake.consent import Consent
from swarm_analyticsd.intake.cursors import Cursor, Cursors, MissingBytes
from swarm_analyticsd.intake.framing import Framer, Overlong
from swarm_analyticsd.intake.inbox import NotAJournal, is_journal, owner_of
from swarm_analyticsd.intake.journals import Journals
from swarm_analyticsd.intake.outlet import Outlet
from swarm_analyticsd.intake.ports import Sends
from swarm_analyticsd.intake.post import Post
from swarm_analyticsd.intake.room import Room

log: Final = logging.getLogger(__name__)
_HELLO: Final = b'"hello"'


class Refused(Exception):
    """The connection cannot go on."""

    def __init__(self, code: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.error = ProtocolError(code=code, message=message, hint=hint)


class Stream:
    """Serves a connection from its hello to its end."""

    def __init__(
        self,
        connection: socket.socket,
        *,
        cursors: Cursors,
        journals: Journals,
        consent: Consent,
        post: Post,
        room: Room,
        dispatcher: Sends,
        own_pid: int,
    ) -> None:
        self._connection = connection
        self._cursors = cursors
        self._journals = journals
        self._consent = consent
        self._post = post
        self._room = room
        self._dispatcher = dispatcher
        self._own_pid = own_pid
        self._outlet = Outlet(connection)
        self._framer = Framer()
        self._owner: str | None = None
        self._cursor: Cursor | None = None
        self._position = 0
        self._deadline = asyncio.timeout(policy.HELLO_DEADLINE_S)

    async def serve(self) -> None:
        """Returns when the peer is gone or cannot be served any further. The caller closes the connection."""
        try:
            async with self._deadline:
                await self._read_all()
        except TimeoutError:
            log.info("a hand-off connection said no hello within %.0f s", policy.HELLO_DEADLINE_S)
        except Refused as refused:
            log.info("a hand-off connection cannot go on: %s", refused)
            self._outlet.notice(refused.error)
        except ConnectionError as error:
            log.debug("a hand-off connection broke: %s", error)
        finally:
            self._leave()
            if self._owner is not None:
                self._post.detach(self._owner, self._outlet)
            self._outlet.close()
            self._journals.scan_soon()

    async def _read_all(self) -> None:
        loop = asyncio.get_running_loop()
        while data := await loop.sock_recv(self._connection, policy.READ_BYTES):
            for piece in self._framer.feed(data):
                if isinstance(piece, Overlong):
                    await self._take(piece, piece.length)
                elif _HELLO in piece:
                    await self._lines_with_hello(piece)
                else:
                    await self._take(piece, len(piece))
            await self._room.available()

    async def _lines_with_hello(self, lines: bytes) -> None:
        """Take lines of which some may be greetings; those are no part of the journal."""
        rest = 0
        start = 0
        while start < len(lines):
            end = lines.index(b"\n", start) + 1
            hello = _hello(lines[start:end]) if _HELLO in lines[start:end] else None
            if hello is not None:
                await self._take(lines[rest:start], start - rest)
                await self._greet(hello)
                rest = end
            start = end
        await self._take(lines[rest:], len(lines) - rest)

    async def _take(self, piece: bytes | Overlong, length: int) -> None:
        if length == 0:
            return
        if self._cursor is None:
            raise Refused(
                "hello",
                "the first line is not a hello",
                "Send a line of type hello first, as handoff.py says.",
            )
        try:
            await self._cursors.take(self._cursor, piece, self._position)
        except (MissingBytes, NotAJournal, OSError) as error:
            raise _unreadable(error) from error
        self._position += length

    async def _greet(self, hello: Hello) -> None:
        if hello.protocol > PROTOCOL:
            raise Refused(
                "protocol",
                f"this daemon ({VERSION}) speaks protocol {PROTOCOL}, the app speaks {hello.protocol}",
                "Stop this daemon and start one of the app's version; the journal keeps what was handed off.",
            )
        self._deadline.reschedule(None)
        if not is_journal(hello.journal):
            raise _unreadable(NotAJournal(f"{hello.journal[:80]!r} is no journal's name"))
        owner = owner_of(hello.journal)
        if self._owner is None:
            self._outlet.notice(
                Welcome(protocol=PROTOCOL, version=VERSION, pid=self._own_pid, consent=self._consent.modes)
            )
            for wanting in self._dispatcher.signatures_wanted():
                self._outlet.notice(SignatureWanted(destination=wanting))
            self._owner = owner
            self._post.attach(owner, self._outlet)
        elif owner != self._owner:
            raise Refused("journal", "the hello is for another app's journal", "Connect anew for it.")
        self._post.saw(hello.clients, owner)
        try:
            cursor = await self._journals.reach(hello.journal, hello.offset)
        except (MissingBytes, NotAJournal, OSError) as error:
            raise _unreadable(error) from error
        self._leave()
        self._cursor = cursor
        self._position = hello.offset
        cursor.attached += 1
        self._outlet.receipt(cursor.name, cursor.committed, ())

    def _leave(self) -> None:
        if self._cursor is not None:
            self._cursor.attached -= 1


def _hello(line: bytes) -> Hello | None:
    try:
        record = from_json(line, allow_inf_nan=False)
    except ValueError:
        return None
    if not isinstance(record, dict) or record.get("type") != "hello":
        return None
    try:
        return Hello.model_validate(record)
    except ValidationError as error:
        fields = ", ".join(str(fault["loc"][0]) for fault in error.errors() if fault["loc"])
        raise Refused("hello", f"the hello is not valid: {fields}", "Send it as handoff.py says.") from error


def _unreadable(error: Exception) -> Refused:
    return Refused(
        "journal",
        f"the journal cannot be read: {error}",
        "Start a new journal in the home's inbox, and say hello for it.",
    )
