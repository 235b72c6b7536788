"""Calls from threads: they block until the service's answer is there."""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar, assert_never

from pydantic import BaseModel

from swarm_analytics import policy
from swarm_analytics.calls.desk import REGISTER, Desk, PieceReader, joined, of_registration, refusal_of, whole
from swarm_analytics.calls.failure import Fail, default_failure
from swarm_analytics.calls.operation import GivenUp, Operation, Step
from swarm_analytics.calls.setback import NotConnected, Refused, Severed
from swarm_analytics.calls.target import Target
from swarm_analytics.calls.turns import take_turn
from swarm_analytics.calls.wire import Wire
from swarm_analytics.errors import DaemonError
from swarm_analytics_models.client_route import ClientRoute

if TYPE_CHECKING:
    from swarm_analytics.calls.exchange import Head

AnswerT = TypeVar("AnswerT", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class _Reply:
    """An answer that has begun, and what is held for it until it is closed."""

    wire: Wire
    head: "Head"
    held: contextlib.ExitStack

    def close(self) -> None:
        self.held.close()


class Caller:
    """Makes calls through the home's daemon, from any number of threads, and after a fork.

    Making one does no I/O. The first call starts a daemon where none runs and none is forbidden. Errors of
    the service, the daemon and the way to them are what `fail` makes of them; bad arguments raise
    `pydantic.ValidationError` before any I/O.
    """

    def __init__(self, target: Target, fail: Fail = default_failure) -> None:
        self._desk: Final = Desk(target, fail)
        self._wires: set[Wire] = set()

    def __call__(self, route: ClientRoute, body: dict[str, Any], answer: type[AnswerT], /) -> AnswerT:
        """Make one call with the arguments `body`, by wire names. Blocks; a signal ends it."""
        operation = self._desk.call(route, body)
        with self._desk.told():
            return whole(operation, self._whole_answer(operation), answer)

    def stream(self, route: ClientRoute, body: dict[str, Any], event: type[AnswerT], /) -> Iterator[AnswerT]:
        """As a call, for an answer in pieces. The request is made when the first piece is asked for."""
        return self._stream(route, self._desk.call(route, body, in_pieces=True), event)

    def clear_cache(self) -> None:
        """Have the daemon forget what it has cached for callers with this target and these settings."""
        operation = self._desk.clearing()
        with self._desk.told():
            self._whole_answer(operation)

    def close(self) -> None:
        """Break off what other threads wait for. Nothing is held open between calls, and more may be made."""
        for wire in tuple(self._wires):
            wire.end()

    def _stream(self, route: ClientRoute, operation: Operation, event: type[AnswerT]) -> Iterator[AnswerT]:
        with self._desk.told(), contextlib.closing(self._open(operation)) as reply:
            try:
                reader = PieceReader(operation, route, reply.head)
                for part in reply.wire.body():
                    yield from reader.feed(part, event)
                yield from reader.end(event)
            except Severed as severed:
                raise GivenUp(operation.severed(severed)) from severed

    def _whole_answer(self, operation: Operation) -> bytes:
        """What the daemon answers. Raises GivenUp."""
        with contextlib.closing(self._open(operation)) as reply:
            try:
                return joined(reply.wire.body())
            except Severed as severed:
                raise GivenUp(operation.severed(severed)) from severed

    def _open(self, operation: Operation) -> _Reply:
        """A success, whose body is still to be read. Raises GivenUp."""
        deadline = self._desk.deadline(time.monotonic())
        while True:
            try:
                if self._desk.reference is None:
                    self._register(operation, deadline)
                return self._ask(operation, operation.path, self._desk.content(operation), deadline)
            except (NotConnected, Severed, Refused) as setback:
                step = operation.after(setback)
            self._take(step, operation)

    def _take(self, step: Step, operation: Operation) -> None:
        match step:
            case Step.START_DAEMON:
                try:
                    self._desk.start_daemon()
                except DaemonError as error:
                    raise GivenUp(operation.daemon_failed(error)) from error
            case Step.REGISTER:
                self._desk.reference = None
            case Step.REPEAT:
                pass
            case _:
                assert_never(step)

    def _register(self, operation: Operation, deadline: float) -> None:
        deadline = min(deadline, time.monotonic() + policy.REQUEST_S)
        try:
            content = self._desk.registration()
            with contextlib.closing(self._ask(operation, REGISTER, content, deadline)) as reply:
                self._desk.registered(joined(reply.wire.body()))
        except (Severed, Refused) as setback:
            raise of_registration(setback, operation) from setback

    def _ask(self, operation: Operation, path: str, content: bytes, deadline: float) -> _Reply:
        """Send one request and see a head of success. Raises NotConnected, Severed, Refused, GivenUp."""
        with contextlib.ExitStack() as held:
            turn, end_turn = take_turn()
            held.callback(end_turn)
            try:
                turn.result(max(0.0, deadline - time.monotonic()))
            except TimeoutError as error:
                raise GivenUp(operation.busy()) from error
            wire = Wire.open(self._desk.target.home, path, content, deadline)
            held.callback(wire.close)
            self._wires.add(wire)
            held.callback(self._wires.discard, wire)
            head = wire.send()
            if head.status >= 400:
                raise refusal_of(head.status, joined(wire.body()), path)
            return _Reply(wire, head, held.pop_all())
