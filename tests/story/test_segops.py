"""SegOps through real processes: signatures that grow old, requests in doubt, keys that nobody finds."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from swarm_analytics.segops import UserContext, sign_user_id
from swarm_analytics_models.home import AUTOSTART_VARIABLE
from tests.support.processes import AppProcess
from tests.support.segops import BATCH, SESSION, SIGNING_SECRET, SegOpsWorld, standing_world
from tests.support.waiting import eventually

TOO_OLD_S = 400


@pytest.fixture(scope="module")
def _standing_world() -> Iterator[SegOpsWorld]:
    with standing_world() as world:
        yield world


@pytest.fixture
def world(_standing_world: SegOpsWorld, monkeypatch: pytest.MonkeyPatch) -> Iterator[SegOpsWorld]:
    monkeypatch.setenv(AUTOSTART_VARIABLE, "0")
    _standing_world.begin()
    yield _standing_world
    _standing_world.sandbox.calm()


def signed(user: str, *, age_s: int = 0) -> dict[str, Any]:
    return sign_user_id(SIGNING_SECRET, user, int(time.time()) - age_s)


def segops(world: SegOpsWorld) -> dict[str, Any]:
    found: dict[str, Any] = world.daemon.status()["services"]["segops"]
    return found


def test_an_app_that_has_the_user_is_asked_for_a_fresh_signature(world: SegOpsWorld) -> None:
    ages = [TOO_OLD_S, 0]
    client = world.client("pk_signed", get_user=lambda: signed(world.user, age_s=ages.pop(0)))
    client.track(user_id=world.user, event_type="signed long ago")
    assert [event["user_id"] for event in world.wait_for(1)] == [world.user]
    assert ages == []
    assert [request["answered"] for request in world.requests(SESSION)] == ["200"]


def test_events_wait_for_their_user_to_come_back(world: SegOpsWorld) -> None:
    users = [signed(world.user, age_s=TOO_OLD_S), *(signed(f"{world.user}-next") for _ in range(3))]
    client = world.client("pk_signed", get_user=lambda: users.pop(0))
    client.track(user_id=world.user, event_type="before the switch")
    client.reset_session()
    client.track(user_id=f"{world.user}-next", event_type="after it")
    (event,) = world.wait_for(1)
    assert event["user_id"] == f"{world.user}-next"
    eventually(lambda: segops(world)["held"] == 1, what="the first user's event is held")
    assert "sign" in (segops(world)["last_error"] or "")
    back = world.client("pk_signed", get_user=lambda: signed(world.user))
    back.track(user_id=world.user, event_type="back again")
    owners = {event["event_type"]: event["user_id"] for event in world.wait_for(3)}
    assert owners["before the switch"] == owners["back again"] == world.user


@pytest.mark.parametrize(("choice", "arrivals"), [("resend", 2), ("set_aside", 1)])
def test_a_request_in_doubt_is_sent_again_or_set_aside(
    world: SegOpsWorld, choice: Any, arrivals: int
) -> None:
    """The service takes the batch, and the connection breaks before its answer."""
    before = segops(world)
    world.sandbox.script({"match": {"path": BATCH, "count": 1}, "action": {"kind": "reset", "accept": True}})
    client = world.client("sk_ok", when_ambiguous=choice)
    tracked = client.track(user_id=world.user, event_type="doubtful")
    world.wait_for(arrivals)
    counted = "resent" if choice == "resend" else "set_aside"
    eventually(lambda: segops(world)[counted] == before[counted] + 1, what=f"it is counted as {counted}")
    assert len(world.arrived()) == arrivals
    told = world.daemon.cli("why", tracked)
    assert ("dead" in told.stdout) == (choice == "set_aside"), told.stdout


def test_the_key_is_found_nowhere_outside_the_vault(world: SegOpsWorld) -> None:
    canary = "sk_canary_7f3a91c2"
    source = (
        "import sys, os\n"
        "from swarm_analytics.segops import SegOpsClient\n"
        "client = SegOpsClient(sys.argv[1], os.environ.pop('KEY'), home=sys.argv[2])\n"
        "client.track(user_id='u', event_type='e')\n"
        "try:\n    client.flush()\nexcept RuntimeError as error:\n    print(error, repr(error), flush=True)\n"
        "print(repr(client), vars(client), flush=True)\n"
        "sys.stdin.read()\n"
    )
    app = AppProcess(source, world.sandbox.base_url, str(world.home), environment={"KEY": canary})
    try:
        said = app.line() + app.line()
        assert "401" in said
        assert canary not in said
        for path in world.home.rglob("*"):
            if path.is_file() and path.name != "credentials.json":
                assert canary.encode() not in path.read_bytes(), path
        daemon = Path(f"/proc/{world.daemon.ready['pid']}")
        if daemon.exists():
            assert (
                canary.encode() not in (daemon / "environ").read_bytes() + (daemon / "cmdline").read_bytes()
            )
        for command in (("status",), ("status", "--json"), ("credential", "list"), ("events",), ("config",)):
            told = world.daemon.cli(*command)
            assert canary not in told.stdout + told.stderr, command
    finally:
        app.release()
    assert os.environ.get("KEY") is None


def test_user_context_shows_no_signature() -> None:
    assert "c0ffee" not in repr(UserContext(user_id="u", user_id_sig="c0ffee"))
