"""A dispatcher over a real outbox and a scripted service."""

import contextlib
import json
import tempfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from swarm_analytics_models.categories import CATEGORY_POLICIES
from swarm_analytics_models.contract import ServiceContract, ordering_value, resource_value
from swarm_analytics_models.handoff import DroppedEvent, Skipped
from swarm_analytics_models.home import Home
from swarm_analytics_models.identifiers import Destination, IdentityKind, uuid7
from swarm_analytics_models.services import contracts
from swarm_analytics_models.status import EventSummary
from swarm_analyticsd.bell import Bell
from swarm_analyticsd.clock import Chance, Clock, SystemClock
from swarm_analyticsd.credentials.vault import MemoryVault, Vault
from swarm_analyticsd.delivery.proxy import DIRECT
from swarm_analyticsd.delivery.send import http_transports
from swarm_analyticsd.outbox.rows import Admission, Admitted, KnownDestination, NewEvent
from swarm_analyticsd.outbox.store import Outbox
from swarm_analyticsd.schedule.loop import Dispatcher
from swarm_analyticsd.schedule.view import LaneView
from tests.delivery.scripted import ScriptedServer
from tests.delivery.support import Chosen
from tests.support.waiting import eventually_async

TITLE = "events.agent.title"
LOG = "logs.write"
ONBOARDING = "events.onboarding.step"


@dataclass
class World:
    """What a test of the whole way from the outbox to the service needs."""

    home: Home
    clock: Clock
    chance: Chance
    vault: Vault
    known_contracts: Mapping[str, ServiceContract]
    outbox: Outbox = field(init=False)
    dispatcher: Dispatcher = field(init=False)
    dropped: list[DroppedEvent] = field(default_factory=list)
    signatures: list[str] = field(default_factory=list)
    """Destinations whose fresh signature was asked for."""

    skipped: list[Skipped] = field(default_factory=list)
    rested: Bell = field(default_factory=Bell)
    offsets: int = 0

    async def open(self) -> None:
        self.outbox = await Outbox.open(self.home, durability="fast", clock=self.clock)
        self.dispatcher = Dispatcher(
            outbox=self.outbox,
            contracts=self.known_contracts,
            vault=self.vault,
            clock=self.clock,
            chance=self.chance,
            transport_factory=http_transports(DIRECT),
            on_dropped=lambda events: self.dropped.extend(events),
            on_signature_wanted=self.signatures.append,
            on_skipped=self.skipped.append,
            on_rested=self.rested.ring,
        )
        await self.dispatcher.start()

    async def close(self) -> None:
        await self.dispatcher.stop()
        await self.outbox.close()

    async def restart(self) -> None:
        await self.close()
        await self.open()

    async def destination(
        self,
        remote: ScriptedServer,
        *,
        service: str = "openswarm",
        identity: str = "install-1",
        kind: IdentityKind = IdentityKind.INSTALL,
        token: str | None = "t0",  # noqa: S107
    ) -> KnownDestination:
        """Make a destination known; with a token it needs no registration."""
        wanted = Destination(service, remote.base_url, kind, identity)
        if token is not None:
            await self.vault.put(wanted.ref, SecretStr(token))
        known = await self.outbox.ensure_destination(wanted)
        self.dispatcher.destination_added(known)
        return known

    async def hand_off(
        self, known: KnownDestination, route: str, *bodies: dict[str, Any], client: str | None = None
    ) -> Admitted:
        """Accept events in one commit, and wake their lane."""
        contract = self.known_contracts[known.destination.service]
        events = tuple(self._event(contract, known, route, body, client) for body in bodies)
        admitted = await self.outbox.admit(Admission(events=events))
        self.dispatcher.wake(admitted.woken)
        return admitted

    def _event(
        self,
        contract: ServiceContract,
        known: KnownDestination,
        route_key: str,
        body: dict[str, Any],
        client: str | None,
    ) -> NewEvent:
        route, key = contract.by_key[route_key], uuid7()
        policy = CATEGORY_POLICIES[route.category]
        stamps = {"submission_id": key} if "submission_id" in route.stamps else {}
        self.offsets += 1
        return NewEvent(
            offset=self.offsets,
            service=contract.name,
            destination=known.ref,
            route=route_key,
            category=route.category.value,
            priority=policy.priority.value,
            muted_without_consent=policy.muted,
            evictable=policy.evictable,
            ordering_key=ordering_value(route, body),
            key=key,
            body=json.dumps(body | stamps).encode(),
            client=client,
            resource=resource_value(route, body),
        )

    def view(self, known: KnownDestination) -> LaneView:
        return self.dispatcher.snapshot()[known.id]

    async def ledger(self) -> dict[str, int]:
        """What the outbox says became of the events."""
        found = (await self.outbox.tallies()).ledger.model_dump()
        assert found.pop("balanced")
        return {name: count for name, count in found.items() if count}

    async def settled(self, timeout: float = 10.0, **expected: int) -> None:
        """Wait until the ledger says so."""

        async def ask() -> Any:
            found = (await self.outbox.tallies()).ledger.model_dump()
            return all(found[name] == count for name, count in expected.items())

        try:
            await eventually_async(ask, timeout)
        except AssertionError:
            raise AssertionError(f"the ledger is {await self.ledger()}, not {expected}") from None

    async def states(self) -> dict[str, list[EventSummary]]:
        """Events by state."""
        by_state: dict[str, list[EventSummary]] = {}
        for event in await self.outbox.events():
            by_state.setdefault(event.state, []).append(event)
        return by_state


@contextlib.asynccontextmanager
async def world(
    *,
    clock: Clock | None = None,
    chance: Chance | None = None,
    vault: Vault | None = None,
    known_contracts: Mapping[str, ServiceContract] | None = None,
) -> AsyncIterator[World]:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "home"
        root.mkdir(mode=0o700)
        made = World(
            Home(root),
            clock or SystemClock(),
            chance or Chosen(0.0),
            vault or MemoryVault(),
            known_contracts or contracts(),
        )
        await made.open()
        try:
            yield made
        finally:
            await made.close()
