"""The demo with its real processes: it keeps its promise, and leaves nothing behind however it ends."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.child import Child
from tests.support.homes import short_directory
from tests.support.processes import Processes
from tests.support.waiting import eventually

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the demo stops processes with POSIX signals")


@pytest.fixture
def room() -> Iterator[Path]:
    """Where the demo makes its home: empty before, and to be empty after."""
    with short_directory() as directory:
        yield directory


def begin(processes: Processes, room: Path) -> Child:
    child = Child(
        [sys.executable, "-m", "swarm_analyticsd", "demo"], environment={"TMPDIR": str(room), "COLUMNS": "80"}
    )
    processes.keep(child)
    return child


def processes_in(room: Path) -> dict[int, str]:
    """Commands that name the directory, by pid."""
    if Path("/proc/self/cmdline").exists():
        found = {
            int(entry.name): _command(entry) for entry in Path("/proc").iterdir() if entry.name.isdigit()
        }
    else:
        listed = subprocess.run(
            ["/bin/ps", "-A", "-o", "pid=,args="], capture_output=True, text=True, check=True
        )
        split = (line.split(maxsplit=1) for line in listed.stdout.splitlines())
        found = {int(pid): command for pid, command in split}
    return {pid: command for pid, command in found.items() if str(room) in command}


def _command(entry: Path) -> str:
    try:
        return (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def assert_nothing_is_left(room: Path) -> None:
    eventually(lambda: not processes_in(room), what="the end of the demo's processes")
    assert list(room.iterdir()) == []


def test_nothing_is_lost_or_doubled_and_it_says_so(processes: Processes, room: Path) -> None:
    demo = begin(processes, room)
    code = demo.wait(timeout=100)
    said = "".join(demo.rest())
    assert code == 0, said + demo.errors
    assert demo.errors == ""
    total = re.search(r"^in all +(\d+) +(\d+)$", said, re.MULTILINE)
    assert total is not None
    assert total[1] == total[2]
    kinds = re.findall(r"^(\w+(?:\.\w+)+) +(\d+) +(\d+)$", said, re.MULTILINE)
    assert len(kinds) == 10
    assert all(sent == there != "0" for _, sent, there in kinds)
    assert "Ledger balanced" in said
    assert "nothing lost, nothing doubled" in said
    assert max(len(line) for line in said.splitlines()) <= 100
    assert_nothing_is_left(room)


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_ends_everything(processes: Processes, room: Path, ending: signal.Signals) -> None:
    demo = begin(processes, room)
    while "kill -9" not in demo.line():
        pass
    assert processes_in(room)
    os.kill(demo.pid, ending)
    assert demo.wait() == 130
    assert "Traceback" not in demo.errors
    assert_nothing_is_left(room)


def test_when_it_fails_it_says_why_and_ends_everything(processes: Processes, room: Path) -> None:
    demo = begin(processes, room)
    while "The service is back" not in demo.line():
        pass
    sandbox = next(pid for pid, command in processes_in(room).items() if "swarm_analytics_sandbox" in command)
    os.kill(sandbox, signal.SIGKILL)
    assert demo.wait(timeout=100) == 1
    assert "The demo failed: the sandbox does not answer" in "".join(demo.rest())
    assert "Traceback" not in demo.errors
    assert_nothing_is_left(room)
