"""Says that something changed, to whoever waits for a condition on it."""

import asyncio


class Bell:
    """`ring` wakes everyone who waits. Who keeps the count of rings misses none between two waits."""

    def __init__(self) -> None:
        self.rung = 0
        self._next = asyncio.Event()

    def ring(self) -> None:
        self.rung += 1
        self._next.set()
        self._next = asyncio.Event()

    async def after(self, count: int) -> None:
        """Wait until it has rung more than `count` times."""
        while self.rung <= count:
            await self._next.wait()
