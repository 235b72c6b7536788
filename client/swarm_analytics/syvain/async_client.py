"""The client for asyncio."""

import os
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Final

from swarm_analytics._generated.syvain.async_namespaces import AsyncSyvainNamespaces
from swarm_analytics.calls import AsyncCaller
from swarm_analytics.outlet import OnDrop
from swarm_analytics.syvain import arguments
from swarm_analytics.syvain.async_operations import AsyncOperations
from swarm_analytics.syvain.by_time_out import AsyncByTimeOut
from swarm_analytics.syvain.errors import metrics_api_error
from swarm_analytics.syvain.setup import INGEST_TIMEOUT_S, TIMEOUT_S, Setup
from swarm_analytics.threads import in_thread
from swarm_analytics_models.services.syvain.keys import KEY_NAME
from swarm_analytics_models.services.syvain.payloads import IngestResponse, MetricCreateInput


class AsyncSyvainMetricsApiClient(AsyncOperations):
    """As `SyvainMetricsApiClient`, with its parameters, for asyncio: nothing blocks the event loop.

    async with AsyncSyvainMetricsApiClient("local") as client:
        experiment = (await client.create_experiment("mamba-run-001")).experiment
    """

    def __init__(
        self,
        auth: str = "local",
        *,
        host: str | None = None,
        timeout: float = TIMEOUT_S,
        ingest_timeout: float = INGEST_TIMEOUT_S,
        ingestion_key_name: str = KEY_NAME,
        on_drop: OnDrop | None = None,
        home: str | os.PathLike[str] | None = None,
    ) -> None:
        self._setup: Final = Setup(auth, host, timeout, ingest_timeout, ingestion_key_name, home)
        self._recorder: Final = self._setup.recorder(on_drop)
        self._callers: Final = [
            AsyncCaller(target, metrics_api_error) for target in (self._setup.ordinary, self._setup.ingesting)
        ]
        self._api = AsyncSyvainNamespaces()
        self._api._attach(self._recorder.submit, AsyncByTimeOut(*self._callers))

    async def ingest_metrics(
        self,
        experiment_id: str,
        data: Sequence[MetricCreateInput | Mapping[str, Any]],
        *,
        sync: bool | None = None,
    ) -> IngestResponse:
        """As `SyvainMetricsApiClient.ingest_metrics`."""
        metrics = arguments.metrics(data)
        if sync:
            answer = await self._api.metrics.ingest(experiment_id=experiment_id, data=metrics, sync=True)
            return answer.data
        await in_thread(lambda: self._recorder.record(experiment_id, metrics))
        return IngestResponse(ok=True, mode="queued")

    async def forget_ingestion_credential(self, experiment_id: str) -> None:
        """As `SyvainMetricsApiClient.forget_ingestion_credential`."""
        await in_thread(lambda: self._recorder.forget_key(experiment_id))

    async def flush(self, timeout: float = 5.0) -> bool:
        """As `SyvainMetricsApiClient.flush`."""
        return await in_thread(lambda: self._recorder.flush(timeout))

    async def aclose(self) -> None:
        """As `SyvainMetricsApiClient.close`."""
        for caller in self._callers:
            await caller.aclose()
        self._recorder.release()

    async def __aenter__(self) -> "AsyncSyvainMetricsApiClient":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._setup.account}>"
