"""Errors as the generations of Swarms Cloud word them."""

from typing import Any, Final

from pydantic import ValidationError

from swarm_analytics_sandbox.stand_in import Answer, json_answer
from swarm_analytics_sandbox.stand_ins.swarms.modes import Modes

NO_TASK: Final = "There is no task or tasks or messages provided. Please provide a valid task description."
NO_CREDITS: Final = "Insufficient credits. Please add more credits to continue using the API."
RATE_LIMITED: Final = "Rate limit exceeded. Please try again later."
PREMIUM_WANTED: Final = {
    "error": {
        "type": "premium_access_required",
        "message": "This endpoint is available to premium accounts only.",
        "detail": "Batches need a premium account.",
        "status_code": 403,
        "upgrade_url": "https://swarms.world/platform/account",
        "documentation": "https://docs.swarms.ai",
    }
}


class Refusal(Exception):
    """What went wrong inside a completion."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(status, detail)
        self.status = status
        self.detail = detail


def plain(status: int, detail: Any) -> Answer:
    return json_answer(status, {"detail": detail})


def within(refusal: Refusal, modes: Modes) -> Answer:
    """What goes wrong inside a completion: the service of the seed wraps it, a later one does not."""
    if modes.generation == "seed":
        return plain(500, f"{refusal.status}: {refusal.detail}")
    return plain(refusal.status, refusal.detail)


def header_missing() -> Answer:
    return plain(
        422, [{"type": "missing", "loc": ["header", "x-api-key"], "msg": "Field required", "input": None}]
    )


def unfit(error: ValidationError, place: tuple[str | int, ...]) -> list[dict[str, Any]]:
    """A validation error as FastAPI lists it."""
    return [
        {"type": each["type"], "loc": [*place, *each["loc"]], "msg": each["msg"]}
        for each in error.errors(include_url=False, include_context=False, include_input=False)
    ]
