"""An app with our client that emits at a pace, and notes when each event's receipt comes.

``receipts.py HOME BASE_URL EVENTS INTERVAL_S``. Prints milliseconds: percentiles from the call's beginning to
its receipt (`receipt_...`) and to its return (`emit_...`).
"""

import json
import sys
import time
from pathlib import Path
from typing import Final

from swarm_analytics import AgentMessage, AnalyticsClient
from swarm_analytics.courier import hand_off_for
from swarm_analytics_models.home import Home
from swarm_analytics_models.identifiers import uuid7

FILLER: Final = "x" * 40
"""As in `intake.py`."""

WARM_UP: Final = 100
RECEIPT_TIMEOUT_S: Final = 60.0
POLL_S: Final = 0.01


def share(values: list[float], part: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))] * 1000


def main() -> None:
    home, base_url, count, interval = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
    hand_off = hand_off_for(Home(home))
    client = AnalyticsClient(home=home, base_url=base_url, install_id="bench")
    mark = uuid7()
    heard: list[tuple[str, int, float]] = []
    tell = hand_off.receipted

    def receipted(journal: str, offset: int) -> None:
        heard.append((journal, offset, time.perf_counter()))
        tell(journal, offset)

    hand_off.receipted = receipted  # type: ignore[method-assign]
    began: list[float] = []
    returned: list[float] = []
    ends: list[tuple[str, int]] = []
    due = time.perf_counter()
    for number in range(WARM_UP + count):
        due += interval
        time.sleep(max(0.0, due - time.perf_counter()))
        key = f"bench-key-{mark}-{number}"
        start = time.perf_counter()
        message = AgentMessage(id=key, role="user", content=FILLER)
        client.events.agent.message(agent_id=f"agent-{mark}-{number}", seq=number, message=message)
        returned.append(time.perf_counter() - start)
        began.append(start)
        name, _, end = hand_off.positions()[-1]
        ends.append((name, end))
    deadline = time.monotonic() + RECEIPT_TIMEOUT_S
    while any(taken < end for _, taken, end in hand_off.positions()):
        if time.monotonic() > deadline:
            raise SystemExit(f"no receipts within {RECEIPT_TIMEOUT_S} s")
        time.sleep(POLL_S)
    waits, place = [], 0
    for start, (name, end) in zip(began, ends, strict=True):
        while heard[place][0] != name or heard[place][1] < end:
            place += 1
        waits.append(heard[place][2] - start)
    waits = waits[WARM_UP:]
    emits = returned[WARM_UP:]
    answer = {
        "receipt_p50": share(waits, 0.5),
        "receipt_p99": share(waits, 0.99),
        "emit_p50": share(emits, 0.5),
        "emit_p99": share(emits, 0.99),
        "emit_max": max(emits) * 1000,
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
