"""`flush` until each event was tried: it answers soon whatever is in the way, and says what that is."""

import asyncio
from typing import Any, cast

import pytest

from swarm_analytics_models.api import FlushAnswer, FlushRequest
from swarm_analytics_models.handoff import DeliverySettings
from swarm_analytics_models.identifiers import IdentityKind
from swarm_analyticsd.intake.flushing import Flushing
from swarm_analyticsd.outbox.rows import Admission, KnownDestination
from tests.delivery.lab import LAB, RENAMED, TOLD
from tests.delivery.scripted import ScriptedServer, answer, closed_port, eventually, hang, hold, scripted
from tests.delivery.support import Chosen
from tests.outbox.given import an_event
from tests.schedule.world import World, world

pytestmark = pytest.mark.anyio

LONG_S = 60.0


def lab() -> Any:
    return world(known_contracts={"lab": LAB}, chance=Chosen(1.0))


async def attempt(ours: World, client: str | None = "c1", timeout_s: float = LONG_S) -> FlushAnswer:
    flushing = Flushing(ours.outbox, ours.dispatcher, cast(Any, None), ours.rested)
    async with asyncio.timeout(LONG_S / 2):
        return await flushing.attempt(FlushRequest(timeout_s=timeout_s, client=client, until="attempted"))


async def at(ours: World, remote: ScriptedServer, **more: Any) -> KnownDestination:
    return await ours.destination(remote, service="lab", kind=IdentityKind.KEY, **{"token": "k0", **more})


def texts(*texts: str) -> list[dict[str, Any]]:
    return [{"text": text} for text in texts]


async def test_what_is_delivered_leaves_nothing_to_tell() -> None:
    async with lab() as ours, scripted() as remote:
        await ours.hand_off(await at(ours, remote), TOLD.key, *texts("a", "b"), client="c1")
        assert await attempt(ours) == FlushAnswer(drained=True, pending=0)
        assert await attempt(ours) == FlushAnswer(drained=True, pending=0)


async def test_one_failed_try_is_told_and_the_events_stay() -> None:
    async with lab() as ours, scripted(lambda _: answer(500)) as remote:
        await ours.hand_off(await at(ours, remote), TOLD.key, *texts("a", "b"), client="c1")
        found = await attempt(ours)
        assert found == FlushAnswer(
            drained=False, pending=2, error="HTTP 500 Internal Server Error", status=500
        )
        assert await ours.ledger() == {"accepted": 2, "queued": 2}


async def test_each_asking_is_a_try() -> None:
    async with lab() as ours, scripted(lambda _: answer(500)) as remote:
        await ours.hand_off(await at(ours, remote), TOLD.key, *texts("a"), client="c1")
        tries = []
        for _ in range(3):
            assert (await attempt(ours)).status == 500
            tries.append(len(remote.seen))
        assert tries[0] < tries[1] < tries[2]


async def test_off_line_there_is_an_error_and_no_status() -> None:
    async with lab() as ours:
        remote = ScriptedServer(base_url=f"http://127.0.0.1:{closed_port()}")
        await ours.hand_off(await at(ours, remote), TOLD.key, *texts("a"), client="c1")
        found = await attempt(ours)
        assert (found.drained, found.pending, found.status) == (False, 1, None)
        assert found.error


async def test_what_died_of_its_own_fault_is_told_though_nothing_is_left() -> None:
    async with lab() as ours, scripted(lambda _: answer(422)) as remote:
        await ours.hand_off(await at(ours, remote), TOLD.key, *texts("a"), client="c1")
        found = await attempt(ours)
        assert (found.drained, found.pending, found.status) == (True, 0, 422)


async def test_a_time_that_the_service_named_is_kept_and_told() -> None:
    async with lab() as ours, scripted(lambda _: answer(429, Retry_After="3600")) as remote:
        await ours.hand_off(await at(ours, remote), TOLD.key, *texts("a"), client="c1")
        assert (await attempt(ours)).status == 429
        tried = len(remote.seen)
        again = await attempt(ours)
        assert (again.drained, again.pending) == (False, 1)
        assert again.error is not None
        assert "429" in again.error
        assert len(remote.seen) == tried


async def test_a_refused_credential_is_told() -> None:
    async with lab() as ours, scripted(lambda _: answer(401)) as remote:
        await ours.hand_off(await at(ours, remote), TOLD.key, *texts("a"), client="c1")
        assert (await attempt(ours)).status == 401
        again = await attempt(ours)
        assert (again.drained, again.pending) == (False, 1)
        assert again.error
        assert len(remote.seen) == 1


async def test_without_a_credential_nothing_is_waited_for() -> None:
    async with lab() as ours, scripted() as remote:
        await ours.hand_off(await at(ours, remote, token=None), TOLD.key, *texts("a"), client="c1")
        found = await attempt(ours)
        assert (found.drained, found.pending) == (False, 1)
        assert "credential" in (found.error or "")


async def test_a_pause_is_told() -> None:
    async with lab() as ours, scripted() as remote:
        known = await at(ours, remote)
        await ours.dispatcher.pause("lab")
        await ours.hand_off(known, TOLD.key, *texts("a"), client="c1")
        assert await attempt(ours) == FlushAnswer(drained=False, pending=1, error="the service is paused")


async def test_events_that_nobody_has_a_place_for_are_told_of() -> None:
    async with lab() as ours:
        await ours.outbox.admit(Admission(events=(an_event(service="lab", destination=None, client="c1"),)))
        found = await attempt(ours)
        assert (found.drained, found.pending) == (False, 1)
        assert "where the service is" in (found.error or "")


async def test_a_shut_route_is_told() -> None:
    async with lab() as ours, scripted(lambda _: answer(403)) as remote:
        await ours.hand_off(await at(ours, remote), TOLD.key, *texts("a"), client="c1")
        assert (await attempt(ours)).status == 403


async def test_events_behind_one_that_fails_are_not_waited_for() -> None:
    async with lab() as ours, scripted(lambda _: answer(500)) as remote:
        names = [{"lab_id": "a", "shelf": 1, "name": name} for name in "xyz"]
        await ours.hand_off(await at(ours, remote), RENAMED.key, *names, client="c1")
        found = await attempt(ours)
        assert (found.pending, found.status) == (3, 500)


async def test_a_batch_that_waits_for_company_leaves_at_once() -> None:
    async with lab() as ours, scripted() as remote:
        known = await at(ours, remote)
        settings = DeliverySettings(max_wait_s=3_600.0)
        ours.dispatcher.destination_added(await ours.outbox.ensure_destination(known.destination, settings))
        await ours.hand_off(known, TOLD.key, *texts("a", "b"), client="c1")
        assert (await attempt(ours)).drained
        await ours.hand_off(known, TOLD.key, *texts(*map(str, range(101))), client="c1")
        assert (await attempt(ours)).drained
        assert next(len(one.json["events"]) for one in remote.seen if one.path == "/v1/told/batch") == 2


async def test_it_is_the_clients_own_events_that_count() -> None:
    async with lab() as ours, scripted() as well, scripted(lambda _: answer(500)) as ill:
        ours_known, theirs = await at(ours, well), await at(ours, ill)
        await ours.hand_off(theirs, TOLD.key, *texts("x"), client="c2")
        await ours.hand_off(ours_known, TOLD.key, *texts("a"), client="c1")
        assert await attempt(ours) == FlushAnswer(drained=True, pending=0)
        assert (await attempt(ours, "c2")).status == 500
        assert (await attempt(ours, None)).status == 500


async def test_an_answer_under_way_is_waited_for() -> None:
    gate = asyncio.Event()
    async with lab() as ours, scripted(lambda _: hold(gate, answer())) as slow, scripted() as well:
        await ours.hand_off(await at(ours, slow), TOLD.key, *texts("a"), client="c1")
        asking = asyncio.create_task(attempt(ours))
        await eventually(lambda: slow.seen)
        await ours.hand_off(await at(ours, well), TOLD.key, *texts("b"), client="c2")
        assert (await attempt(ours, "c2")).drained
        assert not asking.done()
        gate.set()
        assert (await asking).drained


async def test_when_the_time_is_up_it_is_up() -> None:
    async with lab() as ours, scripted(lambda _: hang()) as remote:
        await ours.hand_off(await at(ours, remote), TOLD.key, *texts("a"), client="c1")
        found = await attempt(ours, timeout_s=0.2)
        assert (found.drained, found.pending) == (False, 1)
