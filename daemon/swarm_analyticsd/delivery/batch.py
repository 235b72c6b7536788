"""Leased rows to parcels: what travels in one request. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from swarm_analytics_models.contract import Route
from swarm_analytics_models.idempotency import KeyInHeader
from swarm_analyticsd.outbox.rows import Claimed


@dataclass(frozen=True, slots=True)
class Parcel:
    """Rows of one route, in claim order, that travel in one request."""

    route: Route
    rows: tuple[Claimed, ...]
    open: bool = False
    """More rows could still join."""

    @property
    def size_bytes(self) -> int:
        return sum(len(row.body) for row in self.rows)

    def halves(self) -> tuple["Parcel", "Parcel"]:
        """The same rows in two requests, to find the guilty one among them."""
        middle = len(self.rows) // 2
        return Parcel(self.route, self.rows[:middle]), Parcel(self.route, self.rows[middle:])


def pack(rows: Iterable[Claimed], routes: Mapping[str, Route]) -> tuple[Parcel, ...]:
    """Parcels in the order of their first rows. Every row's route must be in `routes`.

    A row over which daemons died travels alone, one that failed before too, lest its neighbours be blamed
    with it; and so does one whose key goes into a header, which can name one event only.
    """
    packed: list[list[Claimed]] = []
    open_by_route: dict[str, list[Claimed]] = {}
    for row in rows:
        route = routes[row.route]
        gathering = open_by_route.get(row.route)
        if gathering is not None and _fits(route, gathering, row):
            gathering.append(row)
            continue
        parcel = [row]
        packed.append(parcel)
        if _joins(route, row):
            open_by_route[row.route] = parcel
    return tuple(_parcel(routes[parcel[0].route], parcel, open_by_route) for parcel in packed)


def _parcel(route: Route, rows: list[Claimed], open_by_route: Mapping[str, list[Claimed]]) -> Parcel:
    room = route.batching is not None and len(rows) < route.batching.max_items
    return Parcel(route, tuple(rows), open=room and open_by_route.get(route.key) is rows)


def _joins(route: Route, row: Claimed) -> bool:
    suspicious = row.alone or row.suspect_mark is not None
    return route.batching is not None and not suspicious and not isinstance(route.idempotency, KeyInHeader)


def _fits(route: Route, gathering: list[Claimed], row: Claimed) -> bool:
    batching = route.batching
    if batching is None or not _joins(route, row) or len(gathering) >= batching.max_items:
        return False
    frame = len(batching.items_field) + len('{"":[]}')
    return frame + sum(len(one.body) + 1 for one in gathering) + len(row.body) <= batching.max_bytes
