"""The background thread: finds a daemon or starts one, keeps the link, and hears what the daemon says.

One per process and home, started by the first hand-off and never waited for. Nothing depends on its being
there: what it does not do is done by the daemon from the journal.
"""

import logging
import os
import random
import threading
import time
from collections import deque
from pathlib import Path
from typing import Final, assert_never

from swarm_analytics import launch, policy, version
from swarm_analytics.channel import DaemonChannel, find_address
from swarm_analytics.errors import AnalyticsError, DaemonRefused, DaemonStartError, DaemonUnavailable
from swarm_analytics.handoff import Adoption, HandOff
from swarm_analytics.link import Link
from swarm_analytics.loopback import Loopback
from swarm_analytics_models.handoff import (
    ConsentChanged,
    DaemonMessage,
    Dropped,
    DroppedEvent,
    ProtocolError,
    Receipt,
    Refusal,
    SignatureWanted,
    Skipped,
    Welcome,
)
from swarm_analytics_models.home import AddressFile, Home

log: Final = logging.getLogger("swarm_analytics")
_chance: Final = random.SystemRandom()
"""Not the module's own generator: an app that seeds that one counts on nobody else drawing from it."""


class BackOff:
    """Waits of `first`, doubled up to a cap, each times a random 0.5 to 1."""

    def __init__(self, first: float, factor: float = policy.RETRY_FACTOR) -> None:
        self._first = first
        self._factor = factor
        self._tries = 0

    def reset(self) -> None:
        self._tries = 0

    def next(self, cap: float) -> float:
        wait = min(cap, self._first * self._factor ** min(self._tries, 32))
        self._tries += 1
        return wait * _chance.uniform(0.5, 1.0)


class Courier:
    """Runs on its own thread, but for `start`."""

    def __init__(self, home: Home) -> None:
        self.hand_off: Final = HandOff(home, self.connect_at_once, self.start, version.installed)
        self._channel: Final = DaemonChannel(home)
        self._told: deque[str] = deque(maxlen=policy.TROUBLES_REMEMBERED)
        self._begin()

    def _begin(self) -> None:
        self._retry = BackOff(policy.RETRY_FIRST_S)
        self._restart = BackOff(policy.RESTART_FIRST_S)
        self._start_after = 0.0

    def begin_in_child(self) -> None:
        """After a fork: nothing of the parent's goes on; the child's first hand-off starts its own thread."""
        self._begin()
        self.hand_off.begin_in_child()

    def start(self) -> None:
        """Start the thread. Where a process is about to end none can be started, and none is needed."""
        thread = threading.Thread(target=self._run, name="swarm-analytics", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            log.debug("no background thread: %s; the journal keeps what was handed off", error)

    def connect_at_once(self) -> Link | None:
        """A link to a daemon that listens and is of this version or a newer; never waits."""
        try:
            address = find_address(self.hand_off.home)
            if address.handoff is None or version.is_older(address.version, version.installed()):
                return None
            return Link(address.handoff, timeout=0)
        except (DaemonUnavailable, OSError) as error:
            log.debug("no daemon listens in %s yet: %s", self.hand_off.home.root, error)
            return None

    def _run(self) -> None:
        while True:
            try:
                self._turn()
            except AnalyticsError as error:
                self._tell(error.message, error)
            except Exception:
                log.exception("the hand-off's background thread stumbled; it goes on")
            self._rest()

    def _turn(self) -> None:
        """Serve one connection to its end, or make an attempt to have one next time."""
        early = self.hand_off.take_early_link()
        if early is not None:
            self._listen(early)
            return
        try:
            address = find_address(self.hand_off.home)
            if version.is_older(address.version, version.installed()):
                self._start_daemon()
                address = find_address(self.hand_off.home)
            self._serve(address)
        except (DaemonUnavailable, OSError) as error:
            log.debug("no daemon in %s: %s", self.hand_off.home.root, error)
            self._start_daemon()

    def _serve(self, address: AddressFile) -> None:
        if address.handoff is None:
            self._hand_over_tokens()
            Loopback(self._channel, self.hand_off, self._hear).run()
            return
        self._hand_over_tokens()
        link = Link(address.handoff)
        if self.hand_off.attach(link):
            self._listen(link)
        else:
            link.close()

    def _listen(self, link: Link) -> None:
        self.hand_off.asked = False
        try:
            for message in link.messages():
                self._hear(message)
        finally:
            self.hand_off.detach(link)

    def _start_daemon(self) -> None:
        """Start or replace the daemon where that is wanted, allowed, and not too soon after a failure."""
        home = self.hand_off.home
        wanted = self.hand_off.wanting or launch.child_crashed(home)
        if not wanted or not launch.autostart_allowed(home) or time.monotonic() < self._start_after:
            return
        try:
            launch.ensure_daemon(home)
        except DaemonStartError:
            self._start_after = time.monotonic() + self._restart.next(policy.RESTART_CAP_S)
            raise
        self._restart.reset()

    def _rest(self) -> None:
        """Wait before the next turn: longer when nothing is wanted, and then until somebody rings."""
        hand_off = self.hand_off
        hand_off.resting = True
        if hand_off.wanting:
            hand_off.resting = False
        if hand_off.bell.wait(
            self._retry.next(policy.REST_CAP_S if hand_off.resting else policy.RETRY_CAP_S)
        ):
            self._retry.reset()
        hand_off.resting = False
        hand_off.bell.clear()

    def _hand_over_tokens(self) -> None:
        for ref, adoption in list(self.hand_off.adoptions.items()):
            try:
                self._adopt(adoption)
            except DaemonRefused as error:
                self._tell(f"the daemon did not take a token: {error.message}", error)
            self.hand_off.adoptions.pop(ref, None)

    def _adopt(self, adoption: Adoption) -> None:
        destination = adoption.destination
        body = {
            "service": destination.service,
            "base_url": destination.base_url,
            "kind": destination.kind.value,
            "identity": destination.identity,
            "adopt": adoption.token.get_secret_value(),
        }
        self._channel.request("POST", "/v1/register", body, timeout=policy.ADOPT_TOKEN_S)

    def _hear(self, message: DaemonMessage) -> None:
        match message:
            case Welcome():
                for service, mode in message.consent.items():
                    self.hand_off.heard_consent(service, mode)
            case Receipt():
                self._retry.reset()
                self.hand_off.receipted(message.journal, message.offset)
                for refusal in message.refused:
                    self._refused(refusal)
            case Dropped():
                for event in message.events:
                    self._dropped(event)
            case ConsentChanged():
                self.hand_off.heard_consent(message.service, message.mode)
            case SignatureWanted():
                self._sign(message.destination)
            case Skipped():
                self._skipped(message)
            case ProtocolError():
                self._tell(f"the daemon refused the hand-off: {message.message} {message.hint}")
            case _:
                assert_never(message)

    def _sign(self, ref: str) -> None:
        """Give the daemon a freshly signed user id, where this process has the user."""
        sign = self.hand_off.signers.get(ref)
        if sign is None:
            return
        try:
            adoption = sign()
        except Exception:
            log.exception("the application could not sign its user's id anew; his events wait")
            return
        if adoption is not None:
            try:
                self._adopt(adoption)
            except DaemonRefused as error:
                self._tell(f"the daemon did not take a signature: {error.message}", error)

    def _skipped(self, notice: Skipped) -> None:
        listener = self.hand_off.listeners.get(notice.client)
        if listener is not None:
            listener.skipped(notice)

    def _dropped(self, event: DroppedEvent) -> None:
        listener = self.hand_off.listeners.get(event.client)
        if listener is not None:
            listener.dropped(event)

    def _refused(self, refusal: Refusal) -> None:
        listener = self.hand_off.listeners.get(refusal.client) if refusal.client else None
        if listener is not None:
            listener.refused(refusal)
        else:
            self._tell(f"the daemon refused a line ({refusal.code}): {refusal.message} {refusal.hint}")

    def _tell(self, trouble: str, error: AnalyticsError | None = None) -> None:
        """Log, but the same trouble only once (of the latest)."""
        if trouble not in self._told:
            self._told.append(trouble)
            log.warning("%s", error or trouble)


_couriers: dict[Path, Courier] = {}
_couriers_lock = threading.RLock()


def hand_off_for(home: Home) -> HandOff:
    """The process's only hand-off into `home`. Making it does no I/O."""
    with _couriers_lock:
        courier = _couriers.get(home.root)
        if courier is None:
            courier = _couriers[home.root] = Courier(home)
        return courier.hand_off


def _before_fork() -> None:
    """Let nobody be in the middle of opening a journal: the child must know of every file it inherits."""
    _couriers_lock.acquire()
    for courier in _couriers.values():
        courier.hand_off.lock.acquire()


def _after_fork_in_parent() -> None:
    for courier in _couriers.values():
        courier.hand_off.lock.release()
    _couriers_lock.release()


def _after_fork_in_child() -> None:
    global _couriers_lock
    _couriers_lock = threading.RLock()
    for courier in _couriers.values():
        courier.begin_in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork_in_parent,
        after_in_child=_after_fork_in_child,
    )
