"""A call's arguments as one request. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic_core import to_json

from swarm_analytics_models.calling import asks_for_pieces
from swarm_analytics_models.contract import Route
from swarm_analytics_models.handling import TimeOuts
from swarm_analytics_models.idempotency import KeyInBody
from swarm_analytics_models.validation import reasons
from swarm_analyticsd.delivery.request import USER_AGENT, Request, key_headers
from swarm_analyticsd.delivery.wire import Unsendable, wire_of


@dataclass(frozen=True, slots=True)
class Asked:
    """A call, ready to be sent, but for the proof of who sends it."""

    arguments: Mapping[str, Any]
    request: Request
    media_type: str | None
    """Of an answer in pieces, where the call asks for one."""


def ask(route: Route, base_url: str, arguments: Mapping[str, Any], key: str, time_outs: TimeOuts) -> Asked:
    """`arguments` as `route` takes them, under an idempotency key. Raises Unsendable."""
    if isinstance(route.idempotency, KeyInBody) and arguments.get(route.idempotency.field) is None:
        arguments = {**arguments, route.idempotency.field: key}
    try:
        route.request.model_validate_json(to_json(arguments))
    except ValidationError as error:
        raise Unsendable(reasons(error)) from None
    except ValueError as error:
        raise Unsendable(str(error)) from None
    streaming = route.streaming
    media_type = (
        streaming.media_type
        if streaming is not None and asks_for_pieces(streaming.field, arguments)
        else None
    )
    wire = wire_of(route, arguments)
    headers = [
        ("User-Agent", USER_AGENT),
        ("Accept", "application/json" if media_type is None else f"{media_type}, application/json"),
        ("Accept-Encoding", "identity"),
        *key_headers(route.idempotency, key),
    ]
    if wire.content is not None:
        headers.append(("Content-Type", "application/json"))
    request = Request(
        method=route.method,
        url=base_url.rstrip("/") + wire.target,
        headers=tuple(headers),
        body=wire.content or b"",
        time_outs=time_outs,
    )
    return Asked(arguments, request, media_type)
