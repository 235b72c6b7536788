"""A row and its route as one request. Pure; refuses what could smuggle a second header."""

import json
import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final, assert_never

from swarm_analytics_models.contract import Route
from swarm_analytics_models.handling import TimeOuts
from swarm_analytics_models.idempotency import (
    KEY_HEX,
    KEY_TEXT,
    Idempotency,
    KeyInBody,
    KeyInHeader,
    NaturallyIdempotent,
    NotIdempotent,
)
from swarm_analyticsd import VERSION
from swarm_analyticsd.credentials.secret import AuthenticationHeader
from swarm_analyticsd.delivery.wire import Unsendable, wire_of

USER_AGENT: Final = f"swarm-analyticsd/{VERSION}"
_VALUE: Final = re.compile(r"[\x20-\x7e]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Request:
    """All of a request but Host and Content-Length, which follow from it."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = field(repr=False)
    time_outs: TimeOuts
    authentication: tuple[AuthenticationHeader, ...] = ()

    def authenticated(self, headers: tuple[AuthenticationHeader, ...]) -> "Request":
        """The same request, proven anew."""
        return replace(self, authentication=headers)


@dataclass(frozen=True, slots=True)
class Item:
    """One event's share of a request."""

    key: str
    body: bytes = field(repr=False)


def single_request(route: Route, base_url: str, item: Item) -> Request:
    """One event in a request of its own, not yet authenticated. Raises Unsendable."""
    target, content = _parts(route, route.path, item)
    return _request(route, base_url + target, content, key_headers(route.idempotency, item.key))


def batch_request(route: Route, base_url: str, items: Sequence[Item]) -> Request:
    """Events of a route that batches and of one resource; one alone carries its key as elsewhere.

    Raises Unsendable.
    """
    if route.batching is None:
        raise AssertionError(f"{route.key} does not batch")
    parts = [_parts(route, route.batching.path, item) for item in items]
    contents = b",".join(content for _, content in parts)
    body = b'{"%b":[%b]}' % (route.batching.items_field.encode(), contents)
    extra = key_headers(route.idempotency, items[0].key) if len(items) == 1 else ()
    return _request(route, base_url + parts[0][0], body, extra)


def _parts(route: Route, path: str, item: Item) -> tuple[str, bytes]:
    """Path and query of an event, and its body: byte for byte as accepted where the URL takes none of it."""
    if not route.path_fields and not route.query and route.body_field is None:
        return path, item.body
    wire = wire_of(route, json.loads(item.body), path=path)
    return wire.target, wire.content or b""


def _request(route: Route, url: str, body: bytes, extra: tuple[tuple[str, str], ...]) -> Request:
    headers = (
        ("User-Agent", USER_AGENT),
        ("Accept", "application/json"),
        ("Accept-Encoding", "identity"),
        ("Content-Type", "application/json"),
        *extra,
    )
    return Request(route.method, url, headers, body, route.time_outs)


def key_headers(idempotency: Idempotency, key: str) -> tuple[tuple[str, str], ...]:
    match idempotency:
        case KeyInHeader(headers, value):
            return tuple((header, _header_value(header, value, key)) for header in headers)
        case NotIdempotent(_, headers):
            return tuple((header, _header_value(header, KEY_TEXT, key)) for header in headers)
        case KeyInBody() | NaturallyIdempotent():
            return ()
        case _:
            assert_never(idempotency)


def _header_value(header: str, value: str, key: str) -> str:
    if KEY_HEX in value:
        try:
            filled = value.replace(KEY_HEX, uuid.UUID(key).hex)
        except ValueError:
            raise Unsendable(f"the key for header {header!r} is not a UUID") from None
    else:
        filled = value.replace(KEY_TEXT, key)
    if not _VALUE.fullmatch(filled):
        raise Unsendable(f"the value for header {header!r} holds characters that no header may carry")
    return filled
