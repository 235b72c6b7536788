"""What a row is, and what it is given to measure with."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from swarm_analytics_models.home import AUTOSTART_VARIABLE, HOME_VARIABLE
from tests.benchmarks.peers import Peers
from tests.benchmarks.service import ServiceProcess
from tests.benchmarks.table import Figure
from tests.support.child import Child, child_environment
from tests.support.homes import short_directory

PROGRAMS: Final = Path(__file__).with_name("programs")
PROGRAM_TIMEOUT_S: Final = 600.0


SAID: Final = 2_000
"""Characters of a failed program's stderr that are told."""


class ProgramFailed(Exception):
    """A program did not end well."""


@dataclass(frozen=True, kw_only=True)
class Bench:
    """What every row is given: how long it may take, the peers, and places to run in."""

    rounds: int
    quick: bool
    idle_s: float
    peers: Peers

    def pick(self, full: int, quick: int) -> int:
        """A size: `quick` in a quick run, else `full`."""
        return quick if self.quick else full

    @contextmanager
    def service(self, delay_ms: float = 0.0) -> Iterator[ServiceProcess]:
        """A service of its own process on 127.0.0.1 that answers every request after `delay_ms`."""
        service = ServiceProcess(delay_ms)
        try:
            yield service
        finally:
            service.release()

    @contextmanager
    def home(self) -> Iterator[Path]:
        """A daemon's home with nothing in it."""
        with short_directory() as directory:
            yield directory / "home"

    @contextmanager
    def daemon(
        self, home: Path, *arguments: str, environment: Mapping[str, str] | None = None
    ) -> Iterator[Child]:
        """A daemon that is ready; stopped at the end, and ended with this process."""
        daemon = Child(
            [
                sys.executable,
                "-m",
                "swarm_analyticsd",
                "run",
                "--home",
                str(home),
                "--parent-pipe",
                *arguments,
            ],
            environment={HOME_VARIABLE: None, **(environment or {})},
        )
        try:
            daemon.read_ready()
            yield daemon
        finally:
            if daemon.running:
                daemon.stop()
            daemon.release()

    def program(
        self,
        name: str,
        *arguments: object,
        interpreter: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Any:
        """Run ``programs/NAME.py`` to its end, by default with our interpreter; the JSON that it prints last.

        Our client in it starts no daemon. Raises ProgramFailed, with what it said.
        """
        done = subprocess.run(
            self.command(name, *arguments, interpreter=interpreter),
            env=child_environment({AUTOSTART_VARIABLE: "0", **(environment or {})}),
            capture_output=True,
            text=True,
            timeout=PROGRAM_TIMEOUT_S,
            check=False,
        )
        if done.returncode:
            raise ProgramFailed(f"{name} {' '.join(map(str, arguments))}: {done.stderr.strip()[-SAID:]}")
        return json.loads(done.stdout.splitlines()[-1])

    def command(self, name: str, *arguments: object, interpreter: Path | None = None) -> list[str]:
        """The command line of ``programs/NAME.py``."""
        python = os.fspath(interpreter or sys.executable)
        return [python, "-P", str(PROGRAMS / f"{name}.py"), *map(str, arguments)]


class Row(Protocol):
    """A group of figures that are measured together."""

    name: str
    title: str

    def run(self, bench: Bench) -> list[Figure]:
        """Measure ours and the peers in turn. What a peer cannot do is left out of the figure's peers."""
        ...
