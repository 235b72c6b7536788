"""The client in real processes: forks, kills, signals, imports, ends."""

import fcntl
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from swarm_analytics_models.home import AUTOSTART_VARIABLE
from tests.client.scripted import journal_keys, journal_lines, scripted_daemon
from tests.support.processes import Processes
from tests.support.waiting import eventually


def run(script: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script, *arguments],
        capture_output=True,
        text=True,
        env=os.environ | {AUTOSTART_VARIABLE: "0"},
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def test_importing_the_client_loads_nothing_heavy() -> None:
    loaded = json.loads(
        run(
            "import json, sys; from swarm_analytics import AnalyticsClient, AgentMessage, start_daemon;"
            "print(json.dumps(sorted(sys.modules)))"
        )
    )
    heavy = {
        "aiohttp", "fastapi", "httpx", "keyring", "rich", "sqlalchemy", "sqlite3", "starlette", "typer",
        "uvicorn", "asyncio", "http.client", "ssl", "subprocess", "platformdirs", "swarm_analyticsd",
    }  # fmt: skip
    assert heavy & set(loaded) == set()


@pytest.mark.parametrize(
    ("statement", "unwanted"),
    [
        ("from swarm_analytics.channel import DaemonChannel", "swarm_analytics.client"),
        ("import swarm_analytics.testing.plugin", "pydantic"),
        ("import swarm_analytics", "pydantic"),
        ("from swarm_analytics.calls import Caller", "asyncio"),
        ("from swarm_analytics.calls import AsyncCaller, Caller", "h11"),
        ("from swarm_analytics.service import ServiceClient", "asyncio"),
        ("from swarm_analytics.openspawn import OpenSpawnClient", "asyncio"),
        ("from swarm_analytics.segops import SegOpsClient", "asyncio"),
        ("from swarm_analytics.swarms import SwarmsClient; SwarmsClient('key')", "asyncio"),
        ("from swarm_analytics.syvain import SyvainMetricsApiClient", "asyncio"),
    ],
)
def test_a_part_of_the_package_loads_no_other(statement: str, unwanted: str) -> None:
    assert run(f"import sys; {statement}; print({unwanted!r} in sys.modules)").strip() == "False"


def test_every_public_name_is_there() -> None:
    run("from swarm_analytics import *; import swarm_analytics as s; [getattr(s, name) for name in dir(s)]")


def test_making_a_client_starts_no_thread_and_touches_no_disk(home: Path) -> None:
    script = """
import os, sys, threading
from swarm_analytics import AnalyticsClient
descriptors = os.listdir("/proc/self/fd")
client = AnalyticsClient(sys.argv[1], base_url="https://analytics.example", token="secret")
print(threading.active_count(), descriptors == os.listdir("/proc/self/fd"), os.path.exists(sys.argv[1]))
client.close()
"""
    assert run(script, str(home)).split() == ["1", "True", "False"]


def test_a_killed_app_has_journalled_every_call_that_returned(home: Path, processes: Processes) -> None:
    app = processes.app(
        """
import sys
from swarm_analytics import AnalyticsClient
client = AnalyticsClient(sys.argv[1])
while True:
    print(client.logs.write(tag="t"), flush=True)
""",
        str(home),
        environment={AUTOSTART_VARIABLE: "0"},
    )
    returned = [app.line().strip() for _ in range(100)]
    app.kill()
    returned += [line.strip() for line in app.rest() if line.endswith("\n")]
    assert journal_keys(home)[: len(returned)] == returned
    [path] = (home / "inbox").iterdir()
    with path.open("rb") as journal:
        fcntl.flock(journal, fcntl.LOCK_EX | fcntl.LOCK_NB)


FORKING = """
import os, sys, threading
from swarm_analytics import AnalyticsClient
from swarm_analytics.courier import hand_off_for
from swarm_analytics_models.home import resolve_home
home = sys.argv[1]
client = AnalyticsClient(home)
client.logs.write(tag="parent", data=client._outlet.id)
while hand_off_for(resolve_home(home))._link is None:
    pass
stop = threading.Event()
def flood():
    while not stop.is_set():
        client.logs.write(tag="flood")
threads = [threading.Thread(target=flood) for _ in range(3)]
for thread in threads:
    thread.start()
children = []
for number in range(5):
    child = os.fork()
    if child == 0:
        inherited = [os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd") if int(fd) > 2
                     and os.path.exists(f"/proc/self/fd/{fd}")]
        client.logs.write(tag="child", data={"pid": os.getpid(), "id": client._outlet.id,
            "inherited": [path for path in inherited if "inbox" in path or "socket" in path]})
        os._exit(0)
    children.append(child)
for child in children:
    assert os.waitpid(child, 0)[1] == 0
stop.set()
for thread in threads:
    thread.join()
client.logs.write(tag="after")
"""


def test_a_forked_child_leaves_the_parents_files_alone_and_has_its_own(home: Path) -> None:
    with scripted_daemon(home) as daemon:
        subprocess.run(
            [sys.executable, "-W", "ignore", "-c", FORKING, str(home)],
            env=os.environ | {AUTOSTART_VARIABLE: "0"},
            timeout=60,
            check=True,
        )
        said = [line["body"] for line in journal_lines(home) if line["type"] == "event"]
        children = [body["data"] for body in said if body["tag"] == "child"]
        assert len(children) == 5
        assert all(child["inherited"] == [] for child in children)
        names = [path.name for path in (home / "inbox").iterdir()]
        for child in children:
            assert sum(name.startswith(f"{child['pid']}-") for name in names) == 1
        parent_id = next(body["data"] for body in said if body["tag"] == "parent")
        assert len({parent_id, *(child["id"] for child in children)}) == 6
        first = daemon.connection()
        eventually(lambda: first.ended, what="the end of the parent's connection")
        tags = [line["body"]["tag"] for line in first.lines if line["type"] == "event"]
        assert "child" not in tags
        assert tags[-1] == "after"


FORKING_AT_AN_IMPORT = """
import contextlib, os, signal, sys, threading
from swarm_analytics.channel import DaemonChannel
from swarm_analytics.errors import DaemonUnavailable
importing, forking = threading.Event(), threading.Event()
class Slow:
    def find_spec(self, name, path, target=None):
        if name == "http.client":
            importing.set()
            forking.wait(20)
sys.meta_path.insert(0, Slow())
os.register_at_fork(before=forking.set)
def ask():
    with contextlib.suppress(DaemonUnavailable):
        DaemonChannel(sys.argv[1]).request("GET", "/v1/version")
thread = threading.Thread(target=ask)
thread.start()
assert importing.wait(20)
child = os.fork()
if child == 0:
    signal.alarm(20)
    from http.client import HTTPException
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
thread.join()
"""


def test_a_child_that_is_forked_at_an_import_of_ours_can_import_the_same(home: Path) -> None:
    run(FORKING_AT_AN_IMPORT, str(home))


def test_a_signal_handler_may_hand_off_at_any_point(home: Path) -> None:
    script = """
import signal, sys
from swarm_analytics import AnalyticsClient
client = AnalyticsClient(sys.argv[1])
handled = []
def handle(*_):
    handled.append(client.logs.write(tag="handler"))
    signal.setitimer(signal.ITIMER_REAL, 0.0001)
signal.signal(signal.SIGALRM, handle)
signal.setitimer(signal.ITIMER_REAL, 0.0001)
mine = []
while len(handled) < 300:
    mine.append(client.logs.write(tag="main"))
signal.setitimer(signal.ITIMER_REAL, 0)
print(len(handled) + len(mine))
"""
    with scripted_daemon(home):
        count = int(run(script, str(home)))
    keys = journal_keys(home)
    assert len(keys) == len(set(keys)) == count


def test_an_app_ends_at_once_and_quietly_while_the_daemon_hangs(home: Path) -> None:
    script = """
import atexit, sys
from swarm_analytics import AnalyticsClient
client = AnalyticsClient(sys.argv[1])
atexit.register(lambda: client.events.app_lifecycle.closed())
client.logs.write(tag="t")
"""
    with scripted_daemon(home, reading=False):
        run(script, str(home))
    assert len(journal_keys(home)) == 2


def test_the_first_call_may_come_at_the_very_end(home: Path) -> None:
    run(
        "import atexit, sys; from swarm_analytics import AnalyticsClient;"
        "atexit.register(AnalyticsClient(sys.argv[1]).events.app_lifecycle.closed)",
        str(home),
    )
    assert len(journal_keys(home)) == 1


def test_a_stopped_reader_is_noticed_by_nobody(home: Path, processes: Processes) -> None:
    """A daemon that is stopped (SIGSTOP) in its own process: calls go on, and all is in the journal."""
    server = processes.app(
        f"""
import sys
sys.path[:0] = [{str(Path(__file__).parents[2])!r}]
from pathlib import Path
from tests.client.scripted import scripted_daemon
with scripted_daemon(Path(sys.argv[1])) as daemon:
    daemon.connection()
    print("connected", flush=True)
    sys.stdin.read()
""",
        str(home),
    )
    app = processes.app(
        """
import sys
from swarm_analytics import AnalyticsClient
client = AnalyticsClient(sys.argv[1])
client.logs.write(tag="first")
for line in sys.stdin:
    for _ in range(5000):
        client.logs.write(tag="t", data="x" * 1000)
    print("done", flush=True)
""",
        str(home),
        environment={AUTOSTART_VARIABLE: "0"},
    )
    assert server.line() == "connected\n"
    os.kill(server.pid, signal.SIGSTOP)
    app.say("go\n")
    assert app.line() == "done\n"
    assert len(journal_keys(home)) == 5001
    os.kill(server.pid, signal.SIGCONT)
