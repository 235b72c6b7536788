"""So many requests a minute for each handler, and the headers that tell how many are left."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from swarm_analytics_sandbox.stand_ins.openspawn.refused import Refused

Headers = tuple[tuple[bytes, bytes], ...]

LIMIT: Final = 100
WINDOW_S: Final = 60.0


@dataclass(slots=True)
class Window:
    ends_at: float
    used: int = 0


class Throttle:
    """Counts before anybody is authenticated, as the server does."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.forget()

    def forget(self) -> None:
        self.limit = LIMIT
        self.window_s = WINDOW_S
        self._windows: dict[str, Window] = {}

    def count(self, handler: str) -> tuple[Headers, Refused | None]:
        """The headers of the answer, and the refusal where there have been too many."""
        now = self._now()
        window = self._windows.get(handler)
        if window is None or window.ends_at <= now:
            window = self._windows[handler] = Window(now + self.window_s)
        window.used += 1
        left, wait = max(0, self.limit - window.used), math.ceil(window.ends_at - now)
        headers = (
            (b"x-ratelimit-limit", b"%d" % self.limit),
            (b"x-ratelimit-remaining", b"%d" % left),
            (b"x-ratelimit-reset", b"%d" % wait),
        )
        if window.used <= self.limit:
            return headers, None
        refused = Refused(429, "ThrottlerException: Too Many Requests")
        return (*headers, (b"retry-after", b"%d" % wait)), refused
