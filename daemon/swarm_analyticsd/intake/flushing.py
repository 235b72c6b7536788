"""Waiting until events are settled, or until each was tried: what ``POST /v1/flush`` asks for."""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass

from swarm_analytics_models.api import FlushAnswer, FlushRequest
from swarm_analyticsd import policy
from swarm_analyticsd.bell import Bell
from swarm_analyticsd.intake.reception import Reception
from swarm_analyticsd.outbox.errors import ReportTimeout
from swarm_analyticsd.outbox.reports import Tally
from swarm_analyticsd.outbox.store import Outbox
from swarm_analyticsd.schedule.loop import Dispatcher
from swarm_analyticsd.schedule.news import Failure


@dataclass(frozen=True, slots=True)
class Flushing:
    """Has everything tried now, and waits for `timeout_s` at most."""

    outbox: Outbox
    dispatcher: Dispatcher
    reception: Reception
    settled: Bell
    """Rung when events were settled, and when a lane came to rest."""

    async def drain(self, request: FlushRequest) -> FlushAnswer:
        """Until nothing is pending. As long as somebody waits, all is tried again and again."""
        try:
            async with asyncio.timeout(request.timeout_s):
                await self._taken(request)
                while not await self._drained_soon(request.client):
                    continue
        except TimeoutError:
            return FlushAnswer(drained=False, pending=await self.outbox.pending(request.client))
        return FlushAnswer(drained=True, pending=0)

    async def attempt(self, request: FlushRequest) -> FlushAnswer:
        """Until nothing is pending, or nothing more can be tried now; with what came of it."""
        client = request.client
        where: Collection[int] = ()
        with self.dispatcher.watch(client) as watch:
            try:
                async with asyncio.timeout(request.timeout_s):
                    await self._taken(request)
                    where = await self._destinations(client)
                    watch.rested.clear()
                    self.dispatcher.nudge()
                    await self._until(client, lambda: watch.rested.issuperset(where))
            except TimeoutError:
                where = where or await self._destinations(client)
            pending = await self.outbox.pending(client)
            failure = watch.latest or (await self._obstacle(where) if pending else None)
        return FlushAnswer(
            drained=pending == 0,
            pending=pending,
            error=None if failure is None else failure.error,
            status=None if failure is None else failure.status,
        )

    async def _taken(self, request: FlushRequest) -> None:
        """Wait for the journal to be taken as far as the request says."""
        if request.journal is not None and request.offset is not None:
            cursor = await self.reception.journals.reach(request.journal, request.offset)
            await cursor.reaches(request.offset)

    async def _drained_soon(self, client: str | None) -> bool:
        self.dispatcher.nudge()
        try:
            async with asyncio.timeout(policy.FLUSH_NUDGE_S):
                await self._until(client, lambda: False)
        except TimeoutError:
            return False
        return True

    async def _until(self, client: str | None, enough: Callable[[], bool]) -> None:
        """Until nothing is pending, or it is `enough`."""
        while True:
            heard = self.settled.rung
            if await self.outbox.pending(client) == 0 or enough():
                return
            await self.settled.after(heard)
            await asyncio.sleep(policy.FLUSH_PAUSE_S)

    async def _destinations(self, client: str | None) -> Collection[int]:
        """Where events of the client wait; where that takes too long to find out, everywhere."""
        known = frozenset(each.id for each in await self.outbox.destinations())
        if client is None:
            return known
        try:
            return known.intersection(await self.outbox.waiting_at(client))
        except ReportTimeout:
            return known

    async def _obstacle(self, where: Collection[int]) -> Failure | None:
        """Why what was not tried was not."""
        views = self.dispatcher.snapshot()
        tallies = (await self.outbox.tallies()).destinations
        for tally in tallies:
            view = None if tally.destination is None else views.get(tally.destination.id)
            if view is not None and tally.destination is not None and tally.destination.id in where:
                error = "the service is paused" if view.paused else view.last_error or _standstill(tally)
                if error is not None:
                    return Failure(error)
        homeless = any(tally.destination is None and tally.held_reasons for tally in tallies)
        return Failure("nobody has said where the service is, and as whom to send") if homeless else None


def _standstill(tally: Tally) -> str | None:
    held = tally.held_reasons[0] if tally.held_reasons else None
    return tally.last_error or (None if held is None else f"held: {held}")
