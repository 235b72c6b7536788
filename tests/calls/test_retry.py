"""Which failures are tried again, for which idempotency and identity, after what wait, and what is told."""

from itertools import product
from typing import Any

import pytest

from swarm_analytics_models.calls import CallSettings, CallTrouble
from swarm_analytics_models.idempotency import (
    Idempotency,
    KeyInBody,
    KeyInHeader,
    NaturallyIdempotent,
    NotIdempotent,
)
from swarm_analytics_models.identifiers import IdentityKind
from swarm_analyticsd.calls.breaker import Effect
from swarm_analyticsd.calls.reading import Failure, Nature
from swarm_analyticsd.calls.retry import Again, Progress, effect_of, may_repeat, next_step, trouble_of
from swarm_analyticsd.calls.terms import Terms, repeatable
from tests.calls.support import DEFAULTS, IN_PROGRESS
from tests.delivery.support import Chosen

FOR_AGENTS = KeyInHeader(("X-Key",), honoured_for=frozenset({IdentityKind.AGENT}))
IDEMPOTENCIES: tuple[Idempotency, ...] = (
    KeyInBody("key"),
    KeyInHeader(("X-Key",)),
    FOR_AGENTS,
    NaturallyIdempotent(),
    NotIdempotent("report"),
    NotIdempotent("report", headers=("Idempotency-Key",)),
)
ALWAYS = {
    Nature.UNREACHED,
    Nature.UNREACHED_IN_TIME,
    Nature.UNPREPARED,
    Nature.UNEXECUTED,
    Nature.IN_PROGRESS,
}
WHERE_SAFE = {Nature.FAULT, Nature.TIMED_OUT, Nature.BROKEN_OFF}
T = CallTrouble
TROUBLES: dict[Nature, tuple[CallTrouble, CallTrouble]] = {
    Nature.REJECTED: (T.REJECTED, T.REJECTED),
    Nature.CREDENTIAL: (T.CREDENTIAL_REFUSED, T.CREDENTIAL_REFUSED),
    Nature.UNEXECUTED: (T.REJECTED, T.REJECTED),
    Nature.IN_PROGRESS: (T.REJECTED, T.REJECTED),
    Nature.FAULT: (T.MAY_BE_EXECUTED, T.REJECTED),
    Nature.TIMED_OUT: (T.MAY_BE_EXECUTED, T.TIMED_OUT),
    Nature.BROKEN_OFF: (T.MAY_BE_EXECUTED, T.BROKEN_OFF),
    Nature.UNREACHED: (T.NOT_REACHED, T.NOT_REACHED),
    Nature.UNREACHED_IN_TIME: (T.TIMED_OUT, T.TIMED_OUT),
    Nature.UNPREPARED: (T.REJECTED, T.REJECTED),
    Nature.ABSENT: (T.CREDENTIAL_ABSENT, T.CREDENTIAL_ABSENT),
    Nature.MALFORMED: (T.MALFORMED, T.MALFORMED),
    Nature.TOO_LARGE: (T.TOO_LARGE, T.TOO_LARGE),
}
"""Where it may have been done twice by repeating it, and where not."""


def step(nature: Nature, **changes: Any) -> Again | None:
    progress = {"left_s": 100.0} | {
        name: changes.pop(name) for name in ("left_s", "retries", "polls") if name in changes
    }
    failure = {name: changes.pop(name) for name in ("status", "retry_after_s") if name in changes}
    return next_step(
        Failure(nature, "e", **failure),
        repeatable=changes.pop("repeatable", True),
        in_progress=changes.pop("in_progress", None),
        terms=Terms(CallSettings(**changes), DEFAULTS),
        progress=Progress(**progress),
        chance=Chosen(changes.pop("share", 1.0)),
    )


@pytest.mark.parametrize(("idempotency", "kind"), list(product(IDEMPOTENCIES, IdentityKind)))
def test_what_is_repeated_for_each_idempotency_and_identity(
    idempotency: Idempotency, kind: IdentityKind
) -> None:
    safe = repeatable(idempotency, kind)
    assert safe is (
        not isinstance(idempotency, NotIdempotent)
        and (idempotency is not FOR_AGENTS or kind is IdentityKind.AGENT)
    )
    for nature in Nature:
        assert may_repeat(nature, repeatable=safe) is (nature in ALWAYS or (safe and nature in WHERE_SAFE))


@pytest.mark.parametrize("nature", list(Nature))
def test_what_is_told_in_the_end(nature: Nature) -> None:
    unsafe, safe = TROUBLES[nature]
    assert trouble_of(Failure(nature, "e"), repeatable=False) is unsafe
    assert trouble_of(Failure(nature, "e"), repeatable=True) is safe


def test_nothing_that_may_have_been_executed_is_ever_both_repeated_and_unsafe() -> None:
    for nature in Nature:
        if trouble_of(Failure(nature, "e"), repeatable=False) is T.MAY_BE_EXECUTED:
            assert not may_repeat(nature, repeatable=False)


def test_a_429_is_told_as_such() -> None:
    assert trouble_of(Failure(Nature.UNEXECUTED, "e", status=429), repeatable=False) is T.RATE_LIMITED


def test_waits_double_up_to_their_cap_and_are_drawn_from_the_upper_half() -> None:
    again = [step(Nature.FAULT, retries=retries, max_retries=20) for retries in range(4)]
    assert again == [Again(1.0), Again(2.0), Again(4.0), Again(4.0)]
    failure, terms = Failure(Nature.FAULT, "e"), Terms(CallSettings(), DEFAULTS)
    least = next_step(
        failure,
        repeatable=True,
        in_progress=None,
        terms=terms,
        progress=Progress(100.0, retries=1),
        chance=Chosen(0.0),
    )
    assert least == Again(1.0)


def test_retries_end_where_the_caller_wants_them_to() -> None:
    assert step(Nature.FAULT, retries=2) is None
    assert step(Nature.FAULT, retries=2, max_retries=3) is not None
    assert step(Nature.FAULT, max_retries=0) is None


def test_retry_after_is_obeyed_or_the_call_ends_at_once() -> None:
    assert step(Nature.UNEXECUTED, status=429, retry_after_s=7.0) == Again(7.0)
    assert step(Nature.UNEXECUTED, status=429, retry_after_s=7.0, left_s=7.0) is None
    assert step(Nature.FAULT, retry_after_s=3.0) == Again(3.0)
    assert step(Nature.UNEXECUTED, status=429, retry_after_s=0.0) == Again(1.0)


def test_a_wait_that_ends_after_the_deadline_is_not_begun() -> None:
    assert step(Nature.UNREACHED, left_s=0.9) is None


def test_polling_uses_up_no_retry_and_has_its_own_end() -> None:
    assert step(Nature.IN_PROGRESS, in_progress=IN_PROGRESS, polls=1, retries=2) == Again(0.5, poll=True)
    assert step(Nature.IN_PROGRESS, in_progress=IN_PROGRESS, polls=IN_PROGRESS.most) is None
    assert step(Nature.IN_PROGRESS, in_progress=IN_PROGRESS, polls=1, left_s=0.4) is None


@pytest.mark.parametrize("nature", list(Nature))
def test_what_counts_against_the_service(nature: Nature) -> None:
    fails = {Nature.UNREACHED, Nature.UNREACHED_IN_TIME, Nature.UNPREPARED, *WHERE_SAFE}
    silent = {Nature.UNEXECUTED, Nature.ABSENT}
    expected = Effect.FAILED if nature in fails else Effect.NONE if nature in silent else Effect.ANSWERED
    assert effect_of(Failure(nature, "e", status=400, http_status=400)) is expected


@pytest.mark.parametrize("nature", [Nature.CREDENTIAL, Nature.REJECTED])
def test_what_was_never_sent_says_nothing_about_the_service(nature: Nature) -> None:
    assert effect_of(Failure(nature, "e", status=401)) is Effect.NONE
