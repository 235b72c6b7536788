"""A streamed completion's events, out of the pieces that carry them. Closing one closes the other."""

from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator

from swarm_analytics_models.services.swarms.events import CompletionEvent
from swarm_analytics_models.services.swarms.payloads import CompletionPiece


def events(pieces: Iterator[CompletionPiece]) -> Iterator[CompletionEvent]:
    try:
        for piece in pieces:
            yield piece.root
    finally:
        if isinstance(pieces, Generator):
            pieces.close()


async def async_events(pieces: AsyncIterator[CompletionPiece]) -> AsyncIterator[CompletionEvent]:
    try:
        async for piece in pieces:
            yield piece.root
    finally:
        if isinstance(pieces, AsyncGenerator):
            await pieces.aclose()
