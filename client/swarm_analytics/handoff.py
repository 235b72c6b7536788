"""The way of events out of this process: into its journal, and over the link where there is one.

One `HandOff` per process and home. Its lock makes the order in the journal, the order on the socket and the
order in which calls return the same one.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol
from weakref import WeakValueDictionary

from pydantic import SecretStr

from swarm_analytics.consent import ConsentView
from swarm_analytics.errors import HandOffError
from swarm_analytics.journal import Declared, Journal, Segment
from swarm_analytics.link import Link
from swarm_analytics_models.categories import ConsentMode
from swarm_analytics_models.handoff import MAX_CLIENTS, PROTOCOL, DroppedEvent, Hello, Refusal, Skipped
from swarm_analytics_models.home import Home
from swarm_analytics_models.identifiers import Destination


class DropListener(Protocol):
    """A client object, as far as the hand-off knows it."""

    @property
    def id(self) -> str: ...

    def renew(self) -> None:
        """Become another client, in a child of the process that made this one."""
        ...

    def dropped(self, event: DroppedEvent) -> None: ...

    def refused(self, refusal: Refusal) -> None: ...

    def skipped(self, notice: Skipped) -> None: ...


@dataclass(frozen=True, slots=True)
class Adoption:
    """A real token that an app passed in, on its way to the daemon. In memory only."""

    destination: Destination
    token: SecretStr


class HandOff:
    """Appends lines for any number of threads; never waits for the daemon.

    At the first hand-off, `connect` is asked for a link that is there at once, and `start` is called: it
    starts the background thread.
    """

    def __init__(
        self,
        home: Home,
        connect: Callable[[], Link | None],
        start: Callable[[], None],
        version: Callable[[], str],
    ) -> None:
        self.home: Final = home
        self._connect = connect
        self._start = start
        self._version = version
        self.consent = ConsentView()
        self.adoptions: dict[str, Adoption] = {}
        self.signers: dict[str, Callable[[], Adoption | None]] = {}
        """By a session destination's ref: gives its identity, freshly signed, or None where the app has
        another user by now. Called on the background thread."""

        self.listeners: WeakValueDictionary[str, DropListener] = WeakValueDictionary()
        self._begin()

    def _begin(self) -> None:
        self.lock = threading.RLock()
        self._journal = Journal(self.home)
        self._link: Link | None = None
        self._early: Link | None = None
        self._announced: str | None = None
        self._busy = False
        """A thread is in here with the lock: a signal handler on that very thread must not wait for it."""

        self._started = False
        self.bell = threading.Event()
        self.resting = False
        """Set by the background thread while it waits for `bell` and not for the link."""

        self.asked = False
        """Somebody needs a daemon although nothing waits in the journal."""

    def append(self, line: bytes, destination: Declared | None) -> None:
        """Journal one line and send it. Raises HandOffError; then the line is nowhere."""
        with self.lock:
            if not self._started:
                self._begin_handing_off()
            if self._busy:
                self._hang_up()
                self._journal.append(line, destination)
                return
            self._busy = True
            try:
                segment, data = self._journal.append(line, destination)
                self._send(segment, data)
            except HandOffError:
                self.asked = True
                raise
            finally:
                if self.resting:
                    self.bell.set()
                self._busy = False
            if self.adoptions and destination is not None and destination.ref in self.adoptions:
                self._hang_up()  # the background thread hands the token over before it connects anew

    def _begin_handing_off(self) -> None:
        """Once: where a daemon listens, even the first line is on its socket before the call returns."""
        self._started = True
        link = None if self.adoptions else self._connect()
        try:
            if link is not None:
                if self._journal.current is None:
                    self._journal.rotate()
                if self.attach(link):
                    self._early, link = link, None
        finally:
            if link is not None:
                link.close()
            self._start()

    def take_early_link(self) -> Link | None:
        """The link that the first hand-off made, for the background thread to listen to."""
        with self.lock:
            early, self._early = self._early, None
            return early

    def attach(self, link: Link) -> bool:
        """Use `link` from the next line on. False: it did not take the opening, or there is no journal."""
        with self.lock:
            if self._journal.was_removed():
                self._journal.rotate()
            current = self._journal.current
            if current is None:
                return False
            older = [segment for segment in self._journal.pending if segment is not current]
            if not link.send(b"".join(self._hello(segment, segment.end) for segment in (*older, current))):
                return False
            self._link = link
            self._announced = current.name
            return True

    def detach(self, link: Link) -> None:
        """Stop using `link`, if it is still the one in use."""
        with self.lock:
            if self._link is link:
                self._link = None
        link.close()

    def receipted(self, journal: str, offset: int) -> None:
        """The daemon has committed everything of `journal` before `offset`."""
        with self.lock:
            self._journal.receipted(journal, offset)
            self.consent.receipted(journal, offset)

    def positions(self) -> list[tuple[str, int, int]]:
        """(name, receipted, end) of segments with unreceipted lines, oldest first, and of the current."""
        with self.lock:
            segments = self._journal.pending
            if self._journal.current is not None and self._journal.current not in segments:
                segments.append(self._journal.current)
            return [(segment.name, segment.receipted, segment.end) for segment in segments]

    @property
    def wanting(self) -> bool:
        """Whether something waits for a daemon."""
        with self.lock:
            return self.asked or bool(self.adoptions) or bool(self._journal.pending)

    def decided(self, service: str, mode: ConsentMode) -> None:
        """The line just handed off was the user's decision."""
        with self.lock:
            current = self._journal.current
            if current is not None:
                self.consent.decided(service, mode, current.name, current.end)

    def heard_consent(self, service: str, mode: ConsentMode) -> None:
        with self.lock:
            self.consent.heard(service, mode)

    def call_daemon(self) -> None:
        """Have the background thread look for a daemon now, and start one where it may."""
        with self.lock:
            self.asked = True
            if not self._started:
                self._started = True
                self._start()
            if not self._busy:
                self._busy = True
                self.bell.set()
                self._busy = False

    def begin_in_child(self) -> None:
        """After a fork: leave the parent's files and socket alone, and begin anew."""
        self._journal.abandon()
        if self._link is not None:
            self._link.close()
        listeners = list(self.listeners.values())
        self.listeners = WeakValueDictionary()
        self._begin()
        for listener in listeners:
            listener.renew()
            self.listeners[listener.id] = listener

    def _send(self, segment: Segment, data: bytes) -> None:
        link = self._link
        if link is None:
            return
        if segment.name != self._announced:
            self._announced = segment.name
            data = self._hello(segment, segment.end - len(data)) + data
        if not link.send(data):
            self._hang_up()

    def _hang_up(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            link.hang_up()

    def _hello(self, segment: Segment, offset: int) -> bytes:
        hello = Hello(
            protocol=PROTOCOL,
            version=self._version(),
            pid=self._journal.pid,
            journal=segment.name,
            offset=offset,
            clients=tuple(self.listeners)[:MAX_CLIENTS],
        )
        return hello.model_dump_json().encode() + b"\n"
