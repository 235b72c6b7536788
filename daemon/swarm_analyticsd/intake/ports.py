"""What intake asks of the outbox and of the dispatcher; both have more. Tests put doubles in."""

from collections.abc import Iterable
from typing import Protocol

from swarm_analytics_models.categories import ConsentMode
from swarm_analyticsd.outbox.rows import Admission, Admitted, KnownDestination, Purged


class Keeps(Protocol):
    """The outbox, as hand-off sees it."""

    async def admit(self, admission: Admission) -> Admitted:
        """Returns after the commit; raises where the disk refused and nothing, or nobody knows, was kept."""
        ...

    async def journal_positions(self) -> dict[str, int]: ...

    async def journal_position(self, name: str) -> int: ...

    async def forget_journal(self, name: str) -> None: ...

    async def destinations(self) -> tuple[KnownDestination, ...]: ...

    async def set_consent(self, service: str, mode: ConsentMode) -> Purged: ...

    async def erase(self) -> None: ...


class Sends(Protocol):
    """The dispatcher, as hand-off sees it."""

    def wake(self, destination_ids: Iterable[int]) -> None: ...

    def nudge(self) -> None: ...

    async def cancel_muted(self, service: str) -> None: ...

    def silence(self, service: str, silenced: bool) -> None: ...

    def destination_added(self, known: KnownDestination) -> None: ...
