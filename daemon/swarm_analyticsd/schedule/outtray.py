"""What a lane has leased and not sent yet: rows that wait for company, and parcels that wait for room."""

from collections import deque
from collections.abc import Collection, Iterable, Mapping

from swarm_analytics_models.contract import Route
from swarm_analyticsd.delivery.batch import Parcel, pack
from swarm_analyticsd.outbox.rows import Claimed


class OutTray:
    def __init__(self, routes: Mapping[str, Route]) -> None:
        self.retune(routes)
        self._packing: list[Claimed] = []
        self._packed_by = 0.0
        self._parcels: deque[Parcel] = deque()

    def retune(self, routes: Mapping[str, Route]) -> None:
        """Pack by these routes from now on."""
        batchings = [route.batching for route in routes.values() if route.batching is not None]
        self.per_request = max((batching.max_items for batching in batchings), default=1)
        """Most events in one request."""

        self._wait_s = min((batching.max_wait_s for batching in batchings), default=0.0)
        self._routes = routes

    @property
    def packed_by(self) -> float | None:
        """Monotonic time at which parcels leave although more could join them."""
        return self._packed_by if self._packing else None

    @property
    def parcels(self) -> int:
        return len(self._parcels)

    @property
    def bytes(self) -> int:
        return sum(len(row.body) for row in self._rows())

    def add(self, rows: Iterable[Claimed], *, now: float) -> None:
        if not self._packing:
            self._packed_by = now + self._wait_s
        self._packing += rows

    def pack(self, *, now: float, hurry: bool) -> None:
        """Close the parcels that are full; when their time has come, or in a `hurry`, all of them."""
        hurry = hurry or now >= self._packed_by
        parcels = pack(self._packing, self._routes)
        self._parcels += [parcel for parcel in parcels if hurry or not parcel.open]
        self._packing = [row for parcel in parcels if parcel.open and not hurry for row in parcel.rows]

    def next(self) -> Parcel:
        """The parcel that leaves next. Raises IndexError when there is none."""
        return self._parcels.popleft()

    def remove(self, categories: Collection[str] | None) -> list[Claimed]:
        """Take rows out: all, or those of some categories."""
        gone = [row for row in self._rows() if categories is None or row.category in categories]
        seqs = {row.seq for row in gone}
        self._packing = [row for row in self._packing if row.seq not in seqs]
        self._parcels = deque(parcel for parcel in self._parcels if parcel.rows[0].seq not in seqs)
        return gone

    def _rows(self) -> list[Claimed]:
        return [*self._packing, *(row for parcel in self._parcels for row in parcel.rows)]
