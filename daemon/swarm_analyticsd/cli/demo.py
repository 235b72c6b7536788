"""The demo: real processes hand off, lose the network, lose the daemon, and lose no event."""

import json
import sys
import time
from typing import Any, Final

import httpx

from swarm_analyticsd.cli.reckoning import Call, Reckoning, reckon
from swarm_analyticsd.cli.stage import Actor, DemoFailed, Stage, freeze, kill

INSTALL_ID: Final = "demo-install"
INTERRUPTED: Final = 130

UNAVAILABLE: Final = {"faults": [{"action": {"kind": "status", "status": 503}}]}
SHAKY: Final = {
    "faults": [
        {
            "match": {"route": "events.agent.message", "nth": nth, "count": 2},
            "action": {**action, "accept": True},
        }
        for nth, action in ((10, {"kind": "reset"}), (40, {"kind": "hang", "seconds": 0.3}))
    ]
}
"""What a service that comes back may do: take events and drop the connection, or take them and not answer."""

FLUSH_S: Final = 3
"""Each `flush` has the daemon try at once instead of backing off."""


def demo() -> int:
    """Play it. 0: every event of the app is at the service once; 1: not so, and why; 130: interrupted."""
    try:
        with Stage() as stage:
            try:
                return _Story(stage).play()
            except DemoFailed as failed:
                _say(f"\nThe demo failed: {failed}\n{stage.last_words()}")
                return 1
    except KeyboardInterrupt:
        _say("\nInterrupted; every process of the demo has been ended.")
        return INTERRUPTED


def _say(text: str = "") -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


class _Story:
    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.sent: list[Call] = []
        self.started = time.monotonic()
        self.http = httpx.Client(trust_env=False, timeout=10.0)
        self.base_url = ""
        self.agents = 0

    def play(self) -> int:
        with self.http:
            _say("Everything here happens on this machine, in a home that is removed at the end.")
            sandbox = self._start_sandbox()
            app, daemon = self._all_is_well()
            daemon = self._service_fails(app, daemon)
            self._network_is_gone(app, sandbox)
            self._both_are_killed(app, daemon)
            self._app_comes_back()
            return self._ending()

    def _all_is_well(self) -> tuple[Actor, int]:
        self._title("An app, a daemon, a service")
        _say(f"A stand-in for the service runs at {self.base_url}.")
        app, daemon = self._start_app()
        _say(f"The app runs (pid {app.pid}) and has started the daemon (pid {daemon}) as its child.")
        _say(f"At its start the app has made {len(self.sent)} calls.")
        self._app_does(app, "email user@example.com", "opt-in", self._agent(20))
        self._expect_all_there()
        return app, daemon

    def _service_fails(self, app: Actor, daemon: int) -> int:
        self._title("The service fails, and the daemon is killed")
        self._control("script", UNAVAILABLE)
        _say("The service answers 503 to everything.")
        self._app_does(app, self._agent(30))
        kill(daemon)
        _say(f"kill -9 {daemon}: no daemon is left, and the app goes on.")
        self._app_does(app, self._agent(30))
        fresh = self.stage.until(lambda: self.stage.daemon_pid(but=daemon), "the app to start a daemon")
        _say(f"The app has started another daemon (pid {fresh}).")
        return fresh

    def _network_is_gone(self, app: Actor, sandbox: Actor) -> None:
        self._title("The network is gone, and comes back badly")
        sandbox.kill()
        _say("Nothing answers at the service's address any more.")
        self._app_does(app, self._agent(30))
        waiting = self.stage.until(self._backing_off, "the daemon to notice the outage")
        _say(f"{waiting} events wait in the daemon's outbox; it tries again by itself, ever less often.")
        self._start_sandbox("--port", self.base_url.rpartition(":")[2], "--script", self._script(SHAKY))
        _say("The service is back, but knows no token of before, and it takes some events without an answer.")
        self._expect_all_there()

    def _both_are_killed(self, app: Actor, daemon: int) -> None:
        self._title("App and daemon are killed at the same instant")
        freeze(daemon)
        _say(f"The daemon hangs (SIGSTOP {daemon}).")
        self._app_does(app, self._agent(50))
        kill(app.pid, daemon)
        app.wait()
        _say(f"kill -9 {app.pid} {daemon}, right after the app's last call returned.")
        journals = [journal.name for journal in self.stage.home.inbox.iterdir()]
        _say(f"What no daemon has taken is in the home's inbox: {', '.join(journals)}.")

    def _app_comes_back(self) -> None:
        self._title("A fresh daemon takes the inbox")
        home = str(self.stage.home.root)
        daemon = self.stage.start("daemon", "swarm_analyticsd", "run", "--parent-pipe", "--home", home)
        _say(f"A daemon was started by hand (pid {daemon.line()['pid']}).")
        self._expect_all_there()
        before = len(self.sent)
        app, adopted = self._start_app()
        _say(f"The app runs again (pid {app.pid}) and has adopted that daemon (pid {adopted}).")
        _say(f"At its start the app has made {len(self.sent) - before} calls.")
        self._app_does(app, self._agent(20), "quit")
        app.wait()
        _say("The app has been closed.")
        self._expect_all_there()

    def _ending(self) -> int:
        self._title("swarm-analyticsd status")
        self.stage.command("status", capture=False)
        ledger = self._status()["ledger"]
        reckoning = reckon(self.sent, self._control("good"), self._control("ledger"), ledger)
        self._title("What the app sent, and what the service has")
        _show(reckoning)
        _say(f"({time.monotonic() - self.started:.0f} s)")
        return 1 if reckoning.faults else 0

    def _title(self, text: str) -> None:
        _say(f"\n{text}\n{'-' * len(text)}")

    def _start_sandbox(self, *arguments: str) -> Actor:
        ledger = str(self.stage.directory / "ledger.ndjson")
        sandbox = self.stage.start(
            "sandbox", "swarm_analytics_sandbox", "--parent-pipe", "--ledger", ledger, *arguments
        )
        self.base_url = sandbox.line()["base_url"]
        return sandbox

    def _script(self, content: object) -> str:
        file = self.stage.directory / "script.json"
        file.write_text(json.dumps(content))
        return str(file)

    def _start_app(self) -> tuple[Actor, int]:
        home = str(self.stage.home.root)
        app = self.stage.start(
            "app",
            "swarm_analytics.sample_app",
            *("--home", home, "--base-url", self.base_url, "--install-id", INSTALL_ID),
        )
        daemon: int = app.line()["daemon"]
        self._app_has_done(app)
        return app, daemon

    def _agent(self, messages: int) -> str:
        self.agents += 1
        return f"agent {self.agents} {messages}"

    def _app_does(self, app: Actor, *lines: str) -> None:
        """Let the app's user do it, and take down each call that returned."""
        before, started = len(self.sent), time.monotonic()
        for line in lines:
            app.say(line)
            self._app_has_done(app)
        took = (time.monotonic() - started) * 1000
        _say(f"The app makes {len(self.sent) - before} calls; all have returned after {took:.0f} ms.")

    def _app_has_done(self, app: Actor) -> None:
        while "called" in (line := app.line()):
            self.sent.append(Call(line["called"], line["id"]))

    def _expect_all_there(self) -> None:
        self.stage.until(self._all_there, f"the service to have all of {len(self.sent)} events")
        _say(f"The app has sent {len(self.sent)} events so far; the service has all of them.")

    def _all_there(self) -> bool:
        self.stage.command("flush", "--timeout", str(FLUSH_S))
        there: int = self._control("ledger")["unique"]
        return there >= len(self.sent)

    def _backing_off(self) -> int | None:
        """How many events wait while the service cannot be reached; None as long as not all is known."""
        status = self._status()
        ledger = status["ledger"]
        waiting: int = ledger["queued"] + ledger["leased"] + ledger["held"]
        known = ledger["accepted"] == len(self.sent)
        return waiting if known and status["services"]["openswarm"]["breaker"] == "open" else None

    def _control(self, path: str, body: object = None) -> Any:
        address = f"{self.base_url}/_sandbox/{path}"
        try:
            answer = self.http.get(address) if body is None else self.http.post(address, json=body)
            answer.raise_for_status()
        except httpx.HTTPError as error:
            raise DemoFailed(f"the sandbox does not answer at {address}: {error}") from error
        return answer.json()

    def _status(self) -> dict[str, Any]:
        done = self.stage.command("status", "--json")
        if done.returncode:
            raise DemoFailed(f"`status` ended with exit code {done.returncode}\n{done.stdout}{done.stderr}")
        status: dict[str, Any] = json.loads(done.stdout)
        return status


def _show(reckoning: Reckoning) -> None:
    _say(f"{'':<30}{'sent':>8}{'there':>8}")
    for route, sent, there in (*reckoning.rows, ("in all", reckoning.sent, reckoning.there)):
        _say(f"{route:<30}{sent:>8}{there:>8}{'' if sent == there else '   <--'}")
    _say()
    if reckoning.repeated:
        _say(
            f"{reckoning.repeated} arrived more than once; the service knew their keys, and nothing doubled."
        )
    if not reckoning.faults:
        _say("Ledger balanced; each agent's messages in order; nothing lost, nothing doubled.")
    for fault in reckoning.faults:
        _say(f"WRONG: {fault}")
