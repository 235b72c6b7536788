"""Leased rows to parcels: what travels in one request. Pure."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from swarm_analytics_models.contract import Route
from swarm_analytics_models.handling import Batching
from swarm_analytics_models.idempotency import KeyInHeader
from swarm_analyticsd.outbox.rows import Claimed

Company: TypeAlias = tuple[str, str, str]
"""What rows that travel together agree in: route, resource, and what else goes into the request's URL."""


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
    rows: list[Claimed] = field(default_factory=list)
    bytes: int = 0
    open: bool = False

    def add(self, row: Claimed) -> None:
        self.rows.append(row)
        self.bytes += len(row.body) + 1

    def has_room_for(self, row: Claimed, batching: Batching) -> bool:
        frame = len(batching.items_field) + len('{"":[]}')
        return (
            len(self.rows) < batching.max_items and frame + self.bytes + len(row.body) <= batching.max_bytes
        )

    def closed(self) -> Parcel:
        batching = self.route.batching
        room = batching is not None and len(self.rows) < batching.max_items
        return Parcel(self.route, tuple(self.rows), open=self.open and room)


def pack(rows: Iterable[Claimed], routes: Mapping[str, Route]) -> tuple[Parcel, ...]:
    """Parcels in the order of their first rows. Every row's route must be in `routes`.

    A row over which daemons died travels alone, one that failed before too, lest its neighbours be blamed
    with it; and so does one whose key goes into a header, which can name one event only.
    """
    packed: list[_Gathering] = []
    open_by_company: dict[Company, _Gathering] = {}
    for row in rows:
        route = routes[row.route]
        batching = route.batching
        if batching is None or not _joins(route, row):
            packed.append(_Gathering(route, [row]))
            continue
        company = _company(route, row)
        gathering = open_by_company.get(company)
        if gathering is None or not gathering.has_room_for(row, batching):
            if gathering is not None:
                gathering.open = False
            gathering = open_by_company[company] = _Gathering(route, open=True)
            packed.append(gathering)
        gathering.add(row)
    return tuple(gathering.closed() for gathering in packed)


def _joins(route: Route, row: Claimed) -> bool:
    suspicious = row.alone or row.suspect_mark is not None
    return not suspicious and not isinstance(route.idempotency, KeyInHeader)


def _company(route: Route, row: Claimed) -> Company:
    if not route.query:
        return row.route, row.resource, ""
    fields = json.loads(row.body)
    return row.route, row.resource, json.dumps([fields.get(name) for name in route.query])
