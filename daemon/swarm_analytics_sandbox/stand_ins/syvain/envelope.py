"""What every answer is wrapped in, and the errors."""

from typing import Any

from swarm_analytics_sandbox.stand_in import Answer, json_answer


class Refusal(Exception):
    """An answer of 400 and above."""

    def __init__(self, status: int, message: str, code: str) -> None:
        super().__init__(status, message, code)
        self.status = status
        self.message = message
        self.code = code

    @property
    def answer(self) -> Answer:
        error = {"message": self.message, "details": f"code={self.code}; status={self.status}"}
        return json_answer(self.status, {"error": error, "data": None})


def success(data: Any, status: int = 200) -> Answer:
    return json_answer(status, {"error": None, "data": data})


def absent(what: str, name: str) -> Refusal:
    return Refusal(404, f"There is no {what} {name!r}.", f"{what}_not_found")
