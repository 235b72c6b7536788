"""A service's key that a person gave to the daemon: used by apps that have none, renewed, removed."""

from collections.abc import Iterator

import pytest

from swarm_analytics import errors
from swarm_analytics.swarms import AuthenticationError, SwarmsClient
from tests.story.scene import command_with_input
from tests.support.swarms import SwarmsWorld, standing_world
from tests.support.waiting import eventually

FIRST, SECOND = "sk-canary-first-41c0", "sk-canary-second-9d2e"


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[SwarmsWorld]:
    monkeypatch.delenv("SWARMS_API_KEY", raising=False)
    with standing_world() as made:
        made.begin()
        yield made


def test_a_persons_key_serves_apps_that_have_none(world: SwarmsWorld) -> None:
    url = world.sandbox.base_url

    def credential(verb: str, text: str = "") -> str:
        named = ("swarms", "--base-url", url, "--home", str(world.home))
        done = command_with_input("credential", verb, *named, text=text)
        assert done.returncode == 0, done.stderr
        assert "canary" not in done.stdout + done.stderr
        return done.stdout

    world.play(accepted_keys=[FIRST, SECOND])
    client = world.client(api_key=None, enable_cache=False)
    with pytest.raises(errors.CredentialMissing):
        client.logs.list()

    credential("set", f"{FIRST}\n")
    assert client.logs.list().status == "success"

    world.play(revoked_keys=[FIRST])
    with pytest.raises(AuthenticationError):
        client.logs.list()
    listed = command_with_input("credential", "list", "swarms", "--home", str(world.home), text="").stdout
    assert listed.rstrip().endswith("held")

    credential("set", f"{SECOND}\n")
    assert client.logs.list().status == "success"

    world.play(revoked_keys=[SECOND])
    with pytest.raises(AuthenticationError):
        client.logs.list()
    world.play(revoked_keys=[])
    eventually(lambda: served(client), what="a key that is taken again, without anybody's help")

    credential("remove")
    with pytest.raises(errors.CredentialMissing):
        client.logs.list()
    holding = [path for path in world.home.rglob("*") if path.is_file() and b"canary" in path.read_bytes()]
    assert holding == []


def served(client: SwarmsClient) -> bool:
    try:
        return client.logs.list().status == "success"
    except AuthenticationError:
        return False
