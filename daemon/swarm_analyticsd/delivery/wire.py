"""What of a request's arguments goes into the path, the query and the body. Pure."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, urlencode

from swarm_analytics_models.contract import Route, wire_names

_BODILESS: Final = frozenset({"GET", "DELETE"})
_NO_SEGMENTS: Final = frozenset({"", ".", ".."})
"""What a path would lose on its way: another resource would be asked for than the one that is meant."""


class Unsendable(ValueError):
    """An event, or a call, that cannot be written as a request. Its own fault, and no other's."""


@dataclass(frozen=True, slots=True)
class Wire:
    """A route's arguments as they travel."""

    path: str
    """The route's own, percent-encoded, without what the base URL puts before it."""

    query: tuple[tuple[str, str], ...]
    """Names and values as the service will read them."""

    content: bytes | None = field(repr=False)
    """None: the request has no body."""

    @property
    def target(self) -> str:
        """Path and query, percent-encoded."""
        return self.path + ("?" + urlencode(self.query, quote_via=quote, safe="") if self.query else "")


def wire_of(route: Route, arguments: Mapping[str, Any], *, path: str | None = None) -> Wire:
    """`arguments` (by wire name) taken apart. Equal arguments give equal bytes. Raises Unsendable.

    Path values are percent-encoded with no safe characters. In a query null is left out, a list repeats its
    name, an object or a list within a list is compact JSON; GET and DELETE put everything there. A body is
    compact JSON in UTF-8; a request whose model leaves nothing for it has none. `path`: where the route's
    batches go.
    """
    try:
        path = path or route.path
        for name in route.path_fields:
            path = path.replace(f"{{{name}}}", _segment(name, arguments.get(name)))
        in_query = _query_names(route, arguments)
        query = tuple(pair for name in in_query for pair in _pairs(name, arguments.get(name)))
        return Wire(path, query, _content(route, arguments, {*route.path_fields, *in_query}))
    except UnicodeEncodeError:
        raise Unsendable("a text holds half of a surrogate pair, which no request can carry") from None


def _query_names(route: Route, arguments: Mapping[str, Any]) -> tuple[str, ...]:
    if route.method in _BODILESS:
        return tuple(name for name in arguments if name not in route.path_fields)
    return route.query


def _content(route: Route, arguments: Mapping[str, Any], taken: set[str]) -> bytes | None:
    if route.method in _BODILESS:
        return None
    if route.body_field is not None:
        return _json(arguments[route.body_field]) if route.body_field in arguments else None
    left = {name: value for name, value in arguments.items() if name not in taken}
    return _json(left) if left or wire_names(route.request) - taken else None


def _segment(name: str, value: Any) -> str:
    text = _text(value) if isinstance(value, str | int | float) else ""
    if text in _NO_SEGMENTS:
        raise Unsendable(f"{name!r} goes into the request's path, and {value!r} cannot: name a resource")
    return quote(text, safe="")


def _pairs(name: str, value: Any) -> Iterator[tuple[str, str]]:
    for one in value if isinstance(value, list | tuple) else (value,):
        if one is not None:
            text = _text(one)
            text.encode()
            yield name, text


def _text(value: Any) -> str:
    return value if isinstance(value, str) else _json(value).decode()


def _json(value: Any) -> bytes:
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    except UnicodeEncodeError:
        raise
    except (ValueError, TypeError, RecursionError) as error:
        raise Unsendable(f"the request cannot be written as JSON: {error}") from None
