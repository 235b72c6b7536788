"""What is particular to routes of the call lane: part of the vocabulary in which a service is declared."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from pydantic import BaseModel

from swarm_analytics_models.dotted import at


@dataclass(frozen=True, slots=True)
class Streaming:
    """The answer may come in pieces, each of which is an event of its own."""

    format: Literal["sse", "ndjson"]
    """``text/event-stream`` (WHATWG HTML, section 9.2), or one JSON value a line."""

    event: type[BaseModel]
    """What each piece is (of a server-sent event: what `server_sent` makes of it). A root model over a union
    where there are several kinds."""

    field: str
    """Boolean field of the request that asks for it, by wire name; dotted where it is a member's
    (``agent_config.streaming_on``)."""

    media_type: str
    """Content type of an answer in pieces."""


def asks_for_pieces(field: str, arguments: Mapping[str, Any]) -> bool:
    """Whether a request's arguments, as JSON, ask for an answer in pieces. `field` as in `Streaming`."""
    return at(arguments, field) is True


def asking_for_pieces(field: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of a request's arguments, as JSON, that asks for an answer in pieces."""
    step, _, rest = field.partition(".")
    inner = arguments.get(step)
    within = inner if isinstance(inner, Mapping) else {}
    return {**arguments, step: asking_for_pieces(rest, within) if rest else True}


def server_sent(name: str, data: str) -> dict[str, Any]:
    """A server-sent event as its model reads it: its data, and under `event` its name.

    `name` is ``message`` where the stream gives none (WHATWG HTML, section 9.2.6). Data that is no
    JSON object is under `data`: as JSON where it is some, else as text.
    """
    try:
        value = json.loads(data)
    except ValueError:
        value = data
    return {**value, "event": name} if isinstance(value, dict) else {"data": value, "event": name}


@dataclass(frozen=True, slots=True)
class CallDefaults:
    """How a service's calls are made unless a caller says otherwise; what its own SDK does."""

    max_retries: int
    retry_delay_s: float
    """Before the first retry; doubled for each further one, then drawn between half of it and all of it."""

    retry_most_s: float
    max_in_flight: int
    breaker_threshold: int
    """Failures in a row that open the circuit breaker."""

    breaker_time_out_s: float
    """Seconds from its opening to the one call that probes."""

    pool_size: int
    """Most open connections to the service."""

    keep_alive_s: float


@dataclass(frozen=True, slots=True)
class ErrorFacts:
    """What a service's error says in its body."""

    message: str | None = None
    code: str | None = None
    status: int | None = None
    """The status that the service means, where it answers with another (an error wrapped in a 500)."""


ReadError: TypeAlias = Callable[[int, Any], ErrorFacts]
"""Reads the status and parsed JSON body (None: no JSON) of an answer of 400 and above. Pure; never raises."""


def no_facts(_status: int, _body: Any) -> ErrorFacts:
    """For a service whose errors say nothing beyond their status."""
    return ErrorFacts()
