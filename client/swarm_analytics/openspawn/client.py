"""The clients that applications make: the constructors of OpenSpawn's own SDK."""

import os
from abc import ABC, abstractmethod
from types import TracebackType

from swarm_analytics._generated.openspawn.async_namespaces import (
    AsyncAgentsNamespace,
    AsyncCreditsNamespace,
    AsyncEventsNamespace,
    AsyncMessagesNamespace,
    AsyncTasksNamespace,
)
from swarm_analytics._generated.openspawn.namespaces import (
    AgentsNamespace,
    CreditsNamespace,
    EventsNamespace,
    MessagesNamespace,
    TasksNamespace,
)
from swarm_analytics.calls import AsyncCaller, Caller, Target
from swarm_analytics.openspawn.agents import Agents, AsyncAgents
from swarm_analytics.openspawn.credits import AsyncCredits, Credits
from swarm_analytics.openspawn.destination import MAX_RETRIES, PATH_PREFIX, TIMEOUT_S, Signature, target_of
from swarm_analytics.openspawn.errors import error_of
from swarm_analytics.openspawn.events import AsyncEvents, Events
from swarm_analytics.openspawn.messages import AsyncMessages, Messages
from swarm_analytics.openspawn.tasks import AsyncTasks, Tasks


class _Configured(ABC):
    """What both clients are told."""

    def __init__(
        self,
        base_url: str,
        *,
        api_key: str | None = None,
        agent_id: str | None = None,
        secret: str | None = None,
        timeout: float = TIMEOUT_S,
        max_retries: int = MAX_RETRIES,
        path_prefix: str = PATH_PREFIX,
        signature: Signature | None = None,
        home: str | os.PathLike[str] | None = None,
    ) -> None:
        self._open(
            target_of(
                base_url,
                api_key=api_key,
                agent_id=agent_id,
                secret=secret,
                timeout=timeout,
                max_retries=max_retries,
                path_prefix=path_prefix,
                signature=signature,
                home=home,
            )
        )

    @abstractmethod
    def _open(self, target: Target) -> None:
        """Make the client's resources, without any I/O."""


class OpenSpawnClient(_Configured):
    """Calls OpenSpawn through the home's daemon, which keeps the secret, signs each attempt, and retries.

    Making a client does no I/O; the first call starts a daemon where none runs. It may be used from any
    number of threads. With an API key the server sees a user and no agent: reading works; credits, sending
    messages and making tasks or agents do not. Sign as an agent for that.

    :param base_url: the server; `path_prefix` is put behind it where it has no path of its own.
    :param api_key: ``osp_...``; goes before an agent's secret where both are given.
    :param agent_id: the name under which the agent signs (``agentId``, not its UUID). With `secret`.
    :param secret: 64 hexadecimal digits. Like an API key it goes to the daemon and nowhere else.
    :param timeout: seconds that one attempt may take.
    :param max_retries: after 408, 429, 5xx and network trouble, with exponential back-off: reading always;
        writing where an agent signs, since only then the server honours an idempotency key; moves of credits
        never, but for a 429 and what was not sent.
    :param path_prefix: the server's own is ``/api/v1``.
    :param signature: None is what the server verifies. The others are what is published elsewhere; see
        docs/openspawn.md.
    :param home: directory of the daemon; default SWARM_ANALYTICSD_HOME, then the user's own.

    Raises ValueError where neither `api_key` nor `agent_id` with `secret` is given. Calls raise what `errors`
    has, and `pydantic.ValidationError` for bad arguments, before any I/O.
    """

    def _open(self, target: Target) -> None:
        self._caller = Caller(target, error_of)
        self.agents = Agents(AgentsNamespace(self._caller))
        self.tasks = Tasks(TasksNamespace(self._caller))
        self.credits = Credits(CreditsNamespace(self._caller))
        self.messages = Messages(MessagesNamespace(self._caller))
        self.events = Events(EventsNamespace(self._caller))

    def close(self) -> None:
        """Break off what other threads wait for."""
        self._caller.close()

    def __enter__(self) -> "OpenSpawnClient":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncOpenSpawnClient(_Configured):
    """As `OpenSpawnClient`, for asyncio; cancelling a call ends the request to the server."""

    def _open(self, target: Target) -> None:
        self._caller = AsyncCaller(target, error_of)
        self.agents = AsyncAgents(AsyncAgentsNamespace(self._caller))
        self.tasks = AsyncTasks(AsyncTasksNamespace(self._caller))
        self.credits = AsyncCredits(AsyncCreditsNamespace(self._caller))
        self.messages = AsyncMessages(AsyncMessagesNamespace(self._caller))
        self.events = AsyncEvents(AsyncEventsNamespace(self._caller))

    async def close(self) -> None:
        """Break off what other tasks wait for."""
        await self._caller.aclose()

    async def __aenter__(self) -> "AsyncOpenSpawnClient":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
