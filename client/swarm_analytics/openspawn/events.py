"""``client.events``"""

import builtins
from datetime import datetime

from swarm_analytics._generated.openspawn.async_namespaces import AsyncEventsNamespace
from swarm_analytics._generated.openspawn.namespaces import EventsNamespace
from swarm_analytics.openspawn.destination import SERVICE
from swarm_analytics.openspawn.enums import EventSeverity
from swarm_analytics.openspawn.errors import APIError
from swarm_analytics.openspawn.models import Event, EventsMeta
from swarm_analytics_models.services.openspawn.answers import EventAnswer


class Events:
    """What happened in the organization."""

    def __init__(self, events: EventsNamespace) -> None:
        self._events = events

    def list(
        self,
        *,
        type: str | None = None,
        actor_id: str | None = None,
        entity_type: str | None = None,
        entity_id: str | None = None,
        severity: EventSeverity | None = None,
        start_date: datetime | None = None,
        end_date: datetime | None = None,
        page: int = 1,
        limit: int = 50,
    ) -> tuple[builtins.list[Event], EventsMeta]:
        """Events that fit, the newest first, and of how many these are some: ``meta["total"]``.

        A date without an offset is this machine's local time. The severity ``critical``, which the SDK names,
        the server refuses with a 400.
        """
        answer = self._events.list(
            type=type,
            actor_id=actor_id,
            entity_type=entity_type,
            entity_id=entity_id,
            severity=severity,
            start_date=_written(start_date),
            end_date=_written(end_date),
            page=page,
            limit=limit,
        )
        return answer.data, answer.meta

    def get(self, event_id: str) -> Event:
        """One event. An id that no event has is an `APIError` of status 404, as for everything else (the
        server answers it with 200 and null).
        """
        return _found(self._events.get(id=event_id))


class AsyncEvents:
    """As `Events`, for asyncio."""

    def __init__(self, events: AsyncEventsNamespace) -> None:
        self._events = events

    async def list(
        self,
        *,
        type: str | None = None,
        actor_id: str | None = None,
        entity_type: str | None = None,
        entity_id: str | None = None,
        severity: EventSeverity | None = None,
        start_date: datetime | None = None,
        end_date: datetime | None = None,
        page: int = 1,
        limit: int = 50,
    ) -> tuple[builtins.list[Event], EventsMeta]:
        """Events that fit; see `Events.list`."""
        answer = await self._events.list(
            type=type,
            actor_id=actor_id,
            entity_type=entity_type,
            entity_id=entity_id,
            severity=severity,
            start_date=_written(start_date),
            end_date=_written(end_date),
            page=page,
            limit=limit,
        )
        return answer.data, answer.meta

    async def get(self, event_id: str) -> Event:
        """One event; see `Events.get`."""
        return _found(await self._events.get(id=event_id))


def _written(at: datetime | None) -> str | None:
    """`at` in ISO 8601 with its offset: what has none would be read as the server's local time."""
    if at is None:
        return None
    return (at if at.tzinfo is not None else at.astimezone()).isoformat()


def _found(answer: EventAnswer) -> Event:
    if answer.data is None:
        raise APIError(
            "no event has this id",
            "Take the id from `events.list`.",
            service=SERVICE,
            operation="events.get",
            status=404,
            body={"data": None},
            attempts=1,
        )
    return answer.data
