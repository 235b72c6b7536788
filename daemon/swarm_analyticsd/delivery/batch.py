"""Leased rows to parcels: what travels in one request. Pure."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from swarm_analytics_models.contract import Route
from swarm_analytics_models.handling import Batching
from swarm_analytics_models.idempotency import KeyInHeader
from swarm_analyticsd.outbox.rows import Claimed

Company: TypeAlias = tuple[int, str, str, str]
"""What rows that travel together agree in: how many they may be, route, resource, and what else goes into the
request's URL.
"""


@dataclass(frozen=True, slots=True)
class Parcel:
    """Rows of one route and one resource, in claim order, that travel in one request."""

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


@dataclass(slots=True)
class _Gathering:
    """A parcel while rows may join it."""

    route: Route
    most: int = 1
    rows: list[Claimed] = field(default_factory=list)
    bytes: int = 0
    open: bool = False
    """Worth waiting for more."""

    def add(self, row: Claimed) -> None:
        self.rows.append(row)
        self.bytes += len(row.body) + 1

    def has_room_for(self, row: Claimed, batching: Batching) -> bool:
        frame = len(batching.items_field) + len('{"":[]}')
        return len(self.rows) < self.most and frame + self.bytes + len(row.body) <= batching.max_bytes

    def closed(self) -> Parcel:
        return Parcel(self.route, tuple(self.rows), open=self.open and len(self.rows) < self.most)


def pack(rows: Iterable[Claimed], routes: Mapping[str, Route]) -> tuple[Parcel, ...]:
    """Parcels in the order of their first rows. Every row's route must be in `routes`.

    A row over which daemons died travels alone, and so does one whose key goes into a header, which can name
    one event only. Rows that failed before travel with their like, half as many each time, until the one that
    makes requests fail is alone and no neighbour can be blamed for it.
    """
    packed: list[_Gathering] = []
    open_by_company: dict[Company, _Gathering] = {}
    for row in rows:
        route = routes[row.route]
        batching = route.batching
        most = 1 if batching is None else _most(route, batching, row)
        company = _company(route, row, most)
        gathering = open_by_company.get(company)
        if gathering is None or batching is None or not gathering.has_room_for(row, batching):
            if gathering is not None:
                gathering.open = False
            gathering = open_by_company[company] = _Gathering(route, most, open=row.suspect_mark is None)
            packed.append(gathering)
        gathering.add(row)
    return tuple(gathering.closed() for gathering in packed)


def _most(route: Route, batching: Batching, row: Claimed) -> int:
    """Events in a request that this one is in."""
    if row.alone or isinstance(route.idempotency, KeyInHeader):
        return 1
    halvings = 0 if row.suspect_mark is None else max(1, row.attempts)
    return max(1, batching.max_items >> halvings)


def _company(route: Route, row: Claimed, most: int) -> Company:
    if most == 1 or not route.query:
        return most, row.route, row.resource, ""
    fields = json.loads(row.body)
    return most, row.route, row.resource, json.dumps([fields.get(name) for name in route.query])
