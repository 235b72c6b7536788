"""The half of the daemon that is loaded after `ready`: delivery and the HTTP API, with what they need."""

import os
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

from swarm_analytics_models.api import ConfigAnswer, EventAnswer, EventsAnswer, SettingValue
from swarm_analytics_models.handoff import PROTOCOL
from swarm_analytics_models.home import Home
from swarm_analytics_models.services import contracts
from swarm_analytics_models.status import DaemonStatus, Status
from swarm_analyticsd import VERSION, policy
from swarm_analyticsd.calls.broker import Broker
from swarm_analyticsd.calls.counterpart import Counterpart
from swarm_analyticsd.clock import Chance, Clock
from swarm_analyticsd.credentials.choice import open_vault
from swarm_analyticsd.credentials.sources import surroundings
from swarm_analyticsd.credentials.vault import Vault
from swarm_analyticsd.delivery.send import call_transports, http_transports
from swarm_analyticsd.intake.api import Views, make_api
from swarm_analyticsd.intake.credentials import Credentials
from swarm_analyticsd.intake.guard import Guard
from swarm_analyticsd.intake.late import LateDispatcher
from swarm_analyticsd.intake.listener import Listeners
from swarm_analyticsd.intake.operations import Operations
from swarm_analyticsd.intake.reception import Reception
from swarm_analyticsd.intake.server import HttpServer
from swarm_analyticsd.outbox.context import measure_space
from swarm_analyticsd.outbox.lifecycle import State
from swarm_analyticsd.schedule.loop import Dispatcher
from swarm_analyticsd.settings import Configuration
from swarm_analyticsd.status import build_status, rss_bytes
from swarm_analyticsd.watched import WatchedOutbox


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the first half has made."""

    home: Home
    configuration: Configuration
    listeners: Listeners
    outbox: WatchedOutbox
    reception: Reception
    late: LateDispatcher
    clock: Clock
    chance: Chance
    started_at: float
    """Monotonic seconds."""

    stop: Callable[[], None]


class Outward:
    """Delivers and answers, from `start` to `stop_serving` and `stop_delivering`."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._vault: Vault = open_vault(parts.configuration.settings.credential_store, parts.home)
        around = surroundings(parts.configuration.settings.services)
        self._dispatcher = Dispatcher(
            outbox=parts.outbox,
            contracts=contracts(),
            vault=self._vault,
            clock=parts.clock,
            chance=parts.chance,
            transport_factory=http_transports(parts.configuration.settings.proxy),
            on_dropped=parts.reception.dropped,
            on_skipped=parts.reception.skipped,
            on_rested=parts.outbox.settled.ring,
            on_signature_wanted=parts.reception.signature_wanted,
            key_source=around.source,
        )
        self._operations = Operations(
            outbox=parts.outbox,
            dispatcher=self._dispatcher,
            reception=parts.reception,
            settled=parts.outbox.settled,
            base_urls=dict(parts.configuration.settings.services),
            stop=parts.stop,
        )
        credentials = Credentials(
            outbox=parts.outbox,
            dispatcher=self._dispatcher,
            base_urls=self._operations.base_urls,
            file_base_url=around.file_base_url,
        )
        views = Views(status=self.status, events=self._events, event=self._event, config=self._config)
        self._broker = Broker(
            contracts=contracts(),
            directory=self._counterpart,
            transports=call_transports(parts.configuration.settings.proxy),
            clock=parts.clock,
            chance=parts.chance,
        )
        api = make_api(
            operations=self._operations,
            credentials=credentials,
            posting=parts.reception.posting,
            broker=self._broker,
            views=views,
        )
        guard = Guard(api, host=parts.listeners.host, capability=parts.listeners.capability)
        self._server = HttpServer(guard, parts.listeners.http)

    async def start(self) -> None:
        self._parts.late.arrived(self._dispatcher)
        await self._dispatcher.start()
        self._server.start()

    async def stop_serving(self) -> None:
        await self._server.stop()

    async def stop_delivering(self) -> None:
        await self._broker.aclose()
        await self._dispatcher.stop()

    async def status(self) -> Status:
        """From counters, so in the same time with a million events as with none. Raises ReportTimeout."""
        outbox = self._parts.outbox
        tallies = await outbox.tallies()
        return build_status(
            self._daemon(tallies.live_bytes),
            tallies,
            services=contracts(),
            lanes=self._dispatcher.snapshot(),
            calls=self._broker.views(),
            consent=self._parts.reception.consent.modes,
            paused=await outbox.paused(),
            base_urls=self._operations.base_urls,
            now=self._parts.clock.now(),
        )

    def _counterpart(self, ref: str) -> Counterpart | None:
        """Calls are proven as events are, by what their destination's lane knows."""
        lane = self._dispatcher.find(ref)
        if lane is None:
            return None
        return Counterpart(
            lane.carrier.destination, lane.authenticator, lane.credential.generation, paused=lane.paused
        )

    def _daemon(self, live_bytes: int) -> DaemonStatus:
        parts = self._parts
        return DaemonStatus(
            version=VERSION,
            protocol=PROTOCOL,
            pid=os.getpid(),
            uptime_s=round(parts.clock.monotonic() - parts.started_at, 3),
            address=parts.listeners.address,
            home=str(parts.home.root),
            durability=parts.configuration.settings.durability,
            sqlite_version=sqlite3.sqlite_version,
            rss_bytes=rss_bytes(),
            warnings=[*parts.outbox.warnings, *self._own_warnings()],
            outbox_bytes=live_bytes,
            credential_store=self._vault.description,
            journals=parts.reception.journals.count,
        )

    def _own_warnings(self) -> list[str]:
        found = []
        if self._vault.description.startswith("file "):
            found.append(
                f"Credentials are kept in a {self._vault.description}. Where the system has a keyring, set "
                'credential_store to "keyring".'
            )
        space = measure_space(self._parts.home.root)
        floor = min(policy.FREE_FLOOR_BYTES, int(space.total * policy.FREE_FLOOR_SHARE))
        if space.free < floor:
            found.append(
                f"The disk has {space.free:,} bytes free, less than {floor:,}: diagnostic events are refused "
                "and soon product events. Free some space."
            )
        return found

    async def _events(self, state: State | None, service: str | None, limit: int) -> EventsAnswer:
        found = await self._parts.outbox.events(state=state, service=service, limit=limit)
        return EventsAnswer(events=list(found))

    async def _event(self, key: str, body: bool) -> EventAnswer:
        return EventAnswer(events=list(await self._parts.outbox.find(key, body=body)))

    def _config(self) -> ConfigAnswer:
        settings = self._parts.configuration.explain()
        for name, base_url in self._operations.base_urls.items():
            settings.setdefault(
                f"services.{name}", SettingValue(value=base_url, source="flag", where="an app, while running")
            )
        return ConfigAnswer(settings=settings)
