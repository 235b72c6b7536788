"""Start the home's daemon as a child of this process, or adopt the one that runs there already.

Many processes may start one at the same time: the home's lock picks one, and the others adopt it. A child's
standard input is a pipe that this process holds for life, so that it ends when this process does, however
that happens.
"""

import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final

from swarm_analytics import policy, version
from swarm_analytics.channel import DaemonChannel, find_address
from swarm_analytics.child import Child, HomeTaken, spawn
from swarm_analytics.errors import DaemonRefused, DaemonStartError, DaemonUnavailable
from swarm_analytics_models.home import AUTOSTART_VARIABLE, Durability, Home, Listen, resolve_home


@dataclass
class _State:
    """What this process has started, by home."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    children: dict[Path, Child] = field(default_factory=dict)
    stopped: set[Path] = field(default_factory=set)
    """Homes whose daemon this process stopped on purpose: none is started there by the way."""

    arguments: dict[Path, list[str]] = field(default_factory=dict)
    """What `start_daemon` asked for, so that a daemon started anew after a crash is the same."""


_state = _State()


def _forget_parents_children() -> None:
    global _state
    _state = _State(stopped=_state.stopped, arguments=_state.arguments)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_parents_children)


class Daemon:
    """A running daemon, started by this process or adopted.

    `home` is its directory, `address` is ``unix:PATH`` or ``http://127.0.0.1:PORT``. As a context manager it
    calls `stop` at the end.
    """

    def __init__(self, home: Home, address: str, pid: int, version: str) -> None:
        self.home: Final = home.root
        self.address: Final = address
        self.pid: Final = pid
        self.version: Final = version

    @property
    def started_here(self) -> bool:
        """Whether it is a child of this process."""
        child = _state.children.get(self.home)
        return child is not None and child.pid == self.pid

    def stop(self, timeout: float = policy.STOP_WAIT_S) -> None:
        """End the daemon if this process started it, and return when it has ended.

        One that was adopted belongs to another process and goes on. After a stop, this process starts none in
        this home until `start_daemon` or `AnalyticsClient.register` is called again.
        """
        if self.started_here:
            start_no_more(Home(self.home))
            with _state.lock:
                child = _state.children.pop(self.home, None)
            if child is not None:
                child.end(timeout)

    def __enter__(self) -> "Daemon":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<Daemon {self.version} pid={self.pid} home={str(self.home)!r} address={self.address!r}>"


def start_daemon(
    home: str | os.PathLike[str] | None = None,
    *,
    services: Mapping[str, str] | None = None,
    wait: float = policy.START_WAIT_S,
    durability: Durability | None = None,
    listen: Listen | None = None,
) -> Daemon:
    """Return the home's daemon, ready: started as a child of this process, or the running one, adopted.

    `home` defaults to SWARM_ANALYTICSD_HOME, then to the user's own. `services` maps service names to base
    URLs; those that a running daemon lacks are added to it. `wait` is in seconds. `durability` and `listen`
    apply to a daemon that is started. An older daemon is replaced.

    Raises DaemonStartError when none becomes ready in time, and DaemonRefused when the running one has
    another base URL for a service.
    """
    arguments = [f"--service={name}={url}" for name, url in (services or {}).items()]
    if durability is not None:
        arguments.append(f"--durability={durability}")
    if listen is not None:
        arguments.append(f"--listen={listen}")
    chosen = resolve_home(home)
    _state.stopped.discard(chosen.root)
    if arguments:
        _state.arguments[chosen.root] = arguments
    return ensure_daemon(chosen, services=services, wait=wait)


def switched_off() -> bool:
    """Whether the environment forbids to start a daemon that nobody asked for by name."""
    return os.environ.get(AUTOSTART_VARIABLE, "").strip().lower() in {"0", "false", "no", "off"}


def start_no_more(home: Home) -> None:
    """From now on hand-offs of this process start no daemon in `home`, until one is asked for by name."""
    _state.stopped.add(home.root)


def autostart_allowed(home: Home) -> bool:
    """Whether a hand-off may start a daemon in `home`."""
    return not switched_off() and home.root not in _state.stopped


def child_crashed(home: Home) -> bool:
    """Whether the daemon that this process had started ended without having been asked to."""
    child = _state.children.get(home.root)
    return child is not None and child.exit_code() not in {None, 0}


def running_daemon(home: Home) -> Daemon | None:
    """The daemon that answers in `home`, or None. Starts nothing."""
    try:
        address = find_address(home).address
        answer = DaemonChannel(home).request("GET", "/v1/version", timeout=policy.CONNECT_S)
        return Daemon(home, address, int(answer["pid"]), str(answer["version"]))
    except (DaemonUnavailable, DaemonRefused, KeyError, TypeError, ValueError):
        return None


def ensure_daemon(
    home: Home,
    *,
    services: Mapping[str, str] | None = None,
    wait: float = policy.START_WAIT_S,
) -> Daemon:
    """The daemon of `home`, started if need be. Raises as `start_daemon`."""
    deadline = time.monotonic() + wait
    if not _state.lock.acquire(timeout=wait):
        raise DaemonStartError(
            f"another thread has been starting a daemon in {home.root} for {wait:g} s", "Try again."
        )
    try:
        return _start_or_adopt(home, services or {}, deadline)
    finally:
        _state.lock.release()


def _start_or_adopt(home: Home, services: Mapping[str, str], deadline: float) -> Daemon:
    former = _state.children.get(home.root)
    if former is not None and former.exit_code() is not None:
        del _state.children[home.root]
        former.end(policy.ADOPT_POLL_S)
    while True:
        running = running_daemon(home)
        if running is not None and not version.is_older(running.version, version.installed()):
            if services:
                DaemonChannel(home).request("POST", "/v1/services", {"services": dict(services)})
            return running
        if running is not None:
            _replace(home, running, deadline)
        try:
            child = spawn(home, _state.arguments.get(home.root, []), deadline)
        except HomeTaken as taken:
            if time.monotonic() >= deadline:
                raise DaemonStartError(
                    f"the home {home.root} is taken by a daemon that does not answer",
                    "See who holds it below; end that process if it hangs, then try again.",
                    taken.log,
                ) from taken
            time.sleep(policy.ADOPT_POLL_S)
            continue
        former, _state.children[home.root] = _state.children.get(home.root), child
        if former is not None:
            former.end(policy.ADOPT_POLL_S)  # it has left the home already, or the child were not ready
        return Daemon(home, child.ready.address, child.pid, child.ready.version)


def _replace(home: Home, older: Daemon, deadline: float) -> None:
    """Ask an older daemon to end, and wait until it no longer answers; what it holds is on disk."""
    try:
        DaemonChannel(home).request("POST", "/v1/stop", timeout=policy.CONNECT_S)
    except DaemonUnavailable:
        return
    while time.monotonic() < deadline:
        running = running_daemon(home)
        if running is None or running.pid != older.pid:
            return
        time.sleep(policy.ADOPT_POLL_S)
