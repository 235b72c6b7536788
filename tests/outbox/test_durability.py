"""`kill -9` of a process that admits and settles: what it said was accepted is there, once."""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from swarm_analyticsd.outbox.lifecycle import State
from tests.outbox.given import RealTime, open_outbox, sql

pytestmark = pytest.mark.anyio
REPOSITORY = Path(__file__).resolve().parents[2]


def run_until_killed(home: Path, durability: str, lines: int) -> list[tuple[str, str]]:
    """What the child said before it was killed: pairs of a word and a key."""
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.outbox.hands_off", str(home), durability],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    said = [child.stdout.readline() for _ in range(lines)]
    os.kill(child.pid, signal.SIGKILL)
    said += child.stdout.readlines()
    child.stdout.close()
    assert child.wait() == -signal.SIGKILL
    return [(word, key) for line in said if line.endswith("\n") for word, key in [line.split()]]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
@pytest.mark.parametrize("durability", ["durable", "fast"])
async def test_what_was_accepted_survives_a_kill(tmp_path: Path, durability: str) -> None:
    chance = random.Random(durability)
    home = tmp_path / "home"
    accepted: set[str] = set()
    delivered: set[str] = set()
    for _ in range(3):
        for word, key in run_until_killed(home, durability, chance.randrange(20, 300)):
            (accepted if word == "accepted" else delivered).add(key)
        outbox = await open_outbox(home, RealTime())
        rows = dict(await sql(outbox, "SELECT key, state FROM events"))
        assert len(rows) == (await sql(outbox, "SELECT count(*) FROM events"))[0][0]
        assert accepted <= rows.keys()
        assert all(rows[key] == State.DELIVERED for key in delivered)
        assert set(rows.values()) <= {State.DELIVERED, State.QUEUED}
        assert len(rows) == 5 * await outbox.journal_position("j")
        assert await outbox.verify()
        assert await sql(outbox, "PRAGMA integrity_check") == [("ok",)]
        await outbox.close()
