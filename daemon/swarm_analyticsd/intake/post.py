"""Brings receipts and news to the app they are meant for, over whichever connection it has."""

from collections import OrderedDict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from swarm_analytics_models.handoff import Dropped, DroppedEvent, Message, Refusal, Skipped
from swarm_analyticsd import policy
from swarm_analyticsd.intake.outlet import Outlet, Progress


@dataclass(slots=True)
class _Mailbox:
    outlet: Outlet | None = None
    dropped: deque[DroppedEvent] = field(default_factory=lambda: deque(maxlen=policy.MAILBOX_EVENTS))
    skipped: deque[Skipped] = field(default_factory=lambda: deque(maxlen=policy.MAILBOX_EVENTS))
    progress: dict[str, Progress] = field(default_factory=dict)


class Post:
    """Knows in which app process (the owner of a journal) each client object lives; keeps some post for it.

    Everything here is news: the ledger and the journals have the facts.
    """

    def __init__(self) -> None:
        self._mailboxes: OrderedDict[str, _Mailbox] = OrderedDict()
        self._owners: OrderedDict[str, str] = OrderedDict()

    def attach(self, owner: str, outlet: Outlet) -> None:
        """From now on `outlet` reaches the owner; what waited for it goes out."""
        mailbox = self._mailbox(owner)
        mailbox.outlet = outlet
        for journal, progress in mailbox.progress.items():
            outlet.receipt(journal, progress.offset, tuple(progress.refused))
        mailbox.progress = {}
        if dropped := self.collect_dropped(owner):
            outlet.notice(Dropped(events=dropped))
        for told in self.collect_skipped(owner):
            outlet.notice(told)

    def detach(self, owner: str, outlet: Outlet) -> None:
        """The connection is gone; does nothing where the owner has a newer one."""
        mailbox = self._mailbox(owner)
        if mailbox.outlet is outlet:
            mailbox.outlet = None
            mailbox.progress = outlet.untold()

    def attached(self, owner: str) -> bool:
        mailbox = self._mailboxes.get(owner)
        return mailbox is not None and mailbox.outlet is not None

    def receipt(self, owner: str, journal: str, offset: int, refused: tuple[Refusal, ...]) -> None:
        mailbox = self._mailbox(owner)
        if mailbox.outlet is not None:
            mailbox.outlet.receipt(journal, offset, refused)
        elif refused:
            mailbox.progress.setdefault(journal, Progress()).advance(offset, refused)

    def saw(self, clients: Iterable[str], owner: str) -> None:
        """These client objects live in the process that owns the journal."""
        for client in clients:
            self._owners[client] = owner
            self._owners.move_to_end(client)
        while len(self._owners) > policy.CLIENTS_REMEMBERED:
            self._owners.popitem(last=False)

    def dropped(self, events: Iterable[DroppedEvent]) -> None:
        """Tell whose events they were that these will not be delivered."""
        by_owner: dict[str, list[DroppedEvent]] = {}
        for event in events:
            owner = self._owners.get(event.client)
            if owner is not None:
                by_owner.setdefault(owner, []).append(event)
        for owner, theirs in by_owner.items():
            mailbox = self._mailbox(owner)
            if mailbox.outlet is not None:
                mailbox.outlet.notice(Dropped(events=tuple(theirs)))
            else:
                mailbox.dropped.extend(theirs)

    def collect_refusals(self, owner: str, journal: str) -> tuple[Refusal, ...]:
        """What was refused of a journal and not told yet, for an app that asks."""
        progress = self._mailbox(owner).progress.pop(journal, None)
        return () if progress is None else tuple(progress.refused)

    def collect_dropped(self, owner: str) -> tuple[DroppedEvent, ...]:
        """Dropped events that wait for an owner, for an app that asks."""
        mailbox = self._mailbox(owner)
        waiting = tuple(mailbox.dropped)
        mailbox.dropped.clear()
        return waiting

    def skipped(self, told: Skipped) -> None:
        """Tell a client object that a service left events out of a batch."""
        owner = self._owners.get(told.client)
        if owner is None:
            return
        mailbox = self._mailbox(owner)
        if mailbox.outlet is not None:
            mailbox.outlet.notice(told)
        else:
            mailbox.skipped.append(told)

    def collect_skipped(self, owner: str) -> tuple[Skipped, ...]:
        """What waits for an owner, for an app that asks."""
        mailbox = self._mailbox(owner)
        waiting = tuple(mailbox.skipped)
        mailbox.skipped.clear()
        return waiting

    def broadcast(self, message: Message) -> None:
        for mailbox in self._mailboxes.values():
            if mailbox.outlet is not None:
                mailbox.outlet.notice(message)

    def forget_bodies(self) -> None:
        """After an opt-out nothing of the user's is kept, not here either."""
        for mailbox in self._mailboxes.values():
            mailbox.dropped.clear()

    def _mailbox(self, owner: str) -> _Mailbox:
        mailbox = self._mailboxes.setdefault(owner, _Mailbox())
        self._mailboxes.move_to_end(owner)
        if len(self._mailboxes) > policy.MAILBOXES:
            for oldest, candidate in self._mailboxes.items():
                if candidate.outlet is None:
                    del self._mailboxes[oldest]
                    break
        return mailbox
