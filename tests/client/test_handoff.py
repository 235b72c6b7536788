"""The hand-off against a scripted daemon on real sockets."""

import asyncio
import gc
import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from swarm_analytics import AnalyticsClient, DroppedRecord, policy
from swarm_analytics.courier import Courier, hand_off_for
from swarm_analytics_models.home import Home
from tests.client.scripted import Connection, journal_bytes, journal_keys, scripted_daemon
from tests.support.waiting import eventually


def write(client: AnalyticsClient, count: int = 1, data: object = None) -> list[str]:
    return [client.logs.write(tag="t", data=data) for _ in range(count)]


def attached(home: Path) -> bool:
    """Whether the next line goes over the socket, too."""
    return hand_off_for(Home(home))._link is not None


def connect(client: AnalyticsClient, home: Path) -> str:
    """Hand one event off and wait until the link is up; the event's key."""
    [key] = write(client)
    eventually(lambda: attached(home), what="the link")
    return key


def begin_segment(home: Path) -> None:
    """As if the next line did not fit into the present one."""
    hand_off = hand_off_for(Home(home))
    with hand_off.lock:
        hand_off._journal.rotate()


def files(home: Path) -> list[str]:
    return sorted(path.name for path in (home / "inbox").iterdir())


def test_the_socket_brings_the_journals_bytes_from_the_hellos_offset_on(
    client: AnalyticsClient, home: Path
) -> None:
    early = write(client, 3)
    with scripted_daemon(home) as daemon:
        hello = daemon.connection().hello
        eventually(lambda: attached(home), what="the link")
        late = write(client, 3)
        eventually(lambda: daemon.connection().keys == late, what="three lines")
        assert hello["journal"] == files(home)[0]
        assert hello["protocol"] == 1
        journal = journal_bytes(home)
        assert journal[hello["offset"] :] == daemon.connection().payload
        assert journal_keys(home) == early + late


def test_where_a_daemon_listens_even_the_first_line_is_on_its_socket_when_the_call_returns(
    client: AnalyticsClient, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with scripted_daemon(home) as daemon:
        monkeypatch.setattr(Courier, "start", lambda courier: None)
        [key] = write(client)
        assert attached(home)
        eventually(lambda: daemon.connection().keys == [key], what="the line")
        assert daemon.connection().hello["offset"] == 0


def test_many_threads_share_one_order_on_disk_and_on_the_socket(client: AnalyticsClient, home: Path) -> None:
    with scripted_daemon(home) as daemon:
        connect(client, home)
        returned: dict[int, list[str]] = {}

        def run(number: int) -> None:
            returned[number] = write(client, 200)

        threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        connection = daemon.connection()
        journal = journal_bytes(home)
        eventually(
            lambda: len(connection.payload) == len(journal) - connection.hello["offset"], what="all bytes"
        )
        assert connection.payload == journal[connection.hello["offset"] :]
        position = {key: index for index, key in enumerate(journal_keys(home))}
        for keys in returned.values():
            assert [position[key] for key in keys] == sorted(position[key] for key in keys)
        assert len(position) == 1601


@pytest.fixture
def _small_send_buffer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy, "SEND_BUFFER_BYTES", 64 * 1024)


@pytest.mark.usefixtures("_small_send_buffer")
def test_a_daemon_that_does_not_read_costs_callers_nothing_and_gets_all_from_the_journal(
    client: AnalyticsClient, home: Path
) -> None:
    with scripted_daemon(home, reading=False) as daemon:
        connect(client, home)
        started = time.monotonic()
        keys = write(client, 1000, data="x" * 3000)
        assert time.monotonic() - started < 5.0
        assert not attached(home)
        assert journal_keys(home)[1:] == keys

        first = daemon.connection()
        daemon.reading = True
        first.read_on()
        eventually(lambda: first.ended, what="the end of the first connection")
        second = daemon.connection(1)
        eventually(lambda: attached(home), what="the second link")
        cut = journal_bytes(home)[first.hello["offset"] :][: len(first.payload)]
        assert first.payload == cut
        assert (
            second.hello["offset"] + len(second.payload)
            == (home / "inbox" / second.hello["journal"]).stat().st_size
        )
        [key] = write(client)
        eventually(lambda: second.keys == [key], what="the next line")


@pytest.mark.anyio
@pytest.mark.usefixtures("_small_send_buffer")
async def test_calls_do_not_block_the_loop(client: AnalyticsClient, home: Path) -> None:
    with scripted_daemon(home, reading=False):
        connect(client, home)
        longest = 0.0

        async def tick() -> None:
            nonlocal longest
            while True:
                before = time.monotonic()
                await asyncio.sleep(0)
                longest = max(longest, time.monotonic() - before)

        ticking = asyncio.create_task(tick())
        for _ in range(1000):
            client.logs.write(tag="t", data="x" * 3000)
            await asyncio.sleep(0)
        ticking.cancel()
        assert longest < 0.5


def test_a_new_segment_is_announced_on_the_same_connection(
    client: AnalyticsClient, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with scripted_daemon(home) as daemon:
        first = connect(client, home)
        connection = daemon.connection()
        [before] = write(client)
        begin_segment(home)
        [after] = write(client)
        eventually(lambda: connection.keys == [first, before, after], what="all lines")
        second = [line for line in connection.lines if line["type"] == "hello"][1]
        assert (second["journal"], second["offset"]) == (files(home)[1], 0)
        assert [line["type"] for line in connection.lines[-2:]] == ["destination", "event"]

        old, new = files(home)
        connection.receipt(old, (home / "inbox" / old).stat().st_size)
        eventually(lambda: files(home) == [new], what="the old segment's end")


def test_after_a_break_older_segments_are_announced_first(client: AnalyticsClient, home: Path) -> None:
    with scripted_daemon(home) as daemon:
        connect(client, home)
        begin_segment(home)
        write(client)
        daemon.connection().hang_up()
        again = daemon.connection(1)
        eventually(lambda: len(again.lines) == 2, what="two hellos")
        assert [hello["journal"] for hello in again.lines] == files(home)
        assert [hello["offset"] for hello in again.lines] == [
            (home / "inbox" / name).stat().st_size for name in files(home)
        ]


def test_a_daemon_that_ends_is_found_again(client: AnalyticsClient, home: Path) -> None:
    with scripted_daemon(home):
        connect(client, home)
    eventually(lambda: not attached(home), what="the end of the link")
    write(client)
    with scripted_daemon(home) as daemon:
        eventually(lambda: attached(home), what="the new link")
        assert daemon.connection().hello["offset"] == len(journal_bytes(home))


def test_a_line_that_a_signal_handler_hands_off_inside_another_call_is_kept_in_order(
    client: AnalyticsClient, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with scripted_daemon(home) as daemon:
        first = connect(client, home)
        hand_off = hand_off_for(Home(home))
        append = hand_off._journal.append
        inner: list[str] = []

        def interrupted(line: bytes, destination: Any) -> Any:
            appended = append(line, destination)
            if not inner:
                inner.append("")
                inner[0] = client.logs.write(tag="from the handler")
            return appended

        monkeypatch.setattr(hand_off._journal, "append", interrupted)
        [outer] = write(client)
        assert journal_keys(home)[1:] == [outer, inner[0]]
        eventually(lambda: daemon.connection().ended, what="the end of the first connection")
        assert daemon.connection().keys == [first]
        assert daemon.connection(1).hello["offset"] == len(journal_bytes(home))


def test_a_signal_handler_that_interrupts_the_ringing_does_not_ring(
    client: AnalyticsClient, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`threading.Event.set` holds a lock that its own thread may not take again."""
    [first] = write(client)
    hand_off = hand_off_for(Home(home))
    ringing: list[str] = []

    class Interrupted(threading.Event):
        def set(self) -> None:
            assert not ringing, "it would wait for itself"
            ringing.extend(write(client))
            super().set()

    monkeypatch.setattr(hand_off, "bell", Interrupted())
    monkeypatch.setattr(hand_off, "resting", True)
    [outer] = write(client)
    assert journal_keys(home) == [first, outer, *ringing]


def test_a_journal_that_was_deleted_is_followed_by_another(client: AnalyticsClient, home: Path) -> None:
    write(client)
    (home / "inbox" / files(home)[0]).unlink()
    with scripted_daemon(home) as daemon:
        eventually(lambda: attached(home), what="the link")
        assert files(home) == [daemon.connection().lines[-1]["journal"]]
        keys = write(client)
        assert journal_keys(home) == keys


def drop_of(client: AnalyticsClient, **changes: Any) -> dict[str, Any]:
    event = {
        "client": client._outlet.id,
        "route": "logs.write",
        "key": "k",
        "outcome": "dead",
        "reason": "the service rejected it",
        "status": 422,
        "attempts": 1,
        "body": {"tag": "t"},
    }
    return {"type": "dropped", "events": [event | changes]}


def test_on_drop_hears_of_its_own_clients_events_only(home: Path) -> None:
    heard: list[tuple[str, DroppedRecord, int | None]] = []

    def listen(name: str) -> Callable[[DroppedRecord, int | None], None]:
        return lambda record, status: heard.append((name, record, status))

    one = AnalyticsClient(home, on_drop=listen("one"))
    two = AnalyticsClient(home, on_drop=listen("two"))
    with scripted_daemon(home) as daemon:
        connect(one, home)
        refused = {
            "offset": 0,
            "code": "conflict",
            "message": "The key was used before.",
            "hint": "Mint another.",
            "client": two._outlet.id,
            "route": "logs.write",
            "key": "k2",
        }
        connection = daemon.connection()
        connection.say(drop_of(one))
        connection.receipt(connection.hello["journal"], 1, (refused,))
        eventually(lambda: len(heard) == 2, what="both calls")
    assert heard == [
        ("one", DroppedRecord("logs.write", "k", {"tag": "t"}, 1, "dead: the service rejected it"), 422),
        (
            "two",
            DroppedRecord(
                "logs.write", "k2", None, 0, "refused (conflict): The key was used before. Mint another."
            ),
            None,
        ),
    ]


def test_an_on_drop_that_raises_is_logged_and_harms_nothing(
    home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    calls: list[DroppedRecord] = []

    def raises(record: DroppedRecord, status: int | None) -> None:
        calls.append(record)
        raise RuntimeError("from on_drop")

    client = AnalyticsClient(home, on_drop=raises)
    with scripted_daemon(home) as daemon:
        first = connect(client, home)
        daemon.connection().say(drop_of(client), drop_of(client))
        eventually(lambda: len(calls) == 2, what="both calls")
        [key] = write(client)
        eventually(lambda: daemon.connection().keys == [first, key], what="the next line")
    assert "from on_drop" in caplog.text


def test_a_closed_or_forgotten_client_hears_nothing(home: Path) -> None:
    heard: list[DroppedRecord] = []
    client = AnalyticsClient(home, on_drop=lambda record, status: heard.append(record))
    forgotten = AnalyticsClient(home, on_drop=lambda record, status: heard.append(record))
    other = AnalyticsClient(home, on_drop=lambda record, status: heard.append(record))
    with scripted_daemon(home) as daemon:
        connect(client, home)
        to_the_forgotten = drop_of(forgotten)
        client.close()
        del forgotten
        gc.collect()
        daemon.connection().say(drop_of(client), to_the_forgotten, drop_of(other, key="heard"))
        eventually(lambda: heard, what="the other's drop")
    assert [record.submission_id for record in heard] == ["heard"]


def muted(client: AnalyticsClient, home: Path) -> bool:
    before = len(journal_keys(home))
    client.events.app_lifecycle.closed()
    return len(journal_keys(home)) == before


def test_the_users_consent_mutes_at_the_source(client: AnalyticsClient, home: Path) -> None:
    with scripted_daemon(home, consent={"openswarm": "minimal"}) as daemon:
        connect(client, home)
        eventually(lambda: muted(client, home), what="muting by the welcome")
        daemon.connection().say({"type": "consent", "service": "openswarm", "mode": "hold"})
        eventually(lambda: not muted(client, home), what="handing off under hold")
        daemon.connection().say({"type": "consent", "service": "openswarm", "mode": "minimal"})
        eventually(lambda: muted(client, home), what="muting again")


def test_kinds_from_the_future_are_skipped_and_unknown_fields_ignored(
    client: AnalyticsClient, home: Path
) -> None:
    with scripted_daemon(home) as daemon:
        connect(client, home)
        daemon.connection().say(
            {"type": "weather", "sun": True},
            {"type": "consent", "service": "openswarm", "mode": "minimal", "since": 1},
        )
        eventually(lambda: muted(client, home), what="muting")


def test_garbage_from_a_daemon_ends_the_connection_and_not_the_thread(
    client: AnalyticsClient, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with scripted_daemon(home) as daemon:
        connect(client, home)
        daemon.connection().say(b"\xff{]\n")
        daemon.connection(1).say({"type": "consent", "service": "openswarm", "mode": "minimal"})
        eventually(lambda: muted(client, home), what="the next connection's word")
    assert "stumbled" in caplog.text


def test_a_protocol_error_is_logged_once_with_its_hint(
    client: AnalyticsClient, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(connection: Connection) -> None:
        connection.say({"type": "error", "code": "protocol", "message": "Too new.", "hint": "Upgrade it."})
        connection.hang_up()

    with caplog.at_level(logging.WARNING, "swarm_analytics"), scripted_daemon(home) as daemon:
        connect(client, home)
        refuse(daemon.connection())
        refuse(daemon.connection(1))
        daemon.connection(2)
    assert [record.message for record in caplog.records] == [
        "the daemon refused the hand-off: Too new. Upgrade it."
    ]


def test_flush_asks_for_this_client_up_to_its_last_line(client: AnalyticsClient, home: Path) -> None:
    with scripted_daemon(home) as daemon:
        connect(client, home)
        assert client.flush(timeout=2.0)
        [asked] = daemon.asked("/v1/flush")
        assert 0 < asked.pop("timeout_s") <= 2.0
        assert asked == {
            "client": client._outlet.id,
            "journal": files(home)[0],
            "offset": len(journal_bytes(home)),
            "until": "drained",
        }


def test_flush_tells_when_the_time_is_up(client: AnalyticsClient, home: Path) -> None:
    write(client)
    assert not client.flush(timeout=0.1)
    with scripted_daemon(home, answer=lambda *_: (200, {"drained": False, "pending": 1})):
        assert not client.flush(timeout=0.1)


def test_flush_survives_a_restart_of_the_daemon(client: AnalyticsClient, home: Path) -> None:
    answered: list[bool] = []
    write(client)
    flushing = threading.Thread(target=lambda: answered.append(client.flush(timeout=20.0)))
    flushing.start()
    with scripted_daemon(home, answer=lambda *_: (200, b"")):
        pass
    with scripted_daemon(home):
        flushing.join(20.0)
    assert answered == [True]


def test_flush_survives_a_daemon_that_answers_while_it_stops(client: AnalyticsClient, home: Path) -> None:
    answers = iter(
        [
            (500, b"Internal Server Error"),
            (503, {"code": "stopping", "message": "the daemon is stopping", "hint": "Ask again."}),
            (200, {"drained": True, "pending": 0}),
        ]
    )
    write(client)

    def answer(_method: str, path: str, _body: bytes, _headers: object) -> tuple[int, object]:
        return next(answers) if path == "/v1/flush" else (200, {})

    with scripted_daemon(home, answer=answer) as daemon:
        assert client.flush(timeout=20.0)
        assert len(daemon.asked("/v1/flush")) == 3


def test_an_opt_out_waits_for_the_daemons_purge(client: AnalyticsClient, home: Path) -> None:
    with scripted_daemon(home) as daemon:
        connect(client, home)
        client.preferences.opt_out(opted_out=True)
        assert daemon.asked("/v1/consent") == [{"mode": "minimal", "service": "openswarm"}]
        assert muted(client, home)
        client.preferences.opt_out(opted_out=False)
        assert daemon.asked("/v1/consent")[1:] == [{"mode": "full", "service": "openswarm"}]
        assert not muted(client, home)


def test_a_real_token_is_handed_over_once_before_the_link_and_kept_nowhere(home: Path) -> None:
    client = AnalyticsClient(home, base_url="https://analytics.example", token="secret-token")
    with scripted_daemon(home) as daemon:
        connect(client, home)
        daemon.connection().hang_up()
        daemon.connection(1)
        [asked] = daemon.asked("/v1/register")
        assert asked["adopt"] == "secret-token"
        assert (asked["service"], asked["base_url"], asked["kind"]) == (
            "openswarm",
            "https://analytics.example",
            "token",
        )
    assert b"secret-token" not in journal_bytes(home)
    assert not hand_off_for(Home(home)).adoptions


def test_a_token_of_a_later_client_is_handed_over_on_its_first_call(home: Path) -> None:
    with scripted_daemon(home) as daemon:
        connect(AnalyticsClient(home), home)
        later = AnalyticsClient(home, base_url="https://analytics.example", token="secret-token")
        assert not daemon.asked("/v1/register")
        write(later)
        eventually(lambda: daemon.asked("/v1/register"), what="the token")


def test_a_token_that_the_daemon_refuses_is_said_so_and_the_events_flow(
    home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    refusal = {"code": "conflict", "message": "Not so.", "hint": "Do this."}
    client = AnalyticsClient(home, base_url="https://analytics.example", token="secret-token")
    with scripted_daemon(home, answer=lambda *_: (409, refusal)):
        connect(client, home)
    assert "Do this." in caplog.text
    assert "secret-token" not in caplog.text


def test_one_thread_per_home_however_many_clients(home: Path) -> None:
    def ours() -> int:
        return sum(thread.name == "swarm-analytics" for thread in threading.enumerate())

    before = ours()
    clients = [AnalyticsClient(home) for _ in range(5)]
    assert ours() == before
    for client in clients:
        write(client)
    assert ours() == before + 1


def test_over_loopback_groups_of_lines_are_posted_and_the_answers_are_receipts(home: Path) -> None:
    heard: list[DroppedRecord] = []
    client = AnalyticsClient(home, on_drop=lambda record, status: heard.append(record))
    early = write(client, 3)

    def answer(method: str, path: str, body: bytes, headers: Any) -> tuple[int, Any]:
        if method == "GET":
            return 200, {"version": "0.1.0", "protocol": 1, "pid": 1}
        return 200, {
            "accepted": body.count(b"\n"),
            "duplicates": 0,
            "refused": [
                {
                    "offset": 0,
                    "code": "invalid",
                    "message": "No.",
                    "hint": "Yes.",
                    "client": client._outlet.id,
                }
            ],
            "consent": {"openswarm": "minimal"},
        }

    with scripted_daemon(home, loopback=True, answer=answer) as daemon:

        def posted() -> bytes:
            return b"".join(daemon.asked("/v1/hand-off"))

        eventually(lambda: posted() == journal_bytes(home), what="the first lines")
        eventually(lambda: heard, what="the refusal")
        eventually(lambda: muted(client, home), what="muting by the answer")
        late = write(client, 3)
        eventually(lambda: posted() == journal_bytes(home), what="the next lines")
        assert journal_keys(home) == early + late
        _, _, _, headers = daemon.requests[-1]
        assert headers["Authorization"] == "Bearer s3same"
        assert headers["X-Journal"] == files(home)[0]
        assert int(headers["X-Journal-Offset"]) > 0
        assert headers["Content-Type"] == "application/x-ndjson"
        eventually(lambda: not hand_off_for(Home(home)).wanting, what="the receipts")
