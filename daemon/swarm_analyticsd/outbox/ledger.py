"""The ledger: counts that change in the transactions that change the rows, and their recount."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Final

from sqlalchemy import Connection, bindparam, delete, update
from sqlalchemy.dialects.sqlite import insert

from swarm_analyticsd import policy
from swarm_analyticsd.outbox.lifecycle import KEEPS_BODY, LIVE, State
from swarm_analyticsd.outbox.tables import NOTED, clients, home, ledger

COUNTED: Final = ("accepted", *(state.value for state in State), "bytes")
"""The columns that are sums."""

_ADD: Final = (
    update(ledger)
    .where(ledger.c.destination == bindparam("of"))
    .values({ledger.c[name]: ledger.c[name] + bindparam(f"add_{name}") for name in COUNTED})
)

_NOTE: Final = (
    update(ledger)
    .where(ledger.c.destination == bindparam("of"))
    .values({ledger.c[name]: ledger.c[name] + bindparam(f"add_{name}") for name in NOTED})
)

_ADD_BESIDE: Final = update(home).values(
    refused=home.c.refused + bindparam("add_refused"),
    duplicates=home.c.duplicates + bindparam("add_duplicates"),
)

_NEW_CLIENT: Final = insert(clients)
_ADD_PENDING: Final = _NEW_CLIENT.on_conflict_do_update(
    index_elements=[clients.c.client],
    set_={"pending": clients.c.pending + _NEW_CLIENT.excluded.pending},
)
_FORGET_CLIENT: Final = delete(clients).where(clients.c.client == bindparam("of"), clients.c.pending == 0)


def footprint(size: int, rows: int = 1) -> int:
    """Bytes that rows occupy while they keep their bodies, of `size` bytes together."""
    return size + rows * policy.ROW_BYTES


class Entries:
    """Changes to the counts, gathered in one operation and written once."""

    def __init__(self) -> None:
        self._destinations: defaultdict[int, Counter[str]] = defaultdict(Counter)
        self._clients: Counter[str] = Counter()

    def accept(self, destination: int, state: State, *, size: int, client: str | None) -> None:
        """A new row."""
        counts = self._destinations[destination]
        counts["accepted"] += 1
        counts[state.value] += 1
        if state in KEEPS_BODY:
            counts["bytes"] += footprint(size)
        if client is not None and state in LIVE:
            self._clients[client] += 1

    def move(
        self, destination: int, before: State, now: State, *, size: int, client: str | None, rows: int = 1
    ) -> None:
        """Rows, of `size` bytes together, went from one state to another."""
        counts = self._destinations[destination]
        counts[before.value] -= rows
        counts[now.value] += rows
        kept = (now in KEEPS_BODY) - (before in KEEPS_BODY)
        counts["bytes"] += kept * footprint(size, rows)
        if client is not None:
            self._clients[client] += rows * ((now in LIVE) - (before in LIVE))

    def rebind(self, old: int, new: int, state: State, *, size: int, rows: int) -> None:
        """Rows that keep their bodies went from one destination to another."""
        for destination, sign in ((old, -1), (new, 1)):
            counts = self._destinations[destination]
            counts["accepted"] += sign * rows
            counts[state.value] += sign * rows
            counts["bytes"] += sign * footprint(size, rows)

    def write(self, connection: Connection) -> None:
        rows = [
            {"of": destination, **{f"add_{name}": counts[name] for name in COUNTED}}
            for destination, counts in self._destinations.items()
            if any(counts.values())
        ]
        if rows:
            connection.execute(_ADD, rows)
        changed = [(client, count) for client, count in self._clients.items() if count]
        if changed:
            connection.execute(_ADD_PENDING, [{"client": name, "pending": count} for name, count in changed])
        leaving = [{"of": name} for name, count in changed if count < 0]
        if leaving:
            connection.execute(_FORGET_CLIENT, leaving)


def count_beside(connection: Connection, *, refused: int = 0, duplicates: int = 0) -> None:
    """Count what was not accepted."""
    if refused or duplicates:
        connection.execute(_ADD_BESIDE, {"add_refused": refused, "add_duplicates": duplicates})


def note(
    connection: Connection,
    destinations: Iterable[int],
    *,
    skipped: int = 0,
    resent: int = 0,
    set_aside: int = 0,
) -> None:
    """Count what befell events, for each time that their destination is named."""
    for destination, times in Counter(destinations).items():
        added = {"add_skipped": skipped, "add_resent": resent, "add_set_aside": set_aside}
        counts = {name: times * count for name, count in added.items()}
        connection.execute(_NOTE, {"of": destination, **counts})


def open_account(connection: Connection, destination: int) -> None:
    """Start a destination's counts at nothing."""
    connection.execute(insert(ledger).values({"destination": destination, **dict.fromkeys(COUNTED, 0)}))
