"""The requests that are under way."""

import asyncio
from collections.abc import Awaitable, Callable, Collection

from swarm_analyticsd.schedule.condition import Flight


class Flights:
    def __init__(self) -> None:
        self._tasks: dict[asyncio.Task[None], Flight] = {}

    def __len__(self) -> int:
        return len(self._tasks)

    @property
    def bytes(self) -> int:
        return sum(flight.parcel.size_bytes for flight in self._tasks.values())

    def start(self, flight: Flight, work: Callable[[Flight], Awaitable[None]]) -> None:
        """Run `work`; the flight counts until it ends."""

        async def fly() -> None:
            try:
                await work(flight)
            finally:
                self._tasks.pop(task, None)

        task = asyncio.create_task(fly())
        self._tasks[task] = flight

    async def cancel(self, categories: Collection[str] | None = None) -> list[Flight]:
        """Cancel all, or those of some categories; returns those that ended without an answer."""
        cancelled = {
            task: flight
            for task, flight in self._tasks.items()
            if categories is None or flight.parcel.rows[0].category in categories
        }
        for task in cancelled:
            task.cancel()
        if cancelled:
            await asyncio.wait(cancelled)
        for task in cancelled:
            self._tasks.pop(task, None)
        return [flight for task, flight in cancelled.items() if task.cancelled()]
