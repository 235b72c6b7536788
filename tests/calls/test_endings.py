"""Answers in pieces, requests that end when nobody waits, and answers that cannot be used."""

import asyncio
import json
from inspect import signature
from pathlib import Path
from unittest.mock import AsyncMock, Mock

import pytest

from swarm_analytics_models.calls import CallTrouble
from swarm_analytics_models.status import BreakerState
from swarm_analyticsd.calls.outcome import Answered, Streamed
from swarm_analyticsd.delivery.send import BrokenOff
from swarm_analyticsd.intake.api import make_api
from tests.calls.support import FLOW_HEAD, PAYMENT, TALKED, in_turn, rig, thing
from tests.delivery.scripted import Action, Seen, answer, eventually, raw, until_left
from tests.security.serving import serving

pytestmark = pytest.mark.anyio

OK = answer(200, thing())


async def test_cancelling_a_call_ends_the_request_to_the_service() -> None:
    left = asyncio.Event()
    async with rig(lambda seen: until_left(seen, left)) as calling:
        task = asyncio.create_task(calling.call(timeout_s=60.0))
        await eventually(lambda: calling.remote.seen)
        task.cancel()
        await asyncio.wait_for(left.wait(), 10)
        await asyncio.wait([task])
        assert calling.broker.views()[calling.ref].in_flight == 0


async def test_an_answer_in_pieces_is_not_collected() -> None:
    go_on = asyncio.Event()

    async def act(writer: asyncio.StreamWriter) -> bool:
        writer.write(FLOW_HEAD + b"3\r\none\r\n")
        await go_on.wait()
        writer.write(b"3\r\ntwo\r\n0\r\n\r\n")
        await writer.drain()
        return True

    async with rig(lambda _: act) as calling:
        outcome = await calling.call("things.talk", TALKED, max_in_flight=1)
        assert isinstance(outcome, Streamed)
        assert (outcome.media_type, outcome.attempts) == ("text/event-stream", 1)
        assert await anext(outcome.pieces) == b"one"
        assert calling.broker.views()[calling.ref].in_flight == 1
        go_on.set()
        assert [piece async for piece in outcome.pieces] == [b"two"]
        await outcome.aclose()
        await outcome.aclose()
        assert calling.broker.views()[calling.ref].in_flight == 0
        assert calling.remote.seen[0].values("accept") == ["text/event-stream, application/json"]


async def test_a_call_that_asks_for_no_pieces_gets_a_whole_answer() -> None:
    async with rig(lambda _: OK) as calling:
        assert isinstance(await calling.call("things.talk", {"amount": 1}), Answered)
        assert isinstance(await calling.call("things.talk", TALKED), Answered)


async def test_a_stream_that_breaks_says_so_and_is_not_begun_anew() -> None:
    async with rig(lambda _: raw(FLOW_HEAD, b"3\r\none\r\n")) as calling:
        outcome = await calling.call("things.talk", TALKED)
        assert isinstance(outcome, Streamed)
        with pytest.raises(BrokenOff):
            _ = [piece async for piece in outcome.pieces]
        await outcome.aclose()
        assert len(calling.remote.seen) == 1
        assert calling.broker.views()[calling.ref].breaker is BreakerState.CLOSED


async def test_a_named_deadline_ends_a_stream_too() -> None:
    slow = raw(FLOW_HEAD, *[b"1\r\nx\r\n"] * 1_000, pause_s=0.02)
    async with rig(lambda _: slow) as calling:
        outcome = await calling.call("things.talk", TALKED, deadline_s=0.5)
        assert isinstance(outcome, Streamed)
        await anext(outcome.pieces)
        calling.clock.advance(0.6)
        with pytest.raises(BrokenOff, match="time was up"):
            await anext(outcome.pieces)
        await outcome.aclose()


async def test_closing_a_stream_ends_the_request_to_the_service() -> None:
    left = asyncio.Event()

    def script(seen: Seen) -> Action:
        return until_left(seen, left, FLOW_HEAD, b"1\r\nx\r\n")

    async with rig(script) as calling:
        outcome = await calling.call("things.talk", TALKED, timeout_s=60.0)
        assert isinstance(outcome, Streamed)
        assert await anext(outcome.pieces) == b"x"
        await outcome.pieces.aclose()
        await outcome.aclose()
        await asyncio.wait_for(left.wait(), 10)


async def test_a_success_that_cannot_be_used_is_its_own_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("swarm_analyticsd.calls.terms.MAX_CALL_ANSWER_BYTES", 100)
    async with rig(in_turn([answer(200, b'{"nam":1}'), answer(200, thing("x" * 200))])) as calling:
        assert await calling.trouble("things.pay", arguments=PAYMENT) is CallTrouble.MALFORMED
        assert await calling.trouble("things.pay", arguments=PAYMENT) is CallTrouble.TOO_LARGE
        assert len(calling.remote.seen) == 2


async def test_a_bug_is_told_as_a_problem_and_as_no_more(home: Path) -> None:
    parts = {name: Mock() for name in signature(make_api).parameters}
    parts["broker"].call = AsyncMock(side_effect=RuntimeError("canary-in-a-bug"))
    asked = json.dumps({"destination": "d", "arguments": {}}).encode()
    async with serving(home, make_api(**parts)) as served:
        told = await served.ask("POST", "/v1/call/toy/things.pay", asked)
        assert (told.status, told.content["code"]) == (500, "internal")
        assert "canary" not in json.dumps(told.content)
