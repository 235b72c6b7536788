"""Metrics on their way to the outbox: where they go, and as whose."""

import threading
from collections.abc import Sequence
from typing import Final

from swarm_analytics import launch, policy
from swarm_analytics._generated.syvain.routes import METRICS_RECORD
from swarm_analytics.calls import CallFailed
from swarm_analytics.channel import DaemonChannel
from swarm_analytics.courier import hand_off_for
from swarm_analytics.errors import DaemonError, DaemonUnavailable
from swarm_analytics.handoff import Adoption
from swarm_analytics.outlet import HandOffOutlet, OnDrop
from swarm_analytics.submission import Submission
from swarm_analytics.syvain.account import HOSTS, Account
from swarm_analytics.syvain.errors import metrics_api_error
from swarm_analytics_models.api import RegisterAnswer
from swarm_analytics_models.handoff import DeliverySettings
from swarm_analytics_models.home import Home
from swarm_analytics_models.identifiers import Destination, IdentityKind
from swarm_analytics_models.services.syvain.payloads import MetricCreateInput

SERVICE: Final = "syvain"


class Recorder:
    """One client's metrics. Making one does no I/O."""

    def __init__(
        self, home: Home, account: Account, settings: DeliverySettings, on_drop: OnDrop | None
    ) -> None:
        self._account: Final = account
        self._settings: Final = settings
        self._channel: Final = DaemonChannel(home)
        self._hand_off: Final = hand_off_for(home)
        self._outlet: Final = HandOffOutlet(self._hand_off, None, on_drop, settings=settings)
        self.submit: Final = Submission(self._outlet, "full")
        self._lock: Final = threading.Lock()
        self._bound = False

    def record(self, experiment_id: str, metrics: Sequence[MetricCreateInput]) -> None:
        """Hand each over. Raises HandOffError when one cannot be kept; those before it are."""
        self._bind()
        for metric in metrics:
            self.submit(METRICS_RECORD, {"experiment_id": experiment_id, **metric.model_dump()})

    def flush(self, timeout: float) -> bool:
        return self._outlet.flush(timeout)

    def release(self) -> None:
        self._outlet.release()

    def forget_key(self, experiment_id: str) -> None:
        """Have the daemon forget the experiment's ingestion key. Raises a MetricsApiError."""
        try:
            self._ask_to_forget(experiment_id)
        except DaemonError as error:
            failed = CallFailed(
                service=SERVICE,
                operation="forget_ingestion_credential",
                message=error.message,
                hint=error.hint,
                daemon=error,
            )
            raise metrics_api_error(failed) from error

    def _ask_to_forget(self, experiment_id: str) -> None:
        try:
            answer = self._register()
        except DaemonUnavailable:
            if not launch.autostart_allowed(self._channel.home):
                raise
            launch.ensure_daemon(self._channel.home)
            answer = self._register()
        self._channel.request(
            "POST",
            "/v1/credentials/forget",
            {"destination": answer.destination, "resource": experiment_id},
        )

    def _bind(self) -> None:
        """Choose the destination. Where no daemon could be asked, it is asked again at the next call."""
        with self._lock:
            if self._bound:
                return
            host = self._account.host
            try:
                base_url = self._register().base_url if host is None else host
                self._bound = True
            except DaemonError:
                base_url = HOSTS[self._account.source]
            destination = Destination(SERVICE, base_url, IdentityKind.KEY, self._account.identity)
            if self._account.secret is not None:
                self._hand_off.adoptions[destination.ref] = Adoption(destination, self._account.secret)
            self._outlet.bind(destination)

    def _register(self) -> RegisterAnswer:
        body = {"service": SERVICE, "kind": IdentityKind.KEY.value, "identity": self._account.identity}
        if self._account.host is not None:
            body["base_url"] = self._account.host
        return RegisterAnswer.model_validate(
            self._channel.request("POST", "/v1/register", body, timeout=policy.CONNECT_S)
        )
