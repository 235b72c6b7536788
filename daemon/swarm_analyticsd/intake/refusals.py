"""Why a line is refused, in words for the person who has to mend it. Pure."""

from typing import Final, assert_never

from pydantic import ValidationError

from swarm_analytics_models.handoff import MAX_LINE_BYTES, Refusal, RefusalCode
from swarm_analytics_models.validation import reasons
from swarm_analyticsd import policy
from swarm_analyticsd.outbox.rows import Admitted, Conflict, NoDestination, NoSpace, RefusedEvent

CORRECT: Final = "Correct the event; it will be refused each time."


class Unacceptable(Exception):
    """A line that is refused, while it is being screened."""

    def __init__(self, code: RefusalCode, message: str, hint: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message[: policy.REFUSAL_CHARACTERS]
        self.hint = hint


def overlong(length: int) -> Unacceptable:
    return Unacceptable(
        RefusalCode.TOO_LARGE,
        f"the line has {length:,} bytes",
        f"Keep lines under {MAX_LINE_BYTES:,} bytes; split or shorten the event.",
    )


def invalid(what: str, error: ValidationError) -> Unacceptable:
    """The first faults of a payload by place, without its values: they are the user's."""
    return Unacceptable(RefusalCode.INVALID, f"{what}: {reasons(error)}", CORRECT)


def torn(length: int) -> Unacceptable:
    return Unacceptable(
        RefusalCode.TORN,
        f"the app died while it wrote the last {length:,} bytes of its journal",
        "Nothing is to be done: the call that wrote them never returned.",
    )


def refusals_of(admitted: Admitted) -> tuple[Refusal, ...]:
    """What the outbox refused, as an app is told it."""
    return tuple(_refusal(each) for each in admitted.refused)


def _refusal(refused: RefusedEvent) -> Refusal:
    problem = _problem(refused)
    event = refused.event
    return Refusal(
        offset=event.offset,
        code=problem.code,
        message=problem.message,
        hint=problem.hint,
        client=event.client,
        route=event.route,
        key=event.key,
    )


def _problem(refused: RefusedEvent) -> Unacceptable:
    match refused:
        case Conflict():
            return Unacceptable(
                RefusalCode.CONFLICT,
                "this key was accepted before with another body",
                "Mint a new key for each event.",
            )
        case NoDestination(event, known) if event.destination is None:
            return Unacceptable(
                RefusalCode.AMBIGUOUS_DESTINATION,
                f"the home has {len(known)} destinations of {event.service}, and the event names none",
                f"Name one of: {', '.join(known)}.",
            )
        case NoDestination(event, known):
            return Unacceptable(
                RefusalCode.UNKNOWN_DESTINATION,
                f"no destination of {event.service} is called {event.destination}",
                f"Declare it on a line before. Known: {', '.join(known) or 'none'}.",
            )
        case NoSpace():
            return Unacceptable(
                RefusalCode.NO_SPACE,
                "the home is full for events of this priority",
                "Free some disk space, or let the daemon reach its service so that it can drain.",
            )
        case _:
            assert_never(refused)
