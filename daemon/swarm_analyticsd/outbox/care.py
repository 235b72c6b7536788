"""What people decide about the outbox, and what upkeep does to it."""

from collections.abc import Callable

from sqlalchemy import Connection

from swarm_analytics_models.categories import ConsentMode
from swarm_analytics_models.handoff import DroppedEvent
from swarm_analyticsd.outbox import consent, operate, retention, tend
from swarm_analyticsd.outbox.consent_file import Decided
from swarm_analyticsd.outbox.context import Context
from swarm_analyticsd.outbox.core import Core
from swarm_analyticsd.outbox.database import checkpoint
from swarm_analyticsd.outbox.operate import Chosen
from swarm_analyticsd.outbox.rows import Purged


class Care(Core):
    """Part of `Outbox`."""

    async def set_consent(self, service: str, mode: ConsentMode, moment: str | None = None) -> Purged:
        """Keep a decision and apply it to the service's muted events, in one transaction.

        `minimal` withdraws all of them, those being sent too; `hold` holds what is queued or held; `full`
        frees what was held for it. The bodies are gone from the rows; `erase` takes them out of the files.
        `moment`, a UUIDv7: when it was decided.
        """

        def decide(connection: Connection) -> tuple[Purged, dict[str, Decided]]:
            purged = consent.set_consent(connection, self._context, service, mode, moment)
            return purged, consent.decided(connection)

        purged, decided = await self._write(decide)
        await self._alone(lambda _: self._database.consent_file.write(decided))
        return purged

    async def consent(self) -> dict[str, ConsentMode]:
        """Of each service about which anything was decided; of others it is full."""
        return await self._write(consent.modes)

    async def set_paused(self, service: str, paused: bool) -> None:
        await self._write(lambda connection: consent.set_paused(connection, service, paused))

    async def paused(self) -> frozenset[str]:
        return await self._write(consent.paused)

    async def erase(self) -> None:
        """Take what was deleted out of every file of the outbox; returns when it is done.

        Ends reports, writes the file anew, empties its log, overwrites copies of damaged files. Raises
        OutboxUnavailable when another program keeps the log from being emptied.
        """
        if self._reader is None:
            return
        async with self._reader.ended():
            await self._alone(lambda connection: tend.erase(connection, self._database.set_aside()))

    async def redrive(self, chosen: Chosen) -> int:
        """Queue dead events again: same key, no attempts counted, at once and outside their order."""
        redriven, since = 0, self._context.clock.now()
        while count := await self._write(
            lambda connection: operate.redrive(connection, self._context, chosen, since)
        ):
            redriven += count
        return redriven

    async def drop_dead(self, chosen: Chosen) -> int:
        """Give dead events up for good."""
        dropped = 0
        while count := await self._write(
            lambda connection: operate.drop_dead(connection, self._context, chosen)
        ):
            dropped += count
        return dropped

    async def advance(self) -> None:
        """Keep the observed time, which a restart continues from."""
        await self._write(lambda connection: tend.observe(connection, self._context))

    async def clock_jumped(self, shift: float) -> None:
        """The wall clock jumped by `shift` seconds: due times go with it, within the longest delay."""
        await self._write(lambda connection: tend.shift_clock(connection, self._context, shift))

    async def expire(self) -> tuple[DroppedEvent, ...]:
        """Give up what is too old; returns those whose client wants to know."""
        return await self._give_up(retention.expire)

    async def evict(self) -> tuple[DroppedEvent, ...]:
        """Give up what is beyond the cap; returns those whose client wants to know."""
        return await self._give_up(retention.evict_overflow)

    async def _give_up(
        self, step: Callable[[Connection, Context], retention.GivenUp]
    ) -> tuple[DroppedEvent, ...]:
        told: list[DroppedEvent] = []
        while (given := await self._write(lambda connection: step(connection, self._context))).rows:
            told += given.told
        return tuple(told)

    async def prune(self) -> None:
        """Forget the oldest of the trail."""
        while await self._write(lambda connection: retention.prune(connection, self._context)):
            continue

    async def vacuum_step(self) -> bool:
        """Give some free space back. True when there is more."""
        return await self._alone(tend.vacuum_step)

    async def checkpoint(self) -> None:
        """Copy the log into the file and empty it."""
        await self._alone(checkpoint)

    async def restore_ballast(self) -> bool:
        """Lay in what a full disk took. False when there is still no room for it."""
        return await self._alone(lambda _: self._database.restore_ballast())
