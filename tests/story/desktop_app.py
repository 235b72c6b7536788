"""The desktop app's analytics wrapper, in small: the seed's import, constructor, `register` and calls.

After services/openswarm: it registers and makes one client at start-up, links the e-mail address, writes
`backend_started`; agents, dashboards and the first run emit from an asyncio loop; at the end `closed`, a
flush of two seconds, `close`. A command from stdin for each phase; a JSON object to stdout for each.
"""

import asyncio
import json
import os
import platform
import sys
import time
from typing import Any, Final

from swarm_analytics import AgentMessage, AnalyticsClient

TICK_S: Final = 0.002


class Analytics:
    """What the app's other modules call."""

    def __init__(self, base_url: str, install_id: str) -> None:
        token = AnalyticsClient.register(base_url=base_url, install_id=install_id)
        self.settings = {"installation_id": install_id, "analytics_token": token}
        self.client = AnalyticsClient(base_url=base_url, token=token, mode="full")

    def started(self) -> None:
        client = self.client
        client.logs.write(tag="app", subtag="backend_started", data={"app_version": "1.2.0"})
        client.identify.link_email(email="user@example.com")
        client.events.app_lifecycle.opened(
            os=platform.system(),
            os_version=platform.release(),
            app_version="1.2.0",
            timezone="Europe/Berlin",
            locale="de-DE",
        )

    async def agent(self, name: str, messages: int) -> None:
        """One agent session, as the agent bridge and the dashboards report it."""
        events = self.client.events
        events.dashboard.event(dashboard_id=f"dash-{name}", action="create")
        events.agent.create(id=name, dashboard_id=f"dash-{name}")
        for seq in range(messages):
            content: Any = [{"type": "text", "text": "x" * 500}] if seq % 2 else "y" * 500
            message = AgentMessage(
                id=f"{name}-{seq}", role="assistant" if seq % 2 else "user", content=content
            )
            events.agent.message(agent_id=name, seq=seq, message=message)
            await asyncio.sleep(0)
        events.agent.title(id=name, title=f"Title of {name}")
        events.onboarding.step(step_id=f"step-{name}", status="started")
        events.onboarding.step(step_id=f"step-{name}", status="completed")

    def ended(self) -> bool:
        self.client.events.app_lifecycle.closed()
        drained = self.client.flush(timeout=2.0)
        self.client.close()
        return drained


async def lag(of: asyncio.Task[None]) -> float:
    """The longest in seconds that the loop kept a tick waiting while a task ran."""
    worst = 0.0
    while not of.done():
        due = time.perf_counter() + TICK_S
        await asyncio.sleep(TICK_S)
        worst = max(worst, time.perf_counter() - due)
    await of
    return worst


async def work(analytics: Analytics, name: str) -> dict[str, Any]:
    async def agents() -> None:
        await asyncio.gather(*(analytics.agent(f"{name}-{number}", 40) for number in range(4)))

    async def without() -> None:
        for _ in range(200):
            await asyncio.sleep(0)

    return {
        "idle": await lag(asyncio.create_task(without())),
        "emitting": await lag(asyncio.create_task(agents())),
    }


def say(answer: dict[str, Any]) -> None:
    os.write(1, json.dumps(answer).encode() + b"\n")


async def main() -> None:
    base_url, install_id = sys.argv[1:]
    analytics = Analytics(base_url, install_id)
    analytics.started()
    say({"token": analytics.settings["analytics_token"]})
    while (phase := (await asyncio.to_thread(sys.stdin.readline)).strip()) not in ("", "quit"):
        say(await work(analytics, phase))
    say({"drained": analytics.ended()})


if __name__ == "__main__":
    asyncio.run(main())
