"""The status of a home: sums where there are sums, else the worst; with a daemon and without."""

from typing import Any

from swarm_analytics_models.categories import ConsentMode
from swarm_analytics_models.identifiers import Destination, IdentityKind
from swarm_analytics_models.status import BreakerState, CredentialState, DaemonStatus, Ledger, Status
from swarm_analyticsd.outbox.lifecycle import HeldReason, State
from swarm_analyticsd.outbox.reports import Tallies, Tally
from swarm_analyticsd.outbox.rows import KnownDestination
from swarm_analyticsd.schedule.view import LaneHold, LaneView
from swarm_analyticsd.status import build_status, rss_bytes

DAEMON = DaemonStatus(
    version="1",
    protocol=1,
    pid=1,
    uptime_s=1.0,
    address="unix:x",
    home="/h",
    durability="durable",
    sqlite_version="3",
    rss_bytes=1,
)


def known(number: int, **changes: Any) -> KnownDestination:
    values: dict[str, Any] = {
        "credential": CredentialState.PRESENT,
        "credential_error": None,
        "backoff_until": None,
        "backoff_failures": 0,
        "backoff_reason": None,
    } | changes
    where = Destination("openswarm", "https://a.test", IdentityKind.INSTALL, f"i{number}")
    return KnownDestination(id=number, destination=where, **values)


def tally(destination: KnownDestination | None, **changes: Any) -> Tally:
    counts = dict.fromkeys(State, 0) | {
        State(name): value for name, value in changes.pop("counts", {}).items()
    }
    values: dict[str, Any] = {
        "accepted": sum(counts.values()),
        "bytes": 0,
        "held_reasons": (),
        "oldest_queued_at": None,
        "last_delivered_at": None,
        "last_error": None,
    } | changes
    return Tally(service="openswarm", destination=destination, counts=counts, **values)


def lane(**changes: Any) -> LaneView:
    values: dict[str, Any] = {
        "breaker": BreakerState.CLOSED,
        "credential": CredentialState.PRESENT,
        "held_reason": None,
        "next_attempt_at": None,
        "last_error": None,
        "in_flight": 0,
        "shut_routes": (),
        "paused": False,
    } | changes
    return LaneView(**values)


def status(*tallies: Tally, lanes: dict[int, LaneView] | None = None, paused: bool = False) -> Status:
    return build_status(
        DAEMON,
        Tallies(tallies, Ledger(), 0),
        services=("openswarm",),
        lanes=lanes or {},
        calls={},
        consent={"openswarm": ConsentMode.HOLD},
        paused=frozenset({"openswarm"} if paused else ()),
        base_urls={},
        now=100.0,
    )


def test_a_service_without_destinations_is_shown_too() -> None:
    found = status().services["openswarm"]
    assert found.credential is CredentialState.ABSENT
    assert found.consent is ConsentMode.HOLD
    assert found.destinations == []


def test_counts_are_summed_and_of_the_rest_the_worst_is_shown() -> None:
    found = status(
        tally(known(1), counts={"queued": 2, "dead": 1}, oldest_queued_at=90.0, last_delivered_at=50.0),
        tally(known(2), counts={"queued": 3, "held": 4}, oldest_queued_at=40.0, last_delivered_at=60.0),
        lanes={
            1: lane(breaker=BreakerState.HALF_OPEN, next_attempt_at=130.0),
            2: lane(
                breaker=BreakerState.OPEN,
                credential=CredentialState.HELD,
                held_reason=LaneHold.CREDENTIAL,
                next_attempt_at=120.0,
                last_error="401",
            ),
        },
    ).services["openswarm"]
    assert (found.queued, found.held, found.dead) == (5, 4, 1)
    assert found.breaker is BreakerState.OPEN
    assert found.credential is CredentialState.HELD
    assert found.held_reason == "credential"
    assert (found.oldest_queued_age_s, found.last_delivered_at) == (60.0, 60.0)
    assert (found.next_attempt_at, found.last_error) == (120.0, "401")
    assert [each.identity for each in found.destinations] == ["install:i1", "install:i2"]


def test_without_a_daemon_the_rows_speak() -> None:
    destination = known(
        1, credential=CredentialState.HELD, credential_error="401", backoff_until=170.0, backoff_failures=3
    )
    found = status(tally(destination, counts={"held": 1}, held_reasons=(HeldReason.CREDENTIAL,)))
    (shown,) = found.services["openswarm"].destinations
    assert shown.credential is CredentialState.HELD
    assert shown.held_reason == "credential"
    assert (shown.next_attempt_at, shown.last_error) == (170.0, "401")


def test_events_that_have_no_destination_yet_are_shown_while_there_are_any() -> None:
    waiting = tally(None, counts={"held": 2}, held_reasons=(HeldReason.NO_DESTINATION,))
    found = status(waiting).services["openswarm"]
    assert (found.held, found.held_reason) == (2, "no_destination")
    assert status(tally(None)).services["openswarm"].destinations == []


def test_what_befell_events_is_summed() -> None:
    found = status(tally(known(1), skipped=2, resent=1), tally(known(2), skipped=3, set_aside=4)).services[
        "openswarm"
    ]
    assert (found.skipped, found.resent, found.set_aside) == (5, 1, 4)
    assert [each.skipped for each in found.destinations] == [2, 3]
    assert found.model_dump(mode="json")["set_aside"] == 4


def test_a_paused_service_says_so_first() -> None:
    found = status(tally(known(1)), lanes={1: lane(held_reason=LaneHold.BACK_OFF)}, paused=True)
    assert found.services["openswarm"].paused
    assert found.services["openswarm"].held_reason == "paused"


def test_the_memory_of_this_process_is_told() -> None:
    assert 1_000_000 < rss_bytes() < 10_000_000_000
