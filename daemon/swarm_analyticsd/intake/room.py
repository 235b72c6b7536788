"""Back-pressure: bounds what was read and is not yet committed."""

import asyncio


class Room:
    """Reading waits for `available`; it is pausing, never refusing, so nothing is lost by it."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._used = 0
        self._freed = asyncio.Event()
        self._freed.set()

    def enter(self, size: int) -> None:
        self._used += size
        if self._used > self._most:
            self._freed.clear()

    def leave(self, size: int) -> None:
        self._used -= size
        if self._used <= self._most:
            self._freed.set()

    async def available(self) -> None:
        await self._freed.wait()
