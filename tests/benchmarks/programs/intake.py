"""An app with our client: hands events off in a flood when a line comes on stdin, and waits for receipts.

``intake.py HOME BASE_URL EVENTS calls|lines one|many``: by calls of the client, or as lines that were made
before, which shows what the daemon alone can take; all with one ordering key, or each with its own. Prints a
line when it is ready, then one with its first and its last moment (time.monotonic()) and its CPU time.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from swarm_analytics import AgentMessage, AnalyticsClient
from swarm_analytics.courier import hand_off_for
from swarm_analytics.handoff import HandOff
from swarm_analytics.journal import Declared
from swarm_analytics_models.handoff import destination_line, event_line, event_line_head
from swarm_analytics_models.home import Home
from swarm_analytics_models.identifiers import Destination, IdentityKind, uuid7

INSTALL: Final = "bench"
FILLER: Final = "x" * 40
"""Makes a line one of about 400 bytes, of which 300 are the event's."""

RECEIPT_TIMEOUT_S: Final = 300.0
POLL_S: Final = 0.001


def calls(home: Path, base_url: str, keys: list[str], agents: list[str]) -> Callable[[], None]:
    client = AnalyticsClient(home=home, base_url=base_url, install_id=INSTALL)

    def flood() -> None:
        for seq, (key, agent) in enumerate(zip(keys, agents, strict=True)):
            message = AgentMessage(id=key, role="user", content=FILLER)
            client.events.agent.message(agent_id=agent, seq=seq, message=message)

    return flood


def lines(hand_off: HandOff, base_url: str, keys: list[str], agents: list[str]) -> Callable[[], None]:
    destination = Destination("openswarm", base_url, IdentityKind.INSTALL, INSTALL)
    declared = Declared(destination.ref, destination_line(destination))
    head = event_line_head(
        service="openswarm", route="events.agent.message", destination=destination.ref, client=INSTALL
    )
    made = []
    for seq, (key, agent) in enumerate(zip(keys, agents, strict=True)):
        submission_id = uuid7()
        body = {
            "ts": 1_800_000_000.123456,
            "submission_id": submission_id,
            "agent_id": agent,
            "seq": seq,
            "message": {"id": key, "role": "user", "content": FILLER},
        }
        made.append(event_line(head, submission_id, json.dumps(body, separators=(",", ":")).encode()))

    def flood() -> None:
        for line in made:
            hand_off.append(line, declared)

    return flood


def wait_for_receipts(hand_off: HandOff) -> None:
    deadline = time.monotonic() + RECEIPT_TIMEOUT_S
    while any(receipted < end for _, receipted, end in hand_off.positions()):
        if time.monotonic() > deadline:
            raise SystemExit(f"no receipts within {RECEIPT_TIMEOUT_S} s: {hand_off.positions()}")
        time.sleep(POLL_S)


def main() -> None:
    home, base_url, count, way, ordering = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), *sys.argv[4:]
    mark = uuid7()
    keys = [f"bench-key-{mark}-{number}" for number in range(count)]
    agents = [f"agent-{mark}-{number if ordering == 'many' else 0}" for number in range(count)]
    hand_off = hand_off_for(Home(home))
    flood = calls(home, base_url, keys, agents) if way == "calls" else lines(hand_off, base_url, keys, agents)
    print("ready", flush=True)
    sys.stdin.readline()
    began, cpu = time.monotonic(), time.process_time()
    flood()
    called = time.monotonic()
    wait_for_receipts(hand_off)
    ended = time.monotonic()
    answer = {"began": began, "called": called, "ended": ended, "cpu_s": time.process_time() - cpu}
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
