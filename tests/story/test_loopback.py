"""The loopback listener: for Windows, other languages, curl; for nobody without the capability."""

import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from swarm_analytics_models.home import Home, read_address
from swarm_analytics_models.identifiers import uuid7
from tests.story.scene import Emitter, HomeView, assert_in_order, assert_once, wait_for
from tests.support.processes import DaemonProcess, Processes, SandboxProcess


@pytest.fixture
def daemon(home: Path, processes: Processes) -> DaemonProcess:
    return processes.daemon(home, "--listen", "loopback")


def lines(service: SandboxProcess, *events: dict[str, object]) -> str:
    """What a program without our client writes: where to, then what."""
    destination = {
        "type": "destination",
        "service": "openswarm",
        "base_url": service.base_url,
        "kind": "install",
        "identity": "by-hand",
    }
    return "".join(json.dumps(line) + "\n" for line in (destination, *events))


def event(tag: str) -> dict[str, object]:
    key = uuid7()
    body = {"ts": 1_700_000_000.5, "submission_id": key, "tag": tag}
    return {"type": "event", "service": "openswarm", "route": "logs.write", "key": key, "body": body}


def test_a_client_hands_off_over_a_loopback_port(
    home: Path,
    view: HomeView,
    daemon: DaemonProcess,
    service: SandboxProcess,
    app: Callable[..., Emitter],
    processes: Processes,
) -> None:
    """The same promises as over the socket: nothing lost over a restart, order kept, opt-out in force."""
    address = read_address(Home(home))
    assert address is not None
    assert address.handoff is None
    assert address.address.startswith("http://127.0.0.1:")
    emitter = app(service.base_url)
    keys = emitter.do("message", "a", 50, "x")
    wait_for(service, keys)
    daemon.kill()
    keys += emitter.do("message", "a", 50, "y")
    processes.daemon(home, "--listen", "loopback")
    keys += emitter.do("message", "a", 50, "z")
    assert_in_order(wait_for(service, keys))
    assert_once(service, keys)
    emitter.do("opt-out", "yes")
    assert view.openswarm["consent"] == "minimal"
    assert view.drained()["accepted"] == 151


def test_lines_written_by_hand_are_taken_and_others_are_turned_away(
    home: Path, view: HomeView, daemon: DaemonProcess, service: SandboxProcess
) -> None:
    """Security S4 to S6, at the real process: capability, no web page, no other host."""
    url = f"{daemon.address}/v1/hand-off"
    capability = Home(home).capability.read_text().strip()
    passport = {"Authorization": f"Bearer {capability}"}
    kind = {"Content-Type": "application/x-ndjson"}
    good = event("by-hand")
    content = lines(service, good, {"type": "event", "service": "openswarm", "route": "no.such", "body": {}})
    with httpx.Client(trust_env=False, headers=kind) as curl:
        turned_away = {
            "no capability": ({}, 401),
            "a wrong one": ({"Authorization": "Bearer " + "x" * 43}, 401),
            "a web page": ({**passport, "Origin": "https://evil.example"}, 403),
            "a followed link": ({**passport, "Referer": "https://evil.example/"}, 403),
            "a rebound name": ({**passport, "Host": "evil.example"}, 403),
            "a form": ({**passport, "Content-Type": "text/plain"}, 415),
        }
        for who, (headers, status) in turned_away.items():
            answer = curl.post(url, content=content, headers=headers)
            assert answer.status_code == status, who
            assert answer.json()["hint"]
        assert view.ledger["accepted"] == 0

        answer = curl.post(url, content=content, headers=passport)
        assert answer.status_code == 200
        assert answer.json()["accepted"] == 1
        assert answer.json()["keys"] == [good["key"]]
        (refused,) = answer.json()["refused"]
        assert refused["code"] == "unknown_route"
        again = curl.post(url, content=content, headers=passport).json()
        assert (again["accepted"], again["duplicates"]) == (0, 1), "sending it again is safe"
    wait_for(service, [str(good["key"])])
    assert capability not in daemon.cli("status", "--json").stdout + daemon.errors
