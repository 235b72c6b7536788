"""Writing to an app without ever waiting for it, on each event loop that the daemon may run on."""

import asyncio
import json
import socket
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from swarm_analytics_models.categories import ConsentMode
from swarm_analytics_models.handoff import ConsentChanged, Refusal, RefusalCode
from swarm_analyticsd import policy
from swarm_analyticsd.intake.outlet import Outlet


def loops() -> Iterator[Callable[[], asyncio.AbstractEventLoop]]:
    yield asyncio.new_event_loop
    try:
        import uvloop
    except ImportError:
        return
    yield uvloop.new_event_loop


@pytest.fixture(params=list(loops()))
def loop(request: pytest.FixtureRequest) -> Iterator[asyncio.AbstractEventLoop]:
    made: asyncio.AbstractEventLoop = request.param()
    with closing(made):
        yield made


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    for end in (ours, theirs):
        end.setblocking(False)
    with ours, theirs:
        yield ours, theirs


def refusals(number: int, at: int = 0) -> tuple[Refusal, ...]:
    return tuple(
        Refusal(offset=at + each, code=RefusalCode.GARBLED, message="m" * 400, hint="h")
        for each in range(number)
    )


def test_what_does_not_fit_is_sent_later_while_reading_goes_on(
    loop: asyncio.AbstractEventLoop, pair: tuple[socket.socket, socket.socket]
) -> None:
    ours, theirs = pair

    async def run() -> None:
        outlet = Outlet(ours)
        reading = asyncio.ensure_future(loop.sock_recv(ours, 100))
        for number in range(100):
            outlet.receipt(f"j{number % 10}", number, refusals(20))
        assert outlet._waiting
        await loop.sock_sendall(theirs, b"still read")
        assert await reading == b"still read"
        offsets: dict[str, int] = {}
        received = b""
        while len(offsets) < 10 or min(offsets.values()) < 90:
            received += await loop.sock_recv(theirs, 65_536)
            *lines, received = received.split(b"\n")
            for message in map(json.loads, lines):
                assert message["offset"] >= offsets.get(message["journal"], 0)
                offsets[message["journal"]] = message["offset"]
        assert offsets == {f"j{number}": 90 + number for number in range(10)}
        assert not outlet._waiting
        outlet.close()

    loop.run_until_complete(run())


def test_an_app_that_is_gone_ends_the_writing_and_nothing_else(
    loop: asyncio.AbstractEventLoop, pair: tuple[socket.socket, socket.socket]
) -> None:
    ours, theirs = pair

    async def run() -> None:
        outlet = Outlet(ours)
        await loop.sock_sendall(theirs, b"last words")
        theirs.close()
        for _ in range(3):
            outlet.notice(ConsentChanged(service="openswarm", mode=ConsentMode.HOLD))
        assert outlet.broken
        assert await loop.sock_recv(ours, 100) == b"last words"

    loop.run_until_complete(run())


def test_refusals_that_nobody_reads_are_kept_up_to_a_number(
    loop: asyncio.AbstractEventLoop, pair: tuple[socket.socket, socket.socket]
) -> None:
    ours, _ = pair

    async def run() -> None:
        outlet = Outlet(ours)
        for number in range(200):
            outlet.receipt("j", number, refusals(20, at=number * 20))
        assert len(outlet.untold()["j"].refused) == policy.REFUSALS_KEPT
        assert outlet.untold()["j"].offset == 199
        outlet.close()

    loop.run_until_complete(run())
