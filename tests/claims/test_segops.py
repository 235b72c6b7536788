"""Seed 004, what each claim promises, through real processes."""

import asyncio
import inspect
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from swarm_analytics.segops import (
    Context,
    DeliveryFailed,
    Event,
    EventLost,
    EventsSkipped,
    SegOpsClient,
    UserContext,
    sign_user_id,
)
from swarm_analytics_models.home import AUTOSTART_VARIABLE
from tests.support.segops import BATCH, SESSION, SIGNING_SECRET, SINGLE, SegOpsWorld, standing_world
from tests.support.waiting import eventually


@pytest.fixture(scope="module")
def _standing_world() -> Iterator[SegOpsWorld]:
    with standing_world() as world:
        yield world


@pytest.fixture
def world(_standing_world: SegOpsWorld, monkeypatch: pytest.MonkeyPatch) -> Iterator[SegOpsWorld]:
    monkeypatch.setenv(AUTOSTART_VARIABLE, "0")
    _standing_world.begin()
    yield _standing_world
    _standing_world.sandbox.calm()


def test_004_01_the_seeds_constructor(world: SegOpsWorld) -> None:
    parameters = inspect.signature(SegOpsClient).parameters
    assert list(parameters)[:2] == ["api_url", "api_key"]
    defaults = {name: parameters[name].default for name in ("batch", "batch_size", "flush_interval")}
    assert defaults == {"batch": True, "batch_size": 20, "flush_interval": 5.0}
    assert parameters["get_user"].default is None
    assert parameters["on_error"].default is None
    for wrong in ("", "mk_reads"):
        with pytest.raises(ValueError, match="pass a secret"):
            world.client(wrong)
    with pytest.raises(ValueError, match="must look like https"):
        SegOpsClient("api.segops.ai", "sk_ok")


def test_004_02_a_context_manager_flushes_on_exit(world: SegOpsWorld) -> None:
    with world.client(flush_interval=60.0) as client:
        client.track(user_id=world.user, event_type="opened")
    assert [event["event_type"] for event in world.arrived()] == ["opened"]


def test_004_03_a_secret_key_goes_along_and_a_public_key_opens_a_session(world: SegOpsWorld) -> None:
    world.client().track(user_id=world.user, event_type="server")
    world.wait_for(1)
    assert not world.requests(SESSION)
    world.client("pk_open", get_user=world.me).track(user_id=world.user, event_type="client")
    world.wait_for(2)
    assert world.bodies(SESSION) == [{"user_id": world.user}]


def test_004_04_a_token_is_kept_renewed_in_time_and_minted_anew_after_a_401(world: SegOpsWorld) -> None:
    client = world.client("pk_open", get_user=world.me)
    for number in (1, 2):
        client.track(user_id=world.user, event_type="e")
        world.wait_for(number)
    assert len(world.requests(SESSION)) == 1
    world.stand_in(end_sessions=True)
    client.track(user_id=world.user, event_type="after the 401")
    world.wait_for(3)
    assert len(world.requests(SESSION)) == 2
    assert "401" in [request["answered"] for request in world.requests(BATCH)]
    world.stand_in(end_sessions=True, session_s=59.0)
    for number in (4, 5):
        client.track(user_id=world.user, event_type="renewed")
        world.wait_for(number)
    minted = len(world.requests(SESSION))
    assert minted == 4, "a token with less than 60 s to live is not used twice"


def test_004_05_signed_fields_pass_through_get_user(world: SegOpsWorld) -> None:
    def signed() -> dict[str, Any]:
        return sign_user_id(SIGNING_SECRET, world.user)

    client = world.client("pk_signed", get_user=signed)
    client.track(user_id=world.user, event_type="signed")
    world.wait_for(1)
    (asked,) = world.bodies(SESSION)
    assert set(asked) == {"user_id", "user_id_sig", "user_id_ts"}


def test_004_06_track_takes_an_event_a_dict_or_keywords_and_never_waits(world: SegOpsWorld) -> None:
    world.sandbox.script({"match": {"service": "segops"}, "action": {"kind": "hang", "seconds": 30}})
    client = world.client(batch_size=3, flush_interval=60.0)
    began = time.monotonic()
    client.track(Event(world.user, "one", "2026-01-01T00:00:00+00:00", {"n": 1}), user_id="unused")
    client.track({"user_id": world.user, "event_type": "two", "anonymous_id": "a-1"})
    threads = [
        threading.Thread(target=client.track, kwargs={"user_id": world.user, "event_type": f"t{number}"})
        for number in range(7)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert time.monotonic() - began < 10.0, "the service hangs for 30 s"
    world.sandbox.calm()
    arrived = world.wait_for(9)
    assert arrived[0] == {
        "user_id": world.user,
        "event_type": "one",
        "occurred_at": "2026-01-01T00:00:00+00:00",
        "payload": {"n": 1},
    }
    assert arrived[1]["anonymous_id"] == "a-1"
    assert {event["event_type"] for event in arrived[2:]} == {f"t{number}" for number in range(7)}
    assert max(len(body["events"]) for body in world.bodies(BATCH)) == 3
    with pytest.raises(TypeError):
        client.track()
    with pytest.raises(TypeError):
        client.track(user_id="u")
    with pytest.raises(TypeError):
        client.track(event_type="e")
    with pytest.raises(TypeError, match="lacks 'event_type'"):
        client.track({"user_id": "u"})
    with pytest.raises(ValidationError):
        client.track(user_id="", event_type="e")


def test_004_07_identify_is_an_event_with_the_traits(world: SegOpsWorld) -> None:
    client = world.client()
    client.identify(user_id=world.user, traits={"plan": "pro"})
    client.identify(Context(world.user, {"plan": "free"}))
    client.identify({"user_id": world.user})
    arrived = world.wait_for(3)
    assert {event["event_type"] for event in arrived} == {"context_identified"}
    assert [event["payload"] for event in arrived] == [{"plan": "pro"}, {"plan": "free"}, {}]
    with pytest.raises(TypeError):
        client.identify()


def test_004_08_flush_blocks_until_everything_is_taken(world: SegOpsWorld) -> None:
    client = world.client(flush_interval=60.0, batch_size=500)
    for number in range(30):
        client.track(user_id=world.user, event_type="e", payload={"n": number})
    client.flush()
    assert [event["payload"]["n"] for event in world.arrived()] == list(range(30))


def test_004_09_shutdown_and_close_flush(world: SegOpsWorld) -> None:
    for number, end in ((1, "shutdown"), (3, "close")):
        client = world.client(flush_interval=60.0)
        client.track(user_id=world.user, event_type=end)
        getattr(client, end)()
        assert len(world.arrived()) == number
        client.track(user_id=world.user, event_type="after the end")
        client.flush()
    assert len(world.arrived()) == 4


def test_004_10_reset_session_asks_get_user_again(world: SegOpsWorld) -> None:
    users = [UserContext(user_id=f"{world.user}-a"), UserContext(user_id=f"{world.user}-b")]
    asked: list[str] = []

    def get_user() -> UserContext:
        asked.append("asked")
        return users[len(asked) - 1]

    client = world.client("pk_open", get_user=get_user)
    client.track(user_id="x", event_type="first")
    client.track(user_id="x", event_type="second")
    assert len(asked) == 1
    client.reset_session()
    client.track(user_id="x", event_type="third")
    arrived = world.wait_for(3)
    owners = {event["event_type"]: event["user_id"] for event in arrived}
    assert owners == {
        "first": f"{world.user}-a",
        "second": f"{world.user}-a",
        "third": f"{world.user}-b",
    }
    secret = world.client("sk_ok", get_user=get_user)
    secret.reset_session()
    secret.track(user_id=world.user, event_type="fourth")
    world.wait_for(4)
    assert len(asked) == 2


def test_004_11_sign_user_id_gives_the_documented_signature() -> None:
    assert sign_user_id(SIGNING_SECRET, "u-1", 1700000000) == {
        "user_id": "u-1",
        "user_id_sig": "01dd17b45b22fb90ce65af5fa4660c9c674d4fc767201a848bb949d8b383574c",
        "user_id_ts": 1700000000,
    }
    with pytest.raises(ValueError, match="is not hexadecimal"):
        sign_user_id("not hex", "u-1")


def test_004_12_on_error_hears_of_background_failures_and_flush_raises(world: SegOpsWorld) -> None:
    client = world.client()
    world.sandbox.fail(400, service="segops")
    lost = client.track(user_id=world.user, event_type="rejected")
    eventually(lambda: world.errors, timeout=20.0, what="on_error")
    (error,) = world.errors
    assert isinstance(error, EventLost)
    assert isinstance(error, RuntimeError)
    assert (error.event_id, error.status) == (lost, 400)
    world.sandbox.fail(500, service="segops")
    client.track(user_id=world.user, event_type="refused for now")
    with pytest.raises(DeliveryFailed) as failed:
        client.flush()
    assert (failed.value.status, failed.value.pending) == (500, 1)
    with pytest.raises(DeliveryFailed):
        client.shutdown()
    world.sandbox.fail(400, path=BATCH)
    late = world.client("pk_open", get_user=world.me, flush_interval=60.0)
    with pytest.raises(DeliveryFailed, match="rejected"), late:
        late.track(user_id=world.user, event_type="rejected, too")


def test_004_13_events_are_never_dropped_on_shutdown(world: SegOpsWorld) -> None:
    world.sandbox.script({"match": {"service": "segops"}, "action": {"kind": "reset"}})
    client = world.client()
    kept = [client.track(user_id=world.user, event_type=f"kept {number}") for number in range(5)]
    with pytest.raises(DeliveryFailed):
        client.shutdown()
    world.sandbox.calm()
    arrived = world.wait_for(len(kept))
    assert {event["event_type"] for event in arrived} == {f"kept {number}" for number in range(5)}


def test_004_14_without_batches_each_event_has_a_request_of_its_own(world: SegOpsWorld) -> None:
    client = world.client(batch=False)
    for number in range(3):
        client.track(user_id=world.user, event_type=f"e{number}")
    world.wait_for(3)
    assert [request["answered"] for request in world.requests(SINGLE)] == ["202"] * 3
    assert not world.requests(BATCH)


def test_004_15_importing_the_client_loads_no_http_library() -> None:
    heavy = ("httpx", "aiohttp", "requests", "fastapi", "sqlalchemy", "typer", "http.client")
    source = f"import sys, swarm_analytics.segops; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_004_16_a_key_that_demands_signatures_refuses_what_is_unsigned_or_forged(world: SegOpsWorld) -> None:
    def forged() -> dict[str, Any]:
        return sign_user_id("11" * 32, world.user)

    for get_user in (world.me, forged):
        client = world.client("pk_signed", get_user=get_user)
        client.track(user_id=world.user, event_type="unproven")
        with pytest.raises(DeliveryFailed):
            client.flush()
    assert world.arrived() == []
    assert {request["answered"] for request in world.requests(SESSION)} == {"403"}


def test_004_17_one_client_serves_threads_and_asyncio(world: SegOpsWorld) -> None:
    client = world.client(flush_interval=60.0)
    thread = threading.Thread(target=client.track, kwargs={"user_id": world.user, "event_type": "thread"})
    thread.start()

    async def handler() -> None:
        client.track(user_id=world.user, event_type="asyncio")
        await client.aflush()

    thread.join()
    asyncio.run(handler())
    assert {event["event_type"] for event in world.arrived()} == {"thread", "asyncio"}

    async def whole() -> None:
        async with world.client(flush_interval=60.0) as other:
            other.track(user_id=world.user, event_type="async with")

    asyncio.run(whole())
    assert len(world.arrived()) == 3


def test_004_b1_no_request_has_more_than_500_events(world: SegOpsWorld) -> None:
    world.daemon.cli("pause", "segops")
    client = world.client(batch_size=5000)
    for number in range(1200):
        client.track(user_id=world.user, event_type="e", payload={"n": number})
    world.daemon.cli("resume", "segops")
    client.flush()
    sizes = [len(body["events"]) for body in world.bodies(BATCH)]
    assert sum(sizes) == 1200
    assert max(sizes) <= 500


def test_004_b2_skipped_events_are_told_and_not_sent_again(world: SegOpsWorld) -> None:
    world.stand_in(skip_event_types=["unregistered"])
    client = world.client(flush_interval=1.0)
    client.track(user_id=world.user, event_type="registered")
    client.track(user_id=world.user, event_type="unregistered")
    eventually(lambda: world.errors, timeout=20.0, what="on_error")
    (error,) = world.errors
    assert isinstance(error, EventsSkipped)
    assert (error.skipped, error.of) == (1, 2)
    assert len(world.requests(BATCH)) == 1
    assert world.daemon.status()["services"]["segops"]["skipped"] >= 1


def test_004_b3_a_429_is_waited_out(world: SegOpsWorld) -> None:
    world.sandbox.script(
        {
            "match": {"service": "segops", "count": 1},
            "action": {"kind": "status", "status": 429, "retry_after": "2"},
        }
    )
    client = world.client()
    client.track(user_id=world.user, event_type="later")
    world.wait_for(1)
    first, second = world.requests(BATCH)
    assert second["received_at"] - first["received_at"] >= 2.0


def test_004_b4_a_failed_flush_loses_nothing(world: SegOpsWorld) -> None:
    world.sandbox.fail(503, service="segops")
    client = world.client()
    client.track(user_id=world.user, event_type="kept")
    with pytest.raises(DeliveryFailed) as failed:
        client.flush()
    assert failed.value.pending == 1
    world.sandbox.calm()
    assert [event["event_type"] for event in world.wait_for(1)] == ["kept"]


def test_004_b5_an_event_stays_with_the_user_it_was_tracked_under(world: SegOpsWorld) -> None:
    """The published client sends what is queued under the next user: the service rewrites it to that one."""
    current = [f"{world.user}-before"]
    world.daemon.cli("pause", "segops")
    client = world.client("pk_open", get_user=lambda: UserContext(user_id=current[0]))
    client.track(user_id=current[0], event_type="before")
    current[0] = f"{world.user}-after"
    client.reset_session()
    client.track(user_id=current[0], event_type="after")
    world.daemon.cli("resume", "segops")
    owners = {event["event_type"]: event["user_id"] for event in world.wait_for(2)}
    assert owners == {"before": f"{world.user}-before", "after": f"{world.user}-after"}
