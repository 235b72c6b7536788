"""Tokens: revoked in mid-queue, adopted, refused, renewed by a person, damaged."""

from collections.abc import Callable
from pathlib import Path

from swarm_analytics import AnalyticsClient
from swarm_analytics_models.identifiers import IdentityKind, encode_reference, token_destination
from tests.story.scene import (
    INSTALL,
    Emitter,
    HomeView,
    assert_in_order,
    assert_once,
    command_with_input,
    wait_for,
)
from tests.support.processes import Processes, SandboxProcess
from tests.support.waiting import eventually


def test_a_token_revoked_in_mid_queue_costs_one_registration_and_no_event(
    home: Path,
    view: HomeView,
    processes: Processes,
    service: SandboxProcess,
    app: Callable[..., Emitter],
) -> None:
    """Promises 11 and 12: held, renewed once, delivered, and every agent's order kept."""
    processes.daemon(home)
    service.script({"action": {"kind": "latency", "seconds": 0.02}})
    minted = service.ledger()["tokens_minted"]
    emitter = app(service.base_url)
    keys = [key for agent in "abcdef" for key in emitter.do("message", agent, 20, "x")]
    eventually(lambda: len(service.keys()) >= 20, timeout=20.0, what="the middle of the queue")
    assert service.revoke(install_id=INSTALL) == 1

    assert_in_order(wait_for(service, keys))
    assert_once(service, keys)
    assert service.ledger()["unauthorized"] >= 1, "the service did refuse the old token"
    assert service.ledger()["tokens_minted"] == minted + 2
    assert view.drained()["delivered"] == 120
    assert emitter.dropped == {}


def test_a_real_token_is_adopted_and_renewed_for_the_install_that_it_names(
    home: Path,
    view: HomeView,
    processes: Processes,
    service: SandboxProcess,
    client: Callable[..., AnalyticsClient],
) -> None:
    """The seed's form with a token from before this package: it works, and outlives its token."""
    processes.daemon(home)
    token = service.register("veteran")
    minted = service.ledger()["tokens_minted"]
    service.fail(503, route="identify.register")
    events = client(base_url=service.base_url, token=token)
    wait_for(service, [events.logs.write(tag="adopted")])
    assert service.ledger()["tokens_minted"] == minted, "the daemon used the token that it was given"
    service.calm()
    service.revoke(token=token)
    wait_for(service, [events.logs.write(tag="renewed")])
    assert service.ledger()["tokens_minted"] == minted + 1
    assert {event["install_id"] for event in service.good()} == {"veteran"}
    assert [each["identity"] for each in view.openswarm["destinations"]] == ["install:veteran"]


def test_a_token_that_nobody_can_renew_holds_its_events_until_a_person_gives_another(
    home: Path,
    view: HomeView,
    processes: Processes,
    service: SandboxProcess,
    client: Callable[..., AnalyticsClient],
) -> None:
    """Promise 11: no token is no reason to lose an event, and status says what to do."""
    daemon = processes.daemon(home)
    secret = "opaque-token-of-long-ago"
    destination = token_destination("openswarm", service.base_url, secret).ref
    events = client(base_url=service.base_url, token=secret)

    waiting = [events.logs.write(tag=str(number)) for number in range(5)]
    eventually(lambda: view.ledger["held"] >= 1 and view.openswarm["credential"] == "held", timeout=20.0)
    assert view.openswarm["held_reason"] == "credential"
    said = daemon.cli("status").stdout
    assert "NOT WELL: openswarm refuses the credential" in said
    assert f"swarm-analyticsd credential set {destination}" in said
    assert view.ledger["dead"] == 0

    token = service.register("somebody")
    given = command_with_input("credential", "set", destination, "--home", str(home), text=token + "\n")
    assert given.returncode == 0, given.stderr
    assert token not in given.stdout + given.stderr
    wait_for(service, waiting)

    service.revoke(token=token)
    again = events.logs.write(tag="again")
    eventually(lambda: view.ledger["held"] == 1, timeout=20.0, what="the event held once more")
    assert view.why(again)["held_reason"] == "credential"
    fresh = service.register("somebody")
    command_with_input("credential", "set", destination, "--home", str(home), text=fresh + "\n")
    wait_for(service, [*waiting, again])
    assert_once(service, [*waiting, again])


def test_a_damaged_reference_holds_its_events_and_sends_none(
    home: Path,
    view: HomeView,
    processes: Processes,
    service: SandboxProcess,
    client: Callable[..., AnalyticsClient],
) -> None:
    """Security S7: an unknown reference is held, never sent, neither as a token nor as anybody else."""
    daemon = processes.daemon(home)
    wait_for(service, [client(base_url=service.base_url).logs.write(tag="neighbour")])
    known = encode_reference(token_destination("openswarm", service.base_url, service.register("x")))
    damaged = client(base_url=service.base_url, token=known[:-1] + ("0" if known[-1] != "0" else "1"))
    key = damaged.logs.write(tag="damaged")
    view.accepted(2)
    for _ in range(3):
        view.flush(0.05)
    (lost,) = [each for each in view.openswarm["destinations"] if each["identity"].startswith("token:")]
    assert lost["identity"] == f"{IdentityKind.TOKEN}:unknown-reference"
    assert lost["credential"] == "absent"
    assert lost["queued"] + lost["held"] == 1
    assert "credential" in view.why(key)["explanation"]
    assert f"credential set {lost['ref']}" in daemon.cli("status").stdout
    assert [request["status"] for request in service.requests() if key in request["body"]] == []


def test_a_service_that_refuses_even_fresh_tokens_is_not_hammered(
    home: Path,
    view: HomeView,
    processes: Processes,
    service: SandboxProcess,
    app: Callable[..., Emitter],
) -> None:
    """Promise 11, 401 for days: held, a registration now and then, and in the end everything arrives."""
    processes.daemon(home)
    service.fail(401, path="/public/logs")
    minted = service.ledger()["tokens_minted"]
    keys = app(service.base_url).do("log", 20, "x")
    eventually(lambda: view.openswarm["credential"] == "held", timeout=20.0, what="the refusal")
    for _ in range(10):
        assert not view.flush(0.1)
    assert service.ledger()["tokens_minted"] - minted <= 4
    assert service.struck()[0] <= 4 * 8, "a window of requests for each token, not one for each event"
    ledger = view.ledger
    assert (ledger["dead"], ledger["held"] + ledger["queued"] + ledger["leased"]) == (0, 20)
    service.calm()
    wait_for(service, keys, hasten=view)
    assert view.drained()["delivered"] == 20


def test_events_that_name_no_destination_wait_until_there_is_one(
    home: Path,
    view: HomeView,
    processes: Processes,
    service: SandboxProcess,
    client: Callable[..., AnalyticsClient],
) -> None:
    """A client that says only where the home is: held(no_destination), then sent as the one who registers."""
    daemon = processes.daemon(home)
    events = client(install_id=None)
    keys = [events.logs.write(tag=str(number)) for number in range(3)]
    eventually(lambda: view.ledger["held"] == 3, what="events held for want of a destination")
    assert view.why(keys[0])["held_reason"] == "no_destination"
    assert "register --service openswarm" in daemon.cli("status").stdout
    registered = daemon.cli(
        "register", "--service", "openswarm", "--base-url", service.base_url, "--install-id", "late"
    )
    assert registered.returncode == 0, registered.stderr
    keys.append(events.logs.write(tag="after"))
    assert {event["install_id"] for event in wait_for(service, keys)} == {"late"}
    assert_once(service, keys)
