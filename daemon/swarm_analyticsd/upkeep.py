"""Periodic work on the outbox: ages, caps, trails, space, the log, and jumps of the wall clock."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, assert_never

from swarm_analytics_models.handoff import DroppedEvent
from swarm_analyticsd import policy
from swarm_analyticsd.clock import Clock
from swarm_analyticsd.outbox.errors import OutboxError
from swarm_analyticsd.outbox.store import Outbox

log: Final = logging.getLogger(__name__)


class Task(Enum):
    """What is done from time to time, in this order where several are due."""

    EXPIRE = auto()
    EVICT = auto()
    PRUNE = auto()
    VACUUM = auto()
    OBSERVE = auto()
    CHECKPOINT = auto()
    BALLAST = auto()


INTERVALS: Final[Mapping[Task, float]] = {
    Task.EXPIRE: policy.TIDY_INTERVAL_S,
    Task.EVICT: policy.TIDY_INTERVAL_S,
    Task.PRUNE: policy.TIDY_INTERVAL_S,
    Task.VACUUM: policy.TIDY_INTERVAL_S,
    Task.OBSERVE: policy.OBSERVE_INTERVAL_S,
    Task.CHECKPOINT: policy.UPKEEP_INTERVAL_S,
    Task.BALLAST: policy.UPKEEP_INTERVAL_S,
}
"""Seconds between two times that a task is done."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Both clocks at one moment."""

    wall: float
    monotonic: float


def due(done: Mapping[Task, float], monotonic: float) -> tuple[Task, ...]:
    """The tasks whose interval has passed since they were last done; all of them at first."""
    return tuple(task for task in Task if task not in done or monotonic - done[task] >= INTERVALS[task])


def jump(before: Reading, after: Reading) -> float | None:
    """By how many seconds the wall clock jumped between two readings; None when it did not."""
    parted = (after.wall - before.wall) - (after.monotonic - before.monotonic)
    return parted if abs(parted) > policy.CLOCK_JUMP_S else None


class Upkeep:
    """Wakes once a minute. What the disk refuses is tried again in a later round."""

    def __init__(
        self,
        outbox: Outbox,
        clock: Clock,
        *,
        on_dropped: Callable[[Sequence[DroppedEvent]], None],
        on_jump: Callable[[], None],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`on_dropped` is given what expired or was evicted; `on_jump` is called when the clock jumped."""
        self._outbox = outbox
        self._clock = clock
        self._on_dropped = on_dropped
        self._on_jump = on_jump
        self._sleep = sleep
        self._done: dict[Task, float] = {}
        self._seen = self._read()
        self._commits = outbox.counters.commits

    async def run(self) -> None:
        """Do what is due, for ever."""
        while True:
            await self.round()
            await self._sleep(policy.UPKEEP_INTERVAL_S)

    async def round(self) -> None:
        """Look at the clocks, and do what is due now."""
        before, self._seen = self._seen, self._read()
        try:
            await self._follow(jump(before, self._seen))
            for task in due(self._done, self._seen.monotonic):
                await self._do(task)
                self._done[task] = self._seen.monotonic
        except OutboxError as error:
            log.warning("upkeep waits for the next round: %s", error)

    async def _follow(self, jumped: float | None) -> None:
        """After a jump back, what was due in a minute still is.

        A jump forward moves nothing: where the monotonic clock stops while a computer sleeps, waking up looks
        the same, and what fell due meanwhile is due.
        """
        if jumped is None:
            return
        log.info("the wall clock jumped by %.0f s", jumped)
        await self._outbox.clock_jumped(min(0.0, jumped))
        self._on_jump()

    async def _do(self, task: Task) -> None:
        match task:
            case Task.EXPIRE:
                self._tell(await self._outbox.expire())
            case Task.EVICT:
                self._tell(await self._outbox.evict())
            case Task.PRUNE:
                await self._outbox.prune()
            case Task.VACUUM:
                while await self._outbox.vacuum_step():
                    continue
            case Task.OBSERVE:
                await self._outbox.advance()
            case Task.CHECKPOINT:
                await self._empty_log()
            case Task.BALLAST:
                await self._outbox.restore_ballast()
            case _:
                assert_never(task)

    async def _empty_log(self) -> None:
        """Only after a minute without a commit: a busy log is copied by SQLite itself as it grows."""
        commits, self._commits = self._commits, self._outbox.counters.commits
        if commits == self._commits and (await self._outbox.size()).log:
            await self._outbox.checkpoint()

    def _tell(self, dropped: Sequence[DroppedEvent]) -> None:
        if dropped:
            self._on_dropped(dropped)

    def _read(self) -> Reading:
        return Reading(self._clock.now(), self._clock.monotonic())
