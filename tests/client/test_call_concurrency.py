"""Many calls at once, and calls that are ended: by cancelling, by closing, by time."""

import asyncio
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from swarm_analytics import errors
from swarm_analytics.calls import AsyncCaller, Caller, turns
from swarm_analytics.calls.turns import Turns
from swarm_analytics_models.calls import CallSettings
from tests.client.call_daemon import THREAD_NAME, Asked, CallDaemon, call_daemon, envelope
from tests.client.calling import BILLED, REPEATABLE, Receipt, target
from tests.support.waiting import eventually, eventually_async

AT_ONCE = 64


class Together:
    """Answers nobody before all have asked."""

    def __init__(self, number: int) -> None:
        self._all = threading.Barrier(number)

    def __call__(self, asked: Asked) -> None:
        self._all.wait(20)
        asked.reply(200, envelope({"number": int(asked.json["arguments"]["what"])}))


async def test_calls_of_asyncio_go_on_at_once_and_take_no_thread(home: Path) -> None:
    before = threading.active_count()
    others: list[str] = []
    with call_daemon(home, Together(AT_ONCE)) as daemon:
        caller = AsyncCaller(target(home))
        calls = [
            asyncio.create_task(caller(BILLED, {"what": str(number)}, Receipt)) for number in range(AT_ONCE)
        ]
        await eventually_async(lambda: is_true(len(daemon.calls()) >= AT_ONCE // 2))
        others = [thread.name for thread in threading.enumerate() if thread.name != THREAD_NAME]
        answers = await asyncio.gather(*calls)
    assert [answer.number for answer in answers] == list(range(AT_ONCE))
    assert len(others) <= before
    assert len(daemon.registrations()) == 1


async def is_true(value: bool) -> bool:
    return value


def test_calls_of_threads_go_on_at_once(home: Path) -> None:
    with call_daemon(home, Together(16)), ThreadPoolExecutor(16) as pool:
        caller = Caller(target(home))
        answers = pool.map(lambda number: caller(BILLED, {"what": str(number)}, Receipt).number, range(16))
        assert list(answers) == list(range(16))


async def test_cancelling_a_call_closes_its_connection_and_no_other(home: Path) -> None:
    with call_daemon(home, Asked.await_leaving) as daemon:
        caller = AsyncCaller(target(home))
        first = asyncio.create_task(caller(BILLED, {"what": "tea"}, Receipt))
        await eventually_async(lambda: is_true(len(daemon.calls()) == 1))
        second = asyncio.create_task(caller(BILLED, {"what": "milk"}, Receipt))
        await eventually_async(lambda: is_true(len(daemon.calls()) == 2))
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        assert await asyncio.to_thread(daemon.calls()[0].gone.wait, 10)
        assert not daemon.calls()[1].gone.is_set()
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second


async def test_closing_an_awaited_caller_breaks_off_its_calls_and_repeats_none(home: Path) -> None:
    with call_daemon(home, Asked.await_leaving) as daemon:
        caller = AsyncCaller(target(home))
        call = asyncio.create_task(caller(REPEATABLE, {"what": "tea"}, Receipt))
        await eventually_async(lambda: is_true(len(daemon.calls()) == 1))
        await caller.aclose()
        with pytest.raises(errors.BrokenOff):
            await call
        assert len(daemon.calls()) == 1


def test_closing_a_caller_breaks_off_its_calls_and_repeats_none(home: Path) -> None:
    with call_daemon(home, Asked.await_leaving) as daemon, ThreadPoolExecutor(1) as pool:
        caller = Caller(target(home))
        call = pool.submit(caller, REPEATABLE, {"what": "tea"}, Receipt)
        eventually(lambda: len(daemon.calls()) == 1)
        caller.close()
        with pytest.raises(errors.BrokenOff):
            call.result(10)
        assert len(daemon.calls()) == 1


@pytest.fixture
def one_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "_turns", Turns(1))


@pytest.mark.usefixtures("one_turn")
async def test_calls_beyond_the_most_wait_for_their_turn(home: Path) -> None:
    with call_daemon(home, lambda asked: asked.reply(200, envelope({"number": 7}))) as daemon:
        caller = AsyncCaller(target(home))
        calls = (caller(BILLED, {"what": "tea"}, Receipt) for _ in range(8))
        assert len(await asyncio.gather(*calls)) == 8
        assert (await asyncio.to_thread(Caller(target(home)), BILLED, {"what": "tea"}, Receipt)).number == 7
    assert len(daemon.calls()) == 9


async def ask(daemon: CallDaemon, home: Path, what: str) -> "asyncio.Task[Receipt]":
    """A call that is with the daemon."""
    before = len(daemon.calls())
    call = asyncio.create_task(AsyncCaller(target(home))(BILLED, {"what": what}, Receipt))
    await eventually_async(lambda: is_true(len(daemon.calls()) > before))
    return call


@pytest.mark.usefixtures("one_turn")
async def test_a_turn_that_does_not_come_in_time_is_busy(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("swarm_analytics.policy.CALL_MARGIN_S", 0.0)
    hurried = target(home, settings=CallSettings(deadline_s=0.05))
    with call_daemon(home, Asked.await_leaving) as daemon:
        held = await ask(daemon, home, "tea")
        with pytest.raises(errors.ServiceBusy, match="was not sent"):
            await AsyncCaller(hurried)(BILLED, {"what": "milk"}, Receipt)
        with pytest.raises(errors.ServiceBusy, match="was not sent"):
            await asyncio.to_thread(Caller(hurried), BILLED, {"what": "milk"}, Receipt)
        held.cancel()
        with pytest.raises(asyncio.CancelledError):
            await held


@pytest.mark.usefixtures("one_turn")
async def test_a_call_that_is_cancelled_before_its_turn_takes_none(home: Path) -> None:
    with call_daemon(home, Asked.await_leaving) as daemon:
        held = await ask(daemon, home, "tea")
        waiting = asyncio.create_task(AsyncCaller(target(home))(BILLED, {"what": "milk"}, Receipt))
        await asyncio.sleep(0)
        waiting.cancel()
        held.cancel()
        await asyncio.gather(waiting, held, return_exceptions=True)
        daemon.script = lambda asked: asked.reply(200, envelope({"number": 7}))
        answer = await AsyncCaller(target(home))(BILLED, {"what": "milk"}, Receipt)
    assert answer.number == 7


def test_a_turn_is_given_to_whoever_has_waited_longest_and_still_waits() -> None:
    found = Turns(1)
    first, second, third = found.take(), found.take(), found.take()
    assert (first.done(), second.done(), third.done()) == (True, False, False)
    found.give_back(second)
    assert not third.done()
    found.give_back(first)
    assert third.done()
    found.give_back(third)
    assert found.take().done()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_child_of_a_fork_makes_calls_of_its_own(home: Path) -> None:
    with call_daemon(home, lambda asked: asked.reply(200, envelope({"number": 7}))) as daemon:
        caller = Caller(target(home))
        caller(BILLED, {"what": "parent"}, Receipt)
        child = os.fork()
        if child == 0:
            os._exit(caller(BILLED, {"what": "child"}, Receipt).number)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert [asked.json["arguments"]["what"] for asked in daemon.calls()] == ["parent", "child"]
