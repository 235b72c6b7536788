"""What equal callers share: a breaker, cached answers, and so many turns at a time."""

import asyncio
from typing import Any

import pytest

from swarm_analytics_models.calls import CallSettings, CallTrouble, ClearCacheRequest
from swarm_analytics_models.status import BreakerState
from swarm_analyticsd import policy
from swarm_analyticsd.calls.outcome import Answered, Streamed
from tests.calls.support import FLOW_HEAD, TALKED, Prover, failure, in_turn, rig, thing
from tests.delivery.scripted import Action, answer, eventually, hang, hold, raw

pytestmark = pytest.mark.anyio

OK = answer(200, thing())


async def test_the_breaker_opens_and_one_call_probes() -> None:
    script = in_turn([answer(500)] * 3 + [OK])
    async with rig(script) as calling:
        for _ in range(3):
            await calling.call(max_retries=0)
        told = failure(await calling.call(max_retries=0))
        assert (told.trouble, told.retry_after_s, told.attempts) == (CallTrouble.BREAKER_OPEN, 30.0, 0)
        assert len(calling.remote.seen) == 3
        assert calling.broker.views()[calling.ref].breaker is BreakerState.OPEN
        calling.clock.advance(30.0)
        assert isinstance(await calling.call(max_retries=0), Answered)
        assert calling.broker.views()[calling.ref].breaker is BreakerState.CLOSED


async def test_a_call_counts_once_whatever_its_retries() -> None:
    async with rig(lambda _: answer(500)) as calling:
        for _ in range(2):
            await calling.call()
        assert len(calling.remote.seen) == 6
        assert calling.broker.views()[calling.ref].breaker is BreakerState.CLOSED


@pytest.mark.parametrize("harmless", [answer(404), answer(402), answer(429), answer(200, b"{}")])
async def test_what_is_no_failure_of_the_service_never_opens_it(harmless: Action) -> None:
    async with rig(lambda _: harmless) as calling:
        for _ in range(6):
            assert await calling.trouble(max_retries=0) is not CallTrouble.BREAKER_OPEN


async def test_a_probe_is_sent_once() -> None:
    async with rig(lambda _: answer(500)) as calling:
        for _ in range(3):
            await calling.call(breaker_time_out_s=0.0)
        sent = len(calling.remote.seen)
        await calling.call(breaker_time_out_s=0.0)
        assert len(calling.remote.seen) == sent + 1


async def test_while_one_call_probes_no_other_gets_through() -> None:
    go_on = asyncio.Event()
    async with rig(in_turn([answer(500)] * 3 + [hold(go_on, OK)])) as calling:
        for _ in range(3):
            await calling.call(max_retries=0)
        calling.clock.advance(31.0)
        probing = asyncio.create_task(calling.call(max_retries=0))
        await eventually(lambda: len(calling.remote.seen) == 4)
        assert await calling.trouble(max_retries=0) is CallTrouble.BREAKER_OPEN
        go_on.set()
        assert isinstance(await probing, Answered)


async def test_a_cancelled_probe_leaves_its_place_to_the_next() -> None:
    async with rig(in_turn([answer(500)] * 3 + [hang(), OK])) as calling:
        for _ in range(3):
            await calling.call(max_retries=0)
        calling.clock.advance(31.0)
        probing = asyncio.create_task(calling.call(max_retries=0))
        await eventually(lambda: len(calling.remote.seen) == 4)
        probing.cancel()
        await asyncio.wait([probing])
        assert isinstance(await calling.call(max_retries=0), Answered)


async def test_an_answer_is_shared_by_equal_callers_and_by_no_others() -> None:
    async with rig(lambda _: answer(200, b'{"things":[]}')) as calling:
        other = calling.add("somebody else")

        async def attempts(**more: Any) -> int:
            outcome = await calling.call("things.list", {}, **more)
            assert isinstance(outcome, Answered)
            return outcome.attempts

        assert [await attempts(), await attempts()] == [1, 0]
        assert await attempts(destination=other) == 1
        assert await attempts(timeout_s=5.0) == 1
        assert [await attempts(cache=False), await attempts(cache=False)] == [1, 1]
        calling.clock.advance(61.0)
        assert await attempts() == 1


async def test_a_new_credential_is_not_given_what_came_for_the_old_one() -> None:
    async with rig(lambda _: answer(200, b'{"things":[]}')) as calling:
        await calling.call("things.list", {})
        calling.add("default", generation=2)
        outcome = await calling.call("things.list", {})
        assert isinstance(outcome, Answered)
        assert outcome.attempts == 1


async def test_a_destination_that_was_forgotten_and_made_anew_gets_nothing_of_before() -> None:
    async with rig(lambda _: answer(200, b'{"things":[]}')) as calling:
        await calling.call("things.list", {})
        calling.add("default", authenticator=Prover())
        outcome = await calling.call("things.list", {})
        assert isinstance(outcome, Answered)
        assert outcome.attempts == 1


async def test_pools_that_nobody_used_of_late_go_unless_something_is_in_flight(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(policy, "CALL_POOLS", 2)
    go_on = asyncio.Event()
    async with rig(in_turn([hold(go_on, OK), OK])) as calling:
        busy = asyncio.create_task(calling.call(timeout_s=9.0))
        await eventually(lambda: calling.remote.open_requests == 1)
        for seconds in (1.0, 2.0, 3.0):
            assert isinstance(await calling.call(timeout_s=seconds), Answered)
        assert sorted(pool.terms.settings.timeout_s or 0.0 for pool in calling.pools) == [3.0, 9.0]
        go_on.set()
        assert isinstance(await busy, Answered)


async def test_clearing_is_for_one_destination_and_one_set_of_settings() -> None:
    async with rig(lambda _: answer(200, b'{"things":[]}')) as calling:
        await calling.call("things.list", {})
        await calling.call("things.list", {}, timeout_s=5.0)
        calling.broker.clear_cache(ClearCacheRequest(destination=calling.ref))
        outcomes = [
            await calling.call("things.list", {}),
            await calling.call("things.list", {}, timeout_s=5.0),
        ]
        assert [each.attempts for each in outcomes if isinstance(each, Answered)] == [1, 0]
        calling.broker.clear_cache(
            ClearCacheRequest(destination="d_nobody", settings=CallSettings(cache=False))
        )


async def test_only_so_many_are_in_flight_and_the_rest_wait_their_turn() -> None:
    go_on = asyncio.Event()
    async with rig(lambda _: hold(go_on, OK)) as calling:
        calls = [asyncio.create_task(calling.call(max_in_flight=2)) for _ in range(5)]
        await eventually(lambda: calling.remote.open_requests == 2)
        view = calling.broker.views()[calling.ref]
        assert (view.in_flight, view.waiting) == (2, 3)
        go_on.set()
        assert all(isinstance(each, Answered) for each in await asyncio.gather(*calls))
        assert calling.remote.most_open == 2


async def test_who_waits_too_long_for_a_turn_is_told_that_nothing_was_sent() -> None:
    async with rig(lambda _: raw(FLOW_HEAD, then_hang=True)) as calling:
        first = await calling.call("things.talk", TALKED, max_in_flight=1, deadline_s=0.2)
        assert isinstance(first, Streamed)
        told = failure(await calling.call("things.talk", TALKED, max_in_flight=1, deadline_s=0.2))
        assert (told.trouble, told.attempts) == (CallTrouble.BUSY, 0)
        assert len(calling.remote.seen) == 1
        await first.aclose()


async def test_a_wait_between_attempts_holds_no_turn() -> None:
    async with rig(in_turn([answer(500), OK])) as calling:
        seen: list[int] = []
        calling.on_sleep = lambda: seen.append(calling.broker.views()[calling.ref].in_flight)
        assert isinstance(await calling.call(max_in_flight=1), Answered)
        assert seen == [0]
