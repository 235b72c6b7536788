"""The client for Swarms Cloud: the constructor, resources and methods of its own SDK."""

import os
from collections.abc import Collection
from types import TracebackType
from typing import Final, Literal, TypeAlias

from pydantic import SecretStr

from swarm_analytics._generated.swarms.async_namespaces import AsyncSwarmsNamespaces
from swarm_analytics._generated.swarms.namespaces import SwarmsNamespaces
from swarm_analytics.calls import AsyncCaller, Caller, Target
from swarm_analytics.swarms.agent import AgentResource
from swarm_analytics.swarms.errors import LOG, failure
from swarm_analytics.swarms.listings import LogsResource, ModelsResource
from swarm_analytics.swarms.swarm import SwarmResource
from swarm_analytics_models.calls import CallSettings
from swarm_analytics_models.home import resolve_home
from swarm_analytics_models.identifiers import IdentityKind, fingerprint, parse_base_url
from swarm_analytics_models.key_sources import DEFAULT_IDENTITY
from swarm_analytics_models.services.swarms.requests import KNOWN_SWARM_TYPES

SERVICE: Final = "swarms"
KEY_VARIABLE: Final = "SWARMS_API_KEY"

LogLevel: TypeAlias = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]


class SwarmsClient:
    """Asks Swarms Cloud for completions by agents and swarms of agents, through the home's daemon.

        client = SwarmsClient(api_key="...")
        response = client.agent.create(agent_config={"agent_name": "Researcher"}, task="Summarize ...")

    Everything that the parameters below are about happens in the daemon, for sync and async methods alike.
    Clients with the same service, key and parameters share connections, circuit breaker and cache, whatever
    app they are in. Making a client does no I/O; the first call starts a daemon where none runs.

    :param api_key: handed to the daemon, which keeps it. Default: SWARMS_API_KEY of this process; where that
        is not set either, the daemon's own: its SWARMS_API_KEY, or what `swarm-analyticsd credential set
        swarms` has given it.
    :param base_url: default: where the daemon was told that the service is, else the seed's.
    :param timeout: seconds, for one request.
    :param max_retries: how often a request is sent again at most; a completion only where it is certain that
        it was not executed: nobody was reached, or the answer says so (429).
    :param retry_delay: seconds before the first of them, doubled for each further one, with jitter.
    :param log_level: of the logger ``swarm_analytics.swarms``, which this process's clients share. Where its
        records go is the app's to say.
    :param pool_connections: together with `pool_maxsize`: the smaller of them is the most open connections.
    :param keep_alive_timeout: seconds for which an idle connection is kept.
    :param max_concurrent_requests: more than these wait their turn.
    :param circuit_breaker_threshold: failures in a row after which nothing is sent for a while. Answers below
        500 are no failures.
    :param circuit_breaker_timeout: seconds until one call may try again.
    :param enable_cache: whether the two listings are cached.
    :param swarm_types: the types of swarm that are accepted, None for any. Default: all that are known to
        have been offered.
    :param home: directory of the daemon; default SWARM_ANALYTICSD_HOME, then the user's own.
    """

    agent: AgentResource
    swarm: SwarmResource
    models: ModelsResource
    logs: LogsResource

    def __init__(
        self,
        api_key: str | None = None,
        base_url: str | None = None,
        timeout: float = 60,
        max_retries: int = 3,
        retry_delay: float = 1,
        log_level: LogLevel = "INFO",
        pool_connections: int = 100,
        pool_maxsize: int = 100,
        keep_alive_timeout: float = 5,
        max_concurrent_requests: int = 100,
        circuit_breaker_threshold: int = 5,
        circuit_breaker_timeout: float = 60,
        enable_cache: bool = True,
        *,
        swarm_types: Collection[str] | None = KNOWN_SWARM_TYPES,
        home: str | os.PathLike[str] | None = None,
    ) -> None:
        LOG.setLevel(log_level)
        if base_url is not None:
            parse_base_url(base_url)
        key = api_key or os.environ.get(KEY_VARIABLE)
        target = Target(
            home=resolve_home(home),
            service=SERVICE,
            kind=IdentityKind.KEY,
            identity=fingerprint(key) if key else DEFAULT_IDENTITY,
            base_url=base_url,
            secret=SecretStr(key) if key else None,
            settings=CallSettings(
                timeout_s=timeout,
                max_retries=max_retries,
                retry_delay_s=retry_delay,
                max_in_flight=max_concurrent_requests,
                breaker_threshold=circuit_breaker_threshold,
                breaker_time_out_s=circuit_breaker_timeout,
                cache=enable_cache,
                pool_size=min(pool_connections, pool_maxsize),
                keep_alive_s=keep_alive_timeout,
            ),
        )
        self._caller = Caller(target, failure)
        self._async_caller = AsyncCaller(target, failure)
        calls, async_calls = SwarmsNamespaces(), AsyncSwarmsNamespaces()
        calls._attach(self._caller)
        async_calls._attach(self._async_caller)
        self.agent = AgentResource(calls.agent, async_calls.agent)
        self.swarm = SwarmResource(calls.swarm, async_calls.swarm, swarm_types)
        self.models = ModelsResource(calls.models, async_calls.models)
        self.logs = LogsResource(calls.logs, async_calls.logs)

    def clear_cache(self) -> None:
        """Have the daemon forget the listings that it keeps for clients like this one."""
        self._caller.clear_cache()

    async def aclear_cache(self) -> None:
        """As `clear_cache`."""
        await self._async_caller.clear_cache()

    def close(self) -> None:
        """Break off what other threads still wait for."""
        self._caller.close()

    async def aclose(self) -> None:
        """Break off what other tasks and threads still wait for."""
        await self._async_caller.aclose()
        self._caller.close()

    def __enter__(self) -> "SwarmsClient":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> "SwarmsClient":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()
