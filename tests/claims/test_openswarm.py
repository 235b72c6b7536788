"""Seed 000, calls: what each claim promises, through real processes."""

import inspect
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from swarm_analytics import (
    AgentMessage,
    AnalyticsClient,
    AnalyticsError,
    AuthError,
    SqliteSpool,
    TransportError,
)
from swarm_analytics_models.identifiers import REFERENCE_PREFIX
from tests.claims.conftest import World
from tests.support.waiting import eventually


def body_of(event: dict[str, Any]) -> dict[str, Any]:
    """A body without what differs from call to call."""
    return {name: value for name, value in event["body"].items() if name not in ("ts", "submission_id")}


def methods(namespace: object, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every public method of a client, by dotted name."""
    for name in dir(namespace):
        member = getattr(namespace, name)
        if name.startswith("_"):
            continue
        if inspect.ismethod(member) and prefix:
            yield prefix + name, member
        elif type(member).__module__.startswith("swarm_analytics._generated"):
            yield from methods(member, f"{prefix}{name}.")


def test_000_01_register_is_blocking_and_unauthenticated(world: World) -> None:
    reference = AnalyticsClient.register(
        base_url=world.base_url, install_id=world.install_id, home=world.home
    )
    assert reference.startswith(REFERENCE_PREFIX)
    (request,) = [
        request
        for request in world.requests("/public/identify/create_install_token")
        if world.install_id in request["body"]
    ]
    assert "authorization" not in {name.lower() for name in request["headers"]}
    assert request["answered"] == "200"
    assert (
        AnalyticsClient.register(base_url=world.base_url, install_id=world.install_id, home=world.home)
        == reference
    )


def test_register_refused_or_unreachable_raises_the_seeds_errors(world: World) -> None:
    world.sandbox.fail(401, path="/public/identify/create_install_token")
    with pytest.raises(AuthError):
        AnalyticsClient.register(base_url=world.base_url, install_id=world.install_id, home=world.home)
    with pytest.raises(TransportError):
        AnalyticsClient.register(
            base_url="http://127.0.0.1:9", install_id=world.install_id, home=world.home, timeout=2.0
        )
    assert issubclass(AuthError, AnalyticsError)
    assert issubclass(TransportError, AnalyticsError)


def test_000_02_the_seeds_constructor(world: World) -> None:
    reference = AnalyticsClient.register(
        base_url=world.base_url, install_id=world.install_id, home=world.home
    )
    client = AnalyticsClient(
        base_url=world.base_url,
        token=reference,
        spool=None,
        mode="full",
        max_attempts=8,
        http_client=None,
        on_drop=None,
        home=world.home,
    )
    key = client.events.app_lifecycle.closed()
    assert [event["key"] for event in world.wait_for(key)] == [key]
    with pytest.raises(ValueError, match="minimul"):
        AnalyticsClient(base_url=world.base_url, token=reference, mode="minimul")


def test_000_03_opened(world: World) -> None:
    key = world.client().events.app_lifecycle.opened(os="darwin", os_version="25.3.0", app_version="1.2.0")
    (event,) = world.wait_for(key)
    assert event["route"] == "events.app_lifecycle.opened"
    assert body_of(event) == {
        "os": "darwin",
        "os_version": "25.3.0",
        "timezone": None,
        "locale": None,
        "app_version": "1.2.0",
    }


def test_000_04_closed(world: World) -> None:
    (event,) = world.wait_for(world.client().events.app_lifecycle.closed())
    assert event["route"] == "events.app_lifecycle.closed"
    assert body_of(event) == {}


def test_000_05_agent_create_with_and_without_name(world: World) -> None:
    agent = world.client().events.agent
    keys = [
        agent.create(id="sess_123", name="Refactor auth", dashboard_id="dash_1"),
        agent.create(id="sess_124"),
    ]
    named, plain = world.wait_for(*keys)
    assert body_of(named) == {"id": "sess_123", "name": "Refactor auth", "dashboard_id": "dash_1"}
    assert body_of(plain) == {"id": "sess_124", "dashboard_id": None}


def test_000_06_agent_message(world: World) -> None:
    key = world.client().events.agent.message(
        agent_id="sess_123", seq=0, message=AgentMessage(id="m1", role="user", content="hello")
    )
    (event,) = world.wait_for(key)
    assert body_of(event) == {
        "agent_id": "sess_123",
        "seq": 0,
        "message": {
            "id": "m1",
            "role": "user",
            "content": "hello",
            "parent_id": None,
            "branch_id": 0,
            "provider": None,
            "model": None,
            "thinking_level": None,
        },
    }


def test_000_07_onboarding_step(world: World) -> None:
    key = world.client().events.onboarding.step(step_id="connect_provider", status="completed")
    (event,) = world.wait_for(key)
    assert body_of(event) == {"step_id": "connect_provider", "status": "completed"}


def test_000_08_dashboard_event(world: World) -> None:
    (event,) = world.wait_for(world.client().events.dashboard.event(dashboard_id="dash_1", action="create"))
    assert body_of(event) == {"dashboard_id": "dash_1", "action": "create"}


def test_000_09_logs_write(world: World) -> None:
    (event,) = world.wait_for(world.client().logs.write(tag="agent", subtag="tool", data={"name": "shell"}))
    assert body_of(event) == {"tag": "agent", "subtag": "tool", "data": {"name": "shell"}}


def test_000_10_link_email(world: World) -> None:
    client = world.client()
    client.identify.link_email(email="user@example.com")
    assert client.flush(timeout=20.0)
    (event,) = world.arrived()
    assert event["body"] == {"email": "user@example.com"}


def test_000_11_flush_tells_whether_all_is_delivered(world: World) -> None:
    client = world.client()
    assert client.flush(timeout=5.0), "nothing was handed off, so nothing is pending"
    client.events.app_lifecycle.closed()
    assert client.flush(timeout=20.0)
    assert len(world.arrived()) == 1
    world.sandbox.fail(503)
    client.events.app_lifecycle.closed()
    assert not client.flush(timeout=0.3)
    world.sandbox.calm()
    assert client.flush(timeout=20.0)
    assert len(world.arrived()) == 2


def test_000_12_close_does_not_wait_for_the_network(world: World) -> None:
    world.sandbox.script({"action": {"kind": "hang"}})
    client = world.client()
    key = client.events.app_lifecycle.closed()
    before = time.monotonic()
    client.close()
    took = time.monotonic() - before
    assert took < 5.0, "the service hangs for as long as the script says"
    world.sandbox.calm()
    world.wait_for(key)


def test_000_13_a_spool_is_accepted_and_touches_no_disk(world: World, tmp_path: Path) -> None:
    path = tmp_path / "service_spool.db"
    client = world.client(spool=SqliteSpool(str(path)))
    world.wait_for(client.events.app_lifecycle.closed())
    assert list(tmp_path.iterdir()) == []


def test_000_14_no_method_takes_an_identity(world: World) -> None:
    found = dict(methods(world.client()))
    assert len(found) == 10
    for name, method in found.items():
        parameters = set(inspect.signature(method).parameters)
        assert not parameters & {"install_id", "user_id", "token"}, name


def test_000_15_meta_is_in_no_signature_and_always_filled(world: World) -> None:
    client = world.client()
    for name, method in methods(client):
        assert not set(inspect.signature(method).parameters) & {"ts", "submission_id"}, name
    before = time.time()
    key = client.logs.write(tag="t")
    after = time.time()
    (event,) = world.wait_for(key)
    assert event["body"]["submission_id"] == key
    assert before <= event["body"]["ts"] <= after


def test_000_16_every_retry_carries_the_same_submission_id(world: World) -> None:
    tag = f"retry-{world.install_id}"
    once = {"contains": tag, "count": 1}
    world.sandbox.script(
        {"match": once, "action": {"kind": "status", "status": 503}},
        {"match": once, "action": {"kind": "reset", "accept": True}},
    )
    client = world.client()
    key = client.logs.write(tag=tag)
    assert client.flush(timeout=30.0)
    bodies = [request["body"] for request in world.requests("/public/logs") if tag in request["body"]]
    assert len(bodies) >= 3
    assert len(set(bodies)) == 1, "every resend is byte-identical"
    assert key in bodies[0]
    assert len(world.arrived()) == 1, "the service took it once"


@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.events.onboarding.step(step_id="s", status="finished"),
        lambda client: client.events.dashboard.event(dashboard_id="d", action="opened"),
        lambda client: AgentMessage.model_validate({"id": "m", "role": "robot"}),
        lambda client: client.events.agent.message(
            agent_id="a", seq=1.5, message={"id": "m", "role": "user"}
        ),
    ],
)
def test_000_18_a_bad_value_raises_before_any_io(tmp_path: Path, call: Any) -> None:
    home = tmp_path / "home"
    client = AnalyticsClient(home=home, base_url="http://127.0.0.1:9", install_id="i")
    with pytest.raises(ValidationError):
        call(client)
    assert not home.exists(), "not even the journal was opened"


@pytest.mark.parametrize("email", ["", "x" * 321])
def test_000_19_what_the_service_would_refuse_is_refused_here(world: World, email: str) -> None:
    client = world.client()
    with pytest.raises(ValidationError):
        client.identify.link_email(email=email)
    with pytest.raises(ValidationError, match="JSON has no such number"):
        client.logs.write(tag="t", data={"x": float("nan")})
    with pytest.raises(ValidationError, match="beyond 64 bits"):
        client.logs.write(tag="t", data=2**64)
    client.events.agent.message(agent_id="a", seq="3", message=AgentMessage(id="m", role="user"))  # type: ignore[arg-type]
    assert client.flush(timeout=20.0)
    assert world.sandbox.bad() == []


def test_000_20_calls_return_while_the_service_hangs(world: World) -> None:
    world.sandbox.script({"action": {"kind": "hang"}})
    client = world.client()
    before = time.monotonic()
    keys = [client.logs.write(tag=str(number)) for number in range(200)]
    assert time.monotonic() - before < 5.0, "one attempt at the hanging service alone takes longer"
    world.sandbox.calm()
    world.wait_for(*keys)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_000_21_trouble_is_retried(world: World, status: int) -> None:
    client = world.client()
    assert client.flush(timeout=20.0)
    world.sandbox.script(
        {"match": {"path": "/public/logs", "count": 2}, "action": {"kind": "status", "status": status}}
    )
    key = client.logs.write(tag="t")
    world.wait_for(key)
    assert world.sandbox.struck() == [2]
    assert world.drops == []


@pytest.mark.parametrize("status", [400, 413, 422])
def test_000_22_a_rejected_event_is_not_retried(world: World, status: int) -> None:
    client = world.client()
    world.sandbox.fail(status, path="/public/logs")
    key = client.logs.write(tag="t", data="kept")
    eventually(lambda: world.drops, timeout=20.0, what="on_drop")
    ((record, told),) = world.drops
    assert (record.route_key, record.submission_id, told) == ("logs.write", key, status)
    assert record.body["data"] == "kept"
    assert world.sandbox.struck() == [1]
    assert client.flush(timeout=5.0), "a dead event is not pending"
    world.sandbox.calm()
    assert world.daemon.cli("dead", "retry", key).returncode == 0
    world.wait_for(key)


def test_000_25_minimal_mutes_product_events_only(world: World) -> None:
    client = world.client(mode="minimal")
    muted = client.events.agent.create(id="a")
    with pytest.raises(ValidationError):
        client.events.onboarding.step(step_id="s", status="finished")  # type: ignore[arg-type]
    loud = client.logs.write(tag="t")
    client.identify.link_email(email="a@b")
    assert client.flush(timeout=20.0)
    events = world.wait_for(loud)
    assert {event["route"] for event in events} == {"logs.write", "identify.link_email"}
    assert muted not in {event["key"] for event in events}
    other = world.client()
    world.wait_for(other.events.agent.create(id="b"))


def test_000_27_the_last_event_is_delivered_at_shutdown(world: World) -> None:
    client = world.client()
    client.events.app_lifecycle.opened(os="o", os_version="1", app_version="1")
    client.events.app_lifecycle.closed()
    assert client.flush(timeout=20.0)
    client.close()
    assert [event["route"] for event in world.arrived()] == [
        "events.app_lifecycle.opened",
        "events.app_lifecycle.closed",
    ]
    with world.client() as again:
        again.events.app_lifecycle.closed()
    eventually(lambda: len(world.arrived()) == 3, timeout=20.0)


def test_000_31_every_route_end_to_end(world: World) -> None:
    client = world.client()
    client.events.app_lifecycle.opened(os="o", os_version="1", app_version="1", timezone="UTC", locale="en")
    client.events.agent.create(id="a")
    client.events.agent.title(id="a", title="Title")
    client.events.agent.message(agent_id="a", seq=0, message=AgentMessage(id="m", role="assistant"))
    client.events.dashboard.event(dashboard_id="d", action="open")
    client.events.onboarding.step(step_id="s", status="started")
    client.logs.write(tag="t")
    client.identify.link_email(email="a@b")
    client.preferences.opt_out(opted_out=False)
    client.events.app_lifecycle.closed()
    assert client.flush(timeout=20.0)
    events = world.arrived()
    assert len(events) == 10
    assert len({event["route"] for event in events}) == 10
    assert {event["install_id"] for event in events} == {world.install_id}
    agent = [event["route"].rpartition(".")[2] for event in events if ".agent." in event["route"]]
    assert agent == ["create", "title", "message"]
