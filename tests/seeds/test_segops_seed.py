"""The SegOps seed: its code blocks were lost, so its prose is followed, section by section."""

import asyncio
from collections.abc import Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from swarm_analytics import segops
from swarm_analytics_models.home import AUTOSTART_VARIABLE
from tests.support.segops import SIGNING_SECRET, SegOpsWorld, standing_world

NO_TELEMETRY: Any = {"auto_configure": False, "tracing": False, "metrics": False, "logs": False}


@pytest.fixture(scope="module")
def _standing_world() -> Iterator[SegOpsWorld]:
    with standing_world() as world:
        yield world


@pytest.fixture
def world(_standing_world: SegOpsWorld, monkeypatch: pytest.MonkeyPatch) -> SegOpsWorld:
    monkeypatch.setenv(AUTOSTART_VARIABLE, "0")
    _standing_world.begin()
    return _standing_world


def test_quick_start(world: SegOpsWorld) -> None:
    client = segops.SegOpsClient(world.sandbox.base_url, "sk_ok", home=world.home)
    client.track(user_id="u-123", event_type="order_placed", payload={"total": 42})
    client.identify(user_id="u-123", traits={"plan": "pro"})
    client.shutdown()
    placed, identified = world.arrived()
    assert (placed["event_type"], placed["payload"]) == ("order_placed", {"total": 42})
    assert (identified["event_type"], identified["payload"]) == ("context_identified", {"plan": "pro"})


def test_quick_start_as_a_context_manager(world: SegOpsWorld) -> None:
    with segops.SegOpsClient(world.sandbox.base_url, "sk_ok", home=world.home) as client:
        client.track(user_id="u-123", event_type="page_viewed")
    assert [event["event_type"] for event in world.arrived()] == ["page_viewed"]


def test_which_key_do_i_use(world: SegOpsWorld) -> None:
    """A public key with a user signed on the backend."""
    signed = segops.sign_user_id(SIGNING_SECRET, "u-9")

    def get_user() -> segops.UserContext:
        return segops.UserContext(
            user_id=str(signed["user_id"]),
            user_id_sig=str(signed["user_id_sig"]),
            user_id_ts=int(signed["user_id_ts"]),
        )

    with segops.SegOpsClient(
        world.sandbox.base_url, "pk_signed", get_user=get_user, home=world.home
    ) as client:
        client.track(user_id="u-9", event_type="logged_in")
    assert [event["user_id"] for event in world.arrived()] == ["u-9"]


def test_sync_frameworks_call_it_directly_and_flush_on_shutdown(world: SegOpsWorld) -> None:
    client = segops.SegOpsClient(world.sandbox.base_url, "sk_ok", home=world.home)
    at_exit = [client.shutdown]

    def view() -> str:
        client.track(user_id="u-1", event_type="checkout")
        return "ok"

    assert view() == "ok"
    for handler in at_exit:
        handler()
    assert [event["event_type"] for event in world.arrived()] == ["checkout"]


def test_async_frameworks_offload_to_a_threadpool(world: SegOpsWorld) -> None:
    client = segops.SegOpsClient(world.sandbox.base_url, "sk_ok", home=world.home)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> Any:
        yield
        await run_in_threadpool(client.shutdown)

    app = FastAPI(lifespan=lifespan, telemetry=NO_TELEMETRY)

    @app.post("/orders")
    async def order() -> dict[str, bool]:
        await run_in_threadpool(client.track, user_id="u-1", event_type="order_placed")
        return {"ok": True}

    @app.post("/views")
    def view() -> dict[str, bool]:
        client.track(user_id="u-1", event_type="page_viewed")
        return {"ok": True}

    async def serve() -> None:
        transport = httpx.ASGITransport(app=app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://app") as http,
        ):
            assert (await http.post("/orders")).json() == {"ok": True}
            assert (await http.post("/views")).json() == {"ok": True}

    asyncio.run(serve())
    assert {event["event_type"] for event in world.arrived()} == {"order_placed", "page_viewed"}


def test_types(world: SegOpsWorld) -> None:
    event = segops.Event(
        user_id="u-1", event_type="page_viewed", occurred_at="2026-01-02T03:04:05+00:00", payload={"p": "/"}
    )
    context = segops.Context(user_id="u-1", traits={"plan": "free"})
    with segops.SegOpsClient(world.sandbox.base_url, "sk_ok", home=world.home) as client:
        client.track(event)
        client.identify(context)
    viewed, identified = world.arrived()
    assert viewed == {
        "user_id": "u-1",
        "event_type": "page_viewed",
        "occurred_at": "2026-01-02T03:04:05+00:00",
        "payload": {"p": "/"},
    }
    assert identified["payload"] == {"plan": "free"}


def test_signing_a_user_id_on_the_backend() -> None:
    signed = segops.sign_user_id(SIGNING_SECRET, "u-1", ts=1700000000)
    assert sorted(signed) == ["user_id", "user_id_sig", "user_id_ts"]


def test_error_handling(world: SegOpsWorld) -> None:
    errors: list[segops.SegOpsError] = []
    client = segops.SegOpsClient(world.sandbox.base_url, "sk_ok", on_error=errors.append, home=world.home)
    world.sandbox.fail(500, service="segops")
    client.track(user_id="u-1", event_type="kept")
    with pytest.raises(RuntimeError, match="500"):
        client.flush()
    with pytest.raises(segops.DeliveryFailed):
        client.close()
    world.sandbox.calm()
    assert [event["event_type"] for event in world.wait_for(1)] == ["kept"]
    assert errors == []
