"""Hand-off on real sockets, over the real outbox, and an app that does to it what a test asks for."""

import asyncio
import fcntl
import json
import os
import socket
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from swarm_analytics_models.categories import ConsentMode
from swarm_analytics_models.home import Home
from swarm_analytics_models.services import contracts
from swarm_analytics_models.status import Ledger
from swarm_analyticsd.clock import SystemClock
from swarm_analyticsd.homedir import prepare_home
from swarm_analyticsd.intake.listener import Listeners, listen_unix
from swarm_analyticsd.intake.reception import Reception
from swarm_analyticsd.outbox.errors import OutboxUnavailable
from swarm_analyticsd.outbox.rows import Admission, Admitted, KnownDestination
from swarm_analyticsd.outbox.store import Outbox
from tests.intake.lines import hello
from tests.support.waiting import eventually_async


@dataclass
class Recorder:
    """A dispatcher that sends nothing and remembers what it was asked."""

    woken: list[int] = field(default_factory=list)
    introduced: list[KnownDestination] = field(default_factory=list)
    muted: list[str] = field(default_factory=list)
    silenced: set[str] = field(default_factory=set)
    nudges: int = 0
    unsigned: list[str] = field(default_factory=list)

    def wake(self, destination_ids: Iterable[int]) -> None:
        self.woken.extend(destination_ids)

    def nudge(self) -> None:
        self.nudges += 1

    async def cancel_muted(self, service: str) -> None:
        self.muted.append(service)

    def silence(self, service: str, silenced: bool) -> None:
        (self.silenced.add if silenced else self.silenced.discard)(service)

    def destination_added(self, known: KnownDestination) -> None:
        self.introduced.append(known)

    def signatures_wanted(self) -> tuple[str, ...]:
        return tuple(self.unsigned)


class FlakyOutbox(Outbox):
    """The real one, whose commits fail as long as `failing` says so, and which can be made to wait."""

    failing: Callable[[Admission], bool] = staticmethod(lambda _admission: False)
    lost_answers = False
    """A failing commit is kept, and only the answer is lost: nobody can say what the disk did."""

    gate: asyncio.Event | None = None
    admissions: int = 0

    async def admit(self, admission: Admission) -> Admitted:
        self.admissions += 1
        if self.gate is not None:
            await self.gate.wait()
        if self.failing(admission):
            if self.lost_answers:
                await super().admit(admission)
            raise OutboxUnavailable("the disk refused", "Mend it.")
        return await super().admit(admission)


class Smooth:
    """Jitter that is none: the longest wait, shortened for tests."""

    def uniform(self, a: float, b: float) -> float:
        return b / 20


@dataclass
class Rig:
    home: Home
    outbox: FlakyOutbox
    reception: Reception
    listeners: Listeners
    dispatcher: Recorder
    apps: "list[App]" = field(default_factory=list)

    def app(self, *, pid: int = 77, name: str = "ab12" * 4) -> "App":
        app = App(self, f"{pid}-{name}")
        self.apps.append(app)
        return app

    async def ledger(self) -> Ledger:
        return (await self.outbox.tallies()).ledger

    async def accepted(self, number: int) -> None:
        """Wait until exactly so many events are accepted."""
        await self.accepted_at_least(number)
        ledger = await self.ledger()
        assert ledger.accepted == number
        assert ledger.balanced

    async def accepted_at_least(self, number: int) -> None:
        async def enough() -> bool:
            return (await self.ledger()).accepted >= number

        await eventually_async(enough, what=f"{number} accepted events")

    async def keys(self) -> list[str]:
        """Keys of all events, in the order of their commits."""
        return [event.id for event in reversed(await self.outbox.events(limit=100_000))]

    def journal_names(self) -> list[str]:
        return sorted(os.listdir(self.home.inbox))

    def holding_bytes(self, needle: bytes) -> list[str]:
        """Files of the home in which these bytes stand."""
        return [
            str(path.relative_to(self.home.root))
            for path in sorted(self.home.root.rglob("*"))
            if path.is_file() and needle in path.read_bytes()
        ]


class App:
    """What an app's hand-off does, a step at a time: a journal that it locks, and a connection."""

    def __init__(self, rig: Rig, owner: str) -> None:
        self._rig = rig
        self._owner = owner
        self._segment = 0
        self._descriptor: int | None = None
        self._connection: socket.socket | None = None
        self._unread = b""
        self.heard: list[dict[str, Any]] = []
        self.end = 0
        self.rotate()

    @property
    def name(self) -> str:
        return f"{self._owner}-{self._segment:06}.ndjson"

    @property
    def path(self) -> Path:
        return self._rig.home.inbox / self.name

    def rotate(self) -> None:
        self._segment += 1
        self.end = 0
        self._earlier = self._descriptor
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
        self._descriptor = os.open(self.path, flags, 0o600)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def write(self, *lines: bytes) -> bytes:
        """Append to the journal only."""
        assert self._descriptor is not None
        data = b"".join(lines)
        assert os.write(self._descriptor, data) == len(data)
        self.end += len(data)
        return data

    async def connect(self, offset: int | None = None, *, greet: bool = True) -> None:
        loop = asyncio.get_running_loop()
        handoff = self._rig.listeners.handoff
        assert handoff is not None
        self._connection = socket.socket(socket.AF_UNIX)
        self._connection.setblocking(False)
        await loop.sock_connect(self._connection, handoff.getsockname())
        if greet:
            await self.send(hello(self.name, self.end if offset is None else offset))

    async def send(self, *lines: bytes) -> None:
        """Send on the connection only."""
        assert self._connection is not None
        await asyncio.get_running_loop().sock_sendall(self._connection, b"".join(lines))

    async def hand_off(self, *lines: bytes) -> None:
        """What a call does: journal, then socket."""
        await self.send(self.write(*lines))

    async def hear(self, kind: str) -> dict[str, Any]:
        """The next message of a kind; the others are kept in `heard`."""
        async with asyncio.timeout(10):
            while True:
                message = await self._message()
                if message is None:
                    raise AssertionError(f"the daemon closed the connection; heard {self.heard}")
                self.heard.append(message)
                if message["type"] == kind:
                    return message

    async def receipt(self, offset: int | None = None, journal: str | None = None) -> list[dict[str, Any]]:
        """Wait for the receipt of everything up to `offset`; the refusals told on the way."""
        wanted = self.end if offset is None else offset
        refused: list[dict[str, Any]] = []
        while True:
            message = await self.hear("receipt")
            if message["journal"] == (journal or self.name):
                refused += message["refused"]
                assert message["offset"] <= wanted
                if message["offset"] == wanted:
                    return refused

    async def closed(self) -> None:
        """Wait for the daemon to close the connection."""
        async with asyncio.timeout(10):
            while (message := await self._message()) is not None:
                self.heard.append(message)

    async def _message(self) -> dict[str, Any] | None:
        assert self._connection is not None
        while b"\n" not in self._unread:
            try:
                data = await asyncio.get_running_loop().sock_recv(self._connection, 65_536)
            except ConnectionError:
                return None
            if not data:
                return None
            self._unread += data
        line, _, self._unread = self._unread.partition(b"\n")
        message: dict[str, Any] = json.loads(line)
        return message

    def disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
            self._unread = b""

    def die(self) -> None:
        """As the kernel does it: the connection ends, the locks are free."""
        self.disconnect()
        for descriptor in (self._descriptor, self._earlier):
            if descriptor is not None:
                os.close(descriptor)
        self._descriptor = self._earlier = None


@asynccontextmanager
async def rig_in(root: Path, *, before: Callable[[Home], None] | None = None) -> AsyncIterator[Rig]:
    """A reception that serves `root`. `before` may put journals into it first."""
    home = Home(root)
    prepare_home(home)
    opened = await FlakyOutbox.open(home, durability="durable", clock=SystemClock())
    assert isinstance(opened, FlakyOutbox)
    dispatcher = Recorder()
    reception = Reception(
        home,
        outbox=opened,
        dispatcher=dispatcher,
        contracts=contracts(),
        consent=opened.recovery.consent,
        decided=opened.recovery.decided,
        clock=SystemClock(),
        chance=Smooth(),
    )
    listeners = listen_unix(home)
    rig = Rig(home, opened, reception, listeners, dispatcher)
    if before is not None:
        before(home)
    reception.open(listeners.handoff)
    try:
        yield rig
    finally:
        for app in rig.apps:
            app.die()
        await reception.close()
        await reception.erasure.settle()
        listeners.close()
        await opened.close()


def consent_of(rig: Rig) -> ConsentMode:
    return rig.reception.consent.modes["openswarm"]
