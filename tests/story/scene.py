"""What the stories share: an app that does as it is told, a home as one looks at it, and what must hold."""

import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from swarm_analytics.channel import DaemonChannel
from swarm_analytics_models.home import AUTOSTART_VARIABLE
from tests.support.child import Child, child_environment
from tests.support.processes import SandboxProcess
from tests.support.waiting import eventually

INSTALL: Final = "story-install"
ARRIVAL_S: Final = 40.0
"""For events to arrive on a busy machine, back-off included."""

_EMITTER: Final = Path(__file__).with_name("emitter.py")


class Emitter(Child):
    """An app that emits what it is told to. Starts no daemon unless `autostart`."""

    def __init__(
        self, home: Path, base_url: str, install_id: str = INSTALL, *, autostart: bool = False
    ) -> None:
        environment = None if autostart else {AUTOSTART_VARIABLE: "0"}
        super().__init__(
            [sys.executable, "-P", str(_EMITTER), str(home), base_url, install_id], environment=environment
        )
        self.dropped: dict[str, str] = {}
        """What `on_drop` was told: the HTTP status by id."""

    def begin(self, *words: object) -> None:
        """Tell it what to do, and do not wait."""
        self.say(" ".join(map(str, words)) + "\n")

    def ids(self, count: int) -> list[str]:
        """The next ids that its calls returned."""
        found: list[str] = []
        while len(found) < count:
            found += self._heard(self.line())
        return found

    def until_done(self) -> list[str]:
        """The ids that its calls return from here until it has done what it was told."""
        found: list[str] = []
        while (line := self.line()) != "done\n":
            found += self._heard(line)
        return found

    def do(self, *words: object) -> list[str]:
        """Tell it what to do; the ids of its calls, once it is done."""
        self.begin(*words)
        return self.until_done()

    def last_words(self) -> list[str]:
        """The ids that it said before its end; waits for that."""
        return [key for line in self.rest() for key in self._heard(line)]

    def _heard(self, line: str) -> list[str]:
        match line.split():
            case ["id", key] if line.endswith("\n"):
                return [key]
            case ["dropped", key, status]:
                self.dropped[key] = status
            case _:
                pass
        return []


class HomeView:
    """A home, looked at through its daemon and through its files."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._channel = DaemonChannel(home)

    def status(self) -> dict[str, Any]:
        answer: dict[str, Any] = self._channel.request("GET", "/v1/status")
        return answer

    @property
    def ledger(self) -> dict[str, Any]:
        ledger: dict[str, Any] = self.status()["ledger"]
        assert ledger["balanced"], ledger
        return ledger

    @property
    def openswarm(self) -> dict[str, Any]:
        service: dict[str, Any] = self.status()["services"]["openswarm"]
        return service

    def why(self, key: str) -> dict[str, Any]:
        """All that is known of one event, as soon as it was accepted."""

        def known() -> list[dict[str, Any]]:
            found: list[dict[str, Any]] = self._channel.request("GET", f"/v1/events/{key}")["events"]
            return found

        (event,) = eventually(known, timeout=ARRIVAL_S, what=f"the acceptance of {key}")
        return event

    def flush(self, timeout: float = 0.2) -> bool:
        """Have everything tried at once; whether nothing is left when the time is up."""
        answer = self._channel.request("POST", "/v1/flush", {"timeout_s": timeout}, timeout=timeout + 10.0)
        return answer["drained"] is True

    def accepted(self, count: int) -> None:
        """Wait until so many events were accepted."""
        eventually(lambda: self.ledger["accepted"] >= count, timeout=ARRIVAL_S, what=f"{count} accepted")

    def drained(self) -> dict[str, Any]:
        """Wait, hastening, until nothing is left to send; the ledger then."""
        eventually(lambda: self.flush(1.0), timeout=ARRIVAL_S, what="an empty queue")
        return self.ledger

    def files_with(self, text: bytes) -> list[str]:
        """Names of the home's files in whose bytes `text` stands."""
        return [name for name, content in self.files().items() if text in content]

    def files(self) -> Mapping[str, bytes]:
        """Every file of the home by name; those that vanish meanwhile are left out."""
        found: dict[str, bytes] = {}
        for path in sorted(self.home.rglob("*")):
            if path.is_file():
                try:
                    found[str(path.relative_to(self.home))] = path.read_bytes()
                except FileNotFoundError:
                    continue
        return found


def wait_for(
    service: SandboxProcess, keys: Iterable[str], *, hasten: HomeView | None = None
) -> list[dict[str, Any]]:
    """Wait until the service has taken all of these; what it has taken in all, in order.

    `hasten`: a home in which back-off is cut short meanwhile.
    """
    wanted = set(keys)

    def all_taken() -> bool:
        if hasten is not None:
            hasten.flush()
        return wanted <= set(service.keys())

    eventually(all_taken, timeout=ARRIVAL_S, what=f"the arrival of {len(wanted)} events")
    return service.good()


def assert_once(service: SandboxProcess, keys: Iterable[str]) -> None:
    """These and no others had an effect, each one once."""
    wanted = sorted(keys)
    assert len(wanted) == len(set(wanted)), "no two calls returned the same id"
    assert sorted(service.keys()) == wanted
    ledger = service.ledger()
    assert (ledger["unique"], ledger["conflicts"], ledger["bad"]) == (len(wanted), 0, 0)


def sequences(events: Iterable[Mapping[str, Any]]) -> dict[str, list[int]]:
    """The order in which each agent's messages were taken."""
    found: dict[str, list[int]] = {}
    for event in events:
        if event["route"] == "events.agent.message":
            found.setdefault(event["body"]["agent_id"], []).append(event["body"]["seq"])
    return found


def assert_in_order(events: Iterable[Mapping[str, Any]]) -> None:
    """Every agent's messages are there from the first on, in the order of the calls."""
    for agent, taken in sequences(events).items():
        assert taken == list(range(len(taken))), agent


def command_with_input(*arguments: str, text: str) -> "subprocess.CompletedProcess[str]":
    """Run the command line with `text` on its stdin; check nothing."""
    return subprocess.run(
        [sys.executable, "-m", "swarm_analyticsd", *arguments],
        env=child_environment(),
        capture_output=True,
        text=True,
        timeout=60.0,
        check=False,
        input=text,
    )
