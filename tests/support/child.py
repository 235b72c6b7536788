"""One process of a test: its lines, its signals, its end."""

import contextlib
import json
import os
import queue
import signal
import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence
from typing import IO, Any, Final

from swarm_analytics_models.home import HOME_VARIABLE

START_TIMEOUT_S: Final = 30.0
"""For a process to say that it is ready, on a busy machine."""

STOP_TIMEOUT_S: Final = 20.0
CREDENTIAL_STORE_VARIABLE: Final = "SWARM_ANALYTICSD_CREDENTIAL_STORE"


def child_environment(changes: Mapping[str, str | None] | None = None) -> dict[str, str]:
    """What a child gets: ours without settings of the daemon, no real keyring; None in `changes` removes."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("SWARM_ANALYTICSD_")
    }
    environment[CREDENTIAL_STORE_VARIABLE] = "file"
    if HOME_VARIABLE in os.environ:
        environment[HOME_VARIABLE] = os.environ[HOME_VARIABLE]
    for name, value in (changes or {}).items():
        environment.pop(name, None)
        if value is not None:
            environment[name] = value
    return environment


class Child:
    """A process and what it says: lines of stdout as they come, stderr for when something goes wrong."""

    def __init__(
        self, command: Sequence[str], *, environment: Mapping[str, str | None] | None = None
    ) -> None:
        self.command = tuple(command)
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115
        self._popen = subprocess.Popen(
            self.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=child_environment(environment),
        )
        self._lines: queue.Queue[bytes | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read, args=(self._popen.stdout,), daemon=True)
        self._reader.start()

    def _read(self, stdout: IO[bytes]) -> None:
        for line in stdout:
            self._lines.put(line)
        self._lines.put(None)

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def running(self) -> bool:
        return self._popen.poll() is None

    def line(self, timeout: float = START_TIMEOUT_S) -> str:
        """The next line of stdout. AssertionError, with stderr, when none comes."""
        try:
            line = self._lines.get(timeout=timeout)
        except queue.Empty:
            raise AssertionError(self._described(f"said nothing for {timeout} s")) from None
        if line is None:
            self._lines.put(None)
            code = self._popen.wait(STOP_TIMEOUT_S)
            raise AssertionError(self._described(f"ended its output, exit code {code}"))
        return line.decode()

    def read_ready(self) -> dict[str, Any]:
        """The JSON line that says it is ready; ends the process where none comes."""
        try:
            ready: dict[str, Any] = json.loads(self.line())
        except BaseException:
            self.release()
            raise
        return ready

    def rest(self) -> list[str]:
        """The lines of stdout from here to its end; waits for that."""
        lines = []
        while (line := self._lines.get(timeout=STOP_TIMEOUT_S)) is not None:
            lines.append(line.decode())
        self._lines.put(None)
        return lines

    def say(self, text: str) -> None:
        """Write to its stdin."""
        if self._popen.stdin is None or self._popen.stdin.closed:
            raise AssertionError(self._described("has no stdin any more"))
        self._popen.stdin.write(text.encode())
        self._popen.stdin.flush()

    def hang_up(self) -> None:
        """Close its stdin."""
        if self._popen.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._popen.stdin.close()

    @property
    def errors(self) -> str:
        """Its stderr so far."""
        self._errors.seek(0)
        return self._errors.read().decode(errors="replace")

    def kill(self) -> None:
        """kill -9; returns when it is gone."""
        self._popen.kill()
        self._popen.wait(STOP_TIMEOUT_S)

    def stop(self) -> int:
        """SIGTERM; its exit code."""
        self._popen.terminate()
        return self.wait()

    def freeze(self) -> None:
        self._popen.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._popen.send_signal(signal.SIGCONT)

    def wait(self, timeout: float = STOP_TIMEOUT_S) -> int:
        """Its exit code."""
        try:
            return self._popen.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(self._described(f"still runs after {timeout} s")) from None

    def release(self) -> None:
        """End it if it still runs, and close what it held here."""
        if self.running:
            self.kill()
        self.hang_up()
        self._reader.join(1.0)
        if not self._reader.is_alive() and self._popen.stdout is not None:
            self._popen.stdout.close()
        self._errors.close()

    def _described(self, what: str) -> str:
        return f"{' '.join(self.command)} {what}; stderr:\n{self.errors}"
