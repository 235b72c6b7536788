from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from swarm_analyticsd.outbox.store import Outbox
from tests.outbox.given import FakeClock, open_outbox


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def quick(tmp_path: Path, clock: FakeClock) -> AsyncIterator[Outbox]:
    """The same on SQLite in memory, for tests of which there are many."""
    opened = await open_outbox(tmp_path / "home", clock, durability="memory")
    yield opened
    assert await opened.verify()
    await opened.close()


@pytest.fixture
async def outbox(tmp_path: Path, clock: FakeClock) -> AsyncIterator[Outbox]:
    """A durable outbox; whatever a test did to it, its ledger is right in the end."""
    opened = await open_outbox(tmp_path / "home", clock)
    yield opened
    assert await opened.verify()
    await opened.close()
