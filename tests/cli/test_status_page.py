"""`status` for a person: the verdict first, one screen, nothing that a stranger wrote unescaped."""

import time
from typing import Any

import pytest

from swarm_analytics_models.categories import ConsentMode
from swarm_analytics_models.status import (
    BreakerState,
    CallsStatus,
    CredentialState,
    DaemonStatus,
    DestinationStatus,
    Ledger,
    ServiceStatus,
    Status,
)
from swarm_analyticsd.cli.status_page import status_page

NOW = 1_790_000_000.0
URL = "https://analytics.example"
PRESENT = CredentialState.PRESENT


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    if hasattr(time, "tzset"):
        time.tzset()


def daemon(**changes: Any) -> DaemonStatus:
    facts: dict[str, Any] = {
        "version": "0.1.0",
        "protocol": 1,
        "pid": 4242,
        "uptime_s": 3900,
        "address": "unix:/home/ada/h/daemon.sock",
        "home": "/home/ada/h",
        "durability": "durable",
        "sqlite_version": "3.51.3",
        "rss_bytes": 61_000_000,
        "outbox_bytes": 120_000,
        "credential_store": "keyring (the system's)",
    }
    return DaemonStatus(**(facts | changes))


def service(**changes: Any) -> ServiceStatus:
    """A service with one destination, which has the same facts."""
    facts: dict[str, Any] = {"base_url": URL, "credential": CredentialState.PRESENT} | changes
    of_service = {name: facts.pop(name) for name in ("paused", "identity", "ref") if name in facts}
    names = {"identity": of_service.pop("identity", "install:ada"), "ref": of_service.pop("ref", "d_ada")}
    return ServiceStatus(**facts, **of_service, destinations=[DestinationStatus(**facts, **names)])


def page(status: Status, width: int = 80) -> list[str]:
    return [line.text for line in status_page(status, NOW, width)]


def test_when_all_is_well_the_first_line_says_so() -> None:
    status = Status(
        daemon=daemon(),
        services={"openswarm": service(last_delivered_at=NOW - 180, queued=2, oldest_queued_age_s=0.2)},
        ledger=Ledger(accepted=1206, queued=2, delivered=1204),
    )
    assert page(status) == [
        "All is well.",
        "",
        "service            state        queued sending    held   dead   oldest last sent",
        "openswarm          sending           2       0       0      0      0 s     3 min",
        "",
        "Ledger balanced: 1,206 accepted = 2 queued + 1,204 delivered",
        "Beside it: 0 refused, 0 duplicates",
        "",
        "Daemon 0.1.0, pid 4242, up 65 min, durable, 61 MB memory, outbox 120 kB,",
        "  credentials in keyring",
        "Home /home/ada/h",
    ]


def of(ledger: Ledger | None = None, /, **services: ServiceStatus) -> Status:
    return Status(daemon=daemon(), services=services, ledger=ledger or Ledger())


def verdict(status: Status) -> list[str]:
    lines = page(status)
    return lines[: lines.index("")]


def test_a_service_out_of_reach_says_since_when_and_when_it_is_tried_again() -> None:
    unreachable = service(
        breaker=BreakerState.OPEN,
        next_attempt_at=NOW + 42,
        last_delivered_at=NOW - 9000,
        last_error="connect: no route to host",
        queued=120,
    )
    assert verdict(of(openswarm=unreachable)) == [
        "NOT WELL: openswarm is out of reach; next try at 14:14:02 (in 42 s); 120 events",
        "  wait, nothing is lost; last delivery 2 h ago. Last error: connect: no route to",
        "  host.",
        "  -> Check the network. It is tried again by itself; to try now:",
        "     swarm-analyticsd flush",
    ]


def test_a_service_being_tried_needs_no_action() -> None:
    assert verdict(of(openswarm=service(breaker=BreakerState.HALF_OPEN, queued=1))) == [
        "NOT WELL: openswarm was out of reach and is being tried with one event; 1 event",
        "  waits.",
        "  -> The others follow by themselves when it is delivered.",
    ]


def test_calls_that_are_refused_at_once_are_told_apart_from_events_that_wait() -> None:
    calls = CallsStatus(breaker=BreakerState.OPEN, open_until=NOW + 20, last_error="HTTP 503")
    destination = DestinationStatus(
        identity="key:default", ref="d_k", base_url=URL, credential=PRESENT, calls=calls
    )
    told = ServiceStatus(
        base_url=URL, credential=PRESENT, breaker=BreakerState.OPEN, destinations=[destination]
    )
    status = of(swarms=told)
    assert verdict(status) == [
        "NOT WELL: swarms failed call after call, so calls are refused at once; next try",
        "  at 14:13:40 (in 20 s). Last error: HTTP 503.",
        "  -> One call then tries it; if it is answered, the others follow.",
    ]
    assert any("swarms" in line and "unreachable" in line for line in page(status))


def test_a_refused_credential_of_an_install_names_both_ways_out() -> None:
    held = service(credential=CredentialState.HELD, held=3, last_error="401 token revoked")
    assert verdict(of(openswarm=held)) == [
        "NOT WELL: openswarm refuses the credential; 3 events wait, nothing is lost. Last",
        "  error: 401 token revoked.",
        "  -> The daemon registers again by itself; if that does not help:",
        "     swarm-analyticsd credential set d_ada",
    ]


def test_a_refused_token_asks_for_the_person_who_can_renew_it() -> None:
    held = service(credential=CredentialState.HELD, identity="token:f00", ref="d_f00", held=3)
    assert verdict(of(openswarm=held))[1:] == [
        "  -> Sign in again in the app, or: swarm-analyticsd credential set d_f00"
    ]


def test_a_session_that_is_held_is_renewed_by_its_app_alone() -> None:
    advice = "  -> Start the app that has this user: it is asked for a fresh signature."
    for state in (CredentialState.HELD, CredentialState.ABSENT):
        held = service(credential=state, identity="session:f00", ref="d_f00", held=3)
        assert advice in verdict(of(openswarm=held))
    key = service(credential=CredentialState.HELD, identity="key:default", ref="d_k", held=3)
    assert "  -> Sign in again in the app, or: swarm-analyticsd credential set d_k" in verdict(
        of(openswarm=key)
    )


def test_a_missing_credential_is_wrong_and_a_pending_one_only_noted() -> None:
    assert verdict(of(openswarm=service(credential=CredentialState.ABSENT, queued=2)))[0] == (
        "NOT WELL: openswarm has no credential; 2 events wait."
    )
    assert verdict(of(openswarm=service(credential=CredentialState.PENDING, queued=2))) == [
        "All is well.",
        "NOTE: openswarm is being registered; 2 events wait for that.",
        "  -> It goes on by itself as soon as the service answers.",
    ]


def test_a_first_launch_offline_is_told_from_a_registration_under_way() -> None:
    offline = service(
        credential=CredentialState.PENDING, queued=2, next_attempt_at=NOW + 5, last_error="no route to host"
    )
    assert verdict(of(openswarm=offline)) == [
        "NOT WELL: openswarm is out of reach and gives no credential; next try at",
        "  14:13:25 (in 5 s); 2 events wait, nothing is lost. Last error: no route to",
        "  host.",
        "  -> Check the network and the base URL. It is tried again by itself; to try",
        "     now: swarm-analyticsd flush",
    ]


def test_events_without_a_destination_name_the_command_that_gives_them_one() -> None:
    nobody = DestinationStatus(held=4, held_reason="no_destination")
    lost = ServiceStatus(held=4, held_reason="no_destination", destinations=[nobody])
    assert verdict(of(openswarm=lost)) == [
        "NOT WELL: 4 events wait to be told where openswarm is, and as whom to send.",
        "  -> Start the app that sends them, or:",
        "     swarm-analyticsd register --service openswarm --base-url URL --install-id ID",
    ]


def test_dead_events_name_the_command_that_shows_them() -> None:
    assert verdict(of(openswarm=service(dead=3))) == [
        "NOT WELL: 3 events of openswarm rejected and set aside as dead; the others go",
        "  on.",
        "  -> To see why: swarm-analyticsd dead list --service openswarm",
    ]


def test_a_service_with_nothing_to_send_is_idle() -> None:
    assert page(of(openswarm=service()))[3].split()[:2] == ["openswarm", "idle"]


@pytest.mark.parametrize(
    ("count", "told"),
    [
        ("skipped", "NOTE: openswarm took batches and left 3 events out so far"),
        ("resent", "NOTE: 3 events of openswarm sent again so far"),
        ("set_aside", "NOTE: 3 events of openswarm set aside so far"),
    ],
)
def test_what_befell_events_is_told_once_it_happened(count: str, told: str) -> None:
    assert not any(line.startswith("NOTE: ") for line in page(of(openswarm=service())))
    assert any(line.startswith(told) for line in page(of(openswarm=service(**{count: 3}))))


def test_a_shut_route_names_where_to_look() -> None:
    lines = verdict(of(openswarm=service(held=2, held_reason="route")))
    assert lines[0] == "NOT WELL: openswarm has shut a route; 2 events held."
    assert lines[-1].endswith("swarm-analyticsd events --state held --service openswarm")


def test_a_pause_names_the_way_back() -> None:
    assert verdict(of(openswarm=service(paused=True, queued=1))) == [
        "NOT WELL: openswarm is paused; 1 event waits.",
        "  -> To send again: swarm-analyticsd resume openswarm",
    ]


def test_consent_is_a_note_since_the_user_wanted_it() -> None:
    assert verdict(of(openswarm=service(consent=ConsentMode.MINIMAL))) == [
        "All is well.",
        "NOTE: Consent for openswarm is minimal: product events are withdrawn.",
        "  -> To allow all: swarm-analyticsd consent full openswarm",
    ]
    assert verdict(of(openswarm=service(consent=ConsentMode.HOLD, held=7)))[1] == (
        "NOTE: Consent for openswarm is hold: product events are kept back (7 held)."
    )


def test_an_unbalanced_ledger_comes_before_all_else() -> None:
    lines = page(of(Ledger(accepted=9, delivered=8, balanced=False), openswarm=service(paused=True)))
    assert lines[0] == "NOT WELL: The ledger does not add up: 9 accepted, 8 accounted for."
    assert "Ledger NOT BALANCED: 9 accepted = 8 delivered" in lines


def test_without_a_daemon_the_page_says_so_and_names_the_remedy() -> None:
    status = Status(daemon=daemon(pid=0), services={"openswarm": service(queued=5)}, ledger=Ledger(queued=5))
    assert verdict(status) == [
        "NOT WELL: No daemon runs; 5 events wait.",
        "  -> Start the app, or: swarm-analyticsd run",
    ]
    assert not [line for line in page(status) if line.startswith("Daemon")]


def test_that_no_daemon_runs_is_no_trouble_while_nothing_waits() -> None:
    assert verdict(Status(daemon=daemon(pid=0))) == [
        "All is well.",
        "NOTE: No daemon runs; 0 events wait.",
        "  -> Start the app, or: swarm-analyticsd run",
    ]
    assert verdict(Status(daemon=daemon(pid=0, journals=1)))[0] == (
        "NOT WELL: No daemon runs; 0 events wait; the apps' journals hold more."
    )


def test_warnings_of_the_daemon_are_shown() -> None:
    status = Status(daemon=daemon(warnings=["The disk is nearly full. Free 64 MB."]))
    assert "NOTE: The disk is nearly full. Free 64 MB." in page(status)


def test_memory_mode_is_not_well() -> None:
    assert page(Status(daemon=daemon(durability="memory")))[0] == (
        "NOT WELL: Events are kept in memory alone and end with the daemon."
    )


def test_what_was_lost_or_refused_is_noted() -> None:
    assert verdict(of(Ledger(accepted=3, expired=1, evicted=2, refused=1))) == [
        "All is well.",
        "NOTE: 3 events given up so far: 1 too old, 2 for lack of space or by `dead",
        "  drop`.",
        "  -> To see them: swarm-analyticsd events --state expired",
        "NOTE: 1 line was refused at hand-off.",
        "  -> The app was told why (on_drop), and the daemon's log says it.",
    ]


def everything_wrong(destinations: int) -> Status:
    each = [
        DestinationStatus(
            identity=f"install:{number:032x}",
            ref=f"d_{number:024x}",
            base_url=URL,
            credential=CredentialState.HELD,
            breaker=BreakerState.OPEN,
            next_attempt_at=NOW + 90_000,
            held_reason="route",
            queued=10_000_000,
            held=999,
            last_error="x" * 5000,
        )
        for number in range(destinations)
    ]
    broken = ServiceStatus(
        paused=True,
        dead=9,
        queued=10_000_000,
        consent=ConsentMode.HOLD,
        destinations=each,
        last_error="y" * 5000,
    )
    ledger = Ledger(
        **dict.fromkeys(Ledger.model_fields.keys() - {"balanced"}, 123_456_789_012), balanced=False
    )
    worst = daemon(warnings=["w" * 300] * 5, home="/h" * 200, durability="memory")
    return Status(daemon=worst, services={"a" * 100: broken, "b": broken}, ledger=ledger)


@pytest.mark.parametrize("destinations", [1, 2, 30])
def test_the_page_fits_one_screen_however_much_is_wrong(destinations: int) -> None:
    lines = page(everything_wrong(destinations))
    assert len(lines) <= 23
    assert max(map(len, lines)) <= 80
    assert lines[0].startswith("NOT WELL: The ledger does not add up")
    assert any(line.startswith("Ledger NOT BALANCED") for line in lines)


def test_several_destinations_are_told_apart() -> None:
    both = [
        DestinationStatus(identity="install:ada", ref="d_a", queued=1, base_url=URL, credential=PRESENT),
        DestinationStatus(
            identity="install:bob", ref="d_b", queued=2, base_url=URL, breaker=BreakerState.OPEN
        ),
        DestinationStatus(held=1),
    ]
    lines = page(of(openswarm=ServiceStatus(queued=3, destinations=both, base_url=URL)))
    assert "  install:ada      sending           1       0       0      0        -     never" in lines
    assert "  install:bob      unreachable       2       0       0      0        -     never" in lines
    assert "  (nobody yet)     waiting           0       0       1      0        -     never" in lines


def test_a_service_that_nobody_uses_is_idle_and_well() -> None:
    lines = page(of(openswarm=ServiceStatus(base_url=URL)))
    assert lines[0] == "All is well."
    assert "openswarm          idle              0       0       0      0        -     never" in lines


def test_s14_nothing_from_outside_reaches_the_terminal_raw() -> None:
    hostile = "\x1b[2J\r\n\u202e"
    status = Status(
        daemon=daemon(home=hostile, version=hostile, credential_store=hostile, warnings=[hostile]),
        services={
            hostile: service(
                identity=hostile,
                ref=hostile,
                base_url=hostile,
                last_error=hostile,
                credential=CredentialState.HELD,
                breaker=BreakerState.OPEN,
                held_reason=hostile,
                dead=1,
            )
        },
    )
    shown = "".join(page(status))
    assert r"\x1b[2J" in shown
    assert not {character for character in shown if not character.isprintable()}
