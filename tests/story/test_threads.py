"""Many threads and one client."""

import threading
from collections.abc import Callable
from pathlib import Path

from swarm_analytics import AgentMessage, AnalyticsClient
from tests.story.scene import HomeView, assert_once, sequences, wait_for
from tests.support.processes import Processes, SandboxProcess


def test_eight_threads_emit_through_one_client(
    home: Path,
    view: HomeView,
    processes: Processes,
    service: SandboxProcess,
    client: Callable[..., AnalyticsClient],
) -> None:
    """Promise 12: all of it arrives, each thread's in its order."""
    processes.daemon(home)
    events = client(base_url=service.base_url)
    keys: list[str] = []
    together = threading.Barrier(8)

    def emit(agent: str) -> None:
        together.wait()
        for seq in range(50):
            message = AgentMessage(id=f"{agent}-{seq}", role="user")
            keys.append(events.events.agent.message(agent_id=agent, seq=seq, message=message))

    threads = [threading.Thread(target=emit, args=(f"agent-{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken = wait_for(service, keys)
    assert sequences(taken) == {f"agent-{number}": list(range(50)) for number in range(8)}
    assert_once(service, keys)
    assert view.drained()["accepted"] == 400
