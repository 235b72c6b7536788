"""An app that does what it reads on stdin. On stdout is what its calls returned, each line after its return.

Run by `tests.story.scene.Emitter` as a program of its own: it imports nothing but what an app has.
"""

import os
import select
import sys

from swarm_analytics import AgentMessage, AnalyticsClient


def say(*words: object) -> None:
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


class Emitter:
    def __init__(self, client: AnalyticsClient) -> None:
        self._client = client
        self._next: dict[str, int] = {}

    def message(self, agent: str, text: str) -> None:
        seq = self._next[agent] = self._next.get(agent, -1) + 1
        message = AgentMessage(id=f"{agent}-{seq}", role="user", content=text)
        say("id", self._client.events.agent.message(agent_id=agent, seq=seq, message=message))

    def stream(self, agents: list[str], burst: int, pace: float) -> None:
        """Emit in bursts, until the next line comes in."""
        while not select.select([0], [], [], pace)[0]:
            for number in range(burst):
                self.message(agents[number % len(agents)], "streamed")

    def obey(self, words: list[str]) -> None:
        match words:
            case ["message", agent, count, text]:
                for _ in range(int(count)):
                    self.message(agent, text)
            case ["log", count, text]:
                for _ in range(int(count)):
                    say("id", self._client.logs.write(tag="story", data=text))
            case ["opt-out", "yes" | "no" as decision]:
                say("id", self._client.preferences.opt_out(opted_out=decision == "yes"))
            case ["stream", agents, burst, pace]:
                self.stream(agents.split(","), int(burst), float(pace))
            case ["stop"]:
                pass
            case _:
                raise SystemExit(f"emitter: {words}")


def main() -> None:
    home, base_url, install_id = sys.argv[1:]
    client = AnalyticsClient(
        home=home,
        base_url=base_url,
        install_id=install_id,
        on_drop=lambda record, status: say("dropped", record.submission_id, status),
    )
    emitter = Emitter(client)
    while line := sys.stdin.readline():
        emitter.obey(line.split())
        say("done")


if __name__ == "__main__":
    main()
