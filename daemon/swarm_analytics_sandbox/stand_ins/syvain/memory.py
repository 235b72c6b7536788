"""Idempotency keys: what was answered to them, and which are still being worked on."""

from dataclasses import dataclass
from typing import Final

from swarm_analytics_sandbox.stand_in import Answer, Asked
from swarm_analytics_sandbox.stand_ins.syvain.envelope import Refusal

HEADER: Final = "idempotency-key"


@dataclass(frozen=True, slots=True)
class _Remembered:
    request: tuple[str, str, str, bytes]
    answer: Answer


class Memory:
    """Per organization. What the real service does with another body under the same key is unknown."""

    def __init__(self) -> None:
        self.in_progress = 0
        """How many requests of each new key are answered with: in progress."""

        self._waiting: dict[tuple[str, str], int] = {}
        self._answers: dict[tuple[str, str], _Remembered] = {}

    def recall(self, org_id: str, asked: Asked) -> Answer | None:
        """The answer that its key had before. Raises Refusal where the key is busy, or was another's."""
        place = self._place(org_id, asked)
        if place is None:
            return None
        left = self._waiting.setdefault(place, self.in_progress)
        if left:
            self._waiting[place] = left - 1
            raise Refusal(409, "A request with this key is being worked on.", "idempotency_key_in_progress")
        found = self._answers.get(place)
        if found is None:
            return None
        if found.request != _request(asked):
            raise Refusal(409, "The key belongs to another request.", "idempotency_key_reused")
        return found.answer

    def remember(self, org_id: str, asked: Asked, answer: Answer) -> None:
        place = self._place(org_id, asked)
        if place is not None and answer.status < 400:
            self._answers[place] = _Remembered(_request(asked), answer)

    def __len__(self) -> int:
        return len(self._answers)

    @staticmethod
    def _place(org_id: str, asked: Asked) -> tuple[str, str] | None:
        key = asked.header(HEADER) if asked.method in ("POST", "PATCH") else None
        return None if key is None else (org_id, key)


def _request(asked: Asked) -> tuple[str, str, str, bytes]:
    return asked.method, asked.path, asked.query_string, asked.body
