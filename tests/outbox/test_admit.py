"""Admission: one key is one event, a journal is taken once, refusals harm no neighbour."""

import sqlite3

import pytest

from swarm_analytics_models.categories import ConsentMode
from swarm_analytics_models.handoff import DeliverySettings
from swarm_analytics_models.identifiers import Destination, IdentityKind
from swarm_analyticsd.outbox.context import Space
from swarm_analyticsd.outbox.driver import raw
from swarm_analyticsd.outbox.lifecycle import HeldReason, State
from swarm_analyticsd.outbox.rows import Admission, Conflict, NoDestination, NoSpace
from swarm_analyticsd.outbox.store import Outbox
from tests.outbox.given import (
    DAY,
    DELIVERED,
    ELSEWHERE,
    HERE,
    THERE,
    FakeClock,
    admit,
    an_event,
    bring,
    claim,
    settle,
    some_events,
    state_of,
    states,
)

pytestmark = pytest.mark.anyio


async def test_accepted_rows_are_queued_with_their_bytes(outbox: Outbox) -> None:
    event = an_event(body=b'{"content":"gr\\u00fc\xc3\xbc\xc3\x9fe"}')
    admitted = await admit(outbox, event)
    assert (admitted.accepted, admitted.duplicates, admitted.refused) == (1, 0, ())
    assert admitted.woken == {1}
    (row,) = (await claim(outbox)).rows
    assert (row.key, row.body, row.route, row.client) == (event.key, event.body, event.route, event.client)


async def test_the_same_key_twice_is_one_event(outbox: Outbox) -> None:
    event = an_event()
    await admit(outbox, event)
    again = await admit(outbox, event, event, an_event())
    assert (again.accepted, again.duplicates, again.refused) == (1, 2, ())
    twice = an_event()
    at_once = await admit(outbox, twice, twice)
    assert (at_once.accepted, at_once.duplicates) == (1, 1)
    assert (await outbox.tallies()).ledger.duplicates == 3


@pytest.mark.parametrize("state", State)
async def test_a_key_is_remembered_whatever_became_of_its_event(quick: Outbox, state: State) -> None:
    event = await bring(quick, state)
    again = await admit(quick, event)
    assert (again.accepted, again.duplicates) == (0, 1)
    assert await state_of(quick, event) is state


async def test_the_same_key_with_another_body_is_a_conflict(outbox: Outbox) -> None:
    event = an_event()
    await admit(outbox, event)
    other = an_event(key=event.key, body=b'{"content":"another"}')
    neighbour = an_event()
    admitted = await admit(outbox, other, neighbour)
    assert admitted.refused == (Conflict(other),)
    assert admitted.accepted == 1
    settled = await claim(outbox)
    await settle(outbox, settled.rows, DELIVERED)
    assert (await admit(outbox, other)).refused == (Conflict(other),)
    assert (await outbox.tallies()).ledger.refused == 2


async def test_one_key_may_stand_in_two_routes_and_destinations(outbox: Outbox) -> None:
    event = an_event()
    route = an_event(key=event.key, route="logs.write")
    there = an_event(key=event.key, destination=THERE.ref)
    admission = Admission(events=(event, route, there), destinations=(HERE, THERE))
    assert (await outbox.admit(admission)).accepted == 3
    assert len(await outbox.find(event.key)) == 3


async def test_one_key_may_stand_in_two_resources_of_a_route(outbox: Outbox) -> None:
    event = an_event(resource="lab-1")
    there = an_event(key=event.key, resource="lab-2")
    assert (await admit(outbox, event, there)).accepted == 2
    assert (await admit(outbox, event, there)).duplicates == 2
    other = an_event(key=event.key, resource="lab-2", body=b'{"content":"other"}')
    assert (await admit(outbox, other)).refused == (Conflict(other),)
    assert sorted(row.resource for row in (await claim(outbox)).rows) == ["lab-1", "lab-2"]
    assert len(await outbox.find(event.key)) == 2


async def test_how_a_destination_is_sent_is_what_was_said_last(outbox: Outbox) -> None:
    small, patient = DeliverySettings(max_items=2), DeliverySettings(max_wait_s=60.0)
    await outbox.admit(Admission(destinations=(HERE, THERE), settings={HERE.ref: small}))
    assert [known.settings for known in await outbox.destinations()] == [small, None]
    assert (await outbox.ensure_destination(HERE)).settings == small
    assert (await outbox.ensure_destination(HERE, patient)).settings == patient
    await outbox.admit(Admission(destinations=(HERE,)))
    assert [known.settings for known in await outbox.destinations()] == [patient, None]


async def test_a_journal_is_taken_once_and_in_step(outbox: Outbox) -> None:
    first = Admission(events=some_events(2), destinations=(HERE,), journal="j", start=0, end=100)
    assert (await outbox.admit(first)).accepted == 2
    repeated = await outbox.admit(first)
    assert (repeated.stale, repeated.accepted, repeated.duplicates) == (100, 0, 0)
    ahead = Admission(events=some_events(1), destinations=(HERE,), journal="j", start=150, end=200)
    assert (await outbox.admit(ahead)).stale == 100
    assert await states(outbox) == {State.QUEUED: 2}
    assert await outbox.journal_position("j") == 100
    await outbox.admit(Admission(journal="k", start=0, end=7, refused=3))
    assert await outbox.journal_positions() == {"j": 100, "k": 7}
    assert (await outbox.tallies()).ledger.refused == 3
    await outbox.forget_journal("j")
    assert await outbox.journal_position("j") == 0


async def test_events_that_name_none_go_to_the_only_destination(outbox: Outbox) -> None:
    await admit(outbox, an_event(destination=None))
    assert [row.destination for row in (await claim(outbox)).rows] == [1]


async def test_events_that_name_none_of_several_are_refused_with_a_list(outbox: Outbox) -> None:
    unclear = an_event(destination=None)
    admitted = await outbox.admit(Admission(events=(unclear, an_event()), destinations=(HERE, THERE)))
    assert admitted.accepted == 1
    assert admitted.refused == (NoDestination(unclear, (HERE.ref, THERE.ref)),)


async def test_events_that_name_an_unknown_destination_are_refused(outbox: Outbox) -> None:
    lost = an_event(destination=THERE.ref)
    foreign = an_event(destination=ELSEWHERE.ref)
    admission = Admission(events=(lost, foreign), destinations=(HERE, ELSEWHERE))
    admitted = await outbox.admit(admission)
    assert admitted.refused == (NoDestination(lost, (HERE.ref,)), NoDestination(foreign, (HERE.ref,)))


async def test_events_wait_for_the_first_destination_of_their_service(outbox: Outbox) -> None:
    ordered = some_events(3, destination=None, ordering_key="agent:1")
    held = await outbox.admit(Admission(events=ordered))
    assert (held.accepted, held.woken) == (3, frozenset())
    (tally,) = (await outbox.tallies()).destinations
    assert (tally.destination, tally.held_reasons) == (None, (HeldReason.NO_DESTINATION,))
    assert await outbox.pending("app") == 3
    known = await outbox.ensure_destination(HERE)
    rows = (await claim(outbox, destination_id=known.id)).rows
    assert [row.key for row in rows] == [ordered[0].key]
    assert await states(outbox) == {State.QUEUED: 2, State.LEASED: 1}


async def test_declaring_a_destination_wakes_what_waited_for_it(outbox: Outbox) -> None:
    await outbox.admit(Admission(events=some_events(1, destination=None)))
    admitted = await outbox.admit(Admission(destinations=(HERE,)))
    assert admitted.woken == {known.id for known in await outbox.destinations()}


async def test_a_second_destination_takes_nothing_from_the_first(outbox: Outbox) -> None:
    await admit(outbox, an_event())
    second = await outbox.ensure_destination(THERE)
    assert (await claim(outbox, destination_id=second.id)).rows == ()


async def test_a_destination_is_made_once_and_follows_its_path(outbox: Outbox) -> None:
    first = await outbox.ensure_destination(HERE)
    moved = Destination(HERE.service, HERE.base_url + "/v2", IdentityKind.INSTALL, HERE.identity)
    again = await outbox.ensure_destination(moved)
    assert again.id == first.id
    assert [known.destination.base_url for known in await outbox.destinations()] == ["https://a.example/v2"]


async def test_consent_is_applied_in_the_same_commit(outbox: Outbox) -> None:
    await outbox.set_consent("openswarm", ConsentMode.MINIMAL)
    product, diagnostic = an_event(), an_event(category="diagnostic")
    assert (await admit(outbox, product, diagnostic)).accepted == 2
    assert await states(outbox) == {State.QUEUED: 1, State.WITHDRAWN: 1}
    (found,) = await outbox.find(product.key, body=True)
    assert found.body is None
    await outbox.set_consent("openswarm", ConsentMode.HOLD)
    await admit(outbox, kept := an_event())
    (found,) = await outbox.find(kept.key, body=True)
    assert (found.held_reason, found.body) == ("consent", {"content": "hello"})


@pytest.mark.parametrize(
    ("free", "accepted"),
    [(64, {0, 1, 2, 3}), (63, {0, 1, 2}), (32, {0, 1, 2}), (31, {0, 1}), (0, {0, 1})],
)
async def test_a_disk_that_fills_refuses_by_priority(outbox: Outbox, free: int, accepted: set[int]) -> None:
    outbox._context.space = lambda: Space(free << 20, 1 << 40)
    arriving = [an_event(category=name) for name in ("consent", "identity", "product", "diagnostic")]
    admitted = await admit(outbox, *arriving)
    refused = [event for event in arriving if event.priority not in accepted]
    assert admitted.refused == tuple(NoSpace(event) for event in refused)
    assert admitted.accepted == len(accepted)


async def test_a_small_disk_has_a_smaller_floor(outbox: Outbox) -> None:
    outbox._context.space = lambda: Space(free=6 << 20, total=100 << 20)
    assert (await admit(outbox, an_event(category="diagnostic"))).accepted == 1


async def test_large_admissions_and_bodies(outbox: Outbox, clock: FakeClock) -> None:
    large = an_event(body=b'"' + b"x" * (1 << 20) + b'"')
    many = some_events(700)
    assert (await admit(outbox, large, *many)).accepted == 701
    assert (await admit(outbox, *many, an_event())).duplicates == 700
    rows = (await claim(outbox, limit=1000, max_bytes=1 << 22)).rows
    assert len(rows) == 702
    assert rows[0].body == large.body
    await settle(outbox, rows, DELIVERED)
    clock.pass_(8 * DAY)
    await outbox.prune()
    assert (await admit(outbox, many[0])).accepted == 1


async def test_an_old_sqlite_takes_fewer_parameters_at_a_time(outbox: Outbox) -> None:
    await outbox._alone(
        lambda connection: raw(connection).setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 999)
    )
    assert (await admit(outbox, *some_events(600))).accepted == 600
