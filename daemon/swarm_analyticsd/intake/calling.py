"""Calls over HTTP: an answer when there is one, in pieces where it comes so, and an end when nobody waits.

While a call is under way its connection is watched. An app that closes it has stopped waiting: the call is
cancelled, and with it the request to the service. An answer in pieces that the service breaks off is broken
off towards the app as well: its end is never made up.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from functools import partial
from typing import Final, assert_never

from fastapi import FastAPI, Request, Response
from pydantic import ValidationError
from pydantic_core import from_json, to_json

from swarm_analytics_models.api import Problem
from swarm_analytics_models.calls import CallRequest, ClearCacheRequest
from swarm_analytics_models.validation import reasons
from swarm_analyticsd.calls.broker import Broker, Uncallable
from swarm_analyticsd.calls.explain import problem_of
from swarm_analyticsd.calls.outcome import Answered, CallOutcome, Failed, Streamed
from swarm_analyticsd.delivery.send import BrokenOff
from swarm_analyticsd.intake.guard import BREAK_OFF, JSON, Receive, Scope, Send

_CORRECT: Final = "Correct the request; nothing was sent."


def serve_calls(api: FastAPI, broker: Broker) -> None:
    @api.post("/v1/call/{service}/{operation}", response_model=None)
    async def call(service: str, operation: str, request: Request) -> Response:
        asked = _read(await request.body())
        return _Attended(partial(broker.call, service, operation, asked))

    @api.post("/v1/call-cache/clear")
    async def clear_cache(request: ClearCacheRequest) -> None:
        broker.clear_cache(request)

    @api.exception_handler(Uncallable)
    async def uncallable(_request: Request, error: Uncallable) -> Response:
        return _problem(error.status, error.problem)


class _Attended(Response):
    """Makes a call and answers with what comes of it, for as long as its client is there."""

    def __init__(self, make: Callable[[], Awaitable[CallOutcome]]) -> None:
        self._make = make
        self.background = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        leaving = asyncio.create_task(_left(receive))
        answering = asyncio.create_task(self._answer(scope, receive, send))
        try:
            await asyncio.wait((answering, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (answering, leaving):
                task.cancel()
            await asyncio.wait((answering, leaving))
        if not answering.cancelled():
            answering.result()

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        outcome = await self._make()
        match outcome:
            case Answered():
                await Response(_whole(outcome), media_type=JSON)(scope, receive, send)
            case Failed(failure):
                await _problem(*problem_of(failure))(scope, receive, send)
            case Streamed():
                try:
                    await _pass_on(outcome, send)
                except BrokenOff:
                    scope["extensions"][BREAK_OFF]()
                    await _left(receive)
                finally:
                    await outcome.aclose()
            case _:
                assert_never(outcome)


async def _pass_on(outcome: Streamed, send: Send) -> None:
    headers = [(b"content-type", outcome.media_type.encode()), (b"x-attempts", b"%d" % outcome.attempts)]
    if outcome.request_id is not None:
        headers.append((b"x-request-id", outcome.request_id.encode("latin-1", "replace")))
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    async with aclosing(outcome.pieces) as pieces:
        async for piece in pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _left(receive: Receive) -> None:
    """Returns when the client is gone, or has its answer."""
    while (await receive())["type"] != "http.disconnect":
        continue


def _whole(outcome: Answered) -> bytes:
    """A `CallAnswer`, whose body is passed through as it is."""
    head = (outcome.status, to_json(outcome.request_id), outcome.attempts, outcome.body)
    return b'{"status":%d,"request_id":%b,"attempts":%d,"body":%b}' % head


def _read(body: bytes) -> CallRequest:
    try:
        return CallRequest.model_validate(from_json(body, allow_inf_nan=False))
    except ValidationError as error:
        raise Uncallable(422, "invalid", reasons(error), _CORRECT) from error
    except ValueError as error:
        raise Uncallable(422, "invalid", f"the request is not JSON: {error}", _CORRECT) from error


def _problem(status: int, problem: Problem) -> Response:
    return Response(to_json(problem.model_dump()), status, media_type=JSON)
