"""What blocks, done for asyncio on a thread of its own."""

from collections.abc import Callable
from typing import TypeVar

ResultT = TypeVar("ResultT")


async def in_thread(work: Callable[[], ResultT]) -> ResultT:
    """What `work` returns or raises; the event loop goes on meanwhile."""
    import asyncio  # only programs that use it pay for it

    return await asyncio.to_thread(work)
