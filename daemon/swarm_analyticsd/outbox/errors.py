"""What can go wrong with the outbox. Each error says the cause and, in `hint`, the remedy."""


class OutboxError(Exception):
    """Base of the outbox's errors."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(f"{message}. {hint}")
        self.message = message
        self.hint = hint


class UnfitOutbox(OutboxError):
    """This outbox cannot be opened here; nothing was changed. A daemon exits with 78."""


class NewerOutbox(UnfitOutbox):
    """A later version of the daemon wrote this outbox. It is refused, and never erased."""


class OutboxUnavailable(OutboxError):
    """The disk refused: nothing of the operation was kept, or nobody can say yet. Trying it again is safe."""


class OutboxDamaged(OutboxUnavailable):
    """A report met what cannot be right. The writer salvages the file when it is told."""


class ReportTimeout(OutboxError):
    """A report took longer than its time limit and was ended, so that it does not hold up the log."""
