"""The client for threads: the constructor and methods of the service's own package."""

import os
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Final

from swarm_analytics._generated.syvain.namespaces import SyvainNamespaces
from swarm_analytics.calls import Caller
from swarm_analytics.outlet import OnDrop
from swarm_analytics.syvain import arguments
from swarm_analytics.syvain.by_time_out import ByTimeOut
from swarm_analytics.syvain.errors import metrics_api_error
from swarm_analytics.syvain.operations import Operations
from swarm_analytics.syvain.setup import INGEST_TIMEOUT_S, TIMEOUT_S, Setup
from swarm_analytics_models.services.syvain.keys import KEY_NAME
from swarm_analytics_models.services.syvain.payloads import IngestResponse, MetricCreateInput


class SyvainMetricsApiClient(Operations):
    """The Syvain Metrics API, through the home's daemon, which has the key and makes the connections.

        client = SyvainMetricsApiClient("local")
        experiment = client.create_experiment("mamba-run-001").experiment
        client.ingest_metrics(experiment.id, [{...}])

    Making one does no I/O. It may be used from any thread, and after a fork. From asyncio, use
    `AsyncSyvainMetricsApiClient`.

    :param auth: an API key (``ak_org_...``), which goes to the daemon and nowhere else; or ``"local"`` or
        ``"local-dev"``: the daemon reads the key that the Syvain CLI keeps in ``auth.json``.
    :param host: origin of the service. By default: where the daemon was told that the service is, else what
        ``auth.json`` says, else https://metrics.syvain.com. The key of ``auth.json`` is sent to the host
        that this file names, and to no other. Metrics that are queued while no daemon is there to ask are
        bound to the service's own host: give `host` where it is another.
    :param timeout: seconds for one attempt of an ordinary call.
    :param ingest_timeout: the same for synchronous metrics and for annotations.
    :param request: accepted and not used: this process opens no connection to the network.
    :param ingestion_key_name: name of the ingestion keys that the daemon makes for this key and host; the
        last that a client gave.
    :param on_drop: called as ``on_drop(record, status)`` on a background thread for each metric of this
        client that was queued and will not be delivered.
    :param home: directory of the daemon; default SWARM_ANALYTICSD_HOME, then the user's own.

    Raises `MetricsApiAuthError` for an empty key or a host that is no origin, and ValueError for a time-out
    of 0 or less and for an empty name.
    """

    def __init__(
        self,
        auth: str = "local",
        *,
        host: str | None = None,
        timeout: float = TIMEOUT_S,
        ingest_timeout: float = INGEST_TIMEOUT_S,
        request: object = None,
        ingestion_key_name: str = KEY_NAME,
        on_drop: OnDrop | None = None,
        home: str | os.PathLike[str] | None = None,
    ) -> None:
        del request
        self._setup: Final = Setup(auth, host, timeout, ingest_timeout, ingestion_key_name, home)
        self._recorder: Final = self._setup.recorder(on_drop)
        self._callers: Final = [
            Caller(target, metrics_api_error) for target in (self._setup.ordinary, self._setup.ingesting)
        ]
        self._api = SyvainNamespaces()
        self._api._attach(self._recorder.submit, ByTimeOut(*self._callers))

    @classmethod
    def from_api_key(cls, api_key: str, **options: Any) -> "SyvainMetricsApiClient":
        """With a key; options as the constructor's."""
        return cls(api_key, **options)

    @classmethod
    def from_local(cls, **options: Any) -> "SyvainMetricsApiClient":
        """With the login of the Syvain CLI; options as the constructor's."""
        return cls("local", **options)

    @classmethod
    def from_local_dev(cls, **options: Any) -> "SyvainMetricsApiClient":
        """With the CLI's login to the development service; options as the constructor's."""
        return cls("local-dev", **options)

    @property
    def timeout(self) -> float:
        """Seconds for one attempt of an ordinary call."""
        return self._setup.timeout

    @property
    def ingest_timeout(self) -> float:
        """Seconds for one attempt of what is written with an ingestion key."""
        return self._setup.ingest_timeout

    @property
    def ingestion_key_name(self) -> str:
        """What the daemon calls the ingestion keys that it makes."""
        return self._setup.ingestion_key_name

    def ingest_metrics(
        self,
        experiment_id: str,
        data: Sequence[MetricCreateInput | Mapping[str, Any]],
        *,
        sync: bool | None = None,
    ) -> IngestResponse:
        """Record up to 1,000 metrics, each known by its `client_event_id`.

        Without `sync` they are queued on this machine and the call returns at once, online or not: mode
        ``"queued"``. They survive the end of this process, and the daemon delivers them, each once however
        often its id comes; `flush` waits for that. An id that comes with other content is refused, which
        `on_drop` hears of. Give `timestamp_ms` where its time matters: else the service takes the time of
        arrival. With `sync` the call waits for the service, which stores them before it answers: ``"sync"``
        (or ``"queued"``: the newer server, 0.0.349, no longer waits).

        Raises `HandOffError` when a metric cannot be kept on this machine; those before it are.
        """
        metrics = arguments.metrics(data)
        if sync:
            return self._api.metrics.ingest(experiment_id=experiment_id, data=metrics, sync=True).data
        self._recorder.record(experiment_id, metrics)
        return IngestResponse(ok=True, mode="queued")

    def forget_ingestion_credential(self, experiment_id: str) -> None:
        """Have the daemon forget the experiment's ingestion key: the next write makes one.

        It keeps one for all clients with this key and host.
        """
        self._recorder.forget_key(experiment_id)

    def flush(self, timeout: float = 5.0) -> bool:
        """Wait until the service has taken all metrics that this client queued, at most `timeout` seconds.

        Returns whether that is so. What is not delivered by then stays queued.
        """
        return self._recorder.flush(timeout)

    def close(self) -> None:
        """Break off calls that other threads wait for, and call `on_drop` no more. Loses nothing."""
        for caller in self._callers:
            caller.close()
        self._recorder.release()

    def __enter__(self) -> "SyvainMetricsApiClient":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._setup.account}>"
