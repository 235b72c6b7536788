"""What a person is told: counts, listings, one event's story; in time, whatever there is."""

from typing import Final

import pytest
from sqlalchemy import Connection

from swarm_analytics_models.status import CredentialState
from swarm_analyticsd.outbox.database import risky_sqlite
from swarm_analyticsd.outbox.errors import ReportTimeout
from swarm_analyticsd.outbox.explain import Facts, explain
from swarm_analyticsd.outbox.ledger import footprint
from swarm_analyticsd.outbox.lifecycle import DeadReason, HeldReason, State
from swarm_analyticsd.outbox.rows import Admission, Hold, Reject
from swarm_analyticsd.outbox.store import Outbox
from tests.outbox.given import (
    DELIVERED,
    ELSEWHERE,
    FAULTY,
    HERE,
    NO_CREDENTIAL,
    START,
    THERE,
    FakeClock,
    admit,
    an_event,
    bring,
    claim,
    later,
    settle,
    some_events,
    sql,
)

pytestmark = pytest.mark.anyio


async def test_tallies_of_each_destination_and_their_sum(outbox: Outbox, clock: FakeClock) -> None:
    await bring(outbox, State.DEAD)
    clock.pass_(5)
    await bring(outbox, State.DELIVERED)
    await bring(outbox, State.HELD)
    elsewhere = an_event(service="segops", destination=ELSEWHERE.ref)
    await outbox.admit(Admission(events=(elsewhere,), destinations=(HERE, THERE, ELSEWHERE), refused=2))
    tallies = await outbox.tallies()
    here, there, segops = tallies.destinations
    assert here.destination is not None
    assert here.destination.destination == HERE
    assert {state: count for state, count in here.counts.items() if count} == {
        State.DEAD: 1,
        State.DELIVERED: 1,
        State.HELD: 1,
    }
    assert (here.accepted, here.held_reasons) == (3, (HeldReason.CREDENTIAL,))
    assert (here.last_delivered_at, here.last_error) == (START + 5, "401")
    assert (there.accepted, there.held_reasons, there.oldest_queued_at) == (0, (), None)
    assert (segops.service, segops.oldest_queued_at) == ("segops", START + 5)
    ledger = tallies.ledger
    assert (ledger.accepted, ledger.queued, ledger.held, ledger.dead) == (4, 1, 1, 1)
    assert (ledger.delivered, ledger.refused, ledger.balanced) == (1, 2, True)
    assert tallies.live_bytes == 3 * footprint(19)
    assert (await outbox.size()).live == tallies.live_bytes


async def test_a_ledger_that_is_wrong_is_found_out(outbox: Outbox) -> None:
    await admit(outbox, *some_events(3))
    for wrong in ("queued = queued + 1", "accepted = accepted + 1", "bytes = bytes + 1"):
        await sql(outbox, f"UPDATE ledger SET {wrong}")
        assert not (await outbox.tallies()).ledger.balanced
        await sql(outbox, f"UPDATE ledger SET {wrong.replace('+', '-')}")
    await sql(outbox, "DELETE FROM bodies WHERE seq = 1")
    assert not await outbox.verify()
    await sql(outbox, "INSERT INTO bodies VALUES (1, x'00')")
    assert await outbox.verify()


async def oldest_queued(outbox: Outbox) -> float | None:
    """As the tally of the one destination has it."""
    (tally,) = (await outbox.tallies()).destinations
    return tally.oldest_queued_at


async def test_the_oldest_queued_event_is_found_among_retries_too(outbox: Outbox, clock: FakeClock) -> None:
    await admit(outbox, an_event())
    clock.pass_(10)
    await admit(outbox, an_event(category="diagnostic"))
    (first, second) = (await claim(outbox)).rows
    await settle(outbox, [first], later(outbox, 600))
    assert await oldest_queued(outbox) == START
    await settle(outbox, [second], DELIVERED)
    clock.pass_(600)
    await settle(outbox, (await claim(outbox)).rows, DELIVERED)
    assert await oldest_queued(outbox) is None


async def test_pending_of_a_client_and_of_all(outbox: Outbox) -> None:
    await admit(outbox, *some_events(2, client="one"), *some_events(3, client="two"), an_event(client=None))
    assert [await outbox.pending(client) for client in ("one", "two", "three", None)] == [2, 3, 0, 6]
    await settle(outbox, (await claim(outbox, limit=1)).rows, NO_CREDENTIAL)
    assert await outbox.pending("one") == 2
    for verdict in (DELIVERED, FAULTY):
        await settle(outbox, (await claim(outbox, limit=1)).rows, verdict)
    assert [await outbox.pending(client) for client in ("one", "two", None)] == [1, 2, 4]
    await settle(outbox, (await claim(outbox)).rows, DELIVERED)
    await outbox.free(reason=HeldReason.CREDENTIAL)
    await settle(outbox, (await claim(outbox)).rows, DELIVERED)
    assert await sql(outbox, "SELECT * FROM clients") == []


async def test_listings_are_newest_first_and_show_no_body(outbox: Outbox) -> None:
    dead, held = await bring(outbox, State.DEAD), await bring(outbox, State.HELD)
    await admit(outbox, queued := an_event())
    elsewhere = an_event(service="segops", destination=ELSEWHERE.ref)
    await outbox.admit(Admission(events=(elsewhere,), destinations=(ELSEWHERE,)))
    listed = [event.id for event in await outbox.events()]
    assert listed == [event.key for event in (elsewhere, queued, held, dead)]
    assert [event.id for event in await outbox.events(state=State.DEAD)] == [dead.key]
    assert [event.id for event in await outbox.events(state=State.HELD)] == [held.key]
    assert [event.id for event in await outbox.events(service="segops")] == [elsewhere.key]
    assert len(await outbox.events(state=State.QUEUED, limit=1)) == 1
    (summary,) = await outbox.events(state=State.DEAD)
    assert (summary.outcome, summary.last_error, summary.attempts) == ("rejected", "no such field", 1)
    assert "body" not in summary.model_dump()


async def test_one_events_story(outbox: Outbox, clock: FakeClock) -> None:
    await admit(outbox, event := an_event(ordering_key="agent:1"))
    (plain,) = await outbox.find(event.key)
    assert (plain.body, plain.due_at, plain.ordering_key) == (None, None, "agent:1")
    (full,) = await outbox.find(event.key, body=True)
    assert full.body == {"content": "hello"}
    await settle(outbox, (await claim(outbox)).rows, later(outbox, 90))
    (waiting,) = await outbox.find(event.key)
    assert waiting.due_at == clock.now() + 90
    assert "90 s" in waiting.explanation
    assert "timed out" in waiting.explanation
    clock.pass_(90)
    await settle(outbox, (await claim(outbox)).rows, DELIVERED)
    (ended,) = await outbox.find(event.key, body=True)
    assert (ended.body, ended.attempts, ended.outcome, ended.ordering_key) == (None, 2, "delivered", None)
    assert ended.settled_at == clock.now()
    assert await outbox.find("nobody") == ()


async def test_a_shut_credential_is_explained(outbox: Outbox) -> None:
    event = await bring(outbox, State.HELD)
    await outbox.set_credential(1, CredentialState.HELD, "the token was revoked")
    (known,) = await outbox.destinations()
    assert (known.credential, known.credential_error) == (CredentialState.HELD, "the token was revoked")
    (found,) = await outbox.find(event.key)
    assert "revoked" in found.explanation


async def test_a_pause_and_a_registration_under_way_are_explained(outbox: Outbox) -> None:
    await admit(outbox, event := an_event())
    await outbox.set_credential(1, CredentialState.PENDING)
    (found,) = await outbox.find(event.key)
    assert found.explanation == "Waits for a credential, which the daemon is about to get."
    await outbox.set_paused("openswarm", paused=True)
    (found,) = await outbox.find(event.key)
    assert found.explanation == "Waits because its service is paused; `resume` sends it."


async def test_a_back_off_is_kept_and_explained(outbox: Outbox, clock: FakeClock) -> None:
    await admit(outbox, event := an_event())
    await outbox.set_backoff(1, clock.now() + 40, 3, "failures: status 503")
    (known,) = await outbox.destinations()
    assert (known.backoff_until, known.backoff_failures) == (clock.now() + 40, 3)
    (found,) = await outbox.find(event.key)
    assert "40 s (status 503)" in found.explanation


NOTHING: Final = Facts(
    state=State.QUEUED,
    reason=None,
    due_at=0.0,
    behind=None,
    last_error=None,
    last_status=None,
    attempts=0,
    backoff_until=None,
    backoff_reason=None,
    credential_pending=False,
    credential_error=None,
    paused=False,
)


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        *((State.HELD, reason.value) for reason in HeldReason),
        *((State.DEAD, reason.value) for reason in DeadReason),
        *((state, None) for state in State if state not in (State.HELD, State.DEAD, State.EVICTED)),
        (State.EVICTED, "size"),
        (State.EVICTED, "operator"),
    ],
)
def test_every_state_and_reason_has_its_own_sentence(state: State, reason: str | None) -> None:
    import dataclasses

    told = explain(dataclasses.replace(NOTHING, state=state, reason=reason, last_error="so"), START)
    assert told.endswith((".", "so"))
    assert len(told) > 15


def test_a_queued_event_without_a_credential_says_what_it_waits_for() -> None:
    import dataclasses

    told = explain(dataclasses.replace(NOTHING, credential_error="registration failed: HTTP 503"), START)
    assert told == "Waits for a credential: registration failed: HTTP 503."


@pytest.mark.parametrize("reason", HeldReason)
async def test_every_held_reason_can_be_held_freed_and_explained(quick: Outbox, reason: HeldReason) -> None:
    await admit(quick, event := an_event())
    await settle(quick, (await claim(quick)).rows, Hold(reason, "because"))
    (found,) = await quick.find(event.key)
    assert (found.held_reason, (await quick.tallies()).destinations[0].held_reasons) == (reason, (reason,))
    assert await quick.free(reason=reason) == 1


@pytest.mark.parametrize("reason", DeadReason)
async def test_every_dead_reason_is_kept(quick: Outbox, reason: DeadReason) -> None:
    await admit(quick, event := an_event())
    await settle(quick, (await claim(quick)).rows, Reject(reason, "because", None))
    (found,) = await quick.find(event.key)
    assert found.outcome == reason


async def test_a_report_that_takes_too_long_is_ended(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("swarm_analyticsd.policy.REPORT_LIMIT_S", 0.05)

    def endless(connection: Connection) -> None:
        counting = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
        connection.exec_driver_sql(counting).all()

    with pytest.raises(ReportTimeout) as caught:
        await outbox._report(endless)
    assert caught.value.hint
    assert (await outbox.tallies()).ledger.balanced


async def test_reports_cannot_write(outbox: Outbox) -> None:
    def write(connection: Connection) -> None:
        connection.exec_driver_sql("DELETE FROM journals")

    with pytest.raises(Exception, match="readonly"):
        await outbox._report(write)


@pytest.mark.parametrize(
    ("version", "risky"),
    [((3, 6, 23), False), ((3, 7, 0), True), ((3, 40, 1), True), ((3, 51, 2), True), ((3, 51, 3), False)],
)
def test_the_versions_to_warn_of(version: tuple[int, int, int], risky: bool) -> None:
    assert risky_sqlite(version) is risky


async def test_an_old_sqlite_is_told_of(outbox: Outbox) -> None:
    told = [warning for warning in outbox.warnings if "SQLite" in warning]
    assert len(told) == int(risky_sqlite())
