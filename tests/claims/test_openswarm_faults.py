"""Seed 000, faults: crashes, being offline, and what the peer was measured to get wrong."""

from collections.abc import Callable
from pathlib import Path

from swarm_analytics import AgentMessage, AnalyticsClient
from swarm_analytics_models.home import AUTOSTART_VARIABLE
from tests.claims.conftest import World
from tests.support.processes import Processes, SandboxProcess
from tests.support.waiting import eventually

EMIT: str = """
import os, sys
from swarm_analytics import AgentMessage, AnalyticsClient
home, base_url, count = sys.argv[1:]
client = AnalyticsClient(home=home, base_url=base_url, install_id="crashing")
for number in range(int(count)):
    key = client.events.agent.message(agent_id="a", seq=number, message=AgentMessage(id="m", role="user"))
    os.write(1, (key + "\\n").encode())
os.kill(os.getpid(), 9)
"""


def test_000_17_the_same_submission_id_after_a_crash(
    home: Path, processes: Processes, sandbox: Callable[..., SandboxProcess]
) -> None:
    service = sandbox()
    service.script({"match": {"route": "events.*"}, "action": {"kind": "reset", "accept": True}})
    daemon = processes.daemon(home)
    app = processes.app(EMIT, str(home), service.base_url, "1")
    key = app.line().strip()
    eventually(lambda: service.keys() == [key], timeout=20.0, what="the first attempt, which was taken")
    daemon.kill()
    service.calm()
    processes.daemon(home)
    eventually(lambda: service.ledger()["duplicates"] >= 1, timeout=30.0, what="the second attempt")
    assert service.keys() == [key]


def test_000_23_pending_events_survive_the_app(
    home: Path, processes: Processes, sandbox: Callable[..., SandboxProcess]
) -> None:
    service = sandbox()
    alone = {AUTOSTART_VARIABLE: "0"}
    app = processes.app(EMIT, str(home), service.base_url, "50", environment=alone)
    returned = [app.line().strip() for _ in range(50)]
    app.wait()
    assert service.keys() == [], "the app is dead and no daemon ever ran"
    processes.daemon(home)
    eventually(lambda: len(service.keys()) == 50, timeout=30.0)
    assert service.keys() == returned
    assert service.ledger()["duplicates"] == 0


def test_000_24_events_survive_being_offline_and_a_daemon_killed(
    home: Path, processes: Processes, sandbox: Callable[..., SandboxProcess]
) -> None:
    service = sandbox()
    service.fail(503)
    first = processes.daemon(home)
    app = processes.app(EMIT, str(home), service.base_url, "20")
    returned = [app.line().strip() for _ in range(20)]
    app.wait()
    eventually(lambda: first.status()["ledger"]["accepted"] == 20)
    first.kill()
    service.calm()
    processes.daemon(home)
    eventually(lambda: len(service.keys()) == 20, timeout=30.0)
    assert service.keys() == returned


TRACED: str = """
import socket, sys
real = socket.socket.connect
def connect(self, address):
    print(self.family.name, file=sys.stderr)
    return real(self, address)
socket.socket.connect = connect
sys.addaudithook(
    lambda event, details: event in ("socket.connect", "socket.getaddrinfo")
    and print(event, details[0].family.name if event == "socket.connect" else details, file=sys.stderr))
from swarm_analytics import AnalyticsClient
client = AnalyticsClient(home=sys.argv[1], base_url=sys.argv[2], install_id="i")
client.logs.write(tag="t")
assert client.flush(timeout=20)
print(sorted(set(sys.modules) & {"httpx", "requests", "urllib3", "aiohttp"}))
"""


def test_000_26_the_app_opens_no_network_connection(world: World, processes: Processes) -> None:
    app = processes.app(TRACED, str(world.home), world.base_url)
    assert app.line().strip() == "[]", "no library that could is even loaded"
    assert app.wait() == 0
    opened = set(app.errors.split("\n")) - {""}
    assert opened
    assert all("AF_UNIX" in line for line in opened), opened


def test_000_b1_the_cap_keeps_the_newest(
    home: Path, processes: Processes, sandbox: Callable[..., SandboxProcess]
) -> None:
    service = sandbox()
    service.fail(503)
    home.mkdir(mode=0o700)
    config = home / "config.toml"
    config.touch(0o600)
    config.write_text("max_outbox_bytes = 1_048_576\n")
    daemon = processes.daemon(home)
    client = AnalyticsClient(home=home, base_url=service.base_url, install_id="full")
    keys = [client.logs.write(tag="t", data="x" * 10_000) for _ in range(200)]
    eventually(lambda: daemon.status()["ledger"]["accepted"] == 200, timeout=20.0)
    ledger = eventually(lambda: (tally := daemon.status()["ledger"])["evicted"] > 0 and tally, timeout=20.0)
    assert isinstance(ledger, dict)
    assert ledger["balanced"]
    assert ledger["queued"] + ledger["leased"] > 20, "the peer's spool had none left"
    service.calm()
    kept = ledger["queued"] + ledger["leased"]
    eventually(lambda: len(service.keys()) == kept, timeout=30.0)
    assert set(service.keys()) == set(keys[-kept:]), "the newest were kept"


def test_000_b2_a_retry_keeps_the_order(world: World) -> None:
    client = world.client()
    world.wait_for(client.events.agent.create(id="a"))
    world.fault("status", route="events.agent.message", contains='"seq":1,', count=2)
    for number in range(5):
        client.events.agent.message(agent_id="a", seq=number, message=AgentMessage(id="m", role="user"))
    assert client.flush(timeout=30.0)
    assert world.sandbox.struck() == [2]
    assert [event["body"]["seq"] for event in world.arrived("events.agent.message")] == [0, 1, 2, 3, 4]


def test_000_b3_a_failing_event_holds_up_only_its_own_key(world: World) -> None:
    client = world.client()
    world.wait_for(client.events.agent.create(id="first"))
    world.fault("status", route="events.agent.message", contains='"agent_id":"stuck"')
    for agent in ("stuck", "well"):
        for number in range(3):
            client.events.agent.message(agent_id=agent, seq=number, message=AgentMessage(id="m", role="user"))
    eventually(
        lambda: [e["body"]["seq"] for e in world.arrived("events.agent.message")] == [0, 1, 2],
        timeout=30.0,
        what="the other agent's messages",
    )
    assert {event["body"]["agent_id"] for event in world.arrived("events.agent.message")} == {"well"}
    world.sandbox.calm()
    assert client.flush(timeout=60.0)
    arrived = [event["body"] for event in world.arrived("events.agent.message")]
    assert [body["seq"] for body in arrived if body["agent_id"] == "stuck"] == [0, 1, 2]


def test_000_b4_a_401_parks_events_and_renews_the_token(world: World) -> None:
    client = world.client()
    world.wait_for(client.logs.write(tag="before"))
    assert world.sandbox.revoke(install_id=world.install_id) == 1
    keys = [client.logs.write(tag=f"after-{number}") for number in range(5)]
    assert len(world.wait_for(*keys)) == 6
    assert world.drops == []
    refused = [r for r in world.requests("/public/logs") if r["answered"] == "401"]
    assert refused, "the service did refuse the old token"
