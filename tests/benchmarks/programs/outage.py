"""An app with our client that emits at a pace while its daemon may be killed; the client starts the next one.

``outage.py HOME BASE_URL EVENTS INTERVAL_S``. Prints a line when its daemon is there, begins when a line
comes on stdin, goes on for so many events and until the next line, and prints milliseconds then: median and
the longest calls, and how many events there were. It ends when stdin closes, and its daemon with it.
"""

import gc
import io
import json
import select
import sys
import time
from typing import Final

from swarm_analytics import AgentMessage, AnalyticsClient, start_daemon
from swarm_analytics_models.identifiers import uuid7

FILLER: Final = "x" * 40
"""As in `intake.py`."""


def main() -> None:
    home, base_url, count, interval = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
    start_daemon(home, wait=60.0)
    client = AnalyticsClient(home=home, base_url=base_url, install_id="bench")
    mark = uuid7()
    client.events.agent.message(
        agent_id="first", seq=0, message=AgentMessage(id=f"bench-key-{mark}-first", role="user")
    )
    gc.collect()
    print("ready", flush=True)
    commands = io.FileIO(0, closefd=False)  # what a buffer held, `select` would not see
    commands.readline()
    taken: list[float] = []
    due = time.perf_counter()
    while len(taken) < count or not select.select([commands], [], [], 0)[0]:
        number = len(taken)
        due += interval
        time.sleep(max(0.0, due - time.perf_counter()))
        key = f"bench-key-{mark}-{number}"
        start = time.perf_counter()
        message = AgentMessage(id=key, role="user", content=FILLER)
        client.events.agent.message(agent_id=f"agent-{mark}-{number}", seq=number, message=message)
        taken.append((time.perf_counter() - start) * 1000)
    ordered = sorted(taken)
    answer = {"p50": ordered[len(ordered) // 2], "longest": ordered[-3:], "events": len(taken) + 1}
    print(json.dumps(answer), flush=True)
    commands.read()


if __name__ == "__main__":
    main()
