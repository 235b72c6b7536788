"""The requests that are under way."""

import asyncio
import logging
from collections.abc import Callable, Collection
from contextlib import aclosing
from typing import Final

from swarm_analyticsd import policy
from swarm_analyticsd.clock import Clock
from swarm_analyticsd.delivery.carry import Carried, Carrier, CutOff, LeaseLost
from swarm_analyticsd.delivery.settle import cut_off
from swarm_analyticsd.outbox.rows import Postpone, Release
from swarm_analyticsd.schedule.condition import Flight
from swarm_analyticsd.schedule.errands import Errands

_log: Final = logging.getLogger(__name__)


class Flights:
    """Each parcel under way is a task. What ends without an answer is settled here, an answer by `land`."""

    def __init__(
        self,
        errands: Errands,
        clock: Clock,
        *,
        land: Callable[[Flight, tuple[Carried, ...]], None],
        lost: Callable[[Flight], None],
        ended: Callable[[], None],
    ) -> None:
        """`land` is given the answers, a request at a time; `lost` a flight of which nothing was learned."""
        self._errands = errands
        self._clock = clock
        self._land = land
        self._lost = lost
        self._ended = ended
        self._tasks: dict[asyncio.Task[None], Flight] = {}

    def __len__(self) -> int:
        return len(self._tasks)

    @property
    def bytes(self) -> int:
        return sum(flight.parcel.size_bytes for flight in self._tasks.values())

    def start(self, flight: Flight, carrier: Carrier) -> None:
        """Send the flight's parcel; it counts until it ends."""

        async def fly() -> None:
            try:
                await self._fly(flight, carrier)
            finally:
                self._tasks.pop(task, None)
                self._ended()

        task = asyncio.create_task(fly())
        self._tasks[task] = flight

    async def cancel(self, categories: Collection[str] | None = None) -> None:
        """Cancel all, or those of some categories."""
        cancelled = {
            task: flight
            for task, flight in self._tasks.items()
            if categories is None or flight.parcel.rows[0].category in categories
        }
        for task in cancelled:
            task.cancel()
        if cancelled:
            await asyncio.wait(cancelled)
        for task, flight in cancelled.items():
            self._tasks.pop(task, None)
            if task.cancelled():
                self._errands.settle(flight.parcel.rows, Release())  # what was settled before stays so
                self._lost(flight)

    async def _fly(self, flight: Flight, carrier: Carrier) -> None:
        rows = flight.parcel.rows
        try:
            async with aclosing(carrier.carry(flight.parcel)) as answers:
                async for carried in answers:
                    self._land(flight, carried)
        except LeaseLost:
            self._lost(flight)
        except CutOff as error:
            self._errands.settle(error.parcel.rows, cut_off(error.parcel.route))
            raise
        except Exception as error:
            _log.exception("an event of %s could not be handled; it is put off", flight.parcel.route.key)
            due_at = self._clock.now() + policy.FAULTY_ROW_PAUSE_S
            self._errands.settle(rows, Postpone(due_at, f"internal: {type(error).__name__}", strike=False))
            self._lost(flight)
