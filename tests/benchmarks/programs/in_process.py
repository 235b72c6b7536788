"""An app with swarm-analytics 0.1.1: emits when a line comes on stdin, then ends at once or after delivery.

``in_process.py BASE_URL EVENTS SPOOL|- kept|delivered``: with its SqliteSpool in that file or without; until
all calls have returned (with a spool, the events are on disk then), or until all are delivered. Prints a line
when it is ready, then one with its first and its last moment (time.monotonic()), its CPU time between them,
and the part of that which its calls took.
"""

import json
import os
import sys
import time
import uuid
from typing import Any, Final

from swarm_analytics import AgentMessage, AnalyticsClient, SqliteSpool

FILLER: Final = "x" * 40
"""As in `intake.py`."""

DELIVERY_TIMEOUT_S: Final = 300.0


def main() -> None:
    base_url, count, spool, until = sys.argv[1], int(sys.argv[2]), *sys.argv[3:]
    options: dict[str, Any] = {} if spool == "-" else {"spool": SqliteSpool(spool)}
    client = AnalyticsClient(base_url=base_url, token="bench-token", **options)
    mark = uuid.uuid4()
    keys = [f"bench-key-{mark}-{number}" for number in range(count)]
    print("ready", flush=True)
    sys.stdin.readline()
    began, cpu, own_cpu = time.monotonic(), time.process_time(), time.thread_time()
    for seq, key in enumerate(keys):
        message = AgentMessage(id=key, role="user", content=FILLER)
        client.events.agent.message(agent_id=f"agent-{mark}-{seq}", seq=seq, message=message)
    called, calls_cpu = time.monotonic(), time.thread_time() - own_cpu
    if until == "delivered" and not client.flush(timeout=DELIVERY_TIMEOUT_S):
        raise SystemExit(f"not delivered within {DELIVERY_TIMEOUT_S} s")
    answer = {
        "began": began,
        "called": called,
        "ended": time.monotonic(),
        "cpu_s": time.process_time() - cpu,
        "calls_cpu_s": calls_cpu,
    }
    print(json.dumps(answer), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
