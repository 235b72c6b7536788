"""Events so large that journals go on in new segments."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from swarm_analytics import AnalyticsClient
from swarm_analytics_models.home import Home
from tests.story.scene import HomeView, assert_once, wait_for
from tests.support.processes import Processes, SandboxProcess
from tests.support.waiting import eventually

LARGE: Final = "x" * 700_000
COUNT: Final = 16


def test_large_events_fill_several_segments_which_are_given_back(
    home: Path,
    view: HomeView,
    processes: Processes,
    service: SandboxProcess,
    client: Callable[..., AnalyticsClient],
) -> None:
    """Promises 2 and 16: first into the journal alone, then over the socket, in order; the inbox shrinks."""
    events = client(base_url=service.base_url)
    inbox = Home(home).inbox

    def emit(first: int) -> list[str]:
        return [
            events.events.agent.title(id="a", title=f"{number} {LARGE}")
            for number in range(first, first + COUNT)
        ]

    keys = emit(0)
    assert len(list(inbox.iterdir())) >= 3
    processes.daemon(home)
    keys += emit(COUNT)
    taken = wait_for(service, keys)
    assert [event["key"] for event in taken] == keys
    assert_once(service, keys)
    eventually(lambda: len(list(inbox.iterdir())) == 1, what="one segment, the one in use")
    assert view.drained()["refused"] == 0
