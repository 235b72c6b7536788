"""The hand-off connection: nothing twice, nothing skipped, whatever breaks on the way."""

import asyncio
import os
import random
from pathlib import Path

import pytest

from swarm_analytics_models.handoff import MAX_LINE_BYTES, PROTOCOL, DroppedEvent, Skipped
from swarm_analytics_models.services import contracts
from swarm_analyticsd import policy
from swarm_analyticsd.outbox.rows import Admission
from tests.intake.lines import DECLARATION, DESTINATION, event, hello, log_entry, raw
from tests.intake.rig import rig_in
from tests.support.waiting import eventually_async

pytestmark = pytest.mark.anyio


async def test_lines_are_receipted_after_their_commit(home: Path) -> None:
    async with rig_in(home) as rig:
        app = rig.app()
        await app.connect()
        welcome = await app.hear("welcome")
        assert welcome["protocol"] == PROTOCOL
        assert welcome["pid"] == os.getpid()
        assert welcome["consent"] == dict.fromkeys(contracts(), "full")
        rig.outbox.gate = asyncio.Event()
        await app.hand_off(DECLARATION, event(0), event(1))
        await eventually_async(lambda: _true(rig.outbox.admissions == 1))
        assert [message for message in app.heard if message["type"] == "receipt"] == []
        rig.outbox.gate.set()
        assert await app.receipt() == []
        assert (await rig.ledger()).accepted == 2
        assert rig.dispatcher.woken
        assert [known.ref for known in rig.dispatcher.introduced] == [DESTINATION.ref]


async def _true(value: bool) -> bool:
    return value


async def test_what_the_socket_did_not_bring_is_read_from_the_journal_in_order(home: Path) -> None:
    async with rig_in(home) as rig:
        app = rig.app()
        keys = [f"k{number}" for number in range(6)]
        app.write(DECLARATION, event(0, key=keys[0]))
        await app.connect()
        await app.receipt()
        app.write(event(1, key=keys[1]), event(2, key=keys[2]))
        app.disconnect()
        await app.connect()
        await app.hand_off(event(3, key=keys[3]))
        await app.receipt()
        app.disconnect()
        app.write(event(4, key=keys[4]))
        await app.connect()
        await app.hand_off(event(5, key=keys[5]))
        await app.receipt()
        assert await rig.keys() == keys


async def test_bytes_that_were_taken_already_are_skipped(home: Path) -> None:
    async with rig_in(home) as rig:
        app = rig.app()
        lines = [DECLARATION, *(event(number) for number in range(4))]
        await app.connect()
        await app.hand_off(*lines[:3])
        await app.receipt()
        await rig.reception.journals.scan()
        app.write(*lines[3:])
        await rig.reception.journals.scan()
        await app.send(*lines[3:])
        await app.hand_off(event(9))
        await app.receipt()
        ledger = await rig.ledger()
        assert (ledger.accepted, ledger.duplicates, ledger.refused) == (5, 0, 0)


async def test_two_connections_of_one_journal_take_each_line_once(home: Path) -> None:
    async with rig_in(home) as rig:
        app = rig.app()
        lines = [DECLARATION, *(event(number) for number in range(20))]
        data = app.write(*lines)
        await app.connect(0)
        twin = rig.app(pid=78)
        await twin.connect(greet=False)
        await twin.send(hello(app.name, 0), data)
        await app.send(data)
        await rig.accepted(20)
        assert (await rig.ledger()).duplicates == 0


async def test_half_a_line_at_the_end_is_left_to_the_journal(home: Path) -> None:
    async with rig_in(home) as rig:
        app = rig.app()
        await app.connect()
        first, second = event(0), event(1)
        await app.hand_off(DECLARATION, first)
        await app.receipt()
        await app.send(second[:40])
        app.disconnect()
        assert (await rig.ledger()).refused == 0
        app.write(second)
        await app.connect()
        await app.receipt()
        assert (await rig.ledger()).accepted == 2


async def test_lines_may_come_in_any_pieces(home: Path) -> None:
    async with rig_in(home) as rig:
        app = rig.app()
        await app.connect()
        data = app.write(DECLARATION, *(event(number) for number in range(10)))
        chance = random.Random(7)
        position = 0
        while position < len(data):
            size = chance.randrange(1, 200)
            await app.send(data[position : position + size])
            position += size
            await asyncio.sleep(0)
        await app.receipt()
        assert (await rig.ledger()).accepted == 10


async def test_reading_goes_on_when_the_app_takes_no_receipts(home: Path) -> None:
    """What the kernel took is safe only if the reader reads to the end, whatever becomes of its writes."""
    async with rig_in(home) as rig:
        app = rig.app()
        await app.connect()
        lines = [DECLARATION, *(event(number) for number in range(3_000))]
        await app.send(b"".join(lines[:1]))
        assert app._connection is not None
        await app.send(*lines[1:])
        app.disconnect()  # with receipts unread: the daemon's next write fails
        app.path.unlink()  # and no journal to fall back on
        await rig.accepted(3_000)


async def test_an_app_that_never_reads_costs_bounded_memory_and_holds_up_nothing(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy, "OUTLET_BYTES", 2_000)
    async with rig_in(home) as rig:
        app = rig.app()
        await app.connect()
        await app.hand_off(DECLARATION, event())
        await app.receipt()
        for number in range(1_000):
            await app.hand_off(event(number))
            told = DroppedEvent(
                client="c1", route="r", key=f"k{number}", outcome="dead", reason="x" * 1_000, attempts=1
            )
            rig.reception.dropped([told])
        await rig.accepted(1_001)
        outlet = rig.reception._post._mailbox("77-" + "ab12" * 4).outlet
        assert outlet is not None
        assert outlet._notice_bytes < 4_000
        assert len(outlet._receipts) == 1
        await app.receipt()
        dropped = [message for message in app.heard if message["type"] == "dropped"]
        assert 0 < len(dropped) < 1_000


async def test_reading_pauses_while_too_much_is_uncommitted_and_then_goes_on(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy, "UNCOMMITTED_BYTES", 50_000)
    monkeypatch.setattr(policy, "READ_BYTES", 10_000)
    async with rig_in(home) as rig:
        app = rig.app()
        await app.connect()
        await app.hear("welcome")
        rig.outbox.gate = asyncio.Event()
        data = app.write(DECLARATION, *(event(number, content="x" * 500) for number in range(400)))
        sending = asyncio.create_task(app.send(data))
        await eventually_async(lambda: _true(rig.outbox.admissions >= 5))
        taken = rig.reception._room._used
        assert 50_000 < taken < 100_000
        rig.outbox.gate.set()
        await sending
        await app.receipt()
        assert (await rig.ledger()).accepted == 400


async def test_a_refused_line_harms_none_of_its_neighbours(home: Path) -> None:
    async with rig_in(home) as rig:
        app = rig.app()
        await app.connect()
        bad = [
            b"garbage\n",
            raw(service="openswarm", route="nosuch", body={}, client="c1", key="k1"),
            b"\xff\n",
        ]
        await app.hand_off(DECLARATION, event(0), bad[0], event(1), bad[1], bad[2], event(2))
        refused = await app.receipt()
        assert [each["code"] for each in refused] == ["garbled", "unknown_route", "garbled"]
        assert [each["offset"] for each in refused] == [app.path.read_bytes().index(line) for line in bad]
        assert (refused[1]["client"], refused[1]["key"]) == ("c1", "k1")
        ledger = await rig.ledger()
        assert (ledger.accepted, ledger.refused) == (3, 3)


async def test_a_receipt_comes_with_every_refusal_before_its_offset(home: Path) -> None:
    async with rig_in(home) as rig:
        app = rig.app()
        await app.connect()
        places = []
        for number in range(30):
            await app.hand_off(DECLARATION if number % 3 == 0 else event(number))
            places.append(app.end)
            await app.hand_off(b"garbage\n")
            await asyncio.sleep(0)
        await app.receipt()
        told: set[int] = set()
        for message in app.heard:
            if message["type"] == "receipt":
                told |= {refusal["offset"] for refusal in message["refused"]}
                assert told == {place for place in places if place < message["offset"]}
        assert told == set(places)


async def test_what_the_outbox_refuses_is_told_too(home: Path) -> None:
    async with rig_in(home) as rig:
        app = rig.app()
        await app.connect()
        await app.hand_off(
            DECLARATION,
            event(0, key="same"),
            event(1, key="same"),
            event(2, destination="d_unknown"),
        )
        refused = await app.receipt()
        assert [each["code"] for each in refused] == ["conflict", "unknown_destination"]
        assert DESTINATION.ref in refused[1]["hint"]


async def test_refusals_wait_for_an_app_whose_connection_is_away(home: Path) -> None:
    async with rig_in(home) as rig:
        app = rig.app()
        app.write(DECLARATION, b"garbage\n", event(0))
        await rig.reception.journals.scan()
        await rig.accepted(1)
        await app.connect()
        assert [each["code"] for each in await app.receipt()] == ["garbled"]


async def test_a_line_too_long_is_refused_and_its_bytes_are_not_kept(home: Path) -> None:
    async with rig_in(home) as rig:
        app = rig.app()
        await app.connect()
        await app.hand_off(DECLARATION, event(0))
        await app.hand_off(b"x" * (2 * MAX_LINE_BYTES) + b"\n", event(1))
        refused = await app.receipt()
        assert [each["code"] for each in refused] == ["too_large"]
        assert (await rig.ledger()).accepted == 2


async def test_a_failed_commit_is_not_receipted_and_is_made_again_from_the_journal(home: Path) -> None:
    async with rig_in(home) as rig:
        failures = 3

        def failing(_admission: Admission) -> bool:
            nonlocal failures
            failures -= 1
            return failures >= 0

        app = rig.app()
        await app.connect()
        await app.hand_off(DECLARATION, event(0))
        await app.receipt()
        rig.outbox.failing = failing
        for number in range(1, 50):
            await app.hand_off(event(number))
        await app.receipt()
        assert failures < 0
        ledger = await rig.ledger()
        assert (ledger.accepted, ledger.duplicates) == (50, 0)
        seqs = [event.id for event in await rig.outbox.events(limit=100)]
        assert len(seqs) == 50


async def test_order_survives_failing_commits(home: Path) -> None:
    async with rig_in(home) as rig:
        chance = random.Random(3)
        rig.outbox.failing = lambda _admission: chance.random() < 0.3
        app = rig.app()
        await app.connect()
        await app.hand_off(DECLARATION)
        keys = [f"k{number:03}" for number in range(120)]
        for number, key in enumerate(keys):
            await app.hand_off(event(number, key=key))
            if number % 10 == 0:
                await asyncio.sleep(0)
        await app.receipt()
        assert await rig.keys() == keys


async def test_a_commit_whose_answer_was_lost_is_not_made_twice(home: Path) -> None:
    async with rig_in(home) as rig:
        chance = random.Random(5)
        rig.outbox.lost_answers = True
        rig.outbox.failing = lambda _admission: chance.random() < 0.5
        app = rig.app()
        await app.connect()
        await app.hand_off(DECLARATION)
        for number in range(40):
            await app.hand_off(event(number))
            await asyncio.sleep(0)
        await app.receipt()
        ledger = await rig.ledger()
        assert (ledger.accepted, ledger.duplicates) == (40, 0)


async def test_a_commit_whose_answer_was_lost_is_receipted_and_sent(home: Path) -> None:
    async with rig_in(home) as rig:
        rig.outbox.lost_answers = True
        answers = iter([True])
        rig.outbox.failing = lambda _admission: next(answers, False)
        app = rig.app()
        await app.connect()
        await app.hand_off(DECLARATION, event(0))
        await app.receipt()
        (known,) = await rig.outbox.destinations()
        assert known.id in {each.id for each in rig.dispatcher.introduced}
        assert known.id in rig.dispatcher.woken
        assert (await rig.ledger()).accepted == 1


async def test_a_new_segment_on_the_same_connection(home: Path) -> None:
    async with rig_in(home) as rig:
        app = rig.app()
        keys = [f"k{number}" for number in range(4)]
        await app.connect()
        await app.hand_off(DECLARATION, event(0, key=keys[0]), event(1, key=keys[1]))
        first, first_end = app.name, app.end
        app.rotate()
        await app.send(hello(app.name, 0), app.write(DECLARATION, event(2, key=keys[2])), b"")
        await app.hand_off(event(3, key=keys[3]))
        await app.receipt(first_end, first)
        await app.receipt()
        ends = {m["journal"]: m["offset"] for m in app.heard if m["type"] == "receipt"}
        assert ends == {first: first_end, app.name: app.end}
        assert await rig.keys() == keys


async def test_earlier_segments_come_before_the_one_that_is_greeted(home: Path) -> None:
    async with rig_in(home) as rig:
        app = rig.app()
        app.write(DECLARATION, event(0, key="k0"))
        app.rotate()
        app.write(DECLARATION, event(1, key="k1"))
        await app.connect()
        await app.hand_off(event(2, key="k2"))
        await app.receipt()
        assert await rig.keys() == ["k0", "k1", "k2"]


async def test_the_word_hello_in_an_event_is_no_greeting(home: Path) -> None:
    async with rig_in(home) as rig:
        app = rig.app()
        await app.connect()
        await app.hand_off(DECLARATION, event(content="hello"), event(content={"type": "hello"}))
        assert await app.receipt() == []
        assert (await rig.ledger()).accepted == 2


async def test_a_protocol_that_is_newer_is_refused_with_the_remedy(home: Path) -> None:
    async with rig_in(home) as rig:
        app = rig.app()
        await app.connect(greet=False)
        await app.send(hello(app.name, 0, protocol=PROTOCOL + 1))
        error = await app.hear("error")
        assert error["code"] == "protocol"
        assert "Stop this daemon" in error["hint"]
        await app.closed()


@pytest.mark.parametrize(
    ("first", "code"),
    [
        (b"garbage\n", "hello"),
        (event(), "hello"),
        (raw(type="hello", protocol="new"), "hello"),
        (hello("../outbox.db"), "journal"),
        (
            raw(type="hello", protocol=1, version="0", pid=1, journal="77-abcd-000009.ndjson", offset=9),
            "journal",
        ),
    ],
)
async def test_a_connection_that_does_not_begin_as_it_must_is_told_and_closed(
    home: Path, first: bytes, code: str
) -> None:
    async with rig_in(home) as rig:
        app = rig.app()
        await app.connect(greet=False)
        await app.send(first)
        error = await app.hear("error")
        assert error["code"] == code
        assert error["hint"]
        await app.closed()
        neighbour = rig.app(pid=78)
        await neighbour.connect()
        await neighbour.hand_off(DECLARATION, event())
        await neighbour.receipt()


async def test_a_connection_that_says_nothing_is_closed(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy, "HELLO_DEADLINE_S", 0.05)
    async with rig_in(home) as rig:
        app = rig.app()
        await app.connect(greet=False)
        await app.send(hello(app.name)[:10])
        await app.closed()


async def test_a_connection_that_greeted_may_rest(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy, "HELLO_DEADLINE_S", 0.05)
    async with rig_in(home) as rig:
        app = rig.app()
        await app.connect()
        await app.receipt(0)
        silent = rig.app(pid=78)
        await silent.connect(greet=False)
        await silent.closed()  # so the deadline, which began later, is over
        await app.hand_off(DECLARATION, event())
        await app.receipt()


async def test_dropped_events_go_to_the_app_whose_client_it_was(home: Path) -> None:
    async with rig_in(home) as rig:
        apps = [rig.app(pid=81), rig.app(pid=82)]
        for number, app in enumerate(apps):
            await app.connect()
            await app.hand_off(DECLARATION, event(client=f"c{number}"))
            await app.receipt()
        told = DroppedEvent(client="c1", route="r", key="k", outcome="dead", reason="rejected", attempts=1)
        rig.reception.dropped([told, told.model_copy(update={"client": "stranger"})])
        message = await apps[1].hear("dropped")
        assert [each["client"] for each in message["events"]] == ["c1"]
        apps[1].disconnect()
        await eventually_async(lambda: _true(not rig.reception._post.attached("82-" + "ab12" * 4)))
        rig.reception.dropped([told])
        await apps[1].connect()
        assert (await apps[1].hear("dropped"))["events"][0]["key"] == "k"
        assert all(message["type"] != "dropped" for message in apps[0].heard)


async def test_what_a_service_skipped_is_told_to_the_apps_it_concerns(home: Path) -> None:
    async with rig_in(home) as rig:
        apps = [rig.app(pid=81), rig.app(pid=82)]
        for number, app in enumerate(apps):
            await app.connect()
            await app.hand_off(DECLARATION, event(client=f"c{number}"))
            await app.receipt()
        told = Skipped(client="c1", service="openswarm", destination=DESTINATION.ref, skipped=1, of=3)
        rig.reception.skipped(told)
        rig.reception.skipped(told.model_copy(update={"client": "stranger"}))
        assert await apps[1].hear("skipped") == told.model_dump()
        apps[1].disconnect()
        await eventually_async(lambda: _true(not rig.reception._post.attached("82-" + "ab12" * 4)))
        rig.reception.skipped(told)
        await apps[1].connect()
        assert (await apps[1].hear("skipped"))["of"] == 3
        assert all(message["type"] != "skipped" for message in apps[0].heard)


async def test_what_a_service_skipped_comes_with_the_answer_of_a_hand_off_by_request(home: Path) -> None:
    async with rig_in(home) as rig:
        app = rig.app()
        first = app.write(DECLARATION, event())
        await rig.reception.posting.journal(first, app.name, 0)
        told = Skipped(client="c1", service="openswarm", destination=DESTINATION.ref, skipped=1, of=3)
        rig.reception.skipped(told)
        second = app.write(event())
        answer = await rig.reception.posting.journal(second, app.name, len(first))
        assert answer.skipped == (told,)
        third = app.write(event())
        answer = await rig.reception.posting.journal(third, app.name, len(first) + len(second))
        assert answer.skipped == ()


async def test_an_app_hears_of_events_that_it_handed_to_an_earlier_daemon(home: Path) -> None:
    async with rig_in(home) as rig:
        app = rig.app()
        await app.connect(greet=False)
        await app.send(hello(app.name, 0, clients=("c0",)))
        await app.hear("welcome")
        told = DroppedEvent(client="c0", route="r", key="k", outcome="dead", reason="rejected", attempts=8)
        await app.hear("receipt")
        rig.reception.dropped([told])
        assert (await app.hear("dropped"))["events"][0]["key"] == "k"


async def test_a_hand_written_line_needs_only_what_matters(home: Path) -> None:
    async with rig_in(home) as rig:
        app = rig.app()
        await app.connect()
        await app.hand_off(raw(service="openswarm", route="logs.write", body={"tag": "t"}))
        await app.receipt()
        ledger = await rig.ledger()
        assert (ledger.accepted, ledger.held) == (1, 1)


async def test_many_apps_at_once(home: Path) -> None:
    async with rig_in(home) as rig:
        apps = [rig.app(pid=100 + number) for number in range(8)]

        async def run(app_number: int) -> None:
            app = apps[app_number]
            await app.connect()
            await app.hand_off(DECLARATION)
            for number in range(50):
                await app.hand_off(event(number, agent=f"a{app_number}"), log_entry())
            await app.receipt()

        await asyncio.gather(*(run(number) for number in range(len(apps))))
        await rig.accepted(8 * 100)


async def test_stopping_with_open_streams_takes_bounded_time(home: Path) -> None:
    async with rig_in(home) as rig:
        app = rig.app()
        await app.connect()
        await app.hand_off(DECLARATION, event())
        await app.receipt()
        await app.send(event()[:20])
        async with asyncio.timeout(policy.STOP_STEP_S):
            await rig.reception.close()
