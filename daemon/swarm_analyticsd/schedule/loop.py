"""The dispatcher: a lane for each destination, started, woken, paused and stopped together."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from functools import partial

from pydantic import SecretStr

from swarm_analytics_models.categories import CATEGORY_POLICIES
from swarm_analytics_models.contract import ServiceContract
from swarm_analytics_models.handoff import DroppedEvent, Skipped
from swarm_analytics_models.identifiers import Destination, parse_base_url
from swarm_analytics_models.status import CredentialState
from swarm_analyticsd.clock import Chance, Clock
from swarm_analyticsd.credentials.authenticator import Authenticator
from swarm_analyticsd.credentials.sources import KeySources
from swarm_analyticsd.credentials.vault import Vault
from swarm_analyticsd.delivery.carry import Carrier
from swarm_analyticsd.delivery.send import Transport, TransportFactory, http_transports
from swarm_analyticsd.outbox.rows import KnownDestination
from swarm_analyticsd.outbox.store import Outbox
from swarm_analyticsd.schedule import condition as conditions
from swarm_analyticsd.schedule.accounts import Accounts
from swarm_analyticsd.schedule.errands import Errands, remembered_breaker
from swarm_analyticsd.schedule.lane import Lane
from swarm_analyticsd.schedule.news import News, Watch
from swarm_analyticsd.schedule.view import LaneView, is_resting, view_of

MUTED_CATEGORIES = frozenset(category for category, known in CATEGORY_POLICIES.items() if known.muted)

_log = logging.getLogger(__name__)


class UnknownDestination(LookupError):
    """No lane serves this destination."""


class Dispatcher:
    """Delivers what the outbox holds. To be used on one event loop."""

    def __init__(
        self,
        *,
        outbox: Outbox,
        contracts: Mapping[str, ServiceContract],
        vault: Vault,
        clock: Clock,
        chance: Chance,
        transport_factory: TransportFactory | None = None,
        on_dropped: Callable[[tuple[DroppedEvent, ...]], None] = lambda _events: None,
        on_skipped: Callable[[Skipped], None] = lambda _told: None,
        on_rested: Callable[[], None] = lambda: None,
        on_signature_wanted: Callable[[str], None] = lambda _ref: None,
        key_source: KeySources = lambda _contract, _destination: None,
    ) -> None:
        """On the loop, `on_dropped` is told of events that are dead and whose client wants to know, and
        `on_skipped` of batches that a service did not take as a whole; `on_rested` is called whenever a lane
        has done what it could for now, and `on_signature_wanted` is told of destinations, by `ref`, that need
        a fresh signed user id. `key_source` says where, beside the vault, a destination's key is read.
        """
        self._outbox = outbox
        self._contracts = contracts
        self._clock = clock
        self._chance = chance
        self._accounts = Accounts(
            outbox=outbox,
            vault=vault,
            clock=clock,
            chance=chance,
            key_source=key_source,
            changed=self._credential_changed,
            signature_wanted=on_signature_wanted,
        )
        self._transport_factory = transport_factory or http_transports()
        self._on_dropped = on_dropped
        self._on_rested = on_rested
        self._news = News(on_skipped)
        self._transports: dict[str, Transport] = {}
        self._lanes: dict[int, Lane] = {}
        self._ids: dict[str, int] = {}
        """Of the lanes, by `ref`."""

        self._tasks: list[asyncio.Task[None]] = []
        self._paused: frozenset[str] = frozenset()
        self._silenced: set[str] = set()

    async def start(self) -> None:
        """Start a lane for every known destination. Waits for neither network nor keyring."""
        self._paused = await self._outbox.paused()
        for known in await self._outbox.destinations():
            self.destination_added(known)

    async def stop(self) -> None:
        """Cancel what is being sent and give back what is leased; nothing is settled by it."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(lane.stop() for lane in self._lanes.values()))
        await asyncio.gather(*(lane.authenticator.aclose() for lane in self._lanes.values()))
        await asyncio.gather(*(transport.aclose() for transport in self._transports.values()))
        self._tasks.clear()
        self._lanes.clear()
        self._transports.clear()

    def destination_added(self, known: KnownDestination) -> None:
        """Serve a destination, or serve a known one under its new base URL."""
        lane = self._lanes.get(known.id)
        if lane is not None:
            lane.destination_changed(known)
            if not known.forgotten:
                lane.credential.rouse()
            return
        contract = self._contracts.get(known.destination.service)
        if contract is None:
            _log.warning(
                "this version knows no service %r; its events wait for one that does",
                known.destination.service,
            )
            return
        lane = self._lane(known, contract)
        self._lanes[known.id] = lane
        self._ids[known.ref] = known.id
        self._tasks += [
            asyncio.create_task(lane.credential.run(), name=f"credential-{known.id}"),
            asyncio.create_task(lane.run(), name=f"lane-{known.id}"),
        ]

    def wake(self, destination_ids: Iterable[int]) -> None:
        """Events were queued for these destinations."""
        for destination_id in destination_ids:
            lane = self._lanes.get(destination_id)
            if lane is not None:
                lane.credential.rouse()
                lane.wake(news=True)

    def nudge(self) -> None:
        """Somebody waits: retry now, without back-off, but never before a time that a service named."""
        for lane in self._lanes.values():
            lane.hasten()

    async def pause(self, service: str | None = None) -> None:
        """Send nothing new to a service (None: to any), now and after a restart, until resumed."""
        await self._set_paused(service, paused=True)

    async def resume(self, service: str | None = None) -> None:
        await self._set_paused(service, paused=False)

    def silence(self, service: str, silenced: bool) -> None:
        """Send nothing to a service, or again: the user's decision about it could not be kept yet."""
        if silenced:
            self._silenced.add(service)
        elif service in self._silenced:
            self._silenced.remove(service)
        else:
            return
        self._apply_pause(service)

    async def cancel_muted(self, service: str) -> None:
        """Cancel what consent no longer allows. To be called after `Outbox.set_consent`."""
        await asyncio.gather(*(lane.mute(MUTED_CATEGORIES) for lane in self._of(service)))

    async def adopt(self, destination_id: int, secret: SecretStr) -> None:
        """Take a credential that an app or a person has.

        Raises UnknownDestination, UnusableSecret, KeptElsewhere, VaultError.
        """
        await self._known(destination_id).credential.adopt(secret)

    def find(self, ref: str) -> Lane | None:
        """The lane that serves this destination; what it knows of it, calls need, too."""
        known = self._ids.get(ref)
        return None if known is None else self._lanes.get(known)

    def authenticator(self, destination_id: int) -> Authenticator:
        """What proves requests to this destination, be they events or calls. Raises UnknownDestination."""
        return self._known(destination_id).authenticator

    def signatures_wanted(self) -> tuple[str, ...]:
        """Destinations, by `ref`, that are held for want of a fresh signed user id."""
        return tuple(
            lane.carrier.destination.ref
            for lane in self._lanes.values()
            if lane.authenticator.wants_signature
        )

    async def await_credential(
        self, destination_id: int, timeout: float
    ) -> tuple[CredentialState, str | None]:
        """Its credential's state and last error, once it is present or refused, or the time is up."""
        return await self._known(destination_id).credential.settled(timeout)

    def watch(self, client: str | None) -> AbstractContextManager[Watch]:
        """Hear of the tries that fail meanwhile."""
        return self._news.watch(client)

    def snapshot(self) -> dict[int, LaneView]:
        """What each lane can say about itself, by destination id."""
        return {known: view_of(lane, self._clock) for known, lane in self._lanes.items()}

    def _lane(self, known: KnownDestination, contract: ServiceContract) -> Lane:
        transport = self._transport(known)
        breaker = remembered_breaker(known, self._clock)
        account = self._accounts.open(
            known,
            contract,
            transport,
            partial(self._destination, known.id),
            partial(self._key_name, known.id),
            floor=breaker.floor,
        )
        return Lane(
            contract=contract,
            carrier=Carrier(
                known.destination, account.authenticator, transport, self._clock, self._outbox.mark_phase
            ),
            account=account,
            errands=Errands(known.id, self._outbox, self._clock, self._on_dropped, breaker),
            condition=conditions.remembered(breaker),
            settings=known.settings,
            news=self._news,
            rested=partial(self._rested, known.id),
            clock=self._clock,
            chance=self._chance,
            paused=self._is_quiet(known.destination.service),
        )

    def _rested(self, destination_id: int) -> None:
        if is_resting(self._lanes[destination_id]):
            self._news.rested(destination_id)
            self._on_rested()

    def _destination(self, destination_id: int) -> Destination:
        return self._lanes[destination_id].carrier.destination

    def _key_name(self, destination_id: int) -> str | None:
        settings = self._lanes[destination_id].settings
        return None if settings is None else settings.key_name

    def _transport(self, known: KnownDestination) -> Transport:
        origin = parse_base_url(known.destination.base_url).origin
        if origin not in self._transports:
            self._transports[origin] = self._transport_factory(origin)
        return self._transports[origin]

    def _credential_changed(self, destination_id: int) -> None:
        self._lanes[destination_id].credential_changed()

    async def _set_paused(self, service: str | None, *, paused: bool) -> None:
        names = frozenset(self._contracts) if service is None else frozenset({service})
        for name in sorted(names):
            await self._outbox.set_paused(name, paused)
        self._paused = self._paused | names if paused else self._paused - names
        for name in names:
            self._apply_pause(name)

    def _is_quiet(self, service: str) -> bool:
        return service in self._paused or service in self._silenced

    def _apply_pause(self, service: str) -> None:
        for lane in self._of(service):
            if self._is_quiet(service):
                lane.pause()
            else:
                lane.resume()

    def _of(self, service: str) -> list[Lane]:
        return [lane for lane in self._lanes.values() if lane.contract.name == service]

    def _known(self, destination_id: int) -> Lane:
        try:
            return self._lanes[destination_id]
        except KeyError:
            raise UnknownDestination(f"no lane serves destination {destination_id}") from None
