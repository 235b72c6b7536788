"""What follows a failed attempt: another one after a wait, or an error and which. Pure."""

from dataclasses import dataclass
from typing import assert_never

from swarm_analytics_models.calls import CallTrouble
from swarm_analytics_models.idempotency import InProgress
from swarm_analyticsd.calls.breaker import Effect
from swarm_analyticsd.calls.reading import Failure, Nature
from swarm_analyticsd.calls.terms import Terms
from swarm_analyticsd.clock import Chance
from swarm_analyticsd.delivery import backoff


@dataclass(frozen=True, slots=True)
class Progress:
    """Of one call."""

    left_s: float
    """Until its deadline."""

    retries: int = 0
    """Used up."""

    polls: int = 0
    """Answers that said: in progress, the latest included."""


@dataclass(frozen=True, slots=True)
class Again:
    wait_s: float
    poll: bool = False
    """It uses up no retry."""


def next_step(
    failure: Failure,
    *,
    repeatable: bool,
    in_progress: InProgress | None,
    terms: Terms,
    progress: Progress,
    chance: Chance,
) -> Again | None:
    """Repeat an attempt only where that is safe, and only if the wait ends before the deadline; else None.

    Retry-After is obeyed or, where it asks for more than is left, the call ends at once.
    """
    again = _again(failure, repeatable, in_progress, terms, progress, chance)
    return again if again is not None and again.wait_s < progress.left_s else None


def _again(
    failure: Failure,
    repeatable: bool,
    in_progress: InProgress | None,
    terms: Terms,
    progress: Progress,
    chance: Chance,
) -> Again | None:
    if failure.nature is Nature.IN_PROGRESS:
        if in_progress is None or progress.polls >= in_progress.most:
            return None
        return Again(in_progress.every_s, poll=True)
    if progress.retries >= terms.max_retries or not may_repeat(failure.nature, repeatable=repeatable):
        return None
    return Again(_wait_s(failure, terms, progress.retries + 1, chance))


def may_repeat(nature: Nature, *, repeatable: bool) -> bool:
    """Whether sending the request again cannot do twice what it was to do once, and may help."""
    match nature:
        case Nature.UNREACHED | Nature.UNREACHED_IN_TIME | Nature.UNPREPARED | Nature.UNEXECUTED:
            return True
        case Nature.IN_PROGRESS:
            return True
        case Nature.FAULT | Nature.TIMED_OUT | Nature.BROKEN_OFF:
            return repeatable
        case Nature.REJECTED | Nature.CREDENTIAL | Nature.ABSENT | Nature.MALFORMED | Nature.TOO_LARGE:
            return False
        case _:
            assert_never(nature)


def trouble_of(failure: Failure, *, repeatable: bool) -> CallTrouble:
    """What the caller is told when nothing more is tried."""
    match failure.nature:
        case Nature.REJECTED | Nature.IN_PROGRESS | Nature.UNPREPARED:
            return CallTrouble.REJECTED
        case Nature.CREDENTIAL:
            return CallTrouble.CREDENTIAL_REFUSED
        case Nature.ABSENT:
            return CallTrouble.CREDENTIAL_ABSENT
        case Nature.UNEXECUTED:
            return CallTrouble.RATE_LIMITED if failure.status == 429 else CallTrouble.REJECTED
        case Nature.FAULT:
            return CallTrouble.REJECTED if repeatable else CallTrouble.MAY_BE_EXECUTED
        case Nature.TIMED_OUT:
            return CallTrouble.TIMED_OUT if repeatable else CallTrouble.MAY_BE_EXECUTED
        case Nature.BROKEN_OFF:
            return CallTrouble.BROKEN_OFF if repeatable else CallTrouble.MAY_BE_EXECUTED
        case Nature.UNREACHED:
            return CallTrouble.NOT_REACHED
        case Nature.UNREACHED_IN_TIME:
            return CallTrouble.TIMED_OUT
        case Nature.MALFORMED:
            return CallTrouble.MALFORMED
        case Nature.TOO_LARGE:
            return CallTrouble.TOO_LARGE
        case _:
            assert_never(failure.nature)


def effect_of(failure: Failure) -> Effect:
    """What a failure says about its service. What never left, for want of a credential say, says nothing; nor
    does an answer that asks for a pause.
    """
    match failure.nature:
        case Nature.FAULT | Nature.TIMED_OUT | Nature.BROKEN_OFF | Nature.UNPREPARED:
            return Effect.FAILED
        case Nature.UNREACHED | Nature.UNREACHED_IN_TIME:
            return Effect.FAILED
        case Nature.UNEXECUTED | Nature.ABSENT:
            return Effect.NONE
        case Nature.REJECTED | Nature.CREDENTIAL | Nature.IN_PROGRESS:
            return Effect.ANSWERED if failure.http_status is not None else Effect.NONE
        case Nature.MALFORMED | Nature.TOO_LARGE:
            return Effect.ANSWERED
        case _:
            assert_never(failure.nature)


def _wait_s(failure: Failure, terms: Terms, retry: int, chance: Chance) -> float:
    """Before a retry (from 1): what the service asks for, else between half and all of the doubled delay."""
    if failure.retry_after_s:
        return failure.retry_after_s
    whole = backoff.ceiling(retry, first=terms.retry_delay_s, most=terms.retry_most_s)
    return chance.uniform(whole / 2, whole)
