"""Errors that say what to do."""


class Explained(Exception):
    """An error in two parts: `message`, its cause, and `hint`, the remedy. Its text is both."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(f"{message}. {hint}")
        self.message = message
        self.hint = hint
