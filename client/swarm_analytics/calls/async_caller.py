"""Calls from asyncio: no thread waits for them, and cancelling one ends the request to the service.

asyncio itself is imported with the first call: a client that could make some costs other programs nothing.
"""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar, assert_never
from weakref import WeakKeyDictionary

from pydantic import BaseModel

from swarm_analytics import policy
from swarm_analytics.calls.desk import (
    REGISTER,
    Desk,
    PieceReader,
    of_registration,
    refusal_of,
    refuse_endless,
    whole,
)
from swarm_analytics.calls.failure import Fail, default_failure
from swarm_analytics.calls.operation import GivenUp, Operation, Step
from swarm_analytics.calls.setback import NotConnected, Refused, Severed
from swarm_analytics.calls.target import Target
from swarm_analytics.calls.turns import take_turn
from swarm_analytics.errors import DaemonError
from swarm_analytics.threads import in_thread
from swarm_analytics_models.client_route import ClientRoute

if TYPE_CHECKING:
    import asyncio

    from swarm_analytics.calls.async_wire import AsyncWire
    from swarm_analytics.calls.exchange import Head

AnswerT = TypeVar("AnswerT", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class _Reply:
    """An answer that has begun, and what is held for it until it is closed."""

    wire: "AsyncWire"
    head: "Head"
    held: contextlib.ExitStack

    def close(self) -> None:
        self.held.close()


class AsyncCaller:
    """As `Caller`, for asyncio: of any event loop, and of several one after the other.

    Only starting a daemon takes a thread.
    """

    def __init__(self, target: Target, fail: Fail = default_failure) -> None:
        self._desk: Final = Desk(target, fail)
        self._wires: set[AsyncWire] = set()
        self._registering: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()

    async def __call__(self, route: ClientRoute, body: dict[str, Any], answer: type[AnswerT], /) -> AnswerT:
        """Make one call with the arguments `body`, by wire names."""
        operation = self._desk.call(route, body)
        with self._desk.told():
            return whole(operation, await self._whole_answer(operation), answer)

    def stream(
        self, route: ClientRoute, body: dict[str, Any], event: type[AnswerT], /
    ) -> AsyncIterator[AnswerT]:
        """As a call, for an answer in pieces. The request is made when the first piece is asked for."""
        return self._stream(route, self._desk.call(route, body, in_pieces=True), event)

    async def clear_cache(self) -> None:
        """Have the daemon forget what it has cached for callers with this target and these settings."""
        operation = self._desk.clearing()
        with self._desk.told():
            await self._whole_answer(operation)

    async def aclose(self) -> None:
        """Break off what other tasks wait for. Nothing is held open between calls, and more may be made."""
        for wire in tuple(self._wires):
            wire.end()

    async def _stream(
        self, route: ClientRoute, operation: Operation, event: type[AnswerT]
    ) -> AsyncIterator[AnswerT]:
        with self._desk.told(), contextlib.closing(await self._open(operation)) as reply:
            try:
                reader = PieceReader(operation, route, reply.head)
                async for part in reply.wire.body():
                    for piece in reader.feed(part, event):
                        yield piece
                for piece in reader.end(event):
                    yield piece
            except Severed as severed:
                raise GivenUp(operation.severed(severed)) from severed

    async def _whole_answer(self, operation: Operation) -> bytes:
        """What the daemon answers. Raises GivenUp."""
        with contextlib.closing(await self._open(operation)) as reply:
            try:
                return await _joined(reply.wire)
            except Severed as severed:
                raise GivenUp(operation.severed(severed)) from severed

    async def _open(self, operation: Operation) -> _Reply:
        """A success, whose body is still to be read. Raises GivenUp."""
        import asyncio

        deadline = self._desk.deadline(asyncio.get_running_loop().time())
        while True:
            try:
                if self._desk.reference is None:
                    await self._register_once(operation, deadline)
                return await self._ask(operation, operation.path, self._desk.content(operation), deadline)
            except (NotConnected, Severed, Refused) as setback:
                step = operation.after(setback)
            await self._take(step, operation)

    async def _take(self, step: Step, operation: Operation) -> None:
        match step:
            case Step.START_DAEMON:
                try:
                    await in_thread(self._desk.start_daemon)
                except DaemonError as error:
                    raise GivenUp(operation.daemon_failed(error)) from error
            case Step.REGISTER:
                self._desk.reference = None
            case Step.REPEAT:
                pass
            case _:
                assert_never(step)

    async def _register_once(self, operation: Operation, deadline: float) -> None:
        """Calls that begin together register together."""
        import asyncio

        async with self._registering.setdefault(asyncio.get_running_loop(), asyncio.Lock()):
            if self._desk.reference is None:
                await self._register(operation, deadline)

    async def _register(self, operation: Operation, deadline: float) -> None:
        import asyncio

        deadline = min(deadline, asyncio.get_running_loop().time() + policy.REQUEST_S)
        try:
            content = self._desk.registration()
            with contextlib.closing(await self._ask(operation, REGISTER, content, deadline)) as reply:
                self._desk.registered(await _joined(reply.wire))
        except (Severed, Refused) as setback:
            raise of_registration(setback, operation) from setback

    async def _ask(self, operation: Operation, path: str, content: bytes, deadline: float) -> _Reply:
        """Send one request and see a head of success. Raises NotConnected, Severed, Refused, GivenUp."""
        import asyncio

        from swarm_analytics.calls.async_wire import AsyncWire

        with contextlib.ExitStack() as held:
            turn, end_turn = take_turn()
            held.callback(end_turn)
            try:
                async with asyncio.timeout_at(deadline):
                    await asyncio.wrap_future(turn)
            except TimeoutError as error:
                raise GivenUp(operation.busy()) from error
            wire = await AsyncWire.open(self._desk.target.home, path, content, deadline)
            held.callback(wire.close)
            self._wires.add(wire)
            held.callback(self._wires.discard, wire)
            head = await wire.send()
            if head.status >= 400:
                raise refusal_of(head.status, await _joined(wire), path)
            return _Reply(wire, head, held.pop_all())


async def _joined(wire: "AsyncWire") -> bytes:
    """A whole answer, which has a most length. Raises Severed."""
    content = bytearray()
    async for part in wire.body():
        content += part
        refuse_endless(len(content))
    return bytes(content)
