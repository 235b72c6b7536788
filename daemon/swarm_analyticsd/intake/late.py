"""A dispatcher that comes late: hand-off is accepted before the libraries that deliver are loaded."""

from collections.abc import Iterable

from swarm_analyticsd.intake.ports import Sends
from swarm_analyticsd.outbox.rows import KnownDestination


class LateDispatcher:
    """Passes everything on once it `arrived`. Nothing is lost before: a dispatcher starts from the rows."""

    def __init__(self) -> None:
        self._real: Sends | None = None
        self._silenced: set[str] = set()

    def arrived(self, real: Sends) -> None:
        """To be called before the real one starts, so that no destination falls between its look and ours."""
        self._real = real
        for service in self._silenced:
            real.silence(service, True)

    def wake(self, destination_ids: Iterable[int]) -> None:
        if self._real is not None:
            self._real.wake(destination_ids)

    def nudge(self) -> None:
        if self._real is not None:
            self._real.nudge()

    async def cancel_muted(self, service: str) -> None:
        if self._real is not None:
            await self._real.cancel_muted(service)

    def silence(self, service: str, silenced: bool) -> None:
        if self._real is not None:
            self._real.silence(service, silenced)
        elif silenced:
            self._silenced.add(service)
        else:
            self._silenced.discard(service)

    def signatures_wanted(self) -> tuple[str, ...]:
        return () if self._real is None else self._real.signatures_wanted()

    def destination_added(self, known: KnownDestination) -> None:
        if self._real is not None:
            self._real.destination_added(known)
