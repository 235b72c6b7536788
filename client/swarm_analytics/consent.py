"""What this process knows of the user's consent, so that it need not hand off what would be withdrawn.

A view, not the truth: the daemon decides at admission, and withdraws what is let through here by mistake.
"""

from dataclasses import dataclass

from swarm_analytics_models.categories import ConsentMode


@dataclass(frozen=True, slots=True)
class _Decision:
    """An opt-out or opt-in of this process that the daemon may not have taken yet."""

    mode: ConsentMode
    journal: str
    offset: int


class ConsentView:
    """Which services are muted at the source."""

    def __init__(self) -> None:
        self.muted: frozenset[str] = frozenset()
        """Services whose product events go nowhere. Under `hold` they are handed off, to be kept."""

        self._undelivered: dict[str, _Decision] = {}

    def decided(self, service: str, mode: ConsentMode, journal: str, offset: int) -> None:
        """This process handed off a decision, which ends at `offset` of `journal`. It holds at once."""
        self._undelivered[service] = _Decision(mode, journal, offset)
        self._set(service, mode)

    def heard(self, service: str, mode: ConsentMode) -> None:
        """The daemon said so. What it said before it had our own decision is out of date."""
        decision = self._undelivered.get(service)
        if decision is not None and decision.mode is not mode:
            return
        self._undelivered.pop(service, None)
        self._set(service, mode)

    def receipted(self, journal: str, offset: int) -> None:
        """The daemon has this process's decisions up to here: from now on its word counts."""
        for service, decision in list(self._undelivered.items()):
            if decision.journal == journal and decision.offset <= offset:
                del self._undelivered[service]

    def _set(self, service: str, mode: ConsentMode) -> None:
        if mode is ConsentMode.MINIMAL:
            self.muted |= {service}
        else:
            self.muted -= {service}
