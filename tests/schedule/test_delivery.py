"""The whole way of queued events over a real outbox and a real socket: what is delivered, held, dead."""

import asyncio
import itertools
import json
from collections.abc import Sequence
from typing import Any

import pytest
from pydantic import SecretStr

from swarm_analytics_models.categories import ConsentMode
from swarm_analytics_models.identifiers import IdentityKind, uuid7
from swarm_analytics_models.status import BreakerState, CredentialState
from swarm_analyticsd import policy
from swarm_analyticsd.clock import SystemClock
from swarm_analyticsd.delivery.outcome import classify
from swarm_analyticsd.outbox.errors import OutboxUnavailable
from swarm_analyticsd.outbox.rows import Claim, Settled, Settlement
from swarm_analyticsd.schedule.view import LaneHold
from tests.delivery.scripted import (
    REGISTER_PATH,
    Action,
    ScriptedServer,
    Seen,
    answer,
    closed_port,
    eventually,
    hang,
    hold,
    page,
    reset,
    scripted,
    token,
)
from tests.delivery.support import BATCHED, SET_ASIDE, TOY, Chosen, FakeClock
from tests.schedule.world import LOG, ONBOARDING, TITLE, World, world

pytestmark = pytest.mark.anyio


def titles(agent: str, *texts: str) -> list[dict[str, Any]]:
    return [{"id": agent, "title": text} for text in texts]


def logs(*tags: str) -> list[dict[str, Any]]:
    return [{"tag": tag} for tag in tags]


def faulty(bad: str, action: Action) -> Any:
    """A service on which events that hold `bad` meet `action`."""
    return lambda seen: action if bad.encode() in seen.body else answer()


class Tally:
    """Keys as the service would deduplicate them."""

    def __init__(self, remote: ScriptedServer) -> None:
        self.keys = [seen.json["submission_id"] for seen in remote.events]


async def somebody_else_is_served(ours: World) -> None:
    """An event of another destination is delivered: whatever was due by then has left."""
    async with scripted() as remote:
        known = await ours.destination(remote, identity=uuid7())
        delivered = (await ours.ledger()).get("delivered", 0)
        await ours.hand_off(known, LOG, *logs("a"))
        await ours.settled(delivered=delivered + 1)


async def test_what_is_queued_arrives_and_is_settled() -> None:
    async with world() as ours, scripted(lambda _: answer(202)) as remote:
        known = await ours.destination(remote)
        await ours.hand_off(known, LOG, *logs("a", "b", "c"))
        await ours.settled(delivered=3)
        assert sorted(seen.json["tag"] for seen in remote.seen) == ["a", "b", "c"]
        assert {seen.values("authorization")[0] for seen in remote.seen} == {"Bearer t0"}
        assert ours.view(known).breaker is BreakerState.CLOSED
        assert ours.view(known).held_reason is None


async def test_many_events_travel_at_the_same_time_and_each_once() -> None:
    crowd = asyncio.Event()

    def script(_: Seen) -> Action:
        if remote.open_requests >= policy.WINDOW_FIRST:
            crowd.set()
        return hold(crowd, answer())

    async with world() as ours, scripted(script) as remote:
        known = await ours.destination(remote)
        for chunk in range(5):
            await ours.hand_off(known, LOG, *logs(*(f"{chunk}.{n}" for n in range(100))))
        await ours.settled(delivered=500)
        assert len(set(Tally(remote).keys)) == len(remote.events) == 500
        assert remote.most_open >= policy.WINDOW_FIRST


async def test_events_of_one_key_arrive_in_order_and_keys_do_not_wait_for_each_other() -> None:
    gate = asyncio.Event()

    def script(seen: Seen) -> Action:
        return hold(gate, answer()) if seen.json["id"] == "stuck" else answer()

    async with world() as ours, scripted(script) as remote:
        known = await ours.destination(remote)
        texts = [str(n) for n in range(20)]
        for text in texts:
            await ours.hand_off(known, TITLE, *titles("stuck", text), *titles("free", text))
        await ours.settled(delivered=20)
        assert [seen.json["title"] for seen in remote.seen if seen.json["id"] == "free"] == texts
        assert [seen.json["title"] for seen in remote.seen if seen.json["id"] == "stuck"] == ["0"]
        gate.set()
        await ours.settled(delivered=40)
        assert [seen.json["title"] for seen in remote.seen if seen.json["id"] == "stuck"] == texts


async def test_a_retrying_event_holds_its_key_and_a_dead_one_releases_it() -> None:
    answers = iter([answer(503), answer(422), answer()])
    async with world() as ours, scripted(lambda _: next(answers)) as remote:
        known = await ours.destination(remote)
        await ours.hand_off(known, TITLE, *titles("a", "first", "second"))
        await ours.settled(delivered=1, dead=1)
        assert [seen.json["title"] for seen in remote.seen] == ["first", "first", "second"]


async def test_a_poison_event_is_dead_its_neighbours_flow_and_its_client_hears_of_it() -> None:
    async with world() as ours, scripted(faulty("poison", answer(422))) as remote:
        known = await ours.destination(remote)
        await ours.hand_off(known, LOG, *logs("a", "poison", "b"), client="c1")
        await ours.settled(delivered=2, dead=1)
        [dropped] = ours.dropped
        assert (dropped.client, dropped.outcome, dropped.status, dropped.attempts) == ("c1", "dead", 422, 1)
        assert ours.view(known).breaker is BreakerState.CLOSED


async def test_an_event_that_alone_fails_with_500_is_dead_after_eight_strikes() -> None:
    async with world() as ours, scripted(faulty("poison", answer(500))) as remote:
        known = await ours.destination(remote)
        await ours.hand_off(known, LOG, *logs("poison", "a", "b", "c"))
        await ours.settled(delivered=3, dead=1)
        tries = [seen for seen in remote.seen if seen.json["tag"] == "poison"]
        assert policy.EVENT_STRIKES < len(tries) <= policy.EVENT_STRIKES + 2
        assert len({seen.body for seen in tries}) == 1


async def test_events_that_come_while_a_poison_event_backs_off_do_not_wait_for_it() -> None:
    async with world(chance=Chosen(1.0)) as ours, scripted(faulty("poison", reset())) as remote:
        known = await ours.destination(remote)
        await ours.hand_off(known, LOG, *logs("poison"))
        await eventually(lambda: ours.view(known).breaker is BreakerState.OPEN)
        await ours.hand_off(known, LOG, *logs("a"))
        await ours.settled(timeout=0.9, delivered=1)
        assert ours.view(known).breaker is BreakerState.CLOSED


async def test_an_outage_strikes_and_kills_nobody_and_then_everything_arrives() -> None:
    failing = itertools.count()
    up = asyncio.Event()

    def script(_: Seen) -> Action:
        if not up.is_set() and next(failing) >= 60:
            up.set()
        return answer() if up.is_set() else answer(500)

    async with world() as ours, scripted(script) as remote:
        known = await ours.destination(remote)
        await ours.hand_off(known, LOG, *logs(*map(str, range(5))))
        await ours.settled(delivered=5)
        assert ours.dropped == []
        assert remote.most_open <= policy.WINDOW_FIRST


async def test_while_the_breaker_is_open_one_probe_leaves_at_a_time() -> None:
    gate = asyncio.Event()
    calls = itertools.count()

    def script(_: Seen) -> Action:
        return answer(500) if next(calls) < 8 else hold(gate, answer())

    async with world() as ours, scripted(script) as remote:
        known = await ours.destination(remote)
        await ours.hand_off(known, LOG, *logs(*map(str, range(50))))
        await eventually(lambda: remote.open_requests == 1 and len(remote.seen) >= 9)
        assert ours.view(known).breaker is BreakerState.HALF_OPEN
        ours.dispatcher.nudge()
        await ours.hand_off(known, LOG, *logs("more"))
        assert remote.open_requests == 1
        gate.set()
        await ours.settled(delivered=51)


async def test_a_probe_avoids_the_event_that_opened_the_breaker() -> None:
    failures = iter([answer(500), answer(500)])
    async with world(chance=Chosen(0.1)) as ours, scripted(lambda _: next(failures, answer())) as remote:
        known = await ours.destination(remote)
        await ours.hand_off(known, LOG, *logs("a", "b"))
        await ours.settled(delivered=2)
        opened, _, probed = (seen.json["tag"] for seen in remote.seen[:3])
        assert probed != opened


async def test_offline_nothing_is_tried_out_and_back_on_line_everything_arrives() -> None:
    port = closed_port()
    async with world() as ours:
        nobody = ScriptedServer(base_url=f"http://127.0.0.1:{port}")
        known = await ours.destination(nobody)
        await ours.hand_off(known, LOG, *logs("a", "b"))
        await eventually(lambda: ours.view(known).last_error)
        server_side = ScriptedServer()
        server = await asyncio.start_server(server_side.serve, "127.0.0.1", port)
        await ours.settled(delivered=2)
        assert all(event.attempts == 1 for event in (await ours.states())["delivered"])
        server.close()
        await server_side.end()


@pytest.mark.parametrize("status", [200, 302, 511])
async def test_behind_a_captive_portal_nothing_is_delivered_tried_out_or_killed(status: int) -> None:
    open_gate = asyncio.Event()
    seen_pages = itertools.count()

    def script(_: Seen) -> Action:
        if next(seen_pages) > 20:
            open_gate.set()
        return answer() if open_gate.is_set() else page(status)

    async with world() as ours, scripted(script) as remote:
        known = await ours.destination(remote)
        await ours.hand_off(known, LOG, *logs("a", "b"))
        await open_gate.wait()
        await ours.settled(delivered=2)
        assert {event.attempts for event in (await ours.states())["delivered"]} == {1}


async def test_retry_after_is_obeyed_by_nudges_and_over_restarts() -> None:
    async with world() as ours, scripted(lambda _: answer(429, Retry_After="3600")) as remote:
        known = await ours.destination(remote)
        await ours.hand_off(known, LOG, *logs("a"))
        await eventually(lambda: ours.view(known).held_reason is LaneHold.RETRY_AFTER)
        due = ours.view(known).next_attempt_at
        assert due is not None
        assert 3590 < due - ours.clock.now() <= 3600
        ours.dispatcher.nudge()
        await ours.hand_off(known, LOG, *logs("b"))
        await ours.restart()
        assert ours.view(known).held_reason is LaneHold.RETRY_AFTER
        again = ours.view(known).next_attempt_at
        assert again is not None
        assert abs(again - due) < 5
        ours.dispatcher.nudge()
        await ours.hand_off(known, LOG, *logs("c"))
        await somebody_else_is_served(ours)
        assert len(remote.seen) == 1
        assert await ours.ledger() == {"accepted": 4, "queued": 3, "delivered": 1}


async def test_retry_after_of_a_registration_is_obeyed_over_restarts() -> None:
    async with world() as ours, scripted(lambda _: answer(429, Retry_After="3600")) as remote:
        known = await ours.destination(remote, token=None)
        await ours.hand_off(known, LOG, *logs("a"))
        await eventually(lambda: ours.view(known).last_error)
        due = ours.view(known).next_attempt_at
        assert due is not None
        assert 3590 < due - ours.clock.now() <= 3600
        for _ in range(2):
            await ours.restart()
            ours.dispatcher.nudge()
            await eventually(lambda: ours.view(known).next_attempt_at)
            again = ours.view(known).next_attempt_at
            assert again is not None
            assert abs(again - due) < 5
        await somebody_else_is_served(ours)
        assert [seen.path for seen in remote.seen] == [REGISTER_PATH]


async def test_a_retry_after_that_is_over_is_forgotten() -> None:
    replies = iter([answer(503, Retry_After="1")])
    async with world() as ours, scripted(lambda _: next(replies, answer())) as remote:
        known = await ours.destination(remote)
        await ours.hand_off(known, LOG, *logs("a"))
        await ours.settled(delivered=1)
        assert len(remote.seen) == 2
        await eventually(lambda: ours.view(known).breaker is BreakerState.CLOSED)
        await ours.restart()
        assert ours.view(known).breaker is BreakerState.CLOSED


async def test_a_nudge_skips_back_off() -> None:
    replies = iter([answer(500)])
    async with world(chance=Chosen(1.0)) as ours, scripted(lambda _: next(replies, answer())) as remote:
        known = await ours.destination(remote)
        await ours.hand_off(known, LOG, *logs("a"))
        await eventually(lambda: ours.view(known).held_reason is LaneHold.BACK_OFF)
        ours.dispatcher.nudge()
        await ours.settled(timeout=0.8, delivered=1)
        assert len(remote.seen) == 2


async def test_a_shut_route_is_held_probed_with_one_event_and_opened_by_it() -> None:
    shut = True

    def script(seen: Seen) -> Action:
        return answer(404) if shut and "title" in seen.path else answer()

    async with world(chance=Chosen(1.0)) as ours, scripted(script) as remote:
        known = await ours.destination(remote)
        for agent in range(30):
            await ours.hand_off(known, TITLE, *titles(str(agent), "x"))
        await ours.hand_off(known, LOG, *logs("a", "b"))
        await ours.settled(delivered=2)
        await eventually(lambda: ours.view(known).shut_routes == (TITLE,))
        assert ours.view(known).held_reason is LaneHold.ROUTE
        met = len([seen for seen in remote.seen if "title" in seen.path])
        assert met <= policy.WINDOW_FIRST
        ours.dispatcher.nudge()
        await eventually(lambda: len([seen for seen in remote.seen if "title" in seen.path]) > met)
        await ours.hand_off(known, LOG, *logs("c"))
        await ours.settled(delivered=3)
        assert len([seen for seen in remote.seen if "title" in seen.path]) == met + 1
        shut = False
        ours.dispatcher.nudge()
        await ours.settled(delivered=33)
        assert {event.attempts for event in (await ours.states())["delivered"]} == {1}


async def test_a_route_that_was_shut_is_probed_with_one_event_after_a_restart() -> None:
    shut = True
    async with world(chance=Chosen(1.0)) as ours, scripted(lambda _: answer(403 if shut else 200)) as remote:
        known = await ours.destination(remote)
        await ours.hand_off(known, LOG, *logs(*map(str, range(30))))
        await eventually(lambda: ours.view(known).shut_routes)
        await ours.restart()
        before = len(remote.seen)
        await eventually(lambda: len(remote.seen) > before and ours.view(known).in_flight == 0)
        assert len(remote.seen) == before + 1
        shut = False
        ours.dispatcher.nudge()
        await ours.settled(delivered=30)


async def test_an_event_that_alone_is_forbidden_does_not_shut_the_route_for_good() -> None:
    async with world() as ours, scripted(faulty("forbidden", answer(403))) as remote:
        known = await ours.destination(remote)
        await ours.hand_off(known, LOG, *logs("forbidden", "a", "b", "c"))
        await ours.settled(delivered=3, held=1)
        await ours.hand_off(known, LOG, *logs("d"))
        await ours.settled(delivered=4, held=1)
        tries = len([seen for seen in remote.seen if seen.json["tag"] == "forbidden"])
        assert tries <= 4


async def test_401_holds_events_and_a_new_token_brings_them_all() -> None:
    valid = "t1"

    def script(seen: Seen) -> Action:
        if seen.path == REGISTER_PATH:
            return token(valid)
        return answer() if seen.values("authorization") == [f"Bearer {valid}"] else answer(401)

    async with world() as ours, scripted(script) as remote:
        known = await ours.destination(remote, token="old")
        await ours.hand_off(known, LOG, *logs(*map(str, range(20))))
        await ours.settled(delivered=20)
        assert len(remote.registrations) == 1
        assert remote.registrations[0].json == {"install_id": "install-1"}
        assert remote.registrations[0].values("authorization") == []
        assert {event.attempts for event in (await ours.states())["delivered"]} == {1}
        assert ours.view(known).credential is CredentialState.PRESENT
        stored = await ours.vault.get(known.ref)
        assert stored is not None
        assert stored.get_secret_value() == valid


async def test_401_for_days_registers_ever_more_slowly_and_loses_nothing() -> None:
    def script(seen: Seen) -> Action:
        return token("useless") if seen.path == REGISTER_PATH else answer(401)

    async with world() as ours, scripted(script) as remote:
        known = await ours.destination(remote, token=None)
        await ours.hand_off(known, LOG, *logs("a", "b"))
        await eventually(lambda: ours.view(known).credential is CredentialState.HELD)
        await ours.settled(held=2)
        ours.dispatcher.nudge()
        state, error = await ours.dispatcher.await_credential(known.id, 0.2)
        assert (state, error) == (CredentialState.HELD, "HTTP 401 Unauthorized")
        assert len(remote.registrations) == 1
        assert len(remote.events) <= 2
        assert ours.view(known).held_reason is LaneHold.CREDENTIAL
        assert ours.dropped == []


async def test_a_token_that_only_an_app_can_renew_is_waited_for_and_then_everything_arrives() -> None:
    def script(seen: Seen) -> Action:
        return answer() if seen.values("authorization") == ["Bearer fresh"] else answer(401)

    async with world() as ours, scripted(script) as remote:
        known = await ours.destination(remote, kind=IdentityKind.TOKEN, identity="finger", token="stale")
        await ours.hand_off(known, LOG, *logs("a", "b"))
        await ours.settled(held=2)
        await ours.restart()
        await ours.hand_off(known, LOG, *logs("c"))
        await eventually(lambda: ours.view(known).credential is CredentialState.HELD)
        tries = len(remote.seen)
        await ours.dispatcher.adopt(known.id, SecretStr(" fresh\n"))
        await ours.settled(delivered=3)
        assert remote.registrations == []
        assert len(remote.seen) == tries + 3


async def test_a_first_launch_off_line_registers_in_the_background_later() -> None:
    up = False

    def script(seen: Seen) -> Action:
        if not up:
            return reset()
        return token("t1") if seen.path == REGISTER_PATH else answer()

    async with world() as ours, scripted(script) as remote:
        known = await ours.destination(remote, token=None)
        await ours.hand_off(known, LOG, *logs("a"))
        await eventually(lambda: ours.view(known).last_error)
        assert ours.view(known).credential is CredentialState.PENDING
        assert remote.events == []
        up = True
        state, error = await ours.dispatcher.await_credential(known.id, 5.0)
        assert (state, error) == (CredentialState.PRESENT, None)
        await ours.settled(delivered=1)


async def test_a_service_that_refuses_an_install_says_so_to_who_waits() -> None:
    async with world() as ours, scripted(lambda _: answer(401)) as remote:
        known = await ours.destination(remote, token=None)
        state, error = await ours.dispatcher.await_credential(known.id, 5.0)
        assert state is CredentialState.HELD
        assert error == "registration refused: HTTP 401 Unauthorized"


async def test_a_credential_never_goes_to_another_origin() -> None:
    async with world() as ours, scripted() as remote, scripted(lambda _: answer(401)) as other:
        mine = await ours.destination(remote, token="canary-1")
        elsewhere = await ours.destination(other, token=None)
        await ours.hand_off(mine, LOG, *logs("a"))
        await ours.hand_off(elsewhere, LOG, *logs("b"))
        await ours.settled(delivered=1)
        await eventually(lambda: other.seen)
        assert not any("canary" in value for seen in other.seen for _, value in seen.headers)


async def test_a_stuck_service_holds_up_only_itself() -> None:
    async with world() as ours, scripted(lambda _: hang()) as stuck, scripted() as fine:
        first = await ours.destination(stuck, identity="a")
        second = await ours.destination(fine, identity="b")
        await ours.hand_off(first, LOG, *logs(*map(str, range(50))))
        await ours.hand_off(second, LOG, *logs(*map(str, range(50))))
        await ours.settled(delivered=50, leased=int(policy.WINDOW_FIRST))


async def test_pausing_stops_new_sends_also_after_a_restart() -> None:
    async with world() as ours, scripted() as remote:
        known = await ours.destination(remote)
        await ours.dispatcher.pause()
        await ours.hand_off(known, LOG, *logs("a"))
        assert ours.view(known).held_reason is LaneHold.PAUSED
        await ours.restart()
        ours.dispatcher.nudge()
        await ours.hand_off(known, LOG, *logs("b"))
        assert ours.view(known).paused
        await ours.dispatcher.await_credential(known.id, 5.0)
        assert remote.seen == []
        await ours.dispatcher.resume()
        await ours.settled(delivered=2)


async def test_a_silenced_service_is_sent_nothing_not_even_when_it_is_resumed() -> None:
    async with world() as ours, scripted() as remote:
        known = await ours.destination(remote)
        ours.dispatcher.silence("openswarm", True)
        await ours.hand_off(known, LOG, *logs("a"))
        await ours.dispatcher.resume("openswarm")
        late = await ours.destination(remote, identity="late")
        await ours.hand_off(late, LOG, *logs("b"))
        assert ours.view(known).paused
        assert ours.view(late).paused
        ours.dispatcher.silence("openswarm", False)
        await ours.settled(delivered=2)


async def test_stopping_settles_nothing_and_keeps_what_was_answered() -> None:
    gate = asyncio.Event()

    def script(seen: Seen) -> Action:
        return answer() if seen.json["tag"] == "quick" else hold(gate, answer())

    async with world() as ours, scripted(script) as remote:
        known = await ours.destination(remote)
        await ours.hand_off(known, LOG, *logs("quick", "slow", "slower"))
        await eventually(lambda: len(remote.seen) == 3)
        await ours.dispatcher.stop()
        gate.set()
        found = await ours.ledger()
        assert found["queued"] == 3 - found.get("delivered", 0)
        assert "leased" not in found
        await ours.restart()
        await ours.settled(delivered=3)
        assert {event.attempts for event in (await ours.states())["delivered"]} == {1}


async def test_opting_out_cancels_what_is_under_way_and_sends_the_rest() -> None:
    gate = asyncio.Event()

    def script(seen: Seen) -> Action:
        return hold(gate, answer()) if "step_id" in seen.json else answer()

    async with world() as ours, scripted(script) as remote:
        known = await ours.destination(remote)
        steps = [{"step_id": str(n), "status": "started"} for n in range(20)]
        await ours.hand_off(known, ONBOARDING, *steps)
        await eventually(lambda: remote.open_requests == int(policy.WINDOW_FIRST))
        await ours.outbox.set_consent("openswarm", ConsentMode.MINIMAL)
        await ours.dispatcher.cancel_muted("openswarm")
        gate.set()
        await ours.hand_off(known, LOG, *logs("a"))
        await ours.settled(withdrawn=20, delivered=1)
        assert len([seen for seen in remote.seen if "step_id" in seen.json]) == int(policy.WINDOW_FIRST)


async def test_a_disk_that_refuses_for_a_moment_loses_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy, "LANE_RESTART_S", 0.01)
    async with world() as ours, scripted() as remote:
        known = await ours.destination(remote)
        settle, failures = ours.outbox.settle, itertools.count()

        async def failing(settlements: Any) -> Any:
            if next(failures) < 3:
                raise OutboxUnavailable("the disk is full", "make room")
            return await settle(settlements)

        monkeypatch.setattr(ours.outbox, "settle", failing)
        await ours.hand_off(known, LOG, *logs("a"))
        await ours.settled(delivered=1)
        assert len(remote.seen) == 1


async def test_a_stumble_of_our_own_puts_the_event_off_and_never_strikes_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def stumbling(reply: Any, route: Any, *, now: float) -> Any:
        if route.key == LOG:
            raise RuntimeError("a bug")
        return classify(reply, route, now=now)

    monkeypatch.setattr("swarm_analyticsd.delivery.carry.classify", stumbling)
    async with world() as ours, scripted() as remote:
        known = await ours.destination(remote)
        await ours.hand_off(known, LOG, *logs("a"))
        await ours.hand_off(known, TITLE, *titles("a", "x"))
        await ours.settled(delivered=1, queued=1)
        [event] = (await ours.states())["queued"]
        assert event.last_error == "internal: RuntimeError"
        assert event.due_at is not None
        assert event.due_at > SystemClock().now() + policy.FAULTY_ROW_PAUSE_S - 60
        assert "a bug" in caplog.text


async def test_a_batch_is_bisected_until_only_the_guilty_are_dead() -> None:
    def script(seen: Seen) -> Action:
        return answer(413 if b"666" in seen.body else 200)

    async with world(known_contracts={"toy": TOY}) as ours, scripted(script) as remote:
        known = await ours.destination(remote, service="toy", kind=IdentityKind.TOKEN)
        await ours.hand_off(known, BATCHED.key, *({"value": value} for value in (1, 2, 666, 4, 5, 6)))
        await ours.settled(delivered=5, dead=1)
        paths = [seen.path for seen in remote.seen]
        assert paths.count("/v1/batch") >= 2
        assert [seen.json for seen in remote.seen if seen.path == "/v1/toy/batched"].count(
            {"value": 666}
        ) == 1
        assert {seen.values("x-api-key")[0] for seen in remote.seen} == {"t0"}


async def test_a_batch_that_is_not_full_leaves_when_it_has_waited() -> None:
    async with world(known_contracts={"toy": TOY}) as ours, scripted() as remote:
        known = await ours.destination(remote, service="toy", kind=IdentityKind.TOKEN)
        await ours.hand_off(known, BATCHED.key, {"value": 1})
        await ours.hand_off(known, BATCHED.key, {"value": 2})
        await ours.settled(delivered=2)
        assert json.loads(remote.seen[0].body) in ({"items": [{"value": 1}, {"value": 2}]}, {"value": 1})


async def test_what_may_have_arrived_is_set_aside_where_a_second_time_would_count_twice() -> None:
    replies = iter([reset()])
    async with (
        world(known_contracts={"toy": TOY}) as ours,
        scripted(lambda _: next(replies, answer())) as remote,
    ):
        known = await ours.destination(remote, service="toy", kind=IdentityKind.TOKEN)
        await ours.hand_off(known, SET_ASIDE.key, {"value": 1})
        await ours.settled(dead=1)
        await ours.hand_off(known, SET_ASIDE.key, {"value": 2})
        await ours.settled(dead=1, delivered=1)
        assert [seen.json["value"] for seen in remote.seen] == [1, 2]


async def test_an_idle_lane_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async with world() as ours, scripted() as remote:
        idle = await ours.destination(remote, identity="idle")
        await ours.hand_off(idle, LOG, *logs("a"))
        await ours.settled(delivered=1)
        await eventually(lambda: ours.view(idle).in_flight == 0)
        await somebody_else_is_served(ours)
        claim, claimed = ours.outbox.claim, []

        async def counted(destination_id: int, **wish: Any) -> Claim:
            claimed.append(destination_id)
            return await claim(destination_id, **wish)

        monkeypatch.setattr(ours.outbox, "claim", counted)
        await somebody_else_is_served(ours)
        assert claimed
        assert idle.id not in claimed


async def naps(clock: FakeClock) -> None:
    """Let the lane look at the clock a few times."""
    enough = clock.reads + 20
    await eventually(lambda: clock.reads >= enough)


async def test_a_wait_that_ends_while_the_disk_is_slow_is_not_slept_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = FakeClock(now=SystemClock().now())
    replies = iter([answer(503)])
    async with (
        world(clock=clock, chance=Chosen(1.0)) as ours,
        scripted(lambda _: next(replies, answer())) as remote,
    ):
        settle = ours.outbox.settle

        async def slowly(settlements: Sequence[Settlement]) -> Settled:
            settled = await settle(settlements)
            clock.advance(policy.BACKOFF_FIRST_S)
            return settled

        monkeypatch.setattr(ours.outbox, "settle", slowly)
        known = await ours.destination(remote)
        await ours.hand_off(known, LOG, *logs("a"))
        await ours.settled(delivered=1)


async def test_a_laptop_that_slept_is_back_within_a_nap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy, "LONGEST_NAP_S", 0.02)
    clock = FakeClock(now=SystemClock().now())
    replies = iter([answer(429, Retry_After="7200")])
    async with world(clock=clock) as ours, scripted(lambda _: next(replies, answer())) as remote:
        known = await ours.destination(remote)
        await ours.hand_off(known, LOG, *logs("a"))
        await eventually(lambda: ours.view(known).held_reason is LaneHold.RETRY_AFTER)
        clock.advance(7199)
        await naps(clock)
        assert len(remote.seen) == 1
        clock.advance(1)
        await ours.settled(delivered=1)


@pytest.mark.parametrize("jump", [-20 * 365 * 86_400.0, 20 * 365 * 86_400.0])
async def test_a_wall_clock_that_jumps_years_neither_shortens_nor_stretches_a_wait(
    jump: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy, "LONGEST_NAP_S", 0.02)
    clock = FakeClock(now=SystemClock().now())
    replies = iter([answer(503, Retry_After="60")])
    async with world(clock=clock) as ours, scripted(lambda _: next(replies, answer())) as remote:
        known = await ours.destination(remote)
        await ours.hand_off(known, LOG, *logs("a"))
        await eventually(lambda: ours.view(known).held_reason is LaneHold.RETRY_AFTER)
        clock.unix += jump
        await naps(clock)
        assert len(remote.seen) == 1
        clock.mono += 60
        await ours.settled(delivered=1)
