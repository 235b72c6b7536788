"""A lane's sleep."""

import asyncio
from collections.abc import Callable

from swarm_analyticsd import policy


class Alarm:
    """Wakes who sleeps; who is awake does not sleep before having looked again."""

    def __init__(self, rested: Callable[[], None]) -> None:
        """`rested` is called whenever somebody falls asleep."""
        self._rested = rested
        self._rung = asyncio.Event()
        self._sleeping = False

    @property
    def asleep(self) -> bool:
        """Sleeping, and not called."""
        return self._sleeping and not self._rung.is_set()

    def ring(self) -> None:
        self._rung.set()

    def heard(self) -> None:
        """From now on a ring means something new."""
        self._rung.clear()

    async def sleep(self, seconds: float | None) -> None:
        """Until it rings, or so long (None: however long that takes)."""
        nap = None if seconds is None else min(max(seconds, 0.0), policy.LONGEST_NAP_S)
        self._sleeping = True
        if self.asleep:
            self._rested()
        try:
            async with asyncio.timeout(nap):
                await self._rung.wait()
        except TimeoutError:
            return
        finally:
            self._sleeping = False
