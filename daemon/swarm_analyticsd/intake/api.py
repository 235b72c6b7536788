"""The HTTP API. Handlers translate, others do. Every answer of 400 and above is a `Problem`."""

import os
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import FastAPI, Header, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from swarm_analytics_models.api import (
    EVENT_ID_PATTERN,
    ConfigAnswer,
    ConsentAnswer,
    ConsentRequest,
    DeadAction,
    DeadAnswer,
    EventAnswer,
    EventsAnswer,
    FlushAnswer,
    FlushRequest,
    PauseRequest,
    Problem,
    ServicesRequest,
    StopAnswer,
    VersionAnswer,
)
from swarm_analytics_models.handoff import PROTOCOL, HandOffAnswer
from swarm_analytics_models.status import Status
from swarm_analyticsd import VERSION, policy
from swarm_analyticsd.calls.broker import Broker
from swarm_analyticsd.intake.calling import serve_calls
from swarm_analyticsd.intake.credentials import Credentials, serve_credentials
from swarm_analyticsd.intake.cursors import MissingBytes
from swarm_analyticsd.intake.guard import INTERNAL, JSON, Turned
from swarm_analyticsd.intake.inbox import NotAJournal
from swarm_analyticsd.intake.operations import Operations
from swarm_analyticsd.intake.posting import NotCommitted, Posting
from swarm_analyticsd.intake.refusing import Refusing
from swarm_analyticsd.outbox.errors import OutboxError
from swarm_analyticsd.outbox.lifecycle import State

NO_TELEMETRY: Final[Any] = {"auto_configure": False, "tracing": False, "metrics": False, "logs": False}
"""Whatever the environment says: FastAPI exports what it is asked, and events have one way out. Versions that
know no telemetry (it came after 0.115) keep the argument as one of those that they do not know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Views:
    """What can be looked at."""

    status: Callable[[], Awaitable[Status]]
    events: Callable[[State | None, str | None, int], Awaitable[EventsAnswer]]
    event: Callable[[str, bool], Awaitable[EventAnswer]]
    config: Callable[[], ConfigAnswer]


def make_api(
    *, operations: Operations, credentials: Credentials, posting: Posting, broker: Broker, views: Views
) -> FastAPI:
    """The application, to be put behind the guard."""
    api = FastAPI(
        title="swarm-analyticsd",
        version=VERSION,
        docs_url=None,
        redirect_slashes=False,
        redoc_url=None,
        openapi_url=None,
        telemetry=NO_TELEMETRY,
    )
    _answer_with_problems(api)
    _look(api, views)
    _hand_off(api, posting)
    _act(api, operations)
    serve_credentials(api, credentials)
    serve_calls(api, broker)
    return api


def _look(api: FastAPI, views: Views) -> None:
    @api.get("/v1/version")
    async def version() -> VersionAnswer:
        return VersionAnswer(version=VERSION, protocol=PROTOCOL, pid=os.getpid())

    @api.get("/v1/status")
    async def status() -> Status:
        return await views.status()

    @api.get("/v1/events")
    async def events(
        state: State | None = None,
        service: str | None = None,
        limit: Annotated[int, Query(ge=1, le=policy.EVENTS_LISTED)] = 50,
    ) -> EventsAnswer:
        return await views.events(state, service, limit)

    @api.get("/v1/events/{event_id:path}")
    async def event(event_id: str, body: bool = False) -> EventAnswer:
        if not re.match(EVENT_ID_PATTERN, event_id):
            return EventAnswer(events=[])
        return await views.event(event_id, body)

    @api.get("/v1/config")
    async def config() -> ConfigAnswer:
        return views.config()


def _hand_off(api: FastAPI, posting: Posting) -> None:
    @api.post("/v1/hand-off")
    async def hand_off(
        request: Request,
        x_journal: Annotated[str | None, Header()] = None,
        x_journal_offset: Annotated[int | None, Header(ge=0)] = None,
    ) -> HandOffAnswer:
        body = await request.body()
        if x_journal is None or x_journal_offset is None:
            return await posting.lines(_as_lines(request, body))
        return await posting.journal(body, x_journal, x_journal_offset)


def _as_lines(request: Request, body: bytes) -> bytes:
    """A JSON body is one event, however it is laid out; a body of lines may lack the last line's end."""
    if request.headers.get("content-type", "").startswith(JSON):
        body = body.translate(None, b"\r\n")
    return body if body.endswith(b"\n") else body + b"\n"


def _act(api: FastAPI, operations: Operations) -> None:
    @api.post("/v1/services")
    async def services(request: ServicesRequest) -> ServicesRequest:
        operations.add_services(request.services)
        return ServicesRequest(services=operations.base_urls)

    @api.post("/v1/consent")
    async def consent(request: ConsentRequest) -> ConsentAnswer:
        return await operations.set_consent(request)

    @api.post("/v1/flush")
    async def flush(request: FlushRequest) -> FlushAnswer:
        return await operations.flush(request)

    @api.post("/v1/pause")
    async def pause(request: PauseRequest) -> None:
        await operations.pause(request.service)

    @api.post("/v1/resume")
    async def resume(request: PauseRequest) -> None:
        await operations.resume(request.service)

    @api.post("/v1/dead/retry")
    async def retry_dead(request: DeadAction) -> DeadAnswer:
        return await operations.retry_dead(request)

    @api.post("/v1/dead/drop")
    async def drop_dead(request: DeadAction) -> DeadAnswer:
        return await operations.drop_dead(request)

    @api.post("/v1/stop")
    async def stop(request: Request) -> StopAnswer:
        await request.body()  # to its end: its sender would find the connection closed, and no answer
        return operations.stop_soon()


def _answer_with_problems(api: FastAPI) -> None:
    @api.exception_handler(Exception)
    async def unforeseen(_request: Request, _error: Exception) -> JSONResponse:
        return _problem(500, INTERNAL)  # and it is raised further, to the guard, which writes it to the log

    @api.exception_handler(Refusing)
    async def refusing(_request: Request, error: Refusing) -> JSONResponse:
        return _problem(error.status, error.problem)

    @api.exception_handler(RequestValidationError)
    async def invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
        faults = [".".join(map(str, fault["loc"])) + ": " + fault["msg"] for fault in error.errors()]
        told = Problem(code="invalid", message="; ".join(faults[:3]), hint="Correct the request.")
        return _problem(422, told)

    @api.exception_handler(HTTPException)
    async def unserved(_request: Request, error: HTTPException) -> JSONResponse:
        if isinstance(error.__cause__, Turned):  # while FastAPI was reading the body
            answer = _problem(error.__cause__.status, error.__cause__.problem)
            answer.headers["connection"] = "close"  # the rest of the body is not read
            return answer
        told = Problem(
            code="not_found" if error.status_code == 404 else "http",
            message=f"this daemon ({VERSION}) does not serve that: {error.detail}",
            hint="Compare versions with: swarm-analyticsd version",
        )
        return _problem(error.status_code, told)

    @api.exception_handler(OutboxError)
    async def outbox(_request: Request, error: OutboxError) -> JSONResponse:
        return _problem(503, Problem(code="outbox", message=error.message, hint=error.hint))

    @api.exception_handler(MissingBytes)
    @api.exception_handler(NotAJournal)
    async def journal(_request: Request, error: Exception) -> JSONResponse:
        hint = "Start a new journal in the home's inbox."
        return _problem(400, Problem(code="journal", message=str(error), hint=hint))

    @api.exception_handler(NotCommitted)
    async def not_committed(_request: Request, error: NotCommitted) -> JSONResponse:
        return _problem(503, Problem(code="not_committed", message=str(error), hint="Send it again."))


def _problem(status: int, problem: Problem) -> JSONResponse:
    return JSONResponse(problem.model_dump(), status_code=status)
