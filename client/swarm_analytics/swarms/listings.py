"""``client.models`` and ``client.logs``."""

from swarm_analytics._generated.swarms.async_namespaces import AsyncLogsNamespace, AsyncModelsNamespace
from swarm_analytics._generated.swarms.namespaces import LogsNamespace, ModelsNamespace
from swarm_analytics_models.services.swarms.payloads import LogsResponse, ModelsResponse


class ModelsResource:
    """The models that agents may use, sync and async."""

    def __init__(self, calls: ModelsNamespace, async_calls: AsyncModelsNamespace) -> None:
        self._calls = calls
        self._async_calls = async_calls

    def list(self) -> ModelsResponse:
        """The models, cached for an hour (see `SwarmsClient.clear_cache`)."""
        return self._calls.list()

    async def alist(self) -> ModelsResponse:
        """As `list`, out of the same cache."""
        return await self._async_calls.list()


class LogsResource:
    """What was asked with this key, as the service logged it, sync and async. Never cached."""

    def __init__(self, calls: LogsNamespace, async_calls: AsyncLogsNamespace) -> None:
        self._calls = calls
        self._async_calls = async_calls

    def list(self) -> LogsResponse:
        """The log. The service puts the key itself into each entry; here it is blotted out."""
        return self._calls.list()

    async def alist(self) -> LogsResponse:
        """As `list`."""
        return await self._async_calls.list()
