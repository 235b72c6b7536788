"""How far each journal has been taken. Whoever brings its bytes, each is committed once and in order."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final

from swarm_analytics_models.identifiers import uuid7
from swarm_analyticsd import policy
from swarm_analyticsd.clock import Chance, Clock
from swarm_analyticsd.intake import inbox
from swarm_analyticsd.intake.acceptance import Acceptance
from swarm_analyticsd.intake.admission import Screened, refuse_overlong, refuse_torn, screen
from swarm_analyticsd.intake.consent import Consent
from swarm_analyticsd.intake.decisions import decisions
from swarm_analyticsd.intake.framing import Framer, Overlong, Piece
from swarm_analyticsd.intake.ports import Keeps
from swarm_analyticsd.intake.post import Post
from swarm_analyticsd.intake.refusals import refusals_of
from swarm_analyticsd.intake.room import Room
from swarm_analyticsd.intake.routes import RouteBook
from swarm_analyticsd.outbox.rows import Admission

log: Final = logging.getLogger(__name__)


class MissingBytes(Exception):
    """A connection speaks of a position that the journal's file does not reach."""


class Cursor:
    """One journal. `lock` guards `taken`; what is in flight commits in the order in which it was taken."""

    def __init__(self, name: str, position: int) -> None:
        self.name = name
        self.owner = inbox.owner_of(name)
        self.taken = position
        """Handed to the outbox up to here; always the start of a line."""

        self.committed = position
        self.blanked = 0
        self.attached = 0
        """Connections that are at this journal now."""

        self.lock = asyncio.Lock()
        self.in_flight: set[asyncio.Task[None]] = set()
        self.accepted = 0
        self.duplicates = 0
        self.failures = 0
        self.repair: asyncio.Task[None] | None = None
        self._moved = asyncio.Condition()

    @property
    def broken(self) -> bool:
        """A commit failed: `taken` means nothing until the repair has read the journal again."""
        return self.repair is not None

    async def moved(self) -> None:
        async with self._moved:
            self._moved.notify_all()

    async def reaches(self, position: int) -> None:
        """Wait until everything before `position` is committed."""
        async with self._moved:
            await self._moved.wait_for(lambda: self.committed >= position)


class Cursors:
    """Takes bytes of journals, screens them and commits them; answers with receipts."""

    def __init__(
        self,
        directory: Path,
        *,
        outbox: Keeps,
        acceptance: Acceptance,
        book: RouteBook,
        consent: Consent,
        post: Post,
        room: Room,
        clock: Clock,
        chance: Chance,
        on_muted: Callable[[Cursor], None],
    ) -> None:
        self._directory = directory
        self._outbox = outbox
        self._acceptance = acceptance
        self._book = book
        self._consent = consent
        self._post = post
        self._room = room
        self._clock = clock
        self._chance = chance
        self._on_muted = on_muted
        self._cursors: dict[str, Cursor] = {}
        self._repairs: set[asyncio.Task[None]] = set()

    async def get(self, name: str) -> Cursor:
        """The journal's cursor, at its committed position when it is met for the first time."""
        known = self._cursors.get(name)
        if known is None:
            position = await self._outbox.journal_position(name)
            known = self._cursors.setdefault(name, Cursor(name, position))
        return known

    def known(self) -> tuple[Cursor, ...]:
        return tuple(self._cursors.values())

    def forget(self, name: str) -> None:
        self._cursors.pop(name, None)

    async def take(self, cursor: Cursor, piece: Piece, at: int) -> None:
        """Take whole lines that a connection brought from position `at`: the gap before them from the file
        first, nothing twice. While the journal is broken they are left to its repair.

        Raises MissingBytes where that gap cannot be read.
        """
        length = piece.length if isinstance(piece, Overlong) else len(piece)
        async with cursor.lock:
            if at > cursor.taken and not cursor.broken:
                await self._read(cursor, at)
            if cursor.broken or at + length <= cursor.taken:
                return
            if isinstance(piece, Overlong):
                self._commit_soon(cursor, self._overlong(cursor, piece))
            else:
                await self._hand_over(cursor, piece[cursor.taken - at :])

    async def catch_up(self, cursor: Cursor, upto: int | None = None) -> None:
        """Take what the file has beyond the cursor, up to its last whole line or to `upto`.

        Raises MissingBytes where the file ends before `upto`.
        """
        async with cursor.lock:
            if not cursor.broken:
                await self._read(cursor, upto)

    async def give_up_tail(self, cursor: Cursor, end: int) -> None:
        """Count what lies between the last whole line and `end` as torn: its writer is dead."""
        async with cursor.lock:
            if cursor.taken < end and not cursor.broken:
                torn = refuse_torn(end - cursor.taken, at=cursor.taken, journal=cursor.name, book=self._book)
                self._commit_soon(cursor, torn)

    async def settle(self, cursor: Cursor) -> bool:
        """Wait for the commits under way now; whether all went well."""
        if cursor.in_flight:
            await asyncio.wait(tuple(cursor.in_flight))
        return not cursor.broken

    async def stop(self) -> None:
        """Wait a moment for the commits under way, and give up repairs: the journals have everything."""
        for repair in self._repairs:
            repair.cancel()
        flying = [task for cursor in self._cursors.values() for task in cursor.in_flight]
        if flying:
            await asyncio.wait(flying, timeout=policy.STOP_COMMITS_S)

    async def _read(self, cursor: Cursor, upto: int | None) -> None:
        framer = Framer()
        position = cursor.taken
        while not cursor.broken and (upto is None or position < upto):
            most = policy.READ_BYTES if upto is None else min(policy.READ_BYTES, upto - position)
            data = await asyncio.to_thread(inbox.read, self._directory / cursor.name, position, most)
            if not data:
                break
            position += len(data)
            for piece in framer.feed(data):
                if isinstance(piece, Overlong):
                    self._commit_soon(cursor, self._overlong(cursor, piece))
                else:
                    await self._hand_over(cursor, piece)
        if upto is not None and cursor.taken < upto and not cursor.broken:
            raise MissingBytes(f"{cursor.name} ends before position {upto}")

    def _overlong(self, cursor: Cursor, piece: Overlong) -> Screened:
        return refuse_overlong(piece.length, at=cursor.taken, journal=cursor.name, book=self._book)

    async def _hand_over(self, cursor: Cursor, data: bytes) -> None:
        """Commit lines; where the user decides among them, what comes before under the old decision."""
        try:
            found = tuple(decisions(data, at=cursor.taken, book=self._book, mint=uuid7))
            await self._consent.foresee(found)
            for decision in found:
                if self._consent.is_news(decision):
                    cut = decision.offset - cursor.taken
                    await self._submit(cursor, data[:cut])
                    data = data[cut:]
                    await self.settle(cursor)
                    await self._consent.decide(decision)
        except Exception as error:
            self._break(cursor, error)
            return
        await self._submit(cursor, data)

    async def _submit(self, cursor: Cursor, data: bytes) -> None:
        await self._room.available()
        if data:
            now = self._clock.now()
            screened = screen(
                data, at=cursor.taken, journal=cursor.name, book=self._book, now=now, mint=uuid7
            )
            self._commit_soon(cursor, screened)

    def _commit_soon(self, cursor: Cursor, screened: Screened) -> None:
        if cursor.broken:
            return
        cursor.taken = screened.admission.end
        self._post.saw(screened.clients, cursor.owner)
        size = screened.admission.end - screened.admission.start
        self._room.enter(size)
        task = asyncio.create_task(self._commit(cursor, screened))
        cursor.in_flight.add(task)
        task.add_done_callback(cursor.in_flight.discard)
        task.add_done_callback(lambda _: self._room.leave(size))

    async def _commit(self, cursor: Cursor, screened: Screened) -> None:
        try:
            admitted = await self._acceptance.commit(screened)
        except Exception as error:
            self._break(cursor, error)
            return
        if admitted.stale is not None:
            self._break(cursor, None)
            return
        cursor.failures = 0
        cursor.accepted += admitted.accepted
        cursor.duplicates += admitted.duplicates
        cursor.committed = screened.admission.end
        refused = sorted(screened.refusals + refusals_of(admitted), key=lambda refusal: refusal.offset)
        self._post.receipt(cursor.owner, cursor.name, cursor.committed, tuple(refused))
        if self._muted(screened.admission):
            self._on_muted(cursor)
        await cursor.moved()

    def _muted(self, admission: Admission) -> bool:
        """Whether these lines hold what no file may hold. Of a refused line nobody can tell."""
        erasing = self._consent.erasing
        return bool(erasing) and (
            admission.refused > 0
            or any(event.muted_without_consent and event.service in erasing for event in admission.events)
        )

    def _break(self, cursor: Cursor, error: Exception | None) -> None:
        """Nothing that is in flight for this journal counts any more: read it again from where it is kept."""
        if error is not None:
            log.warning("journal %s could not be committed, will be read again: %s", cursor.name, error)
            cursor.failures += 1
        if cursor.repair is None:
            cursor.repair = asyncio.create_task(self._repair(cursor))
            self._repairs.add(cursor.repair)
            cursor.repair.add_done_callback(self._repairs.discard)

    async def _repair(self, cursor: Cursor) -> None:
        while True:
            await self.settle(cursor)
            if cursor.failures:
                longest = min(
                    policy.TAKE_RETRY_MOST_S, policy.TAKE_RETRY_FIRST_S * 2 ** (cursor.failures - 1)
                )
                await asyncio.sleep(self._chance.uniform(0, longest))
            try:
                position = await self._outbox.journal_position(cursor.name)
                async with cursor.lock:
                    kept = position > cursor.committed
                    cursor.taken = cursor.committed = position
                    cursor.repair = None
                    if kept:
                        await self._tell_kept(cursor)
                    await self._read(cursor, None)
                return
            except Exception as error:
                log.warning("journal %s could not be read again: %s", cursor.name, error)
                cursor.failures += 1
                cursor.repair = asyncio.current_task()

    async def _tell_kept(self, cursor: Cursor) -> None:
        """A commit that seemed to fail was kept: do what its answer would have brought about."""
        self._post.receipt(cursor.owner, cursor.name, cursor.committed, ())
        await self._acceptance.introduce_all()
        await cursor.moved()
