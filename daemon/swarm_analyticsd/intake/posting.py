"""Hand-off by request: lines in a body, the answer after their commit. For loopback, curl and others."""

import asyncio
from dataclasses import dataclass

from swarm_analytics_models.handoff import HandOffAnswer
from swarm_analytics_models.identifiers import uuid7
from swarm_analyticsd import policy
from swarm_analyticsd.clock import Clock
from swarm_analyticsd.intake.acceptance import Acceptance
from swarm_analyticsd.intake.admission import screen
from swarm_analyticsd.intake.consent import Consent
from swarm_analyticsd.intake.cursors import Cursors
from swarm_analyticsd.intake.decisions import decisions
from swarm_analyticsd.intake.framing import Framer, Overlong
from swarm_analyticsd.intake.journals import Journals
from swarm_analyticsd.intake.ports import Sends
from swarm_analyticsd.intake.post import Post
from swarm_analyticsd.intake.refusals import refusals_of
from swarm_analyticsd.intake.room import Room
from swarm_analyticsd.intake.routes import RouteBook


class NotCommitted(Exception):
    """The lines could not be committed now; sending them again is safe."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """Takes the bodies of ``POST /v1/hand-off``."""

    acceptance: Acceptance
    cursors: Cursors
    journals: Journals
    consent: Consent
    post: Post
    room: Room
    book: RouteBook
    clock: Clock
    dispatcher: Sends

    async def lines(self, body: bytes) -> HandOffAnswer:
        """Lines without a journal: their sender keeps them until the answer. Raises what admitting raises."""
        await self.room.available()
        found = tuple(decisions(body, at=0, book=self.book, mint=uuid7))
        await self.consent.foresee(found)
        for decision in found:
            await self.consent.decide(decision)
        self.room.enter(len(body))
        try:
            now = self.clock.now()
            screened = screen(body, at=0, journal=None, book=self.book, now=now, mint=uuid7)
            admitted = await self.acceptance.commit(screened)
        finally:
            self.room.leave(len(body))
        refused = {each.event.offset for each in admitted.refused}
        return HandOffAnswer(
            accepted=admitted.accepted,
            duplicates=admitted.duplicates,
            refused=screened.refusals + refusals_of(admitted),
            keys=tuple(event.key for event in screened.admission.events if event.offset not in refused),
        )

    async def journal(self, body: bytes, name: str, offset: int) -> HandOffAnswer:
        """Lines of a journal from `offset`: taken as if a socket had brought them.

        Raises NotCommitted, MissingBytes, NotAJournal, OSError.
        """
        cursor = await self.journals.reach(name, offset)
        position = offset
        accepted, duplicates = cursor.accepted, cursor.duplicates
        for piece in Framer().feed(body):
            await self.cursors.take(cursor, piece, position)
            position += piece.length if isinstance(piece, Overlong) else len(piece)
        try:
            async with asyncio.timeout(policy.BODY_DEADLINE_S):
                await cursor.reaches(position)
        except TimeoutError:
            raise NotCommitted(f"{name} is committed up to {cursor.committed} only") from None
        return HandOffAnswer(
            accepted=cursor.accepted - accepted,
            duplicates=cursor.duplicates - duplicates,
            refused=self.post.collect_refusals(cursor.owner, name),
            dropped=self.post.collect_dropped(cursor.owner),
            skipped=self.post.collect_skipped(cursor.owner),
            consent=self.consent.modes,
            signatures_wanted=self.dispatcher.signatures_wanted(),
        )
