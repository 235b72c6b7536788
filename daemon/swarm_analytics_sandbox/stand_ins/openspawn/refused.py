"""How OpenSpawn says no: ``{"error": ..., "code": ...}``, the code being its framework's words."""

from collections.abc import Mapping
from typing import Any, Final

CODES: Final[Mapping[int, str]] = {
    400: "Bad Request",
    401: "UNAUTHORIZED",
    403: "Forbidden",
    404: "Not Found",
    409: "Conflict",
    422: "Unprocessable Entity",
    429: "TOO_MANY_REQUESTS",
    500: "INTERNAL_ERROR",
}


class Refused(Exception):
    """A request that is answered with an error. `executed`: it had its effect all the same."""

    def __init__(self, status: int, error: str | list[str], *, executed: bool = False) -> None:
        super().__init__(status, error)
        self.status = status
        self.error = error
        self.executed = executed

    @property
    def content(self) -> dict[str, Any]:
        return {"error": self.error, "code": CODES[self.status]}


def unauthorized() -> Refused:
    """Every failed authentication is answered alike, without a reason."""
    return Refused(401, "Unauthorized")


def crashed(*, executed: bool = False) -> Refused:
    """What the server did not foresee: an id that is no UUID, a row that its database refuses."""
    return Refused(500, "Internal server error", executed=executed)
