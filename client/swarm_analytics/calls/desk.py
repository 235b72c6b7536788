"""What both callers share: arguments become an operation, an answer's bytes become the caller's model."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from swarm_analytics import launch, policy
from swarm_analytics.calls.failure import Fail
from swarm_analytics.calls.operation import GivenUp, Operation, call_of, clearing_of
from swarm_analytics.calls.pieces import Pieces, UnreadablePiece, pieces_of
from swarm_analytics.calls.setback import NotConnected, Refused, Severed
from swarm_analytics.calls.target import Target
from swarm_analytics.channel import read_answer
from swarm_analytics.errors import DaemonRefused, DaemonUnavailable
from swarm_analytics.sealing import Sealer
from swarm_analytics_models.api import RegisterAnswer
from swarm_analytics_models.calling import asking_for_pieces
from swarm_analytics_models.calls import MAX_CALL_ANSWER_BYTES, MAX_CALL_BYTES, CallAnswer
from swarm_analytics_models.client_route import ClientRoute
from swarm_analytics_models.validation import reasons

if TYPE_CHECKING:
    from swarm_analytics.calls.exchange import Head

AnswerT = TypeVar("AnswerT", bound=BaseModel)

JSON: Final = "application/json"
REGISTER: Final = "/v1/register"
_REMEDY: Final = "send it in several calls"
_UNDER_WAY: Final = frozenset({"internal", "stopping"})
"""Problems of a daemon that had begun with the request."""


class Desk:
    """One caller's target. `reference` is the destination's `ref` once the daemon knows it."""

    def __init__(self, target: Target, fail: Fail) -> None:
        self.target: Final = target
        self.reference: str | None = None
        self._fail: Final = fail
        self._sealers: dict[str, Sealer] = {}

    def call(self, route: ClientRoute, fields: dict[str, Any], *, in_pieces: bool = False) -> Operation:
        """Validate and seal. Raises `pydantic.ValidationError`."""
        sealer = self._sealers.get(route.key)
        if sealer is None:
            sealer = self._sealers[route.key] = Sealer(route.request, MAX_CALL_BYTES, _REMEDY)
        _, arguments = sealer.seal(fields)
        if in_pieces and route.streaming_field is not None:
            asking = asking_for_pieces(route.streaming_field, json.loads(arguments))
            arguments = json.dumps(asking, separators=(",", ":"), ensure_ascii=False).encode()
        return call_of(self.target, route, arguments)

    def content(self, operation: Operation) -> bytes:
        """The operation's body, once the destination is known."""
        if self.reference is None:
            raise ValueError("the destination is to be registered first")
        return operation.content(self.reference)

    def clearing(self) -> Operation:
        return clearing_of(self.target)

    def registration(self) -> bytes:
        return json.dumps(self.target.registration()).encode()

    def registered(self, content: bytes) -> None:
        """Take the answer to a registration."""
        self.reference = RegisterAnswer.model_validate_json(content).destination

    @contextmanager
    def told(self) -> Iterator[None]:
        """What is given up within is raised as the error that the application knows."""
        try:
            yield
        except GivenUp as given_up:
            failed = given_up.failed
            raise self._fail(failed) from failed.daemon

    def start_daemon(self) -> None:
        """Start one or adopt the one that runs. Blocks. Raises DaemonError."""
        home = self.target.home
        if not launch.autostart_allowed(home):
            raise DaemonUnavailable(
                f"no daemon runs in {home.root}, and none may be started by the way",
                "Start one with `swarm-analyticsd run` or `start_daemon`.",
            )
        launch.ensure_daemon(home)

    def deadline(self, now: float) -> float:
        """When a call that is made now is given up, on the same clock."""
        named = self.target.settings.deadline_s
        return now + (policy.CALL_WAIT_S if named is None else named + policy.CALL_MARGIN_S)


def refusal_of(status: int, content: bytes, path: str) -> Severed | Refused:
    """What an answer of 400 and above is."""
    try:
        read_answer(status, content, f"POST {path}")
    except DaemonRefused as refused:
        if refused.problem.code in _UNDER_WAY:
            return Severed(refused.message)
        return Refused(refused)
    raise ValueError(f"status {status} is no refusal")


def of_registration(setback: Severed | Refused, operation: Operation) -> NotConnected | GivenUp:
    """A registration that failed: the call itself was not sent, and registering twice does no harm."""
    if isinstance(setback, Refused):
        return GivenUp(operation.daemon_failed(setback.error))
    return NotConnected(DaemonUnavailable(setback.cause, "Try again."))


def joined(parts: Iterable[bytes]) -> bytes:
    """A whole answer, which has a most length. Raises Severed beyond it."""
    content = bytearray()
    for part in parts:
        content += part
        refuse_endless(len(content))
    return bytes(content)


def refuse_endless(length: int) -> None:
    if length > MAX_CALL_ANSWER_BYTES + policy.MAX_ENVELOPE_BYTES:
        raise Severed(f"its answer is longer than {MAX_CALL_ANSWER_BYTES} bytes", final=True)


def whole(operation: Operation, content: bytes, answer: type[AnswerT]) -> AnswerT:
    """The service's answer in the daemon's envelope. Raises GivenUp."""
    try:
        envelope = CallAnswer.model_validate_json(content)
    except ValidationError as error:
        raise GivenUp(operation.malformed(reasons(error), None, None, None)) from error
    try:
        return answer.model_validate(envelope.body)
    except ValidationError as error:
        failed = operation.malformed(reasons(error), envelope.body, envelope.status, envelope.request_id)
        raise GivenUp(failed) from error


class PieceReader:
    """Reads an answer in pieces; one that came whole is a single piece."""

    def __init__(self, operation: Operation, route: ClientRoute, head: "Head") -> None:
        self._operation = operation
        self._whole: bytearray | None = bytearray() if head.media_type in ("", JSON) else None
        self._pieces: Pieces = pieces_of(route.streaming_format or "ndjson")

    def feed(self, data: bytes, event: type[AnswerT]) -> Iterator[AnswerT]:
        if self._whole is None:
            yield from self._read(self._pieces.feed(data), event)
        else:
            self._whole += data
            refuse_endless(len(self._whole))

    def end(self, event: type[AnswerT]) -> Iterator[AnswerT]:
        if self._whole is None:
            yield from self._read(self._pieces.end(), event)
        else:
            yield whole(self._operation, bytes(self._whole), event)

    def _read(self, values: Iterator[Any], event: type[AnswerT]) -> Iterator[AnswerT]:
        value: Any = None
        try:
            for value in values:
                yield event.model_validate(value)
        except UnreadablePiece as error:
            raise GivenUp(self._operation.malformed(str(error), None, None, None)) from error
        except ValidationError as error:
            raise GivenUp(self._operation.malformed(reasons(error), value, None, None)) from error
