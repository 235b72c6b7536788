"""One client object's end of the hand-off: its id, its destination, its `on_drop`."""

import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from swarm_analytics import policy
from swarm_analytics.channel import DaemonChannel
from swarm_analytics.errors import DaemonError, DaemonRefused, DaemonUnavailable
from swarm_analytics.handoff import HandOff
from swarm_analytics.journal import Declared
from swarm_analytics_models.api import FlushAnswer
from swarm_analytics_models.categories import ConsentMode
from swarm_analytics_models.client_route import ClientRoute
from swarm_analytics_models.handoff import (
    DeliverySettings,
    DroppedEvent,
    Refusal,
    Skipped,
    destination_line,
    event_line,
    event_line_head,
    event_line_named,
)
from swarm_analytics_models.identifiers import Destination

log: Final = logging.getLogger("swarm_analytics")


@dataclass(frozen=True, slots=True)
class DroppedRecord:
    """An event that will not be delivered, as `on_drop` gets it."""

    route_key: str
    submission_id: str
    body: dict[str, Any] | None
    """As it was handed off; None where the daemon no longer has it."""

    attempts: int
    """Tries that may have reached the service."""

    reason: str


OnDrop: TypeAlias = Callable[[DroppedRecord, int | None], object]
"""Called on the background thread with the record and the service's HTTP status (None: no answer)."""

OnSkip: TypeAlias = Callable[[Skipped], object]
"""Called on the background thread when a service took a batch and left some of it out."""


class HandOffOutlet:
    """The outlet of a real client: lines for the process's journal, under this client object's name."""

    def __init__(
        self,
        hand_off: HandOff,
        destination: Destination | None,
        on_drop: OnDrop | None,
        *,
        on_skip: OnSkip | None = None,
        settings: DeliverySettings | None = None,
    ) -> None:
        self._hand_off: Final = hand_off
        self._channel: Final = DaemonChannel(hand_off.home)
        self._settings: Final = settings
        self._on_drop = on_drop
        self._on_skip = on_skip
        self.bind(destination)
        self.renew()
        hand_off.listeners[self.id] = self

    def renew(self) -> None:
        """Begin as a client of its own, with nothing handed off."""
        self.id = os.urandom(8).hex()
        self.used = False
        self._heads: dict[str, bytes] = {}

    def bind(self, destination: Destination | None) -> None:
        """Send what is handed off from now on to `destination`; None: to the home's only one."""
        self._destination = (
            None
            if destination is None
            else Declared(destination.ref, destination_line(destination, self._settings))
        )
        self._heads = {}

    def mutes(self, service: str) -> bool:
        return service in self._hand_off.consent.muted

    def hand_off(self, route: ClientRoute, key: str, body: bytes) -> None:
        head = self._heads.get(route.key)
        if head is None:
            head = self._heads[route.key] = event_line_head(
                service=route.service,
                route=route.key,
                destination=None if self._destination is None else self._destination.ref,
                client=self.id,
            )
        line = event_line if route.key_field is None else event_line_named
        self._hand_off.append(line(head, key, body), self._destination)
        self.used = True

    def decide(self, service: str, *, opted_out: bool) -> None:
        """Mute here at once, then have a running daemon purge. With none, the journalled line will do it."""
        mode = ConsentMode.MINIMAL if opted_out else ConsentMode.FULL
        self._hand_off.decided(service, mode)
        try:
            self._channel.request(
                "POST",
                "/v1/consent",
                {"mode": mode.value, "service": service},
                timeout=policy.CONSENT_WAIT_S,
            )
        except DaemonUnavailable as error:
            log.debug("the decision is journalled and takes effect later: %s", error)
        except DaemonError as error:
            log.warning("the decision is journalled; for now %s", error)

    def flush(self, timeout: float) -> bool:
        """Whether, within `timeout` seconds, everything this object handed off was settled."""
        return self._ask(timeout, "drained").drained

    def attempt(self, timeout: float) -> FlushAnswer:
        """What came of it, once everything this object handed off was settled or tried, or the time is up."""
        return self._ask(timeout, "attempted")

    def _ask(self, timeout: float, until: Literal["drained", "attempted"]) -> FlushAnswer:
        if not self.used:
            return FlushAnswer(drained=True, pending=0)
        deadline = time.monotonic() + timeout
        self._await_adoption(deadline)
        while True:
            journal, _, end = self._hand_off.positions()[-1]
            try:
                return self._flush_up_to(journal, end, deadline, until)
            except DaemonError as error:
                if isinstance(error, DaemonRefused) and error.status < 500:
                    if journal == self._hand_off.positions()[-1][0]:
                        raise
                    continue  # it was receipted and given back meanwhile: ask about its successor
                left = deadline - time.monotonic()
                if left <= 0:
                    log.debug("flush ran out of time: %s", error)
                    return FlushAnswer(drained=False, pending=1, error=str(error))
                self._hand_off.call_daemon()
                time.sleep(min(left, policy.FLUSH_POLL_S))

    def _await_adoption(self, deadline: float) -> None:
        """Nothing can be tried before the daemon has the secret that this object was given."""
        ref = None if self._destination is None else self._destination.ref
        while ref in self._hand_off.adoptions and time.monotonic() < deadline:
            self._hand_off.call_daemon()
            time.sleep(policy.FLUSH_POLL_S)

    def release(self) -> None:
        """Report nothing more to the application."""
        self._on_drop = self._on_skip = None

    def dropped(self, event: DroppedEvent) -> None:
        body = event.body if isinstance(event.body, dict) else None
        record = DroppedRecord(
            event.route, event.key, body, event.attempts, f"{event.outcome}: {event.reason}"
        )
        self._report(record, event.status)

    def refused(self, refusal: Refusal) -> None:
        reason = f"refused ({refusal.code}): {refusal.message} {refusal.hint}"
        self._report(DroppedRecord(refusal.route or "", refusal.key or "", None, 0, reason), None)

    def skipped(self, notice: Skipped) -> None:
        on_skip = self._on_skip
        if on_skip is None:
            log.warning(
                "%s took a batch of %d events and left %d out, without saying which",
                notice.service,
                notice.of,
                notice.skipped,
            )
            return
        try:
            on_skip(notice)
        except Exception:
            log.exception("the application's handler of skipped events raised")

    def _flush_up_to(
        self, journal: str, end: int, deadline: float, until: Literal["drained", "attempted"]
    ) -> FlushAnswer:
        left = max(0.0, deadline - time.monotonic())
        body = {"timeout_s": left, "client": self.id, "journal": journal, "offset": end, "until": until}
        answer = self._channel.request("POST", "/v1/flush", body, timeout=left + policy.ANSWER_MARGIN_S)
        return FlushAnswer.model_validate(answer)

    def _report(self, record: DroppedRecord, status: int | None) -> None:
        on_drop = self._on_drop
        if on_drop is None:
            log.info("%s %s will not be delivered: %s", record.route_key, record.submission_id, record.reason)
            return
        try:
            on_drop(record, status)
        except Exception:
            log.exception("on_drop raised for %s %s", record.route_key, record.submission_id)
