"""The demo's stage: its processes and its home, all gone when it is over, however it ends."""

import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Final, TypeVar

from swarm_analytics_models.home import Home, read_address

PATIENCE_S: Final = 30.0
"""For anything that the demo waits for; on a slow machine each takes a few seconds."""

PAUSE_S: Final = 0.02
PREFIX: Final = "SWARM_ANALYTICSD_"

T = TypeVar("T")


class DemoFailed(Exception):
    """Something was lost, doubled or did not happen in time."""


class Actor:
    """A process whose lines of JSON are read as they come, and kept by the pipe if it is killed."""

    def __init__(self, name: str, process: "subprocess.Popen[bytes]", errors: Path) -> None:
        self.name = name
        self.pid = process.pid
        self._process = process
        self._errors = errors
        self._lines: queue.Queue[bytes] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        if self._process.stdout is not None:
            for line in self._process.stdout:
                self._lines.put(line)
        self._lines.put(b"")

    def line(self) -> dict[str, Any]:
        """The next line. DemoFailed, with what it said on stderr, when none comes."""
        try:
            line = self._lines.get(timeout=PATIENCE_S)
        except queue.Empty:
            raise DemoFailed(f"the {self.name} said nothing for {PATIENCE_S:g} s\n{self.errors}") from None
        if not line:
            raise DemoFailed(f"the {self.name} ended with exit code {self._process.wait()}\n{self.errors}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def say(self, line: str) -> None:
        if self._process.stdin is not None:
            self._process.stdin.write(f"{line}\n".encode())
            self._process.stdin.flush()

    def wait(self) -> int:
        try:
            return self._process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            raise DemoFailed(f"the {self.name} did not end in {PATIENCE_S:g} s\n{self.errors}") from None

    def kill(self) -> None:
        """kill -9, and wait for the end."""
        self._process.kill()
        self._process.wait()

    @property
    def errors(self) -> str:
        return self._errors.read_text(errors="replace").strip()


class Stage:
    """A context: enter to get a home in a temporary directory; leave to end every process and remove it."""

    def __enter__(self) -> "Stage":
        self.directory = Path(tempfile.mkdtemp(prefix="swarm-demo-"))
        self.home = Home(self.directory / "home")
        self._actors: list[Actor] = []
        self._former = {
            number: signal.signal(number, _interrupt) for number in (signal.SIGTERM, signal.SIGHUP)
        }
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number in (signal.SIGINT, *self._former):
            signal.signal(number, signal.SIG_IGN)
        try:
            daemon = self.daemon_pid()
            for actor in reversed(self._actors):
                actor.kill()
            if daemon is not None:
                kill(daemon)
                self.until(lambda: not lives(daemon), "the end of the daemon")
            shutil.rmtree(self.directory, ignore_errors=True)
        finally:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            for number, handler in self._former.items():
                signal.signal(number, handler)

    def start(self, name: str, *arguments: str) -> Actor:
        """Start a Python module of ours. It gets no signal from the terminal: the stage ends it."""
        errors = self.directory / f"{name}.stderr"
        with errors.open("ab") as written:
            process = subprocess.Popen(
                [sys.executable, "-m", *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=written,
                env=_environment(),
                start_new_session=True,
            )
        actor = Actor(name, process, errors)
        self._actors.append(actor)
        return actor

    def command(self, *arguments: str, capture: bool = True) -> "subprocess.CompletedProcess[str]":
        """Run a command of ours on the demo's home to its end, its output shown unless it is captured."""
        sys.stdout.flush()
        return subprocess.run(
            [sys.executable, "-m", "swarm_analyticsd", *arguments, "--home", str(self.home.root)],
            stdin=subprocess.DEVNULL,
            capture_output=capture,
            text=True,
            env=_environment(),
            timeout=2 * PATIENCE_S,
            check=False,
        )

    def until(self, ask: Callable[[], T | None], what: str) -> T:
        """Wait for an answer that is true. DemoFailed, naming `what`, when it takes too long."""
        deadline = time.monotonic() + PATIENCE_S
        while not (answer := ask()):
            if time.monotonic() > deadline:
                raise DemoFailed(f"waited {PATIENCE_S:g} s in vain for {what}")
            time.sleep(PAUSE_S)
        return answer

    def daemon_pid(self, *, but: int | None = None) -> int | None:
        """The daemon that serves the home, whoever started it; None where that is `but` or nobody."""
        address = read_address(self.home)
        if address is None or address.pid == but or not lives(address.pid):
            return None
        return address.pid

    def last_words(self) -> str:
        """What the processes said on stderr and in the daemon's log, for when the demo fails."""
        logs = [*sorted(self.directory.glob("*.stderr")), self.home.log]
        said = ((log.name, _tail(log)) for log in logs)
        return "\n".join(f"--- {name}\n{text}" for name, text in said if text)


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return not _is_zombie(pid)


def kill(*pids: int) -> None:
    """kill -9 of all at once: each is stopped first, so that none can act on another's end."""
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for pid in pids:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue


def freeze(pid: int) -> None:
    os.kill(pid, signal.SIGSTOP)


def _is_zombie(pid: int) -> bool:
    """Whether it has ended and only waits to be fetched by its parent."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return False


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _environment() -> dict[str, str]:
    """Ours, without settings of a daemon; no real keyring is touched."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return ours | {f"{PREFIX}CREDENTIAL_STORE": "file"}


def _tail(log: Path) -> str:
    try:
        return "\n".join(log.read_text(errors="replace").strip().splitlines()[-15:])
    except OSError:
        return ""
