"""segops 0.2.2, as published, and this client put the same requests on the wire."""

import json
import subprocess
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from swarm_analytics_models.home import HOME_VARIABLE
from tests.support.processes import Processes, SandboxProcess

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

CALLS = """
import sys
def user():
    return UserContext(user_id="u-1", anonymous_id="a-1")
USES = (("sk_ok", {}), ("pk_open", {"get_user": user}), ("pk_open", {}), ("sk_ok", {"batch": False}))
for key, options in USES:
    client = SegOpsClient(sys.argv[1] + "/", key, flush_interval=60.0, **options)
    client.track(user_id="u-1", event_type="order_placed", payload={"total": 42, "t": "h\\u00e9llo"})
    client.track(Event(user_id="u-1", event_type="viewed", occurred_at="2026-01-02T03:04:05+00:00"))
    client.track({"user_id": "u-2", "event_type": "clicked", "payload": {"n": [1, 2.5, None]}})
    client.identify(Context(user_id="u-1", traits={"plan": "pro"}))
    client.flush()
    for number in range(20):
        client.track(user_id="u-1", event_type="counted", payload={"n": number})
    client.shutdown()
"""
IMPORTS = "from {package} import Context, Event, SegOpsClient, UserContext\n"


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter that has the published package."""
    place = tmp_path_factory.mktemp("segops")
    venv.create(place, with_pip=True)
    interpreter = place / "bin" / "python"
    subprocess.run([interpreter, "-m", "pip", "install", "--quiet", "segops==0.2.2"], check=True)
    return interpreter


def wire(sandbox: SandboxProcess) -> list[tuple[str, str, str, Any]]:
    """Method, path, kind of proof and body of each request; only the kind of a time of our own making.

    In a stable order: single events are sent side by side, so theirs is not kept.
    """
    found = []
    for request in sandbox.requests():
        headers = {name.lower(): value for name, value in request["headers"].items()}
        body = json.loads(request["body"])
        for event in body.get("events", [body]):
            if event.get("occurred_at", "").startswith("2026-01-02"):
                continue
            if "occurred_at" in event:
                event["occurred_at"] = type(event["occurred_at"]).__name__
        found.append((request["method"], request["path"], headers["authorization"].partition(" ")[0], body))
    return sorted(found, key=json.dumps)


def test_the_same_calls_put_the_same_requests_on_the_wire(
    published: Path,
    home: Path,
    processes: Processes,
    sandbox: Callable[..., SandboxProcess],
    tmp_path: Path,
) -> None:
    theirs, ours = sandbox(), sandbox()
    subprocess.run(
        [published, "-I", "-c", IMPORTS.format(package="segops") + CALLS, theirs.base_url],
        check=True,
        cwd=tmp_path,
    )
    app = processes.app(
        IMPORTS.format(package="swarm_analytics.segops") + CALLS,
        ours.base_url,
        environment={HOME_VARIABLE: str(home)},
    )
    assert app.wait(120.0) == 0, app.errors
    sessions = [entry for entry in wire(theirs) if entry[1] == "/api/auth/session/"]
    assert len(sessions) == 2
    assert wire(ours) == wire(theirs)
