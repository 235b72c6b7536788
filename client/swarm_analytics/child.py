"""A daemon as a child process: its command, its environment, its first line, its end."""

import os
import sys
import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from swarm_analytics import policy
from swarm_analytics.errors import DaemonStartError
from swarm_analytics.forking import importing
from swarm_analytics_models.exits import Exit
from swarm_analytics_models.home import Home
from swarm_analytics_models.private import UnsafePath, check_private_file, ensure_private_directory

if TYPE_CHECKING:
    import subprocess

_PASSED_ON: Final = frozenset(
    {
        "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ", "TMPDIR",
        "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR",
        "DBUS_SESSION_BUS_ADDRESS",
        "SYSTEMROOT", "APPDATA", "LOCALAPPDATA", "USERPROFILE", "TEMP", "TMP",
    }
)  # fmt: skip
"""Where the user's files, words, proxies and keyring are. PATH is not among them: nothing is looked up."""

_PASSED_ON_PREFIXES: Final = ("LC_", "XDG_", "SWARM_ANALYTICSD_")


_births = threading.RLock()
"""Held while a child is born and while this process forks: no fork copies a pipe that nobody knows of."""

_processes: set["subprocess.Popen[bytes]"] = set()


def _leave_to_parent() -> None:
    """In a forked child: hold no pipe of the parent's children, which would keep them alive."""
    global _births
    _births = threading.RLock()
    for process in _processes:
        _close_pipe(process)
        process.poll()  # no child of this process, which settles it without a warning
    _processes.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=lambda: _births.acquire(),
        after_in_parent=lambda: _births.release(),
        after_in_child=_leave_to_parent,
    )


class Ready(BaseModel):
    """The line that a daemon prints when it accepts hand-offs."""

    model_config = ConfigDict(extra="ignore")

    ready: Literal[True]
    pid: int
    address: str
    version: str


class HomeTaken(Exception):
    """Another daemon holds the home's lock. `log` names it."""

    def __init__(self, log: str) -> None:
        super().__init__(log)
        self.log = log


class Child:
    """A daemon that became ready. Dropping the pipe, which the end of this process does, too, ends it."""

    def __init__(self, process: "subprocess.Popen[bytes]", ready: Ready) -> None:
        self._process = process
        self.ready = ready
        self.pid = ready.pid  # on Windows not the process's own: an environment's python.exe starts another

    def exit_code(self) -> int | None:
        """None while it runs. Reaps it when it has ended."""
        return self._process.poll()

    def end(self, timeout: float) -> None:
        """End it by closing the pipe, kill it when `timeout` seconds were not enough, and reap it."""
        _end(self._process, timeout)


def command(home: Home, arguments: list[str]) -> list[str]:
    """How a daemon is started: this interpreter by absolute path, deaf to PYTHON* and the directory."""
    if not sys.executable or getattr(sys, "frozen", False):
        raise DaemonStartError(
            "this program is not run by a Python interpreter that could run the daemon, too",
            "Start `swarm-analyticsd run --parent-pipe` from the program that starts this one.",
        )
    return [
        os.path.abspath(sys.executable), "-I", "-m", "swarm_analyticsd",
        "run", "--home", str(home.root), "--parent-pipe", *arguments,
    ]  # fmt: skip


def scrubbed_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """What of `environment` a daemon gets: nothing that could make it load foreign code.

    Services' keys are passed on: it is the daemon that reads them (`EnvironmentKey`).
    """
    passed_on = _PASSED_ON | _key_variables()
    return {
        name: value
        for name, value in environment.items()
        if name.upper() in passed_on or name.upper().startswith(_PASSED_ON_PREFIXES)
    }


def _key_variables() -> frozenset[str]:
    from swarm_analytics_models.key_sources import EnvironmentKey
    from swarm_analytics_models.services import contracts

    sources = (source for contract in contracts().values() for source in contract.key_sources)
    return frozenset(source.variable.upper() for source in sources if isinstance(source, EnvironmentKey))


def spawn(home: Home, arguments: list[str], deadline: float) -> Child:
    """Start a daemon and wait until it is ready. Raises HomeTaken, DaemonStartError."""
    with importing():
        import subprocess

    log, log_from = _open_log(home)
    try:
        with _births:
            process = subprocess.Popen(
                command(home, arguments),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=home.root,
                env=scrubbed_environment(os.environ),
                umask=0o077 if os.name == "posix" else -1,
                start_new_session=True,  # what a terminal sends to the app's group is not for the daemon
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
            _processes.add(process)
    except OSError as error:
        raise DaemonStartError(
            f"cannot start {sys.executable}: {error}", "Check the installation."
        ) from error
    finally:
        os.close(log)
    line = _first_line(process, deadline)
    try:
        return Child(process, Ready.model_validate_json(line))
    except ValidationError:
        raise _failure(process, home, line, log_from) from None


def _first_line(process: "subprocess.Popen[bytes]", deadline: float) -> bytes:
    """What the child says first; empty when it ends or is silent too long. Windows cannot poll pipes."""
    lines: list[bytes] = []
    output = process.stdout
    if output is None:
        return b""

    def read() -> None:
        lines.append(output.readline())
        output.close()

    reader = threading.Thread(target=read, name="swarm-analytics-start", daemon=True)
    reader.start()
    reader.join(max(0.0, deadline - time.monotonic()))
    return lines[0] if lines else b""


def _failure(
    process: "subprocess.Popen[bytes]", home: Home, line: bytes, log_from: int
) -> HomeTaken | DaemonStartError:
    import subprocess

    try:
        code = process.wait(policy.ADOPT_POLL_S) if not line else None
    except subprocess.TimeoutExpired:
        code = None
    _end(process, 0.0)
    said = _log_tail(home, log_from)
    if code == Exit.HOME_TAKEN:
        return HomeTaken(said)
    if line:
        return DaemonStartError(
            f"the daemon said {line!r} instead of being ready", "Check the installation.", said
        )
    if code is None:
        return DaemonStartError(
            "the daemon was not ready in time and was killed", f"Wait longer, or see {home.log}.", said
        )
    return DaemonStartError(
        f"the daemon ended with exit code {code} before it was ready", f"It says why in {home.log}.", said
    )


def _end(process: "subprocess.Popen[bytes]", timeout: float) -> None:
    import subprocess

    _close_pipe(process)
    try:
        process.wait(timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    _processes.discard(process)


def _close_pipe(process: "subprocess.Popen[bytes]") -> None:
    if process.stdin is not None:
        process.stdin.close()


def _open_log(home: Home) -> tuple[int, int]:
    """The daemon's log, open to append to, and its present length."""
    try:
        ensure_private_directory(home.root)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0)
        log = os.open(home.log, flags, 0o600)
        check_private_file(home.log)
        size = os.fstat(log).st_size
        if size > policy.LOG_BYTES:
            os.ftruncate(log, 0)
            size = 0
    except UnsafePath as error:
        raise DaemonStartError(error.message, error.hint) from error
    except OSError as error:
        raise DaemonStartError(
            f"cannot write {home.log}: {error.strerror or error}",
            "Make the home writable, or choose another (SWARM_ANALYTICSD_HOME).",
        ) from error
    return log, size


def _log_tail(home: Home, start: int) -> str:
    try:
        with home.log.open("rb") as log:
            log.seek(max(start, os.fstat(log.fileno()).st_size - policy.LOG_TAIL_BYTES))
            return log.read(policy.LOG_TAIL_BYTES).decode(errors="replace").strip()
    except OSError as error:
        return f"({home.log} cannot be read: {error.strerror})"
