"""One request on its way to the daemon, and what is done after each setback. Pure: both callers act on it."""

import json
from enum import Enum, auto
from typing import Any, Final, assert_never
from urllib.parse import quote

from pydantic import ValidationError

from swarm_analytics import policy
from swarm_analytics.calls.failure import CallFailed
from swarm_analytics.calls.setback import NotConnected, Refused, Severed
from swarm_analytics.calls.target import Target
from swarm_analytics.errors import DaemonError, DaemonRefused
from swarm_analytics_models.calls import CallFailure, CallTrouble
from swarm_analytics_models.client_route import ClientRoute
from swarm_analytics_models.identifiers import uuid7

_MALFORMED_HINT: Final = "It was executed. Compare the service's version with this client's."


class Step(Enum):
    """What to do about a setback before the request is sent once more."""

    START_DAEMON = auto()
    REGISTER = auto()
    """Make the destination known, and its secret: the daemon has lost one of them."""

    REPEAT = auto()


class GivenUp(Exception):
    """There is no step left that could help, or that could do no harm."""

    def __init__(self, failed: CallFailed) -> None:
        super().__init__(failed)
        self.failed = failed


class Operation:
    """A request that names a destination. `repeatable`: to make it twice does no harm."""

    def __init__(self, target: Target, name: str, path: str, rest: bytes, *, repeatable: bool) -> None:
        self.path: Final = path
        self._target = target
        self._name = name
        self._rest = rest
        self._repeatable = repeatable
        self._taken: set[Step] = set()

    def content(self, reference: str) -> bytes:
        """The request's body for the destination of that `ref`."""
        return b'{"destination":%b,%b}' % (json.dumps(reference).encode(), self._rest)

    def after(self, setback: NotConnected | Severed | Refused) -> Step:
        """The step to take, each of which is taken once. Raises GivenUp."""
        step: Step | None
        match setback:
            case NotConnected():
                step, failed = Step.START_DAEMON, self.daemon_failed(setback.error)
            case Severed():
                harmless = self._repeatable and not setback.late and not setback.final
                step, failed = Step.REPEAT if harmless else None, self.severed(setback)
            case Refused():
                lost = self._is_lost(setback.error.problem.code)
                step, failed = Step.REGISTER if lost else None, self._refused(setback.error)
            case _:
                assert_never(setback)
        if step is None or step in self._taken:
            raise GivenUp(failed)
        self._taken.add(step)
        return step

    def daemon_failed(self, error: DaemonError) -> CallFailed:
        return self._failed(error.message, error.hint, daemon=error)

    def severed(self, setback: Severed) -> CallFailed:
        """No complete answer: whether the service acted is unknown unless to repeat it does no harm."""
        if not self._repeatable:
            trouble, hint = (
                CallTrouble.MAY_BE_EXECUTED,
                "It may have been executed: look before you repeat it.",
            )
        elif setback.late:
            trouble, hint = CallTrouble.TIMED_OUT, "It may be repeated without harm."
        else:
            trouble, hint = CallTrouble.BROKEN_OFF, "It may be repeated without harm."
        return self._failed(f"{self._place} had no complete answer: {setback.cause}", hint, trouble=trouble)

    def busy(self) -> CallFailed:
        """Its turn among this process's calls did not come in time."""
        return self._failed(
            f"{self._place} was not sent: {policy.CALLS_AT_ONCE} calls of this process are under way",
            "Call again when some have ended.",
            trouble=CallTrouble.BUSY,
        )

    def malformed(self, cause: str, body: Any, status: int | None, request_id: str | None) -> CallFailed:
        """A success that is not what the route's model describes."""
        return self._failed(
            f"{self._place} answered what its model does not describe: {cause}",
            _MALFORMED_HINT,
            trouble=CallTrouble.MALFORMED,
            status=status,
            request_id=request_id,
            body=body,
        )

    @property
    def _place(self) -> str:
        return f"{self._target.service} {self._name}"

    def _is_lost(self, code: str) -> bool:
        lost_secret = code == CallTrouble.CREDENTIAL_ABSENT and self._target.secret is not None
        return code == "unknown_destination" or lost_secret

    def _refused(self, refused: DaemonRefused) -> CallFailed:
        try:
            failure = CallFailure.model_validate(refused.problem.detail)
        except ValidationError:
            return self.daemon_failed(refused)
        return CallFailed(
            service=self._target.service,
            operation=self._name,
            message=refused.message,
            hint=refused.hint,
            failure=failure,
        )

    def _failed(
        self,
        message: str,
        hint: str,
        *,
        daemon: DaemonError | None = None,
        trouble: CallTrouble | None = None,
        **facts: Any,
    ) -> CallFailed:
        service, name = self._target.service, self._name
        failure = (
            None
            if trouble is None
            else CallFailure(trouble=trouble, service=service, operation=name, **facts)
        )
        return CallFailed(
            service=service, operation=name, message=message, hint=hint, failure=failure, daemon=daemon
        )


def call_of(target: Target, route: ClientRoute, arguments: bytes) -> Operation:
    """``POST /v1/call``: `arguments` is the sealed payload. All repetitions carry one idempotency key."""
    rest = b'"arguments":%b,"key":"%b","settings":%b' % (arguments, uuid7().encode(), _settings(target))
    path = f"/v1/call/{quote(route.service, safe='')}/{quote(route.key, safe='')}"
    return Operation(target, route.key, path, rest, repeatable=route.repeatable)


def clearing_of(target: Target) -> Operation:
    """``POST /v1/call-cache/clear``."""
    rest = b'"settings":' + _settings(target)
    return Operation(target, "clear_cache", "/v1/call-cache/clear", rest, repeatable=True)


def _settings(target: Target) -> bytes:
    return target.settings.model_dump_json(exclude_defaults=True).encode()
