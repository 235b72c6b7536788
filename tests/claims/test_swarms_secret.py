"""A key that was passed to a Swarms Cloud client, looked for everywhere but in the vault."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from swarm_analytics_models.home import AUTOSTART_VARIABLE, Home
from tests.support.swarms import SwarmsWorld, standing_world

CANARY: Final = "sk-canary-0123456789abcdef"
ASKS: Final = """
import sys
from swarm_analytics.swarms import SwarmsClient, SwarmsError
key = sys.stdin.readline().strip()
with SwarmsClient(api_key=key, base_url=sys.argv[1], home=sys.argv[2], log_level="DEBUG") as client:
    assert key not in repr([vars(client), vars(client.agent)])
    client.agent.create(agent_config={"agent_name": "A"}, task="t")
    try:
        client.agent.create(agent_config={"agent_name": "A", "model_name": "gpt-0"}, task="t")
    except SwarmsError as error:
        print(client.logs.list().model_dump_json(), error, error.body, flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def world() -> Iterator[SwarmsWorld]:
    with standing_world(log_level="debug") as world:
        yield world


def test_a_canary_key_is_found_in_the_vault_and_nowhere_else(world: SwarmsWorld) -> None:
    daemon, home = world.daemon, world.home
    environment = {AUTOSTART_VARIABLE: "0"}
    app = world.processes.app(ASKS, world.sandbox.base_url, str(home), environment=environment)
    app.say(CANARY + "\n")
    said = [app.line()]
    assert '"count":1' in said[0]
    for command in (("status",), ("status", "--json"), ("config",), ("credential", "list"), ("events",)):
        done = daemon.cli(*command)
        said.append(done.stdout + done.stderr)
    said += [daemon.errors, app.errors]
    holding = [
        path.relative_to(home)
        for path in home.rglob("*")
        if path.is_file() and CANARY.encode() in path.read_bytes()
    ]
    assert holding == [Home(home).credentials.relative_to(home)]
    assert not [text for text in said if CANARY in text]
    if sys.platform == "linux":
        for pid in (daemon.pid, app.pid):
            assert CANARY.encode() not in Path(f"/proc/{pid}/cmdline").read_bytes()
            assert CANARY.encode() not in Path(f"/proc/{pid}/environ").read_bytes()
