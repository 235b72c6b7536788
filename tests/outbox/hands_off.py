"""A process that admits events until it is killed, and says which were accepted. Started by a test."""

import asyncio
import itertools
import sys
from pathlib import Path

from swarm_analyticsd.outbox.rows import Admission
from tests.outbox.given import DELIVERED, HERE, RealTime, claim, open_outbox, settle, some_events


async def work(root: Path, durability: str) -> None:
    outbox = await open_outbox(root, RealTime(), durability=durability)
    start = await outbox.journal_position("j")

    async def accept() -> None:
        for number in itertools.count(start):
            events = some_events(5, ordering_key=f"agent:{number % 3}")
            await outbox.admit(Admission(events, (HERE,), journal="j", start=number, end=number + 1))
            sys.stdout.write("".join(f"accepted {event.key}\n" for event in events))
            sys.stdout.flush()

    async def deliver() -> None:
        while True:
            rows = (await claim(outbox, limit=7)).rows
            await settle(outbox, rows, DELIVERED)
            sys.stdout.write("".join(f"delivered {row.key}\n" for row in rows))
            sys.stdout.flush()

    await asyncio.gather(accept(), deliver())


if __name__ == "__main__":
    asyncio.run(work(Path(sys.argv[1]), sys.argv[2]))
