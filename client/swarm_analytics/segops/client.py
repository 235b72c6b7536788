"""The client that applications make: the constructor and methods of SegOps' own SDK."""

import logging
import os
import threading
import weakref
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, Literal, TypeAlias

from swarm_analytics._generated.segops.namespaces import SegopsNamespaces
from swarm_analytics.courier import hand_off_for
from swarm_analytics.handoff import Adoption
from swarm_analytics.outlet import DroppedRecord, HandOffOutlet
from swarm_analytics.segops.errors import DeliveryFailed, EventLost, EventsSkipped, SegOpsError
from swarm_analytics.segops.identity import GetUser, Identity
from swarm_analytics.segops.types import Context, Event, context_of, event_of
from swarm_analytics.submission import Submission
from swarm_analytics.threads import in_thread
from swarm_analytics_models.handoff import DeliverySettings, Skipped
from swarm_analytics_models.home import resolve_home
from swarm_analytics_models.identifiers import parse_base_url

log: Final = logging.getLogger("swarm_analytics.segops")

BATCH_SIZE: Final = 20
"""Events; SegOps' own default."""

MAX_BATCH_SIZE: Final = 500
"""Events that SegOps takes in one request."""

FLUSH_INTERVAL_S: Final = 5.0
FLUSH_WAIT_S: Final = 10.0
CONTEXT_IDENTIFIED: Final = "context_identified"

OnError: TypeAlias = Callable[[SegOpsError], object]


class SegOpsClient(SegopsNamespaces):
    """Hands events off to the home's daemon, which delivers them to SegOps.

    When `track` returns, the event is in a journal on disk and survives the end of this process; the call
    never waits for the network. The daemon sends in batches, and goes on trying for as long as it takes: a
    failed flush or shutdown loses nothing. One client serves a whole process, from any thread and from
    asyncio (`aflush`, `ashutdown` and ``async with`` do not block the loop).

    With a public key (``pk_``) an event belongs to the user that `get_user` named at the first `track` after
    construction or `reset_session`, and is never sent under another one.

    :param api_url: base URL of the SegOps deployment.
    :param api_key: ``sk_...`` or ``pk_...``. It goes to the daemon and nowhere else.
    :param get_user: for ``pk_``: returns a `UserContext` (or the dict of `sign_user_id`). Called on the
        thread of the first `track` of a session, and on a background thread when the daemon needs a fresh
        signature. What it raises there, `track` raises.
    :param batch: False sends each event in a request of its own, at once.
    :param batch_size: most events in a request; 0 and less mean 20, more than 500 mean 500.
    :param flush_interval: seconds that a batch waits for company.
    :param on_error: called on a background thread with `EventLost` or `EventsSkipped`; by default they are
        logged as warnings. A failure that is tried again is no loss, and is not reported.
    :param transport: accepted and not used: this process opens no connection to the network.
    :param timeout: seconds that `flush`, `shutdown` and `close` wait in all.
    :param when_ambiguous: SegOps recognises no repetition. ``"resend"``: what may have arrived is sent again,
        and perhaps counted twice; ``"set_aside"``: it becomes a dead letter for a person to decide on.
    :param home: directory of the daemon; default SWARM_ANALYTICSD_HOME, then the user's own.
    """

    def __init__(
        self,
        api_url: str,
        api_key: str,
        *,
        get_user: GetUser | None = None,
        batch: bool = True,
        batch_size: int = BATCH_SIZE,
        flush_interval: float = FLUSH_INTERVAL_S,
        on_error: OnError | None = None,
        transport: object = None,
        timeout: float = FLUSH_WAIT_S,
        when_ambiguous: Literal["resend", "set_aside"] = "resend",
        home: str | os.PathLike[str] | None = None,
    ) -> None:
        del transport
        self._identity: Final = Identity(parse_base_url(api_url).base_url, api_key, get_user)
        self._on_error = on_error
        self._timeout = timeout
        self._lock = threading.RLock()
        self._bound = False
        self._hand_off = hand_off_for(resolve_home(home))
        settings = DeliverySettings(
            max_items=min(batch_size, MAX_BATCH_SIZE) if batch_size > 0 else BATCH_SIZE,
            max_wait_s=max(0.0, flush_interval),
            when_ambiguous=when_ambiguous,
        )
        self._outlet = HandOffOutlet(
            self._hand_off, None, self._lost, on_skip=self._skipped, settings=settings
        )
        self._attach(Submission(self._outlet, "full"))
        self._submit_event = self.events.track if batch else self.events.send

    def track(
        self,
        event: Event | Mapping[str, Any] | None = None,
        *,
        user_id: str | None = None,
        event_type: str | None = None,
        occurred_at: str | None = None,
        payload: Mapping[str, Any] | None = None,
    ) -> str:
        """Keep one event for delivery; return its id, which ``swarm-analyticsd why`` takes.

        An `Event` or dict goes before keywords. `occurred_at` is ISO 8601, by default now in UTC.

        Raises TypeError where `user_id` or `event_type` is missing, `pydantic.ValidationError` where they
        are empty or the payload is no JSON, both before any I/O, and `HandOffError` where the event cannot
        be kept on this machine.
        """
        one = event_of(event, user_id, event_type, occurred_at, payload)
        with self._lock:
            self._bind()
            return self._submit_event(
                user_id=one.user_id,
                event_type=one.event_type,
                occurred_at=one.occurred_at or datetime.now(UTC).isoformat(),
                payload=one.payload or {},
                anonymous_id=one.anonymous_id,
            )

    def identify(
        self,
        context: Context | Mapping[str, Any] | None = None,
        *,
        user_id: str | None = None,
        traits: Mapping[str, Any] | None = None,
    ) -> str:
        """Record what is known of a user, as an event ``context_identified``; see `track`."""
        known = context_of(context, user_id, traits)
        return self.track(user_id=known.user_id, event_type=CONTEXT_IDENTIFIED, payload=known.traits)

    def flush(self) -> None:
        """Have everything sent now, and wait for one try of each batch, `timeout` seconds at most.

        Raises `DeliveryFailed` where SegOps did not take all of it: what may still be delivered stays queued,
        and the daemon goes on trying. Blocks: from asyncio, use `aflush`.
        """
        answer = self._outlet.attempt(self._timeout)
        if answer.drained and answer.error is None:
            return
        if answer.drained:
            raise DeliveryFailed(
                f"SegOps rejected events: {answer.error}",
                "See them with: swarm-analyticsd dead list",
                status=answer.status,
            )
        raise DeliveryFailed(
            f"SegOps has not taken {answer.pending} events: {answer.error or 'no answer in time'}",
            "They stay queued and are tried again; see: swarm-analyticsd status",
            status=answer.status,
            pending=answer.pending,
        )

    def shutdown(self) -> None:
        """As `flush`; after it `on_error` is not called any more, even where it raises.

        The daemon goes on delivering, also after the end of this process. An event tracked after `shutdown`
        is delivered like any other.
        """
        try:
            self.flush()
        finally:
            self._outlet.release()

    def close(self) -> None:
        """The same as `shutdown`."""
        self.shutdown()

    def reset_session(self) -> None:
        """Ask `get_user` again at the next event. For after a login or logout; nothing for ``sk_``.

        Events tracked before it are delivered for the user they were tracked under.
        """
        with self._lock:
            self._bound = self._bound and not self._identity.has_sessions

    async def aflush(self) -> None:
        """As `flush`, without blocking the event loop."""
        await in_thread(self.flush)

    async def ashutdown(self) -> None:
        """As `shutdown`, without blocking the event loop."""
        await in_thread(self.shutdown)

    def __enter__(self) -> "SegOpsClient":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """As `shutdown`; what it raises is logged where the block itself has raised."""
        try:
            self.shutdown()
        except SegOpsError as failed:
            if error is None:
                raise
            log.warning("%s", failed)

    async def __aenter__(self) -> "SegOpsClient":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await in_thread(lambda: self.__exit__(kind, error, trace))

    def _bind(self) -> None:
        """Take the present user's destination, where none is taken yet."""
        if self._bound:
            return
        adoption = self._identity.adoption()
        ref = adoption.destination.ref
        self._hand_off.adoptions[ref] = adoption
        if self._identity.has_sessions:
            self._hand_off.signers[ref] = _signer(weakref.ref(self), ref)
        self._outlet.bind(adoption.destination)
        self._bound = True

    def _sign(self, ref: str) -> Adoption | None:
        """The identity of a destination, freshly signed; None where the app has another user by now."""
        adoption = self._identity.adoption()
        return adoption if adoption.destination.ref == ref else None

    def _lost(self, record: DroppedRecord, status: int | None) -> None:
        told = f"SegOps: HTTP {status}" if status is not None else "SegOps"
        self._report(
            EventLost(
                f"{told}: an event will not be delivered: {record.reason}",
                f"See: swarm-analyticsd why {record.submission_id}",
                event_id=record.submission_id,
                status=status,
            )
        )

    def _skipped(self, notice: Skipped) -> None:
        self._report(
            EventsSkipped(
                f"SegOps took a batch of {notice.of} events and skipped {notice.skipped}, not saying which",
                "Check user ids and event types against the schemas that the tenant registered.",
                skipped=notice.skipped,
                of=notice.of,
            )
        )

    def _report(self, error: SegOpsError) -> None:
        if self._on_error is None:
            log.warning("%s", error)
        else:
            self._on_error(error)


def _signer(client: "weakref.ref[SegOpsClient]", ref: str) -> Callable[[], Adoption | None]:
    """Signs for as long as the client lives."""

    def sign() -> Adoption | None:
        alive = client()
        return None if alive is None else alive._sign(ref)

    return sign
