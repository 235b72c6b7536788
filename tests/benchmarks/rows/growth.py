"""What a long queue costs: events that wait for a paused service, by how many there are."""

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from swarm_analytics_models.categories import CATEGORY_POLICIES, Category
from swarm_analytics_models.home import Home
from swarm_analytics_models.identifiers import Destination, IdentityKind, uuid7
from swarm_analyticsd.clock import SystemClock
from swarm_analyticsd.homedir import prepare_home, take_home
from swarm_analyticsd.outbox.context import Limits
from swarm_analyticsd.outbox.rows import Admission, NewEvent, Release, Settlement
from swarm_analyticsd.outbox.store import Outbox
from tests.benchmarks.apps import ask
from tests.benchmarks.bench import Bench
from tests.benchmarks.measure import Sample, in_turn, percentile, usage
from tests.benchmarks.table import Figure, Limit, Target

SERVICE: Final = "openswarm"
NOWHERE: Final = "http://127.0.0.1:9"
MOST_BYTES: Final = 4 * 1024**3
"""The size cap in this row: a million events are above the one that is set by default."""

GROUP: Final = 2_000
CLAIMED: Final = 500
PER_SECOND: Final = 500
LOOKS: Final = 30
ADDED_MIB: Final = 10.0
TIMES: Final = 1.2
FLAT_TIMES: Final = 1.2


@dataclass(frozen=True, slots=True)
class Grown:
    """One round with a home."""

    ready_ms: float
    emit_ms: float
    receipt_ms: float
    status_ms: float
    resident_mib: float
    claim_ms: float


class Growth:
    name = "growth"
    title = "With events queued (the service is paused)"

    def run(self, bench: Bench) -> list[Figure]:
        most = bench.pick(1_000_000, 100_000)
        full, empty, some = f"{most:,} queued", "none queued", "10,000 queued"
        sizes = {empty: 0, some: 10_000, full: most}
        with ExitStack() as stack:
            homes = {name: stack.enter_context(filled(bench, size)) for name, size in sizes.items()}
            parties = {name: lambda home=home: grown(bench, home) for name, home in homes.items()}
            found = in_turn(bench.rounds, parties)

        def sample(name: str, of: str) -> Sample:
            return Sample(tuple(float(getattr(each, of)) for each in found[name]))

        def compared(title: str, of: str, unit: str, times: float) -> Figure:
            peers = {name: sample(name, of) for name in (empty, some)}
            return Figure(f"{title}, {full}", unit, sample(full, of), peers, Target("at_most", times, empty))

        added = [
            much.resident_mib - none.resident_mib
            for much, none in zip(found[full], found[empty], strict=True)
        ]
        return [
            compared("hand-off: the median call", "emit_ms", "ms", TIMES),
            compared("hand-off: the median receipt", "receipt_ms", "ms", TIMES),
            compared("`status`: the median answer", "status_ms", "ms", TIMES),
            compared(f"claiming {CLAIMED} events, median", "claim_ms", "ms", FLAT_TIMES),
            compared("start until ready", "ready_ms", "ms", TIMES),
            Figure(
                f"resident memory added by {full}",
                "MiB",
                Sample(tuple(added)),
                target=Limit("at_most", ADDED_MIB),
                note=f"with none: {number_of(sample(empty, 'resident_mib'))} MiB",
            ),
        ]


def number_of(sample: Sample) -> str:
    return f"{sample.median:.1f}"


@contextmanager
def filled(bench: Bench, size: int) -> Iterator[Path]:
    """A home whose outbox holds so many queued events of a paused service."""
    with bench.home() as root:
        home = Home(root)
        prepare_home(home)
        lock = take_home(home)
        try:
            asyncio.run(fill(home, size))
        finally:
            lock.release()
        yield root


async def opened(home: Home) -> Outbox:
    return await Outbox.open(
        home, durability="durable", clock=SystemClock(), limits=Limits(max_bytes=MOST_BYTES)
    )


async def fill(home: Home, size: int) -> None:
    outbox = await opened(home)
    try:
        destination = Destination(SERVICE, NOWHERE, IdentityKind.INSTALL, "bench")
        await outbox.ensure_destination(destination)
        await outbox.set_paused(SERVICE, True)
        for first in range(0, size, GROUP):
            rows = tuple(event(destination) for _ in range(min(GROUP, size - first)))
            admitted = await outbox.admit(Admission(events=rows, destinations=(destination,)))
            assert admitted.accepted == len(rows), admitted
    finally:
        await outbox.close()


def event(destination: Destination) -> NewEvent:
    category = CATEGORY_POLICIES[Category.PRODUCT]
    key = uuid7()
    message = {"id": key, "role": "user", "content": "x" * 40}
    body = {
        "ts": 1800000000.5,
        "submission_id": key,
        "agent_id": f"agent-{key}",
        "seq": 0,
        "message": message,
    }
    return NewEvent(
        offset=0,
        service=SERVICE,
        destination=destination.ref,
        route="events.agent.message",
        category=Category.PRODUCT.value,
        priority=int(category.priority),
        muted_without_consent=category.muted,
        evictable=category.evictable,
        ordering_key=f"agent:{key}",
        key=key,
        body=json.dumps(body, separators=(",", ":")).encode(),
        client="bench",
    )


def grown(bench: Bench, root: Path) -> Grown:
    began = time.perf_counter()
    with bench.daemon(root, environment={"SWARM_ANALYTICSD_MAX_OUTBOX_BYTES": str(MOST_BYTES)}) as daemon:
        ready_ms = (time.perf_counter() - began) * 1000
        told = bench.program("receipts", root, NOWHERE, bench.pick(2_000, 1_000), 1 / PER_SECOND)
        status_ms = percentile([timed_status(root) for _ in range(LOOKS)], 0.5)
        resident = usage(daemon.pid).resident_mib
    return Grown(
        ready_ms,
        told["emit_p50"],
        told["receipt_p50"],
        status_ms,
        resident,
        asyncio.run(claim_ms(Home(root))),
    )


def timed_status(root: Path) -> float:
    began = time.perf_counter()
    ask(root, "GET", "/v1/status")
    return (time.perf_counter() - began) * 1000


async def claim_ms(home: Home) -> float:
    """The median time of a claim, all of whose rows are given back."""
    lock = take_home(home)
    outbox = await opened(home)
    taken = []
    try:
        (known,) = [each for each in await outbox.destinations() if each.destination.identity == "bench"][:1]
        for _ in range(LOOKS):
            began = time.perf_counter()
            claim = await outbox.claim(known.id, limit=CLAIMED, now=time.time(), max_bytes=1 << 30)
            taken.append((time.perf_counter() - began) * 1000)
            await outbox.settle([Settlement(row.seq, row.lease, Release()) for row in claim.rows])
    finally:
        await outbox.close()
        lock.release()
    return percentile(taken, 0.5)
