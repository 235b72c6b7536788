"""Programs of apps that begin together, and what the daemon they hand off to is asked meanwhile."""

import json
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from swarm_analytics.channel import DaemonChannel
from swarm_analytics_models.home import AUTOSTART_VARIABLE
from tests.support.child import Child
from tests.support.waiting import eventually

FLOOD_TIMEOUT_S: Final = 600.0


def flood(commands: Iterable[Sequence[str]]) -> list[dict[str, Any]]:
    """Start these programs, let them begin at once when all are ready, and return what each one tells."""
    with ExitStack() as stack:
        apps = []
        for command in commands:
            app = Child(command, environment={AUTOSTART_VARIABLE: "0"})
            stack.callback(app.release)
            apps.append(app)
        for app in apps:
            app.line()
        for app in apps:
            app.say("go\n")
        return [json.loads(app.line(FLOOD_TIMEOUT_S)) for app in apps]


def span(told: Iterable[dict[str, Any]], end: str = "ended") -> float:
    """Seconds from the first app's beginning to the last one's end."""
    told = list(told)
    return float(max(each[end] for each in told) - min(each["began"] for each in told))


def ask(home: Path, method: str, path: str, **body: Any) -> Any:
    """A request to the home's daemon."""
    return DaemonChannel(home).request(method, path, body if method == "POST" else None, timeout=60.0)


def pause(home: Path) -> None:
    """Have the daemon deliver nothing until `resume`."""
    ask(home, "POST", "/v1/pause")


def resume(home: Path) -> None:
    ask(home, "POST", "/v1/resume")


def ledger(home: Path) -> dict[str, Any]:
    found: dict[str, Any] = ask(home, "GET", "/v1/status")["ledger"]
    return found


def until_accepted(home: Path, count: int) -> None:
    """Wait until so many events are on disk; AssertionError where there are more, or they do not come."""
    eventually(lambda: ledger(home)["accepted"] >= count, timeout=60.0, what=f"{count} accepted events")
    accepted = ledger(home)["accepted"]
    assert accepted == count, f"{accepted} events accepted, {count} handed off"


def until_settled(home: Path) -> None:
    """Wait until nothing is queued or under way."""

    def settled() -> bool:
        found = ledger(home)
        return not (found["queued"] or found["leased"] or found["held"])

    eventually(settled, timeout=60.0, what="the settling of all events")
