"""Ids that an app named, in whatever text: found and acted upon by every command that takes one."""

import asyncio
import json
from pathlib import Path

import pytest

from swarm_analytics.channel import DaemonChannel
from swarm_analytics_models.home import Home
from swarm_analytics_models.identifiers import Destination, IdentityKind
from swarm_analyticsd.cli import main
from swarm_analyticsd.homedir import prepare_home
from tests.outbox.given import FAULTY, admit, an_event, claim, open_outbox, settle
from tests.support.processes import DaemonProcess, Processes

NOWHERE = Destination("syvain", "http://127.0.0.1:1", IdentityKind.KEY, "default")
NAMES = (
    "run 7/step 3?x=1#y&z",
    "../../v1/stop",
    "é — 測定 🧪",
    "100%/2F",
    "-starts-with-a-dash",
    "'quoted' \"twice\" \\",
    "x" * 200,
)


class Shell:
    """Commands for one home."""

    def __init__(self, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._home = home
        self._capsys = capsys

    def __call__(self, *arguments: str) -> tuple[int, str]:
        code = main([*arguments[:-1], "--home", str(self._home), "--", arguments[-1]])
        return code, self._capsys.readouterr().out


@pytest.fixture
def shell(home: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(home, capsys)


@pytest.fixture
def daemon(home: Path, processes: Processes) -> DaemonProcess:
    """Has taken one event under each of the names, for a service that is not there."""
    started = processes.daemon(home, services={"syvain": NOWHERE.base_url})
    channel = DaemonChannel(Home(home))
    where = {"service": "syvain", "base_url": NOWHERE.base_url, "kind": "key", "identity": "default"}
    channel.request("POST", "/v1/register", where)
    lines = [
        {
            "service": "syvain",
            "route": "metrics.record",
            "body": {
                "experiment_id": "exp/1",
                "client_event_id": name,
                "name": "n",
                "value": 1.0,
                "step": None,
            },
        }
        for name in NAMES
    ]
    content = "".join(json.dumps(line) + "\n" for line in lines).encode()
    answer = channel.send("POST", "/v1/hand-off", content, {"Content-Type": "application/x-ndjson"})
    assert answer["refused"] == []
    assert answer["keys"] == list(NAMES)
    return started


def found(shell: Shell, *command: str) -> dict[str, list[str]]:
    """For each name, the ids that a command shows."""
    ids = {}
    for name in NAMES:
        code, out = shell(*command, "--json", name)
        assert code in (0, 69), name
        ids[name] = [event["id"] for event in json.loads(out)["events"]]
    return ids


def test_why_knows_them_with_a_daemon_and_without(daemon: DaemonProcess, shell: Shell) -> None:
    each_itself = {name: [name] for name in NAMES}
    assert found(shell, "why") == each_itself
    code, out = shell("why", NAMES[0])
    assert code == 0
    assert out.startswith(f"{NAMES[0]} is syvain metrics.record for d_")
    daemon.stop()
    assert found(shell, "why") == each_itself


def test_they_are_listed_and_no_other_is_taken_for_one(
    daemon: DaemonProcess, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["events", "--json", "--home", str(home)]) == 0
    listed = json.loads(capsys.readouterr().out)["events"]
    assert {event["id"] for event in listed} == set(NAMES)
    for other in ("run 7", "x" * 199, "100%2F2F", "100//2F"):
        assert main(["why", "--home", str(home), "--", other]) == 1
        capsys.readouterr()


async def _die(home: Path) -> None:
    """An event of each name that was rejected."""
    outbox = await open_outbox(home)
    await admit(outbox, *(an_event(key=name) for name in NAMES))
    await settle(outbox, (await claim(outbox)).rows, FAULTY)
    await outbox.close()


def test_a_dead_one_is_shown_retried_and_dropped(home: Path, processes: Processes, shell: Shell) -> None:
    prepare_home(Home(home))
    asyncio.run(_die(home))
    processes.daemon(home)
    assert shell("pause", "openswarm")[0] == 0
    assert found(shell, "dead", "show") == {name: [name] for name in NAMES}
    for name in NAMES[:4]:
        assert shell("dead", "retry", name)[0] == 0
    for name in NAMES[4:]:
        assert shell("dead", "drop", name)[0] == 0
    for name in NAMES:
        code, out = shell("why", "--json", name)
        assert code == 0
        (event,) = json.loads(out)["events"]
        assert event["state"] == ("queued" if name in NAMES[:4] else "evicted")
