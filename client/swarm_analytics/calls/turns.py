"""How many of this process's calls may be with a daemon at once, whichever thread or task makes them."""

import os
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future

from swarm_analytics import policy


class Turns:
    """First come, first served; nobody holds a lock while waiting."""

    def __init__(self, most: int) -> None:
        self._free = most
        self._lock = threading.Lock()
        self._waiting: deque[Future[None]] = deque()

    def take(self) -> "Future[None]":
        """Done when the turn has come. Whoever took it gives it back, or cancels it beforehand."""
        turn: Future[None] = Future()
        with self._lock:
            if self._free > 0:
                self._free -= 1
                turn.set_result(None)
            else:
                self._waiting.append(turn)
        return turn

    def give_back(self, turn: "Future[None]") -> None:
        """End a turn, come or not."""
        if turn.cancel():
            return
        with self._lock:
            while self._waiting:
                following = self._waiting.popleft()
                if following.set_running_or_notify_cancel():
                    following.set_result(None)
                    return
            self._free += 1


_turns = Turns(policy.CALLS_AT_ONCE)


def _begin_anew() -> None:
    global _turns
    _turns = Turns(policy.CALLS_AT_ONCE)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)


def take_turn() -> tuple["Future[None]", Callable[[], None]]:
    """A turn to wait for, and what ends it."""
    turns = _turns
    turn = turns.take()
    return turn, lambda: turns.give_back(turn)
