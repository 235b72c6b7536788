"""A sample desktop app. What its user does comes as lines on stdin; it reports every event::

    python -m swarm_analytics.sample_app --base-url http://127.0.0.1:8000 [--home DIR] [--install-id ID]

    agent NAME MESSAGES    an agent works: dashboard, agent, title, so many messages, a log entry
    email ADDRESS          the user signs in
    opt-in                 the user allows product analytics
    quit                   the user closes the app; so does the end of input

On stdout is one JSON object a line: first the app itself, then each call after it returned, then each of the
user's lines after it is done. Whoever reads them knows what the app was promised, even if the app is killed.
"""

import argparse
import json
import os
import platform
import sys
from typing import Final, Literal, TypeAlias, get_args

from swarm_analytics import AgentMessage, AnalyticsClient, start_daemon

APP_VERSION: Final = "1.2.0"
Role: TypeAlias = Literal["user", "thinking", "tool_call", "tool_result", "assistant"]
ROLES: Final[tuple[Role, ...]] = get_args(Role)


class SampleApp:
    """Uses the client as any app would; `_called` is for whoever watches."""

    def __init__(self, client: AnalyticsClient) -> None:
        self._client = client

    def opened(self) -> None:
        events, logs = self._client.events, self._client.logs
        _called(
            "events.app_lifecycle.opened",
            events.app_lifecycle.opened(
                os=platform.system(), os_version=platform.release(), app_version=APP_VERSION
            ),
        )
        _called(
            "logs.write",
            logs.write(tag="app", subtag="backend_started", data={"app_version": APP_VERSION}),
        )
        _called(
            "events.onboarding.step", events.onboarding.step(step_id="connect_provider", status="completed")
        )

    def agent(self, name: str, messages: int) -> None:
        """One agent's life, on a dashboard of its own."""
        events, logs = self._client.events, self._client.logs
        agent, dashboard = f"agent-{name}", f"dashboard-{name}"
        _called("events.dashboard.event", events.dashboard.event(dashboard_id=dashboard, action="create"))
        _called("events.agent.create", events.agent.create(id=agent, name=name, dashboard_id=dashboard))
        _called("events.agent.title", events.agent.title(id=agent, title=f"Refactoring {name}"))
        for seq in range(messages):
            role = ROLES[seq % len(ROLES)]
            message = AgentMessage(id=f"{agent}-{seq}", role=role, content=f"{role}: {seq} of {messages}")
            _called("events.agent.message", events.agent.message(agent_id=agent, seq=seq, message=message))
        _called("logs.write", logs.write(tag="agent", subtag="done", data={"messages": messages}))

    def email(self, address: str) -> None:
        _called("identify.link_email", self._client.identify.link_email(email=address))

    def opt_in(self) -> None:
        _called("preferences.opt_out", self._client.preferences.opt_out(opted_out=False))

    def closed(self) -> None:
        _called("events.app_lifecycle.closed", self._client.events.app_lifecycle.closed())


def _called(route: str, submission_id: str) -> None:
    _say({"called": route, "id": submission_id})


def _say(line: dict[str, object]) -> None:
    os.write(sys.stdout.fileno(), json.dumps(line).encode() + b"\n")


def _obey(app: SampleApp, line: str) -> None:
    match line.split():
        case ["agent", name, messages]:
            app.agent(name, int(messages))
        case ["email", address]:
            app.email(address)
        case ["opt-in"]:
            app.opt_in()
        case _:
            raise SystemExit(
                f"sample app: {line!r} is not one of: agent NAME MESSAGES, email ADDRESS, opt-in, quit"
            )


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m swarm_analytics.sample_app", description="A sample desktop app."
    )
    parser.add_argument("--home", help="default: SWARM_ANALYTICSD_HOME, else the user's own")
    parser.add_argument("--base-url", required=True, help="where OpenSwarm's analytics are, or a sandbox")
    parser.add_argument("--install-id", default="sample-install")
    chosen = parser.parse_args()
    daemon = start_daemon(home=chosen.home, services={"openswarm": chosen.base_url})
    with AnalyticsClient(home=chosen.home, base_url=chosen.base_url, install_id=chosen.install_id) as client:
        app = SampleApp(client)
        _say({"app": os.getpid(), "daemon": daemon.pid, "started_here": daemon.started_here})
        app.opened()
        _say({"done": "opened"})
        for line in sys.stdin:
            if line.strip() == "quit":
                break
            _obey(app, line)
            _say({"done": line.strip()})
        app.closed()
        _say({"done": "quit"})
    return 0


if __name__ == "__main__":
    sys.exit(main())
