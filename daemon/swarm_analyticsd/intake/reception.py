"""Hand-off as a whole: everything between an app's bytes and the outbox, put together."""

import os
import socket
from collections.abc import Iterable, Mapping

from swarm_analytics_models.api import ConsentAnswer
from swarm_analytics_models.categories import ConsentMode
from swarm_analytics_models.contract import ServiceContract
from swarm_analytics_models.handoff import DroppedEvent, SignatureWanted, Skipped
from swarm_analytics_models.home import Home
from swarm_analyticsd import policy
from swarm_analyticsd.clock import Chance, Clock
from swarm_analyticsd.intake.acceptance import Acceptance
from swarm_analyticsd.intake.consent import Consent
from swarm_analyticsd.intake.cursors import Cursors
from swarm_analyticsd.intake.erasure import Erasure
from swarm_analyticsd.intake.gate import Gate
from swarm_analyticsd.intake.journals import Journals
from swarm_analyticsd.intake.ports import Keeps, Sends
from swarm_analyticsd.intake.post import Post
from swarm_analyticsd.intake.posting import Posting
from swarm_analyticsd.intake.room import Room
from swarm_analyticsd.intake.routes import RouteBook
from swarm_analyticsd.intake.stream import Stream


class Reception:
    """Serves hand-off connections and looks after the inbox, from `open` to `close`."""

    def __init__(
        self,
        home: Home,
        *,
        outbox: Keeps,
        dispatcher: Sends,
        contracts: Mapping[str, ServiceContract],
        consent: Mapping[str, ConsentMode],
        decided: Mapping[str, str],
        clock: Clock,
        chance: Chance,
    ) -> None:
        self._dispatcher = dispatcher
        book = RouteBook(contracts)
        self._post = Post()
        self._room = Room(policy.UNCOMMITTED_BYTES)
        self._gate: Gate | None = None
        self.erasure = Erasure(outbox=outbox, due=ConsentMode.MINIMAL in consent.values())
        self.consent = Consent(
            consent,
            decided,
            services=contracts,
            outbox=outbox,
            dispatcher=dispatcher,
            post=self._post,
            on_opted_out=self.erasure.soon,
        )
        acceptance = Acceptance(outbox=outbox, dispatcher=dispatcher, post=self._post)
        self._cursors = Cursors(
            home.inbox,
            outbox=outbox,
            acceptance=acceptance,
            book=book,
            consent=self.consent,
            post=self._post,
            room=self._room,
            clock=clock,
            chance=chance,
            on_muted=self.erasure.blank_soon,
        )
        self.journals = Journals(
            home.inbox, cursors=self._cursors, consent=self.consent, outbox=outbox, book=book, clock=clock
        )
        self.erasure.bind(self.journals)
        self.posting = Posting(
            acceptance=acceptance,
            cursors=self._cursors,
            journals=self.journals,
            consent=self.consent,
            post=self._post,
            room=self._room,
            book=book,
            clock=clock,
            dispatcher=dispatcher,
        )

    def open(self, listening: socket.socket | None) -> None:
        """Accept hand-off connections. None: hand-off comes by HTTP alone."""
        if listening is not None:
            self._gate = Gate(listening, self._serve)
            self._gate.open()

    async def close(self) -> None:
        """Read no more, and see the commits under way through. What is not committed is in the journals."""
        if self._gate is not None:
            await self._gate.close()
        await self.journals.stop()
        await self._cursors.stop()

    async def decide(self, services: Iterable[str], mode: ConsentMode) -> ConsentAnswer:
        """Change consent; returns when what it forbids is in no file of the home.

        The journals are taken in any case, so that no older decision in them comes up later as news.
        """
        withdrawn = sum([await self.consent.set(service, mode) for service in services])
        if self.consent.erasing:
            await self.erasure.erase()
            left = await self.journals.untaken()
        else:
            await self.journals.scan()
            left = []
        return ConsentAnswer(consent=self.consent.modes, withdrawn=withdrawn, journals_left=left)

    def signature_wanted(self, destination: str) -> None:
        """Ask every app that is connected for a fresh signed user id; who has that user gives one."""
        self._post.broadcast(SignatureWanted(destination=destination))

    def dropped(self, events: Iterable[DroppedEvent]) -> None:
        """Tell apps of events that will not be delivered."""
        self._post.dropped(events)

    def skipped(self, told: Skipped) -> None:
        """Tell an app that a service left events out of a batch, without saying which."""
        self._post.skipped(told)

    async def _serve(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, policy.SOCKET_BUFFER_BYTES)
        stream = Stream(
            connection,
            cursors=self._cursors,
            journals=self.journals,
            consent=self.consent,
            post=self._post,
            room=self._room,
            dispatcher=self._dispatcher,
            own_pid=os.getpid(),
        )
        await stream.serve()
