"""Which service, and which of its routes, a method and a path belong to."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, TypeAlias
from urllib.parse import unquote

from swarm_analytics_models.contract import InvalidContract, Route, ServiceContract

NO_VALUES: Final[Mapping[str, str]] = MappingProxyType({})

Segments: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """A method and a path, with fields in braces, of one service."""

    contract: ServiceContract
    method: str
    segments: Segments
    routes: tuple[Route, ...]
    """Usually one; several where only query or body tell them apart."""

    @property
    def shape(self) -> tuple[bool, ...]:
        """Sorts what is written out before what is left open."""
        return tuple(map(_open, self.segments))


@dataclass(frozen=True, slots=True)
class Found:
    contract: ServiceContract
    routes: tuple[Route, ...]
    """Empty: the path looks like one of the service's, and no route has this method and path."""

    path_values: Mapping[str, str] = field(default_factory=lambda: NO_VALUES)
    allowed: tuple[str, ...] = ()
    """The methods that have a route at this path."""


class Places:
    """The routes of several services on one origin. Raises InvalidContract where two services collide."""

    def __init__(self, contracts: Mapping[str, ServiceContract]) -> None:
        places = _gathered(contracts)
        self._fixed = {
            (place.method, "/".join(place.segments)): Found(place.contract, place.routes)
            for place in places
            if not any(place.shape)
        }
        self._places = sorted(places, key=lambda place: place.shape)

    def find(self, method: str, path: str) -> Found | None:
        """`path` as on the wire. None: it belongs to no service."""
        fixed = self._fixed.get((method, path))
        if fixed is not None:
            return fixed
        asked = tuple(path.split("/"))
        fitting = [place for place in self._places if _fits(place.segments, asked)]
        for place in fitting:
            if place.method == method:
                return Found(place.contract, place.routes, _values(place.segments, asked))
        if fitting:
            allowed = tuple(sorted({place.method for place in fitting}))
            return Found(fitting[0].contract, (), allowed=allowed)
        nearest = max(self._places, key=lambda place: _shared(place.segments, asked), default=None)
        if nearest is None or _shared(nearest.segments, asked) == 0:
            return None
        return Found(nearest.contract, ())


def paths_of(contract: ServiceContract, route: Route) -> tuple[str, ...]:
    """The paths at which a route is served: its own, and where its batches go."""
    own = contract.base_path + route.path
    batches = own if route.batching is None else contract.base_path + route.batching.path
    return (own,) if own == batches else (own, batches)


def _gathered(contracts: Mapping[str, ServiceContract]) -> list[Place]:
    known: dict[tuple[str, Segments], Place] = {}
    for contract in contracts.values():
        for route in contract.routes:
            for path in paths_of(contract, route):
                segments = tuple(path.split("/"))
                key = route.method, tuple("{}" if _open(step) else step for step in segments)
                before = known.get(key)
                if before is not None and before.contract is not contract:
                    raise InvalidContract(
                        f"{contract.name} and {before.contract.name} both declare {route.method} {path}; "
                        "start a sandbox for each"
                    )
                routes = (route,) if before is None else (*before.routes, route)
                known[key] = Place(contract, route.method, segments, routes)
    return list(known.values())


def _open(segment: str) -> bool:
    return segment.startswith("{")


def _fits(segments: Segments, asked: Segments) -> bool:
    return len(segments) == len(asked) and all(
        bool(value) if _open(step) else step == value for step, value in zip(segments, asked, strict=True)
    )


def _values(segments: Segments, asked: Segments) -> Mapping[str, str]:
    return {step[1:-1]: unquote(value) for step, value in zip(segments, asked, strict=True) if _open(step)}


def _shared(segments: Segments, asked: Segments) -> int:
    """How many segments from the left are the same, the empty one before the first slash left out."""
    return sum(1 for _ in _leading(segments, asked)) - 1


def _leading(segments: Segments, asked: Segments) -> Iterator[str]:
    for step, value in zip(segments, asked, strict=False):
        if step != value:
            return
        yield step
