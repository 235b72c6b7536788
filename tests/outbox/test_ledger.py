"""Whatever is done to the outbox, in whatever order: nothing disappears uncounted, and no turn is lost."""

import asyncio
import random
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from swarm_analytics_models.categories import ConsentMode
from swarm_analyticsd.outbox.lifecycle import LIVE, HeldReason, State
from swarm_analyticsd.outbox.operate import Chosen
from swarm_analyticsd.outbox.rows import Admission, Claimed, NewEvent, Release, Verdict
from swarm_analyticsd.outbox.store import Outbox
from tests.outbox.given import (
    DAY,
    DELIVERED,
    FAULTY,
    HERE,
    NO_CREDENTIAL,
    THERE,
    FakeClock,
    an_event,
    claim,
    later,
    open_outbox,
    settle,
    sql,
)

T = TypeVar("T")
ROUTES = ("events.agent.message", "logs.write")
KEYS = st.sampled_from([None, "agent:1", "agent:2"])
CATEGORIES = st.sampled_from(["product", "diagnostic", "identity", "consent"])


class Life(RuleBasedStateMachine):
    """Drives a real outbox in memory, and keeps the list of what was accepted beside it."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.clock = FakeClock()
        self.accepted: dict[str, NewEvent] = {}
        self.leased: list[Claimed] = []

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    @initialize(tmp=st.just(None))
    def start(self, tmp: None) -> None:
        self.outbox: Outbox = self.do(_in_memory(self.clock))

    def teardown(self) -> None:
        if hasattr(self, "outbox"):
            self.do(self.outbox.close())
        self.loop.close()

    @rule(
        key=KEYS,
        category=CATEGORIES,
        named=st.booleans(),
        declared=st.sampled_from([(), (HERE,), (THERE,)]),
        route=st.sampled_from(ROUTES),
        count=st.integers(1, 3),
    )
    def accept(
        self, key: str | None, category: str, named: bool, declared: Any, route: str, count: int
    ) -> None:
        ref = HERE.ref if named else None
        events = tuple(
            an_event(ordering_key=key, category=category, destination=ref, route=route) for _ in range(count)
        )
        admitted = self.do(self.outbox.admit(Admission(events=events, destinations=declared)))
        refused = {refusal.event.key for refusal in admitted.refused}
        assert admitted.accepted + len(refused) == count
        self.accepted |= {event.key: event for event in events if event.key not in refused}

    @rule(chance=st.randoms(use_true_random=False))
    def repeat(self, chance: random.Random) -> None:
        if self.accepted:
            event = chance.choice(list(self.accepted.values()))
            admitted = self.do(self.outbox.admit(Admission(events=(event,))))
            assert admitted.accepted == 0

    @rule(
        limit=st.integers(1, 5),
        destination=st.integers(1, 3),
        shut=st.sampled_from([frozenset(), frozenset(ROUTES[:1])]),
    )
    def take(self, limit: int, destination: int, shut: frozenset[str]) -> None:
        claimed = self.do(claim(self.outbox, limit, destination_id=destination, shut_routes=shut))
        in_order = [row.ordering_key for row in claimed.rows if row.ordering_key is not None]
        assert len(in_order) == len(set(in_order))
        assert not {row.seq for row in claimed.rows} & {row.seq for row in self.leased}
        self.leased += claimed.rows

    @rule(
        verdict=st.sampled_from(["delivered", "faulty", "later", "held", "release"]), most=st.integers(1, 4)
    )
    def answer(self, verdict: str, most: int) -> None:
        rows, self.leased = self.leased[:most], self.leased[most:]
        verdicts: dict[str, Verdict] = {
            "delivered": DELIVERED,
            "faulty": FAULTY,
            "later": later(self.outbox, 30),
            "held": NO_CREDENTIAL,
            "release": Release(),
        }
        applied = self.do(settle(self.outbox, rows, verdicts[verdict]))
        assert applied <= len(rows)
        assert self.do(settle(self.outbox, rows, DELIVERED)) == 0

    @rule(reason=st.sampled_from([HeldReason.CREDENTIAL, HeldReason.ROUTE]), limit=st.sampled_from([None, 1]))
    def free(self, reason: HeldReason, limit: int | None) -> None:
        self.do(self.outbox.free(reason=reason, limit=limit))

    @rule(mode=st.sampled_from(ConsentMode))
    def decide(self, mode: ConsentMode) -> None:
        self.do(self.outbox.set_consent("openswarm", mode))
        if mode is ConsentMode.MINIMAL:
            self.leased = [row for row in self.leased if row.category != "product"]

    @rule(drop=st.booleans())
    def tend_the_dead(self, drop: bool) -> None:
        self.do(self.outbox.drop_dead(Chosen()) if drop else self.outbox.redrive(Chosen()))

    @rule(days=st.sampled_from([0.001, 1.0, 31.0]))
    def age(self, days: float) -> None:
        self.clock.pass_(days * DAY)
        self.do(self.outbox.expire())

    @rule(cap=st.sampled_from([1_500, 1 << 28]))
    def fill(self, cap: int) -> None:
        object.__setattr__(self.outbox._context.limits, "max_bytes", cap)
        self.do(self.outbox.evict())

    @invariant()
    def nothing_is_uncounted(self) -> None:
        if not hasattr(self, "outbox"):
            return
        tallies = self.do(self.outbox.tallies())
        assert tallies.ledger.balanced
        assert tallies.ledger.accepted == len(self.accepted)
        found = dict(self.do(sql(self.outbox, "SELECT state, count(*) FROM events GROUP BY state")))
        assert found == {
            state.value: count for state in State if (count := getattr(tallies.ledger, state.value))
        }
        live = sum(found.get(state.value, 0) for state in LIVE)
        assert self.do(self.outbox.pending("app")) == self.do(self.outbox.pending()) == live

    @invariant()
    def every_line_has_one_head_and_it_is_the_first(self) -> None:
        if not hasattr(self, "outbox"):
            return
        lines = """SELECT destination, ordering_key, min(seq), min(CASE head WHEN 1 THEN seq END), sum(head)
        FROM events WHERE state IN ('queued', 'leased', 'held') AND ordering_key IS NOT NULL
        GROUP BY destination, ordering_key"""
        for _, _, first, head, heads in self.do(sql(self.outbox, lines)):
            assert (head, heads) == (first, 1)
        waiting = "state IN ('queued', 'held') AND ordering_key IS NULL AND head = 0"
        assert self.do(sql(self.outbox, f"SELECT count(*) FROM events WHERE {waiting}")) == [(0,)]


async def _in_memory(clock: FakeClock) -> Outbox:
    return await open_outbox(Path("/tmp"), clock, durability="memory")


TestLife = Life.TestCase
TestLife.settings = settings(
    max_examples=15,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
