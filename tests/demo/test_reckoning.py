"""The demo's verdict: every way in which events could be lost or doubled is called out."""

from typing import Any

import pytest

from swarm_analyticsd.cli.reckoning import Call, Reckoning, reckon

MESSAGE = "events.agent.message"
EMAIL = "identify.link_email"
SENT = [Call(MESSAGE, "k0"), Call(MESSAGE, "k1"), Call(EMAIL, "k2")]


def event(route: str, key: str | None, seq: int = 0) -> dict[str, Any]:
    return {"route": route, "key": key, "body": {"agent_id": "a", "seq": seq}}


GOOD = [event(MESSAGE, "k0"), event(MESSAGE, "k1", 1), event(EMAIL, None)]
COUNTS = {"duplicates": 1, "bad": 0, "conflicts": 0}
LEDGER = {"accepted": 3, "delivered": 3, "refused": 0, "balanced": True}


def verdict(
    good: list[dict[str, Any]] = GOOD,
    counts: dict[str, int] | None = None,
    ledger: dict[str, Any] | None = None,
) -> Reckoning:
    return reckon(SENT, good, COUNTS | (counts or {}), LEDGER | (ledger or {}))


def test_all_is_well() -> None:
    found = verdict()
    assert found.faults == ()
    assert found.rows == ((MESSAGE, 2, 2), (EMAIL, 1, 1))
    assert (found.sent, found.there, found.repeated) == (3, 3, 1)


@pytest.mark.parametrize(
    ("good", "said"),
    [
        (GOOD[:1] + GOOD[2:], "1 lost, such as k1"),
        (GOOD[:2], "identify.link_email: 1 sent, 0 there"),
        ([*GOOD, event(EMAIL, None)], "identify.link_email: 1 sent, 2 there"),
        ([*GOOD, event(MESSAGE, "k1", 2)], "1 doubled, such as k1"),
        ([*GOOD, event(MESSAGE, "k9", 2)], "1 at the service that the app did not send, such as k9"),
        ([GOOD[1], GOOD[0], GOOD[2]], "a: message 1 arrived after message -1"),
    ],
)
def test_what_the_service_has_is_wrong(good: list[dict[str, Any]], said: str) -> None:
    assert said in verdict(good).faults


@pytest.mark.parametrize(
    ("counts", "ledger", "said"),
    [
        ({"bad": 2}, {}, "the service refused 2 as faulty"),
        ({"conflicts": 1}, {}, "1 arrived again with another body"),
        ({}, {"balanced": False}, "the daemon's ledger is not balanced"),
        ({}, {"accepted": 4}, "the daemon's ledger says accepted 4, and the app sent 3"),
        ({}, {"delivered": 2}, "the daemon's ledger says delivered 2, and the app sent 3"),
        ({}, {"refused": 1}, "the daemon refused 1"),
    ],
)
def test_the_counts_are_wrong(counts: dict[str, int], ledger: dict[str, Any], said: str) -> None:
    assert verdict(counts=counts, ledger=ledger).faults == (said,)
