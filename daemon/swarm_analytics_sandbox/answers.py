"""Putting an answer, or what a fault leaves of it, on the wire."""

import asyncio
import json
import zlib
from collections.abc import Callable, Iterator
from http.client import responses
from typing import Final

from starlette.types import Receive, Send

from swarm_analytics_sandbox.by_contract import TAKEN, detail
from swarm_analytics_sandbox.faults import (
    Cut,
    FinalAction,
    Flood,
    Hang,
    Portal,
    Redirect,
    Reset,
    SlowBody,
    Status,
    WrongJson,
)
from swarm_analytics_sandbox.stand_in import Answer

Abort = Callable[[], None]
"""Resets the connection."""

PORTAL_PAGE: Final = (
    b"<!doctype html><html><head><title>Welcome to Airport Wi-Fi</title></head>"
    b"<body><form method=post>Accept the terms to go online</form></body></html>"
)
HTML: Final = ((b"content-type", b"text/html; charset=utf-8"),)
FLOOD_PIECE: Final = b" " * 65_536


async def send_answer(send: Send, answer: Answer) -> None:
    await _start(send, answer)
    if answer.pieces:
        for piece in answer.pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    else:
        await send({"type": "http.response.body", "body": answer.body})


async def _start(send: Send, answer: Answer) -> None:
    length = () if answer.pieces else ((b"content-length", b"%d" % len(answer.body)),)
    headers = [*answer.headers, *length]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})


async def play(
    action: FinalAction, genuine: Answer | None, receive: Receive, send: Send, abort: Abort
) -> None:
    """Do what a fault says. `genuine` is the service's own answer where the request got through to it."""
    match action:
        case Status():
            await send_answer(send, _scripted(action))
        case Hang(seconds=seconds):
            await gone(receive, seconds)
            await _reset(receive, abort)
        case Reset():
            await _reset(receive, abort)
        case Portal():
            await send_answer(send, Answer(200, PORTAL_PAGE, HTML))
        case Redirect(location=location, status=status):
            await send_answer(send, Answer(status, b"", ((b"location", location.encode("latin-1")),)))
        case WrongJson(text=text):
            await send_answer(send, Answer(200, text.encode()))
        case SlowBody(seconds=seconds):
            await _trickle(genuine or TAKEN, seconds, receive, send)
        case Cut(size=size):
            await _cut(genuine or TAKEN, size, receive, send, abort)
        case Flood():
            await _flood(action, receive, send)


async def gone(receive: Receive, seconds: float | None) -> bool:
    """Wait until the client has left, for `seconds` at most; say whether it has."""
    try:
        async with asyncio.timeout(seconds):
            while (await receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        return False
    return True


async def _reset(receive: Receive, abort: Abort) -> None:
    abort()
    await gone(receive, None)


def _scripted(action: Status) -> Answer:
    named = {name.lower(): value for name, value in action.headers.items()}
    if action.retry_after is not None:
        named["retry-after"] = action.retry_after
    if action.status in (204, 304):
        body = b""
    elif isinstance(action.body, str) and "content-type" in named:
        body = action.body.encode()
    elif action.body is not None:
        body = json.dumps(action.body).encode()
    else:
        body = detail(action.status, responses.get(action.status, "scripted")).body
    named.setdefault("content-type", "application/json")
    headers = tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in named.items())
    return Answer(action.status, body, headers)


async def _trickle(answer: Answer, seconds: float, receive: Receive, send: Send) -> None:
    await _start(send, answer)
    pieces = answer.pieces or tuple(answer.body[place : place + 1] for place in range(len(answer.body)))
    for piece in pieces:
        if await gone(receive, seconds / len(pieces)):
            return
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _cut(answer: Answer, size: int, receive: Receive, send: Send, abort: Abort) -> None:
    await _start(send, answer)
    part = (b"".join(answer.pieces) or answer.body)[:size]
    await send({"type": "http.response.body", "body": part, "more_body": True})
    await _reset(receive, abort)


async def _flood(action: Flood, receive: Receive, send: Send) -> None:
    headers = [*TAKEN.headers, *([(b"content-encoding", b"gzip")] if action.gzip else [])]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    for piece in _compressed(action.size) if action.gzip else _plain(action.size):
        if await gone(receive, 0):
            return
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def _plain(size: int) -> Iterator[bytes]:
    for _ in range(size // len(FLOOD_PIECE)):
        yield FLOOD_PIECE
    yield FLOOD_PIECE[: size % len(FLOOD_PIECE)]


def _compressed(size: int) -> Iterator[bytes]:
    compressor = zlib.compressobj(9, wbits=31)
    yield from (compressor.compress(piece) for piece in _plain(size))
    yield compressor.flush()
