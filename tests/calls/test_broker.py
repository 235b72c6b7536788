"""Calls over real sockets: what is sent, how often, and what is told when there is no answer."""

import asyncio
import json
from typing import Any

import pytest

from swarm_analytics_models.calls import CallTrouble
from swarm_analytics_models.identifiers import IdentityKind
from swarm_analyticsd.calls.broker import Uncallable
from swarm_analyticsd.calls.outcome import Answered
from swarm_analyticsd.credentials.proof import Unproven, Why
from tests.calls.support import PAYMENT, SECRET, failure, in_turn, rig, thing
from tests.delivery.scripted import Action, answer, hang, reset

pytestmark = pytest.mark.anyio

OK = answer(200, thing())


async def test_a_call_goes_out_as_its_contract_says() -> None:
    async with rig(lambda _: answer(201, thing("é"), X_Request_Id="r-9")) as calling:
        outcome = await calling.call("things.read", {"id": "a/b", "limit": 3})
        assert outcome == Answered(201, "r-9", 1, thing("é"))
        seen = calling.remote.seen[0]
        assert seen.line == "GET /api/things/a%2Fb?limit=3 HTTP/1.1"
        assert seen.values("x-api-key") == [SECRET]
        assert seen.values("content-type") == []
        assert seen.body == b""
        assert calling.prover.accepted_proofs == 1


async def test_each_attempt_has_a_proof_of_its_own_and_all_share_one_key() -> None:
    async with rig(in_turn([answer(500), OK]), kind=IdentityKind.AGENT) as calling:
        outcome = await calling.call("things.write", PAYMENT, key="k-1")
        assert isinstance(outcome, Answered)
        assert outcome.attempts == 2
        first, second = calling.remote.seen
        assert (first.values("x-nonce"), second.values("x-nonce")) == (["1"], ["2"])
        for seen in (first, second):
            assert (seen.values("x-key"), seen.values("idempotency-key")) == (["k-1"], ["k-1"])
            assert seen.body == b'{"amount":5}'


async def test_a_key_is_minted_where_the_caller_has_none() -> None:
    async with rig(lambda _: OK) as calling:
        for _ in range(2):
            await calling.call("things.keyed", PAYMENT)
        first, second = (seen.json["key"] for seen in calling.remote.seen)
        assert len(first) == 36
        assert first != second
        await calling.call("things.keyed", PAYMENT | {"key": "mine"})
        assert calling.remote.seen[-1].json["key"] == "mine"


async def test_connections_are_reused() -> None:
    async with rig(lambda _: OK) as calling:
        for _ in range(5):
            await calling.call()
        assert calling.remote.connections == 1


@pytest.mark.parametrize(
    ("operation", "arguments", "code"),
    [
        ("things.read", {"id": ".."}, "invalid"),
        ("things.read", {}, "invalid"),
        ("things.pay", {"amount": "much"}, "invalid"),
        ("things.nowhere", {}, "unknown_operation"),
    ],
)
async def test_what_cannot_be_asked_is_refused_before_anything_is_sent(
    operation: str, arguments: dict[str, Any], code: str
) -> None:
    async with rig() as calling:
        with pytest.raises(Uncallable) as refused:
            await calling.call(operation, arguments)
        assert refused.value.problem.code == code
        assert not calling.remote.seen


async def test_a_destination_that_nobody_registered_is_unknown() -> None:
    async with rig() as calling:
        with pytest.raises(Uncallable) as refused:
            await calling.call(destination="d_nobody")
        assert (refused.value.status, refused.value.problem.code) == (404, "unknown_destination")


async def test_a_paused_service_is_not_called() -> None:
    async with rig() as calling:
        paused = calling.add("other", paused=True)
        assert await calling.trouble(destination=paused) is CallTrouble.PAUSED
        assert not calling.remote.seen


@pytest.mark.parametrize("lost", [reset(), hang(), answer(500), answer(503, b"{}", Retry_After="1")])
async def test_money_is_never_moved_twice(lost: Action) -> None:
    async with rig(lambda _: lost) as calling:
        told = failure(await calling.call("things.pay", PAYMENT))
        assert told.trouble is CallTrouble.MAY_BE_EXECUTED
        assert len(calling.remote.seen) == told.attempts == 1


@pytest.mark.parametrize(
    ("untouched", "wait_s"), [(answer(429, b"{}", Retry_After="2"), 2.0), (answer(409), 1.0)]
)
async def test_even_money_is_tried_again_where_nothing_was_executed(untouched: Action, wait_s: float) -> None:
    async with rig(in_turn([untouched, OK])) as calling:
        assert isinstance(await calling.call("things.pay", PAYMENT), Answered)
        assert calling.slept == [wait_s]


async def test_what_could_not_be_sent_is_tried_again() -> None:
    async with rig() as calling:
        calling.remote.base_url = "http://127.0.0.1:1"
        nobody = calling.add("gone")
        told = failure(await calling.call("things.pay", PAYMENT, destination=nobody))
        assert (told.trouble, told.attempts, calling.slept) == (CallTrouble.NOT_REACHED, 3, [1.0, 2.0])


@pytest.mark.parametrize(
    ("lost", "expected"),
    [
        (reset(), CallTrouble.BROKEN_OFF),
        (hang(), CallTrouble.TIMED_OUT),
        (answer(502), CallTrouble.REJECTED),
    ],
)
async def test_a_read_is_tried_again_until_its_retries_are_used_up(
    lost: Action, expected: CallTrouble
) -> None:
    async with rig(lambda _: lost) as calling:
        told = failure(await calling.call())
        assert (told.trouble, told.attempts, calling.slept) == (expected, 3, [1.0, 2.0])


async def test_a_header_that_the_service_does_not_look_at_makes_nothing_safe() -> None:
    async with rig(lambda _: answer(500), kind=IdentityKind.KEY) as calling:
        assert await calling.trouble("things.write", arguments=PAYMENT) is CallTrouble.MAY_BE_EXECUTED
        assert len(calling.remote.seen) == 1


@pytest.mark.parametrize("status", [400, 402, 403, 404, 409, 422])
async def test_what_the_service_rejects_is_not_tried_again(status: int) -> None:
    async with rig(lambda _: answer(status, b'{"error":"no","code":"c"}', X_Request_Id="r")) as calling:
        told = failure(await calling.call())
        assert (told.trouble, told.status, told.http_status) == (CallTrouble.REJECTED, status, status)
        assert (told.error, told.code, told.request_id) == ("no", "c", "r")
        assert told.body == {"error": "no", "code": "c"}
        assert told.attempts == 1


async def test_an_error_wrapped_in_a_500_is_rejected_as_what_it_means() -> None:
    async with rig(lambda _: answer(500, b'{"error":"broke","means":402}')) as calling:
        told = failure(await calling.call("things.pay", PAYMENT))
        assert (told.trouble, told.status, told.http_status) == (CallTrouble.REJECTED, 402, 500)


async def test_retry_after_is_waited_for_if_the_deadline_allows() -> None:
    async with rig(in_turn([answer(429, b"{}", Retry_After="5"), OK])) as calling:
        assert isinstance(await calling.call(deadline_s=6.0), Answered)
        assert calling.slept == [5.0]


async def test_a_pause_beyond_the_deadline_is_told_at_once() -> None:
    async with rig(lambda _: answer(429, b"{}", Retry_After="600")) as calling:
        told = failure(await calling.call())
        assert (told.trouble, told.retry_after_s, calling.slept) == (CallTrouble.RATE_LIMITED, 600.0, [])


async def test_in_progress_is_asked_about_until_it_is_done() -> None:
    busy = answer(409, b'{"code":"busy_with_it"}')
    async with rig(in_turn([busy, busy, OK])) as calling:
        outcome = await calling.call("things.write", PAYMENT, max_retries=0)
        assert isinstance(outcome, Answered)
        assert (outcome.attempts, calling.slept) == (3, [0.5, 0.5])
        assert len({seen.values("x-key")[0] for seen in calling.remote.seen}) == 1


async def test_in_progress_for_too_long_is_rejected() -> None:
    async with rig(lambda _: answer(409, b'{"code":"busy_with_it"}')) as calling:
        told = failure(await calling.call("things.write", PAYMENT))
        assert (told.trouble, told.code, told.attempts) == (CallTrouble.REJECTED, "busy_with_it", 4)


async def test_a_time_out_of_the_callers_own_bounds_an_attempt() -> None:
    async with rig(lambda _: hang()) as calling:
        loop = asyncio.get_running_loop()
        started = loop.time()
        assert await calling.trouble(timeout_s=0.1, max_retries=0) is CallTrouble.TIMED_OUT
        assert loop.time() - started < 0.55


async def test_the_deadline_bounds_the_call_with_all_its_attempts() -> None:
    async with rig(lambda _: answer(500)) as calling:
        told = failure(await calling.call(deadline_s=2.5, max_retries=20))
        assert (told.trouble, calling.slept) == (CallTrouble.REJECTED, [1.0])


async def test_a_token_that_is_refused_is_taken_anew_once() -> None:
    async with rig(in_turn([answer(401), OK])) as calling:
        calling.prover.renewals = 1
        outcome = await calling.call("things.pay", PAYMENT)
        assert isinstance(outcome, Answered)
        assert (outcome.attempts, calling.slept) == (2, [])


async def test_a_credential_that_stays_refused_is_told() -> None:
    async with rig(lambda _: answer(401, json.dumps({"error": f"bad {SECRET}"}).encode())) as calling:
        calling.prover.renewals = 5
        told = failure(await calling.call())
        assert (told.trouble, told.status, told.attempts) == (CallTrouble.CREDENTIAL_REFUSED, 401, 2)
        assert SECRET not in told.model_dump_json()


@pytest.mark.parametrize(
    ("why", "status", "expected"),
    [
        (Why.ABSENT, None, CallTrouble.CREDENTIAL_ABSENT),
        (Why.REFUSED, 401, CallTrouble.CREDENTIAL_REFUSED),
        (Why.REJECTED, 404, CallTrouble.REJECTED),
        (Why.SHUT, 403, CallTrouble.REJECTED),
    ],
)
async def test_without_a_proof_nothing_is_sent(why: Why, status: int | None, expected: CallTrouble) -> None:
    async with rig() as calling:
        calling.prover.unproven = [Unproven(why, "told so", status)]
        told = failure(await calling.call())
        assert (told.trouble, told.status, told.attempts) == (expected, status, 0)
        assert told.error == "told so"
        assert not calling.remote.seen


@pytest.mark.parametrize("why", [Why.ASKED_TO_WAIT, Why.TROUBLE, Why.UNREACHED])
async def test_a_token_that_cannot_be_had_now_is_asked_for_again(why: Why) -> None:
    async with rig(lambda _: OK) as calling:
        calling.prover.unproven = [Unproven(why, "later", 500)]
        assert isinstance(await calling.call("things.pay", PAYMENT), Answered)
        assert calling.slept == [1.0]
