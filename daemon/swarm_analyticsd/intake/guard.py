"""The one gate before routing: only a local program of this user, speaking plainly, gets through.

Pure ASGI, so that nothing of a request is parsed, routed or answered before it has passed.
"""

import asyncio
import hmac
import json
import logging
import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from itertools import chain
from typing import Any, Final

from swarm_analytics_models.api import Problem
from swarm_analytics_models.calls import MAX_CALL_BYTES
from swarm_analyticsd import policy

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

JSON: Final = "application/json"
NDJSON: Final = "application/x-ndjson"
HAND_OFF_PATH: Final = "/v1/hand-off"
CALL_PATHS: Final = "/v1/call/"
BREAK_OFF: Final = "swarm.break_off"
"""Extension of the scope: closes the connection, whatever was announced to be sent on it."""

_CONTROL: Final = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_SINGLE: Final = (
    b"host",
    b"authorization",
    b"content-type",
    b"content-length",
    b"x-journal",
    b"x-journal-offset",
)


log = logging.getLogger(__name__)
INTERNAL: Final = Problem(
    code="internal",
    message="the daemon failed at this request",
    hint="Try again; if it fails again, the daemon's log says why.",
)
STOPPING: Final = Problem(
    code="stopping",
    message="the daemon is stopping",
    hint="Ask again: the next daemon goes on where this one ends.",
)


class Turned(Exception):
    """A request that is turned away."""

    def __init__(self, status: int, code: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.status = status
        self.problem = Problem(code=code, message=message, hint=hint)


class Guard:
    """Wraps the application. `host` is the only Host served; `capability` is asked for on a TCP listener."""

    def __init__(self, application: Application, *, host: str, capability: str | None) -> None:
        self._application = application
        self._host = host.encode()
        self._authorization = None if capability is None else f"Bearer {capability}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"the daemon speaks HTTP only, not {scope['type']}")
        started = False

        async def note(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            limit = self._check(scope)
            await self._application(scope, _bounded(receive, limit), note)
        except Turned as turned:
            if started:
                raise
            await answer_problem(send, turned.status, turned.problem)
        except asyncio.CancelledError:
            if not started:
                await answer_problem(send, 503, STOPPING)
            raise
        except Exception:
            log.exception("a request failed: %s %s", scope["method"], scope["path"])
            if not started:
                await answer_problem(send, 500, INTERNAL)

    def _check(self, scope: Scope) -> int:
        """The most bytes the request's body may have. Raises Turned."""
        headers = _headers(scope)
        self._check_sender(headers)
        if scope["method"] not in ("GET", "POST"):
            raise Turned(
                405, "method", f"{scope['method']} is not served", "Use GET to look and POST to act."
            )
        limit = _body_limit(scope["path"])
        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or int(length) > limit:
            raise _too_large(limit)
        if scope["method"] == "POST":
            _check_content_type(headers.get(b"content-type", b""), scope["path"])
        return limit

    def _check_sender(self, headers: Mapping[bytes, bytes]) -> None:
        if headers.get(b"host") != self._host:
            raise Turned(
                403, "host", "the Host header is not this daemon's", f"Send Host: {self._host.decode()}"
            )
        if b"origin" in headers or b"referer" in headers:
            raise Turned(
                403,
                "origin",
                "requests from web pages are refused",
                "Call from a program, without Origin or Referer.",
            )
        if self._authorization is None:
            return
        if not hmac.compare_digest(headers.get(b"authorization", b""), self._authorization):
            raise Turned(
                401,
                "capability",
                "the capability is missing or not this start's",
                "Read the file 'capability' in the daemon's home and send it as Authorization: Bearer.",
            )


def _body_limit(path: str) -> int:
    if path == HAND_OFF_PATH:
        return policy.MAX_REQUEST_BYTES
    return MAX_CALL_BYTES if path.startswith(CALL_PATHS) else policy.MAX_QUESTION_BYTES


def _headers(scope: Scope) -> Mapping[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    lines: list[tuple[bytes, bytes]] = scope["headers"]
    if len(lines) > policy.MAX_HEADERS or sum(map(len, chain(*lines))) > policy.MAX_HEADER_BYTES:
        raise Turned(431, "headers", "too many or too long headers", "Send the few that the API names.")
    for name, value in lines:
        if _CONTROL.search(value):
            raise Turned(400, "headers", "a header holds control characters", "Send printable text.")
        if name in found and name in _SINGLE:
            raise Turned(400, "headers", f"header {name.decode('latin-1')} is sent twice", "Send it once.")
        found[name] = value
    return found


def _check_content_type(value: bytes, path: str) -> None:
    kind, _, parameters = value.decode("latin-1").lower().partition(";")
    allowed = (JSON, NDJSON) if path == HAND_OFF_PATH else (JSON,)
    plain = parameters.strip() in ("", "charset=utf-8", 'charset="utf-8"')
    if kind.strip() not in allowed or not plain:
        raise Turned(
            415, "content_type", "the content type is not taken", f"Send Content-Type: {' or '.join(allowed)}"
        )


def _too_large(limit: int) -> Turned:
    return Turned(413, "too_large", "the request is too large", f"Send at most {limit:,} bytes at a time.")


def _bounded(receive: Receive, limit: int) -> Receive:
    """`receive`, but within `limit` bytes and `BODY_DEADLINE_S` for the whole body."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + policy.BODY_DEADLINE_S
    taken = 0
    complete = False

    async def bounded() -> Message:
        nonlocal taken, complete
        if complete:
            return await receive()
        try:
            async with asyncio.timeout_at(deadline):
                message = await receive()
        except TimeoutError:
            raise Turned(
                408,
                "slow",
                "the body did not arrive in time",
                f"Send it within {policy.BODY_DEADLINE_S:.0f} s.",
            ) from None
        taken += len(message.get("body", b""))
        if taken > limit:
            raise _too_large(limit)
        complete = not message.get("more_body", False)
        return message

    return bounded


async def answer_problem(send: Send, status: int, problem: Problem) -> None:
    """Answer with a problem and close the connection: what is left of the request is not read."""
    body = json.dumps(problem.model_dump(), separators=(",", ":")).encode()
    headers = [
        (b"content-type", JSON.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
