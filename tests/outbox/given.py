"""What outbox tests start from: a clock they move, events, and rows in each state."""

import dataclasses
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection

from swarm_analytics_models.categories import CATEGORY_POLICIES, Category, ConsentMode
from swarm_analytics_models.home import Home
from swarm_analytics_models.identifiers import Destination, IdentityKind, uuid7
from swarm_analyticsd.outbox.context import Limits, Space
from swarm_analyticsd.outbox.lifecycle import DeadReason, HeldReason, State
from swarm_analyticsd.outbox.operate import Chosen
from swarm_analyticsd.outbox.rows import (
    Acknowledge,
    Admission,
    Admitted,
    Claim,
    Claimed,
    Hold,
    NewEvent,
    Postpone,
    Reject,
    Settlement,
    Verdict,
)
from swarm_analyticsd.outbox.store import Outbox

HERE: Final = Destination("openswarm", "https://a.example", IdentityKind.INSTALL, "one")
THERE: Final = Destination("openswarm", "https://b.example", IdentityKind.INSTALL, "two")
ELSEWHERE: Final = Destination("segops", "https://c.example", IdentityKind.INSTALL, "one")
START: Final = 1_800_000_000.0
DAY: Final = 86_400.0
PLENTY: Final = Space(free=1 << 40, total=1 << 41)


class FakeClock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.wall = START
        self.up = 1_000.0

    def now(self) -> float:
        return self.wall

    def monotonic(self) -> float:
        return self.up

    def pass_(self, seconds: float) -> None:
        self.wall += seconds
        self.up += seconds


class RealTime:
    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()


def an_event(**changes: Any) -> NewEvent:
    """A product event for `HERE`; `category` decides the rest."""
    category = Category(changes.pop("category", Category.PRODUCT))
    policy = CATEGORY_POLICIES[category]
    plain = NewEvent(
        offset=0,
        service="openswarm",
        destination=HERE.ref,
        route="events.agent.message",
        category=category.value,
        priority=int(policy.priority),
        muted_without_consent=policy.muted,
        evictable=policy.evictable,
        ordering_key=None,
        key=uuid7(),
        body=b'{"content":"hello"}',
        client="app",
    )
    return dataclasses.replace(plain, **changes)


def some_events(count: int, **changes: Any) -> tuple[NewEvent, ...]:
    return tuple(an_event(**changes) for _ in range(count))


async def open_outbox(root: Path, clock: Any = None, **options: Any) -> Outbox:
    root.mkdir(mode=0o700, exist_ok=True)
    options.setdefault("durability", "durable")
    options.setdefault("space", lambda: PLENTY)
    if "max_bytes" in options:
        options["limits"] = Limits(max_bytes=options.pop("max_bytes"))
    return await Outbox.open(Home(root), clock=clock or FakeClock(), **options)


async def admit(outbox: Outbox, *events: NewEvent, **more: Any) -> Admitted:
    return await outbox.admit(Admission(events=events, destinations=(HERE,), **more))


async def claim(outbox: Outbox, limit: int = 100, **more: Any) -> Claim:
    now = outbox._context.clock.now()
    more = {"destination_id": 1, "max_bytes": 1 << 30, **more}
    return await outbox.claim(limit=limit, now=now, **more)


async def settle(outbox: Outbox, rows: Sequence[Claimed], verdict: Verdict) -> int:
    return (await outbox.settle([Settlement(row.seq, row.lease, verdict) for row in rows])).applied


DELIVERED: Final = Acknowledge(200)
FAULTY: Final = Reject(DeadReason.REJECTED, "no such field", 422)
NO_CREDENTIAL: Final = Hold(HeldReason.CREDENTIAL, "401")


def later(outbox: Outbox, seconds: float = 60.0, *, strike: bool = False) -> Postpone:
    return Postpone(outbox._context.clock.now() + seconds, "timed out", strike)


async def bring(outbox: Outbox, state: State, **changes: Any) -> NewEvent:
    """An event of `HERE` in `state`, and nothing else claimable on the way."""
    event = an_event(**changes)
    await admit(outbox, event)
    clock = outbox._context.clock
    match state:
        case State.QUEUED:
            return event
        case State.LEASED:
            await claim(outbox)
        case State.HELD:
            await settle(outbox, (await claim(outbox)).rows, NO_CREDENTIAL)
        case State.DELIVERED:
            await settle(outbox, (await claim(outbox)).rows, DELIVERED)
        case State.DEAD:
            await settle(outbox, (await claim(outbox)).rows, FAULTY)
        case State.EXPIRED:
            assert isinstance(clock, FakeClock)
            clock.pass_(31 * DAY)
            await outbox.expire()
        case State.EVICTED:
            await settle(outbox, (await claim(outbox)).rows, FAULTY)
            await outbox.drop_dead(Chosen(keys=(event.key,)))
        case State.WITHDRAWN:
            await outbox.set_consent("openswarm", ConsentMode.MINIMAL)
            await outbox.set_consent("openswarm", ConsentMode.FULL)
    assert await state_of(outbox, event) is state
    return event


async def state_of(outbox: Outbox, event: NewEvent) -> State:
    (found,) = await outbox.find(event.key)
    return State(found.state)


async def states(outbox: Outbox) -> dict[State, int]:
    ledger = (await outbox.tallies()).ledger
    return {state: count for state in State if (count := getattr(ledger, state.value))}


async def sql(outbox: Outbox, statement: str, *parameters: Any) -> list[Any]:
    """Run a statement on the writer's connection, in a commit."""

    def run(connection: Connection) -> list[Any]:
        result = connection.exec_driver_sql(statement, parameters)
        return [tuple(row) for row in result] if result.returns_rows else []

    return await outbox._write(run)
