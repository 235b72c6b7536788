"""Waiting for a condition instead of sleeping for a guess."""

import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Final, TypeVar

import anyio

T = TypeVar("T")

FIRST_PAUSE_S: Final = 0.002
LONGEST_PAUSE_S: Final = 0.1


def eventually(predicate: Callable[[], T], timeout: float = 10.0, what: str = "") -> T:
    """The predicate's first true answer; AssertionError with its last one after `timeout` seconds."""
    for pause in _pauses(timeout):
        answer = predicate()
        if answer:
            return answer
        if pause is None:
            raise _too_late(answer, timeout, what)
        time.sleep(pause)
    raise AssertionError("unreachable")


async def eventually_async(predicate: Callable[[], Awaitable[T]], timeout: float = 10.0, what: str = "") -> T:
    """As `eventually`, for a predicate that awaits."""
    for pause in _pauses(timeout):
        answer = await predicate()
        if answer:
            return answer
        if pause is None:
            raise _too_late(answer, timeout, what)
        await anyio.sleep(pause)
    raise AssertionError("unreachable")


def _pauses(timeout: float) -> Iterator[float | None]:
    """Growing pauses; None when there is no more time after this try."""
    deadline = time.monotonic() + timeout
    pause = FIRST_PAUSE_S
    while True:
        left = deadline - time.monotonic()
        yield min(pause, left) if left > 0 else None
        pause = min(pause * 1.5, LONGEST_PAUSE_S)


def _too_late(answer: object, timeout: float, what: str) -> AssertionError:
    return AssertionError(
        f"{what or 'the condition'} did not come true in {timeout} s; last answer: {answer!r}"
    )
