"""The daemon dies, or is stopped, while events are with a service that would not know them again."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from swarm_analytics.channel import DaemonChannel
from swarm_analytics_models.home import Home
from tests.support.processes import DaemonProcess, Processes, SandboxProcess
from tests.support.waiting import eventually

END: dict[str, Callable[[DaemonProcess], Any]] = {
    "killed": lambda daemon: daemon.kill(),
    "stopped": lambda daemon: (daemon.cli("stop", "--wait"), daemon.wait()),
}


def hand_off(home: Path, service: SandboxProcess, when_ambiguous: str | None) -> None:
    """Three events for SegOps, of which the batch leaves at once."""
    channel = DaemonChannel(Home(home))
    settings: dict[str, Any] = {"max_items": 3, "max_wait_s": 60.0}
    if when_ambiguous is not None:
        settings |= {"when_ambiguous": when_ambiguous}
    channel.request(
        "POST",
        "/v1/register",
        {
            "service": "segops",
            "base_url": f"{service.base_url}",
            "kind": "key",
            "identity": "default",
            "adopt": "sk_ok",
            "settings": settings,
        },
    )
    body = {
        "user_id": "u1",
        "event_type": "opened",
        "occurred_at": "2026-01-01T00:00:00+00:00",
        "payload": {},
    }
    lines = [{"service": "segops", "route": "events.track", "body": body} for _ in range(3)]
    content = "".join(json.dumps(line) + "\n" for line in lines).encode()
    answer = channel.send("POST", "/v1/hand-off", content, {"Content-Type": "application/x-ndjson"})
    assert answer["accepted"] == 3, answer


def batches(service: SandboxProcess) -> list[str]:
    return [seen["body"] for seen in service.requests() if seen["path"].endswith("/track/batch/")]


@pytest.mark.parametrize("end", END)
@pytest.mark.parametrize(
    ("when_ambiguous", "sent", "expected"),
    [
        (None, 2, {"resent": 3, "set_aside": 0, "dead": 0}),
        ("set_aside", 1, {"resent": 0, "set_aside": 3, "dead": 3}),
    ],
)
def test_what_was_under_way_is_resent_or_set_aside_and_counted(
    home: Path,
    processes: Processes,
    when_ambiguous: str | None,
    sent: int,
    expected: dict[str, int],
    end: str,
) -> None:
    service = processes.sandbox()
    daemon = processes.daemon(home, services={"segops": service.base_url})
    service.script({"action": {"kind": "hang", "accept": True}})
    hand_off(home, service, when_ambiguous)
    eventually(lambda: batches(service), what="a batch under way")
    END[end](daemon)
    service.calm()

    again = processes.daemon(home, services={"segops": service.base_url})

    def settled() -> dict[str, Any] | None:
        ledger = again.status()["ledger"]
        return ledger if ledger["delivered"] + ledger["dead"] == 3 else None

    ledger = eventually(settled, timeout=20.0)
    assert ledger is not None
    assert ledger["balanced"]
    found = again.status()["services"]["segops"]
    assert {name: found[name] for name in expected} == expected
    assert len(batches(service)) == sent
    assert len(set(batches(service))) == 1
