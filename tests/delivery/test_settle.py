"""What becomes of a row after each outcome, and whose fault a failure is."""

import random
from dataclasses import replace
from typing import Any

import pytest

from swarm_analyticsd import policy
from swarm_analyticsd.delivery.answer import Obstacle
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
from swarm_analyticsd.delivery.settle import (
    AT_ONCE,
    Answered,
    Facts,
    Judgement,
    ShutCredential,
    ShutRoute,
    Struck,
    Trouble,
    judge,
)
from swarm_analyticsd.outbox.lifecycle import DeadReason, HeldReason
from swarm_analyticsd.outbox.rows import Acknowledge, Claimed, Hold, Postpone, Reject, Release
from tests.delivery.support import BATCHED, SET_ASIDE, TITLE, Chosen, row

FACTS = Facts(now=100.0, delivered=5)
FAULT = ServiceFault(500, "HTTP 500", ambiguous=True)


def judged(outcome: Outcome, claimed: Claimed | None = None, **facts: Any) -> Judgement:
    return judge(claimed or row(), TITLE, outcome, replace(FACTS, **facts), Chosen(1.0))


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (Delivered(204), Judgement(Acknowledge(204), Answered(delivered=True))),
        (
            EventFault(422, "HTTP 422"),
            Judgement(Reject(DeadReason.REJECTED, "HTTP 422", 422), Answered(delivered=False)),
        ),
        (RouteShut(404, "HTTP 404"), Judgement(Hold(HeldReason.ROUTE, "HTTP 404"), ShutRoute("HTTP 404"))),
        (
            CredentialRefused(401, "HTTP 401"),
            Judgement(Hold(HeldReason.CREDENTIAL, "HTTP 401"), ShutCredential("HTTP 401", 401)),
        ),
        (
            FlowControl(429, "HTTP 429", 30.0),
            Judgement(Postpone(AT_ONCE, "HTTP 429", strike=False), Trouble("HTTP 429", 30.0, offline=False)),
        ),
        (
            NotReached(Obstacle.NAME, "no host"),
            Judgement(Release(), Trouble("no host", None, offline=True)),
        ),
        (Portal(200, "a page"), Judgement(Release(), Trouble("a page", None, offline=True))),
        (
            FAULT,
            Judgement(
                Postpone(AT_ONCE, "HTTP 500", strike=False, mark=5), Trouble("HTTP 500", None, offline=False)
            ),
        ),
    ],
)
def test_each_outcome(outcome: Outcome, expected: Judgement) -> None:
    assert judged(outcome) == expected


def test_a_first_failure_is_put_down_to_the_service() -> None:
    assert isinstance(judged(FAULT, row(suspect_mark=None)).effect, Trouble)


def test_a_failure_while_nothing_else_got_through_is_the_services_again() -> None:
    assert isinstance(judged(FAULT, row(suspect_mark=5)).effect, Trouble)


def test_once_another_was_delivered_it_is_the_events_own() -> None:
    again = judged(FAULT, row(suspect_mark=4))
    assert again == Judgement(Postpone(101.0, "HTTP 500", strike=True, mark=5), Struck())


def test_from_then_on_its_failures_count_even_when_it_is_the_last_event_left() -> None:
    assert isinstance(judged(FAULT, row(suspect_mark=5, strikes=1)).effect, Struck)


def test_while_others_fail_as_well_no_event_is_struck() -> None:
    outage = judged(FAULT, row(suspect_mark=1, strikes=7), others_fail=True)
    assert outage.verdict == Postpone(AT_ONCE, "HTTP 500", strike=False, mark=5)
    assert isinstance(outage.effect, Trouble)


def test_in_company_nobody_is_struck_and_the_service_is_not_blamed() -> None:
    found = judged(FAULT, row(suspect_mark=4, strikes=policy.EVENT_STRIKES - 1), in_company=True)
    assert found == Judgement(Postpone(AT_ONCE, "HTTP 500", strike=False, mark=5), Struck())
    later = judged(replace(FAULT, retry_after_s=30.0), row(suspect_mark=4), in_company=True).verdict
    assert isinstance(later, Postpone)
    assert later.due_at == 130.0
    assert isinstance(judged(FAULT, row(), in_company=True).effect, Trouble)


def test_eight_strikes_and_it_is_dead() -> None:
    claimed, verdicts = row(suspect_mark=4), []
    for _ in range(policy.EVENT_STRIKES):
        verdict = judged(FAULT, claimed).verdict
        verdicts.append(verdict)
        claimed = replace(claimed, strikes=claimed.strikes + 1)
    assert all(isinstance(verdict, Postpone) for verdict in verdicts[:-1])
    assert verdicts[-1] == Reject(DeadReason.ATTEMPTS, "HTTP 500", 500)
    assert [verdict.due_at - 100.0 for verdict in verdicts[:-1] if isinstance(verdict, Postpone)] == [
        1, 2, 4, 8, 16, 32, 64,
    ]  # fmt: skip


@pytest.mark.parametrize(
    "outcome",
    [
        CredentialRefused(401, ""),
        FlowControl(429, "", None),
        FlowControl(503, "", 3.0),
        NotReached(Obstacle.CONNECT, ""),
        Portal(302, ""),
        RouteShut(403, ""),
    ],
)
def test_nothing_of_the_networks_or_the_services_ever_strikes_or_kills(outcome: Outcome) -> None:
    suspicious = row(suspect_mark=0, strikes=policy.EVENT_STRIKES - 1)
    for others_fail in (True, False):
        verdict = judged(outcome, suspicious, others_fail=others_fail).verdict
        assert not isinstance(verdict, Reject)
        assert not (isinstance(verdict, Postpone) and verdict.strike)


def test_a_service_that_asks_for_time_gets_it_from_a_struck_event_too() -> None:
    fault = ServiceFault(500, "HTTP 500", ambiguous=True, retry_after_s=600.0)
    verdict = judged(fault, row(suspect_mark=4)).verdict
    assert isinstance(verdict, Postpone)
    assert verdict.due_at == 700.0


def test_what_may_have_arrived_is_set_aside_where_the_contract_says_so() -> None:
    verdict = judge(row(), SET_ASIDE, FAULT, FACTS, Chosen()).verdict
    assert verdict == Reject(DeadReason.AMBIGUOUS, "HTTP 500", 500)
    surely_not = ServiceFault(408, "HTTP 408", ambiguous=False)
    assert isinstance(judge(row(), SET_ASIDE, surely_not, FACTS, Chosen()).verdict, Postpone)
    not_sent = NotReached(Obstacle.CONNECT, "refused")
    assert judge(row(), SET_ASIDE, not_sent, FACTS, Chosen()).verdict == Release()


def test_what_may_have_arrived_and_is_sent_again_says_so() -> None:
    again = judge(row(), BATCHED, FAULT, FACTS, Chosen()).verdict
    assert isinstance(again, Postpone)
    assert again.resent
    for surely in (ServiceFault(408, "HTTP 408", ambiguous=False), FlowControl(429, "", None)):
        verdict = judge(row(), BATCHED, surely, FACTS, Chosen()).verdict
        assert isinstance(verdict, Postpone)
        assert not verdict.resent
    known_again = judge(row(), TITLE, FAULT, FACTS, Chosen()).verdict
    assert isinstance(known_again, Postpone)
    assert not known_again.resent


def test_a_refusal_of_a_token_that_has_been_replaced_means_nothing() -> None:
    late = judged(CredentialRefused(401, "HTTP 401"), credential_current=False)
    assert late == Judgement(Release(), Answered(delivered=False, passed=False))


def test_an_event_that_alone_finds_its_route_shut_is_held_alone() -> None:
    alone = judged(RouteShut(403, "HTTP 403"), route_open_for_others=True)
    assert alone == Judgement(Hold(HeldReason.ROUTE, "HTTP 403"), Answered(delivered=False, passed=False))


def test_jitter_never_brings_a_retry_before_now() -> None:
    for seed in range(50):
        verdict = judge(row(suspect_mark=1), TITLE, FAULT, FACTS, random.Random(seed)).verdict
        assert isinstance(verdict, Postpone)
        assert FACTS.now <= verdict.due_at <= FACTS.now + policy.EVENT_BACKOFF_MOST_S
