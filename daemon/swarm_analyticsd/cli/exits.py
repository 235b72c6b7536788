"""How a command ends."""

from swarm_analytics_models.exits import Exit

__all__ = ["CommandError", "Exit"]


class CommandError(Exception):
    """Ends a command: what went wrong and what to do about it, in a line each."""

    def __init__(self, message: str, hint: str, code: Exit) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code
