"""Answers are given again for as long as they live, asked for once at a time, and forgotten when told to."""

import asyncio
from collections.abc import Callable, Hashable

import pytest

from swarm_analytics_models.calls import CallFailure, CallTrouble
from swarm_analyticsd import policy
from swarm_analyticsd.calls.cache import Cache
from swarm_analyticsd.calls.outcome import Answered, CallOutcome, Failed
from tests.delivery.support import FakeClock

pytestmark = pytest.mark.anyio


class Source:
    """What is asked; answers when it is let."""

    def __init__(self, outcome: Callable[[int], CallOutcome] | None = None) -> None:
        self.asked = 0
        self.cancelled = 0
        self.go_on = asyncio.Event()
        self._outcome = outcome or (lambda number: Answered(200, None, 1, b"%d" % number))

    async def __call__(self) -> CallOutcome:
        self.asked += 1
        number = self.asked
        try:
            await self.go_on.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return self._outcome(number)


def open_source(outcome: Callable[[int], CallOutcome] | None = None) -> Source:
    source = Source(outcome)
    source.go_on.set()
    return source


async def body(cache: Cache, source: Source, key: Hashable = "k", life_s: float = 10.0) -> tuple[bytes, int]:
    found = await cache.get(key, life_s, source)
    assert isinstance(found, Answered)
    return found.body, found.attempts


async def test_an_answer_is_given_again_until_its_life_ends() -> None:
    clock, source = FakeClock(), open_source()
    cache = Cache(clock)
    assert await body(cache, source) == (b"1", 1)
    clock.advance(9.9)
    assert await body(cache, source) == (b"1", 0)
    clock.advance(0.2)
    assert await body(cache, source) == (b"2", 1)


async def test_keys_are_apart() -> None:
    cache, source = Cache(FakeClock()), open_source()
    assert await body(cache, source, "a") == (b"1", 1)
    assert await body(cache, source, "b") == (b"2", 1)


async def test_clearing_forgets() -> None:
    cache, source = Cache(FakeClock()), open_source()
    await body(cache, source)
    cache.clear()
    assert await body(cache, source) == (b"2", 1)


async def test_failures_are_not_kept() -> None:
    failed = Failed(CallFailure(trouble=CallTrouble.REJECTED, service="s", operation="o"))
    cache, source = Cache(FakeClock()), open_source(lambda _: failed)
    for asked in (1, 2):
        assert await cache.get("k", 10.0, source) == failed
        assert source.asked == asked


async def test_an_answer_larger_than_the_cache_is_passed_on_and_not_kept() -> None:
    huge = Answered(200, None, 1, b"x" * (policy.CALL_CACHE_BYTES + 1))
    cache, source = Cache(FakeClock()), open_source(lambda _: huge)
    assert await cache.get("k", 10.0, source) == huge
    assert await cache.get("k", 10.0, source) == huge
    assert source.asked == 2


async def test_all_together_are_no_larger_than_the_cache() -> None:
    half = b"x" * (policy.CALL_CACHE_BYTES // 2)
    cache, source = Cache(FakeClock()), open_source(lambda _: Answered(200, None, 1, half))
    for key in ("a", "b", "c"):
        await cache.get(key, 10.0, source)
    assert (await body(cache, source, "c"))[1] == 0
    assert (await body(cache, source, "a"))[1] == 1


async def test_who_asks_meanwhile_shares_what_comes() -> None:
    cache, source = Cache(FakeClock()), Source()
    asking = [asyncio.create_task(body(cache, source)) for _ in range(5)]
    await asyncio.sleep(0)
    source.go_on.set()
    assert await asyncio.gather(*asking) == [(b"1", 1)] * 5
    assert source.asked == 1


async def test_one_who_leaves_does_not_take_it_from_the_others() -> None:
    cache, source = Cache(FakeClock()), Source()
    first, second = (asyncio.create_task(body(cache, source)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait([first])
    source.go_on.set()
    assert await second == (b"1", 1)
    assert source.cancelled == 0


async def test_when_all_have_left_the_request_ends_and_the_next_begins_anew() -> None:
    cache, source = Cache(FakeClock()), Source()
    asking = [asyncio.create_task(body(cache, source)) for _ in range(2)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    for task in asking:
        task.cancel()
    await asyncio.wait(asking)
    source.go_on.set()
    assert await body(cache, source) == (b"2", 1)
    assert source.cancelled == 1


async def test_what_was_on_its_way_when_it_was_cleared_is_not_kept() -> None:
    cache, source = Cache(FakeClock()), Source()
    early = asyncio.create_task(body(cache, source))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    cache.clear()
    source.go_on.set()
    assert await early == (b"1", 1)
    assert await body(cache, source) == (b"2", 1)
