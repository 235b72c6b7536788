"""What becomes of a row, and of its lane, after an attempt. Pure.

Whose fault a failure is decides everything. A service that cannot be reached, or not as itself, costs the row
nothing: the lease is given back. A 5xx, or silence after sending, is put down to the service at first, and
the row remembers how much had been delivered by then (its mark). When it fails again and others have been
delivered in between, it is the row's own, or a neighbour's in the same request: it goes again in a smaller
one, and once it is alone each further failure is a strike, and after eight of them it is dead. While others
fail as well it is the service's in any case, so that an outage strikes nobody.
"""

from dataclasses import dataclass, replace
from typing import Final, TypeAlias, assert_never

from swarm_analytics_models.contract import Route
from swarm_analytics_models.idempotency import NotIdempotent
from swarm_analyticsd import policy
from swarm_analyticsd.clock import Chance
from swarm_analyticsd.delivery import backoff
from swarm_analyticsd.delivery.outcome import (
    CredentialRefused,
    Delivered,
    EventFault,
    FlowControl,
    NotReached,
    Outcome,
    Portal,
    RouteShut,
    ServiceFault,
)
from swarm_analyticsd.outbox.lifecycle import DeadReason, HeldReason
from swarm_analyticsd.outbox.rows import (
    Acknowledge,
    Claimed,
    Hold,
    Postpone,
    Reject,
    Release,
    Verdict,
    WhenAmbiguous,
)

AT_ONCE: Final = 0.0
"""Due whatever the wall clock says: the breaker, not the row, keeps the time."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of the destination when an answer is judged."""

    now: float
    """Unix time."""

    delivered: int
    """Events delivered to it, ever."""

    others_fail: bool = False
    """Another event has failed, too, since the service last answered as one that works."""

    route_open_for_others: bool = False
    """This row shut its route before, and others have passed it since."""

    in_company: bool = False
    """Its request carried other events, too."""

    credential_current: bool = True
    """The credential that was sent is still the one in use."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The service works, whatever it thinks of this event."""

    delivered: bool
    passed: bool = True
    """It was let through its route and judged on its merits."""


@dataclass(frozen=True, slots=True)
class Struck:
    """The event's own failure: others were delivered while it was not."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """The service is to be left alone for a while."""

    error: str
    retry_after_s: float | None
    offline: bool
    """Nothing could be sent at all."""


@dataclass(frozen=True, slots=True)
class ShutRoute:
    error: str


@dataclass(frozen=True, slots=True)
class ShutCredential:
    error: str
    status: int | None = None


Effect: TypeAlias = Answered | Struck | Trouble | ShutRoute | ShutCredential


@dataclass(frozen=True, slots=True)
class Judgement:
    verdict: Verdict
    effect: Effect


def judge(row: Claimed, route: Route, outcome: Outcome, facts: Facts, chance: Chance) -> Judgement:
    """What becomes of `row`, and what its lane must know."""
    match outcome:
        case Delivered(status, skipped):
            return Judgement(Acknowledge(status, skipped), Answered(delivered=True))
        case EventFault(status, error):
            return Judgement(Reject(DeadReason.REJECTED, error, status), Answered(delivered=False))
        case RouteShut(_, error):
            alone = facts.route_open_for_others
            effect = Answered(delivered=False, passed=False) if alone else ShutRoute(error)
            return Judgement(Hold(HeldReason.ROUTE, error), effect)
        case CredentialRefused(status, error):
            if not facts.credential_current:
                return Judgement(Release(), Answered(delivered=False, passed=False))
            return Judgement(Hold(HeldReason.CREDENTIAL, error), ShutCredential(error, status))
        case FlowControl(_, error, wait):
            return Judgement(Postpone(AT_ONCE, error, strike=False), Trouble(error, wait, offline=False))
        case NotReached(_, error):
            return Judgement(Release(), Trouble(error, None, offline=True))
        case Portal(_, error):
            return Judgement(Release(), Trouble(error, None, offline=True))
        case ServiceFault():
            return _blame(row, route, outcome, facts, chance)
        case _:
            assert_never(outcome)


def _blame(row: Claimed, route: Route, fault: ServiceFault, facts: Facts, chance: Chance) -> Judgement:
    trouble = Trouble(fault.error, fault.retry_after_s, offline=False)
    choice = when_ambiguous(route) if fault.ambiguous else None
    if choice == "set_aside":
        return Judgement(Reject(DeadReason.AMBIGUOUS, fault.error, fault.status), trouble)
    again = Postpone(AT_ONCE, fault.error, strike=False, mark=facts.delivered, resent=choice is not None)
    if facts.others_fail or not _own_fault(row, facts.delivered):
        return Judgement(again, trouble)
    if facts.in_company:
        due_at = AT_ONCE if fault.retry_after_s is None else facts.now + fault.retry_after_s
        return Judgement(replace(again, due_at=due_at), Struck())
    strikes = row.strikes + 1
    if strikes >= policy.EVENT_STRIKES:
        return Judgement(Reject(DeadReason.ATTEMPTS, fault.error, fault.status), Struck())
    wait = backoff.delay(strikes, chance, most=policy.EVENT_BACKOFF_MOST_S)
    due_at = facts.now + max(wait, fault.retry_after_s or 0.0)
    return Judgement(replace(again, due_at=due_at, strike=True), Struck())


def when_ambiguous(route: Route) -> WhenAmbiguous | None:
    """What is done with an event that may have arrived; None: nothing, the service knows it again."""
    choice = route.idempotency.when_ambiguous if isinstance(route.idempotency, NotIdempotent) else None
    return None if choice == "report" else choice


def cut_off(route: Route) -> Verdict:
    """What becomes of an event whose request was cancelled when it may have arrived."""
    match when_ambiguous(route):
        case None:
            return Release()
        case "resend":
            return Release(resent=True)
        case "set_aside":
            return Reject(DeadReason.AMBIGUOUS, "the request was cancelled while it was under way", None)


def _own_fault(row: Claimed, delivered: int) -> bool:
    """Others succeeded after its last failure, or did so once and nothing has spoken for the event since."""
    return row.suspect_mark is not None and (row.strikes > 0 or delivered > row.suspect_mark)
