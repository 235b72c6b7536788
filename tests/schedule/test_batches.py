"""Batches over a real outbox and a real socket: by resource, skipped in part, cut off, as apps want them."""

import asyncio
import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Any

import pytest

from swarm_analytics_models.handoff import DeliverySettings, Skipped
from swarm_analytics_models.identifiers import IdentityKind
from swarm_analyticsd.outbox.rows import KnownDestination
from tests.delivery.lab import LAB, MEASURED, RENAMED, TOLD
from tests.delivery.scripted import (
    ScriptedServer,
    Seen,
    answer,
    eventually,
    hang,
    hold,
    reset,
    scripted,
    silent,
)
from tests.delivery.support import Chosen
from tests.schedule.world import World, world

pytestmark = pytest.mark.anyio

ASIDE = DeliverySettings(when_ambiguous="set_aside")


def lab() -> AbstractAsyncContextManager[World]:
    return world(known_contracts={"lab": LAB})


async def at(
    ours: World, remote: ScriptedServer, settings: DeliverySettings | None = None
) -> KnownDestination:
    """The lab's destination, with its key."""
    known = await ours.destination(remote, service="lab", kind=IdentityKind.KEY, token="k0")
    if settings is not None:
        known = await ours.outbox.ensure_destination(known.destination, settings)
        ours.dispatcher.destination_added(known)
    return known


def readings(lab: str, *values: int, **more: Any) -> list[dict[str, Any]]:
    return [{"lab_id": lab, "reading_id": f"{lab}/{value}", "value": value, **more} for value in values]


def texts(*texts: str) -> list[dict[str, Any]]:
    return [{"text": text} for text in texts]


def skipping(count: int) -> Callable[[Seen], Any]:
    return lambda _: answer(202, json.dumps({"queued": 9, "skipped": count}).encode())


async def incidents(ours: World) -> tuple[int, int, int]:
    (tally,) = (await ours.outbox.tallies()).destinations
    return tally.skipped, tally.resent, tally.set_aside


async def test_a_resource_goes_into_the_path_and_its_events_travel_together() -> None:
    async with lab() as ours, scripted() as remote:
        known = await at(ours, remote)
        await ours.hand_off(known, MEASURED.key, *readings("a/b", 1, 2), *readings("ü", 3, urgent=True))
        await ours.settled(delivered=3)
        seen = {one.path: one.json for one in remote.seen}
        assert seen == {
            "/v1/labs/a%2Fb/readings": {
                "data": [{"reading_id": "a/b/1", "value": 1}, {"reading_id": "a/b/2", "value": 2}]
            },
            "/v1/labs/%C3%BC/readings?urgent=true": {"data": [{"reading_id": "ü/3", "value": 3}]},
        }
        assert {one.values("x-api-key")[0] for one in remote.seen} == {"k0"}


async def test_a_resend_is_byte_for_byte_the_same_over_a_restart() -> None:
    down = True
    async with lab() as ours, scripted(lambda _: answer(503) if down else answer()) as remote:
        known = await at(ours, remote)
        await ours.hand_off(known, MEASURED.key, *readings("a", 1, note="ü☃"))
        await eventually(lambda: len(remote.seen) >= 2)
        await ours.restart()
        tried = len(remote.seen)
        down = False
        await ours.settled(delivered=1)
        assert len(remote.seen) > tried
        assert len({(one.line, one.body) for one in remote.seen}) == 1


async def test_another_method_and_two_fields_in_the_path() -> None:
    async with lab() as ours, scripted() as remote:
        known = await at(ours, remote)
        await ours.hand_off(known, RENAMED.key, {"lab_id": "a", "shelf": 7, "name": "acids"})
        await ours.settled(delivered=1)
        (seen,) = remote.seen
        assert seen.line == "PUT /v1/labs/a/shelves/7 HTTP/1.1"
        assert seen.body == b'{"name":"acids"}'


async def test_what_a_batch_skipped_is_counted_and_every_client_of_it_hears() -> None:
    async with lab() as ours, scripted(skipping(1)) as remote:
        known = await at(ours, remote)
        await ours.hand_off(known, TOLD.key, *texts("a", "b"), client="c1")
        await ours.hand_off(known, TOLD.key, *texts("c"), client="c2")
        await ours.settled(delivered=3)
        assert await incidents(ours) == (len(remote.seen), 0, 0)
        told = {one.client: one for one in ours.skipped}
        assert told["c1"] == Skipped(
            client="c1", service="lab", destination=known.ref, skipped=1, of=told["c1"].of
        )
        assert await ours.ledger() == {"accepted": 3, "delivered": 3}


@pytest.mark.parametrize("events", [1, 2])
async def test_what_was_skipped_to_the_last_is_dead(events: int) -> None:
    async with lab() as ours, scripted(skipping(events)) as remote:
        known = await at(ours, remote, DeliverySettings(max_items=events, max_wait_s=60.0))
        await ours.hand_off(known, MEASURED.key, *readings("a", *range(events)), client="c1")
        ours.dispatcher.nudge()
        await ours.settled(dead=events)
        assert len(remote.seen) == 1
        assert await incidents(ours) == (0, 0, 0)
        assert ours.skipped == []
        assert [(one.outcome, one.status) for one in ours.dropped] == [("dead", 202)] * events


@pytest.mark.parametrize("skipped", [b'"two"', b"-1", b"true", b"null", b"1.5"])
async def test_a_count_that_is_none_counts_nothing(skipped: bytes) -> None:
    async with lab() as ours, scripted(lambda _: answer(202, b'{"skipped":%b}' % skipped)) as remote:
        known = await at(ours, remote)
        await ours.hand_off(known, TOLD.key, *texts("a", "b"))
        await ours.settled(delivered=2)
        assert await incidents(ours) == (0, 0, 0)


async def test_what_may_have_arrived_is_sent_again_and_counted() -> None:
    replies = iter([reset()])
    async with lab() as ours, scripted(lambda _: next(replies, answer())) as remote:
        known = await at(ours, remote)
        await ours.hand_off(known, TOLD.key, *texts("a", "b"))
        await ours.settled(delivered=2)
        assert await incidents(ours) == (0, len(remote.seen[0].json.get("events", "x")), 0)


async def test_what_may_have_arrived_is_set_aside_where_an_app_wants_it() -> None:
    replies = iter([reset()])
    async with lab() as ours, scripted(lambda _: next(replies, answer())) as remote:
        known = await at(ours, remote, ASIDE)
        await ours.hand_off(known, TOLD.key, *texts("a"), client="c1")
        await ours.settled(dead=1)
        assert await incidents(ours) == (0, 0, 1)
        assert [one.outcome for one in ours.dropped] == ["dead"]
        await ours.hand_off(known, TOLD.key, *texts("b"))
        await ours.settled(dead=1, delivered=1)


@pytest.mark.parametrize(
    ("settings", "expected", "ledger"),
    [
        (None, (0, 1, 0), {"accepted": 1, "queued": 1}),
        (ASIDE, (0, 0, 1), {"accepted": 1, "dead": 1}),
    ],
)
async def test_stopping_in_the_middle_of_a_send_leaves_no_doubt_uncounted(
    settings: DeliverySettings | None, expected: tuple[int, int, int], ledger: dict[str, int]
) -> None:
    async with lab() as ours, scripted(lambda _: hang()) as remote:
        known = await at(ours, remote, settings)
        await ours.hand_off(known, TOLD.key, *texts("a"))
        await eventually(lambda: remote.seen)
        await ours.dispatcher.stop()
        assert await ours.ledger() == ledger
        assert await incidents(ours) == expected


async def test_a_send_that_never_left_is_in_no_doubt() -> None:
    with silent() as base_url:
        async with lab() as ours:
            known = await at(ours, ScriptedServer(base_url=base_url), ASIDE)
            await ours.hand_off(known, TOLD.key, *texts("a"))
            await eventually(lambda: ours.view(known).in_flight)
            await ours.dispatcher.stop()
            assert await ours.ledger() == {"accepted": 1, "queued": 1}
            assert await incidents(ours) == (0, 0, 0)


async def test_a_batch_that_was_answered_in_part_keeps_those_answers_when_it_is_cut_off() -> None:
    gate = asyncio.Event()

    def script(seen: Seen) -> Any:
        values = [event["text"] for event in seen.json.get("events", [seen.json])]
        if len(values) == 4:
            return answer(413)
        return answer() if "a" in values else hold(gate, answer())

    async with lab() as ours, scripted(script) as remote:
        known = await at(ours, remote, DeliverySettings(max_wait_s=5.0, when_ambiguous="set_aside"))
        await ours.hand_off(known, TOLD.key, *texts("a", "b", "c", "d"))
        await eventually(lambda: len(remote.seen) == 3)
        await ours.dispatcher.stop()
        assert await ours.ledger() == {"accepted": 4, "delivered": 2, "dead": 2}
        assert await incidents(ours) == (0, 0, 2)


async def test_an_apps_batches_are_as_it_wants_them_also_after_a_change() -> None:
    async with lab() as ours, scripted() as remote:
        known = await at(ours, remote, DeliverySettings(max_items=2, max_wait_s=60.0))
        await ours.hand_off(known, TOLD.key, *texts("a", "b", "c", "d", "e"))
        await ours.settled(delivered=4)
        assert {len(one.json["events"]) for one in remote.seen} == {2}
        changed = await ours.outbox.ensure_destination(known.destination, DeliverySettings(max_items=1))
        ours.dispatcher.destination_added(changed)
        await ours.settled(delivered=5)
        assert remote.seen[-1].path == "/v1/told"
        await ours.restart()
        await ours.hand_off(changed, TOLD.key, *texts("f", "g"))
        await ours.settled(delivered=7)
        assert [one.path for one in remote.seen[-2:]] == ["/v1/told", "/v1/told"]


async def test_one_event_that_breaks_its_batch_is_found_in_a_few_requests_and_alone_is_dead() -> None:
    """A batch of 64 whose service answers 500 whenever it holds the one."""
    batching = replace(TOLD.batching, max_items=64, max_bytes=1_000_000)  # type: ignore[type-var]
    contract = replace(LAB, routes=(replace(TOLD, batching=batching),))

    def script(seen: Seen) -> Any:
        return answer(500) if b"poison" in seen.body else answer()

    async with world(known_contracts={"lab": contract}) as ours, scripted(script) as remote:
        known = await at(ours, remote, DeliverySettings(max_wait_s=60.0))
        await ours.hand_off(known, TOLD.key, *texts(*(f"t{n}" for n in range(40)), "poison"))
        ours.dispatcher.nudge()
        await eventually(lambda: remote.seen)
        await ours.hand_off(known, TOLD.key, *texts("a neighbour"))
        ours.dispatcher.nudge()
        await ours.settled(delivered=41, dead=1, timeout=60.0)
        (dead,) = [event for event in await ours.outbox.events() if event.state == "dead"]
        (found,) = await ours.outbox.find(dead.id, body=True)
        assert found.body == {"text": "poison"}
        assert found.outcome == "attempts"
        healthy = [one for one in remote.seen if b"poison" not in one.body]
        assert len(healthy) < 20, "not one request for each of the neighbours"


async def test_after_an_outage_large_batches_do_not_come_as_single_events() -> None:
    batching = replace(TOLD.batching, max_items=64, max_bytes=1_000_000)  # type: ignore[type-var]
    contract = replace(LAB, routes=(replace(TOLD, batching=batching),))
    down = True
    async with (
        world(known_contracts={"lab": contract}, chance=Chosen(1.0)) as ours,
        scripted(lambda _: answer(503) if down else answer()) as remote,
    ):
        known = await at(ours, remote, DeliverySettings(max_wait_s=0.01))
        await ours.hand_off(known, TOLD.key, *texts(*map(str, range(64))))
        await eventually(lambda: remote.seen)
        down = False
        ours.dispatcher.nudge()
        await ours.settled(delivered=64)
        assert len(remote.seen) < 10
