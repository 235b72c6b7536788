"""The client that applications make: the seed's constructor, `register` and calls."""

import os
import time
from types import TracebackType
from typing import Any, Final

from swarm_analytics import launch, policy
from swarm_analytics._generated.openswarm.namespaces import OpenswarmNamespaces
from swarm_analytics.channel import DaemonChannel
from swarm_analytics.courier import hand_off_for
from swarm_analytics.destination import choose_destination
from swarm_analytics.errors import AuthError, DaemonRefused, DaemonUnavailable, TransportError
from swarm_analytics.handoff import Adoption
from swarm_analytics.outlet import HandOffOutlet, OnDrop
from swarm_analytics.submission import Submission, check_mode
from swarm_analytics_models.home import Home, resolve_home
from swarm_analytics_models.identifiers import IdentityKind, parse_base_url
from swarm_analytics_models.services.openswarm.payloads import InstallRegistered

SERVICE: Final = "openswarm"


class AnalyticsClient(OpenswarmNamespaces):
    """Hands events off to the home's daemon, which delivers them to OpenSwarm product analytics.

    When a call such as ``client.events.agent.create(...)`` returns, the event is in a journal on disk and
    survives the end of this process. The call never waits for the network or the daemon, and may be made from
    any thread, from asyncio, and after a fork. It returns the event's submission id.

    Making a client touches no disk and starts no thread; the first call does. It also starts a daemon where
    none runs, in the background, unless SWARM_ANALYTICSD_AUTOSTART is 0.

    :param home: directory of the daemon; default SWARM_ANALYTICSD_HOME, then the user's own.
    :param base_url: the service, ``https://host[:port][/path]``. With `token` or `install_id`.
    :param token: what `register` returned, or a real token, which the daemon adopts.
    :param install_id: 1 to 128 characters, instead of a token: the daemon registers in the background.
    :param mode: ``"full"``, or ``"minimal"`` to mute this object's product events. Muted calls validate, too.
    :param spool: accepted and not used: every event is on disk when its call returns.
    :param http_client: accepted and not used: this process opens no connection to the network.
    :param max_attempts: accepted and not used: the daemon retries for as long as it takes. Only a service's
        own rejection, a size or age cap or an opt-out ends an event undelivered.
    :param on_drop: called as ``on_drop(record, status)`` on a background thread for each event of this object
        that will not be delivered (see `DroppedRecord`); `status` is the HTTP status or None. What it raises
        is logged.

    Without `base_url`, `token` and `install_id`, events go to the home's only destination.

    Calls raise `pydantic.ValidationError` for bad arguments, before any I/O, and `HandOffError` when an event
    cannot be kept on this machine (disk full, home unwritable, journals at their cap).
    """

    def __init__(
        self,
        home: str | os.PathLike[str] | None = None,
        *,
        base_url: str | None = None,
        token: str | None = None,
        install_id: str | None = None,
        mode: str = "full",
        spool: object = None,
        http_client: object = None,
        max_attempts: int = 8,
        on_drop: OnDrop | None = None,
    ) -> None:
        del spool, http_client, max_attempts
        checked_mode = check_mode(mode)
        chosen = choose_destination(SERVICE, base_url, token, install_id)
        hand_off = hand_off_for(resolve_home(home))
        self._outlet = HandOffOutlet(hand_off, chosen.destination, on_drop)
        if chosen.destination is not None and chosen.adopt is not None:
            hand_off.adoptions[chosen.destination.ref] = Adoption(chosen.destination, chosen.adopt)
        self._attach(Submission(self._outlet, checked_mode))

    @classmethod
    def register(
        cls,
        base_url: str,
        install_id: str,
        timeout: float = 10.0,
        *,
        home: str | os.PathLike[str] | None = None,
    ) -> str:
        """Register `install_id` with the service at `base_url`, through the daemon, and wait for it.

        Returns a reference that stands for the token: pass it as `token`, keep it, show it; it holds no
        secret. Starts a daemon where none runs. Blocks for at most `timeout` seconds.

        Raises AuthError when the service refuses, TransportError when it cannot be reached in time (the
        daemon goes on trying by itself), a DaemonError when the daemon is the trouble,
        `pydantic.ValidationError` for an `install_id` that is not 1 to 128 characters, and ValueError for a
        malformed `base_url`.
        """
        deadline = time.monotonic() + timeout
        parse_base_url(base_url)
        registered = InstallRegistered(install_id=install_id)
        chosen_home = resolve_home(home)
        _ensure_daemon(chosen_home, timeout)
        left = max(0.0, deadline - time.monotonic())
        body: dict[str, Any] = {
            "service": SERVICE,
            "base_url": base_url,
            "kind": IdentityKind.INSTALL.value,
            "identity": registered.install_id,
            "wait_s": left,
        }
        try:
            answer = DaemonChannel(chosen_home).request(
                "POST", "/v1/register", body, timeout=left + policy.ANSWER_MARGIN_S
            )
        except DaemonRefused as refused:
            kind = AuthError if refused.problem.code == "auth" else TransportError
            raise kind(refused.message, refused.hint) from refused
        return str(answer["reference"])

    def flush(self, timeout: float = 5.0) -> bool:
        """Wait until none of this object's events is queued, leased or held, at most `timeout` seconds.

        Returns whether that is so. Asks the daemon to try at once, starting one if need be. Events that
        the service rejected do not keep it waiting. Blocks: from asyncio, call it in a thread.
        """
        return self._outlet.flush(timeout)

    def close(self) -> None:
        """Be done with this object: `on_drop` is not called any more. Waits for nothing and loses nothing.

        The daemon goes on delivering. A call made after `close` is handed off like any other.
        """
        self._outlet.release()

    def __enter__(self) -> "AnalyticsClient":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _ensure_daemon(home: Home, wait: float) -> None:
    if launch.switched_off() and launch.running_daemon(home) is None:
        raise DaemonUnavailable(
            f"no daemon runs in {home.root}, and SWARM_ANALYTICSD_AUTOSTART forbids to start one",
            "Start one with `swarm-analyticsd run` or `start_daemon`, or unset the variable.",
        )
    if not launch.switched_off():
        launch.start_daemon(home.root, wait=wait)
