"""Real processes for tests: started here, known by pid, gone when the test is over."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.support.child import Child, child_environment
from tests.support.homes import kill_daemon, short_directory


class SandboxProcess(Child):
    """The sandbox, and its control endpoints."""

    def __init__(self, *arguments: str, environment: Mapping[str, str | None] | None = None) -> None:
        self.http = httpx.Client(trust_env=False, verify=False, timeout=30.0)  # noqa: S501
        super().__init__(
            [sys.executable, "-m", "swarm_analytics_sandbox", "--parent-pipe", *arguments],
            environment=environment,
        )
        self.ready = self.read_ready()
        self.base_url: str = self.ready["base_url"]

    @property
    def port(self) -> int:
        return int(self.base_url.rpartition(":")[2])

    def _ask(self, method: str, path: str, **options: Any) -> Any:
        response = self.http.request(method, f"{self.base_url}/_sandbox/{path}", **options)
        assert response.is_success, response.text
        return response.json()

    def ledger(self) -> dict[str, Any]:
        """Counts: received, unique, duplicates, conflicts, bad, by route, by install."""
        answer: dict[str, Any] = self._ask("GET", "ledger")
        return answer

    def good(self, **filters: Any) -> list[dict[str, Any]]:
        """Events that had an effect, in order. Filters: service, route, install_id, after, limit."""
        answer: list[dict[str, Any]] = self._ask("GET", "good", params=filters)
        return answer

    def keys(self, **filters: Any) -> list[str]:
        """Idempotency keys of the good events, in order of acceptance."""
        return [event["key"] for event in self.good(**filters) if event["key"] is not None]

    def bad(self) -> list[dict[str, Any]]:
        answer: list[dict[str, Any]] = self._ask("GET", "bad")
        return answer

    def state(self, service: str = "openswarm") -> Any:
        """What the stand-in of a service holds; of OpenSwarm: the events that stand."""
        return self._ask("GET", f"state/{service}")

    def configure(self, service: str, **settings: Any) -> Any:
        """Change how the stand-in of a service behaves; its state afterwards."""
        return self._ask("POST", f"state/{service}", json=settings)

    def requests(self, limit: int = 1_000) -> list[dict[str, Any]]:
        """The newest requests to the services, oldest first."""
        answer: list[dict[str, Any]] = self._ask("GET", "requests", params={"limit": limit})
        return answer

    def script(self, *faults: Mapping[str, Any], seed: int = 0) -> None:
        """Replace the faults; none given: end them all. A fault: ``{"match": {...}, "action": {...}}``."""
        self._ask("POST", "script", json={"seed": seed, "faults": list(faults)})

    def struck(self) -> list[int]:
        """How often each fault of the script struck."""
        return [fault["struck"] for fault in self._ask("GET", "script")["faults"]]

    def fail(self, status: int = 503, **match: Any) -> None:
        """Answer what matches (by default everything) with a status."""
        self.script({"match": match, "action": {"kind": "status", "status": status}})

    def calm(self) -> None:
        """End all faults."""
        self.script()

    def reset(self) -> None:
        self._ask("POST", "reset")

    def revoke(self, install_id: str | None = None, token: str | None = None) -> int:
        """Revoke tokens (by default all); how many."""
        revoked: int = self._ask("POST", "tokens/revoke", json={"install_id": install_id, "token": token})[
            "revoked"
        ]
        return revoked

    def token_life(self, seconds: float) -> None:
        self._ask("POST", "tokens/life", json={"life_s": seconds})

    def register(self, install_id: str) -> str:
        """A token, asked for as an app would without the daemon."""
        response = self.http.post(
            f"{self.base_url}/public/identify/create_install_token", json={"install_id": install_id}
        )
        assert response.is_success, response.text
        token: str = response.json()["token"]
        return token

    def release(self) -> None:
        self.http.close()
        super().release()


class DaemonProcess(Child):
    """``swarm-analyticsd run``. It ends with the test's process; `hang_up` ends it, too."""

    def __init__(
        self,
        home: Path,
        *arguments: str,
        services: Mapping[str, str] | None = None,
        environment: Mapping[str, str | None] | None = None,
    ) -> None:
        named = [f"--service={name}={base_url}" for name, base_url in (services or {}).items()]
        super().__init__(
            [
                sys.executable,
                "-m",
                "swarm_analyticsd",
                "run",
                "--home",
                str(home),
                "--parent-pipe",
                *named,
                *arguments,
            ],
            environment=environment,
        )
        self.home = home
        self.ready = self.read_ready()
        self.address: str = self.ready["address"]

    def status(self) -> dict[str, Any]:
        return status(self.home)

    def cli(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return command_line(*arguments, "--home", str(self.home))


class AppProcess(Child):
    """An app: Python source of its own, run in a process that has the client."""

    def __init__(
        self, source: str, *arguments: str, environment: Mapping[str, str | None] | None = None
    ) -> None:
        super().__init__([sys.executable, "-c", source, *arguments], environment=environment)


def command_line(
    *arguments: str, environment: Mapping[str, str | None] | None = None, timeout: float = 60.0
) -> "subprocess.CompletedProcess[str]":
    """Run the command line to its end; check nothing."""
    return subprocess.run(
        [sys.executable, "-m", "swarm_analyticsd", *arguments],
        env=child_environment(environment),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def status(home: Path) -> dict[str, Any]:
    """``status --json`` of the daemon that serves `home`."""
    done = command_line("status", "--json", "--home", str(home))
    assert done.returncode == 0, f"exit code {done.returncode}: {done.stdout}{done.stderr}"
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@dataclass
class Processes:
    """Starts processes and ends all of them, last started first."""

    _started: list[Child] = field(default_factory=list)

    def keep(self, child: Child) -> None:
        self._started.append(child)

    def sandbox(self, *arguments: str, environment: Mapping[str, str | None] | None = None) -> SandboxProcess:
        """A sandbox; arguments as ``python -m swarm_analytics_sandbox`` takes them."""
        started = SandboxProcess(*arguments, environment=environment)
        self.keep(started)
        return started

    def daemon(
        self,
        home: Path,
        *arguments: str,
        services: Mapping[str, str] | None = None,
        environment: Mapping[str, str | None] | None = None,
    ) -> DaemonProcess:
        """A daemon that is ready; arguments as ``swarm-analyticsd run`` takes them."""
        started = DaemonProcess(home, *arguments, services=services, environment=environment)
        self.keep(started)
        return started

    def app(
        self, source: str, *arguments: str, environment: Mapping[str, str | None] | None = None
    ) -> AppProcess:
        """An app that runs `source`."""
        started = AppProcess(source, *arguments, environment=environment)
        self.keep(started)
        return started

    def release(self) -> None:
        while self._started:
            self._started.pop().release()


@contextlib.contextmanager
def standing() -> Iterator[tuple[Processes, Path]]:
    """Processes, and a directory for their homes, that several tests share; gone at the end of the block."""
    processes = Processes()
    with short_directory() as directory:
        try:
            yield processes, directory
        finally:
            kill_daemon(directory / "home")
            processes.release()
