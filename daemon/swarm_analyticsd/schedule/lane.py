"""One destination's lane: what may leave now, what is under way, and what the answers mean for what follows.

A turn of the lane tells the outbox what has come back and claims what may leave, in one commit; then the lane
sleeps until something happens or falls due. What it decides is decided by the pure functions of `plan`,
`condition` and `delivery.settle`.
"""

import asyncio
import logging
import math
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Final

from swarm_analytics_models.contract import ServiceContract
from swarm_analytics_models.handoff import DeliverySettings
from swarm_analytics_models.status import BreakerState
from swarm_analyticsd import policy
from swarm_analyticsd.clock import Chance, Clock
from swarm_analyticsd.credentials.schemes import needs_secret
from swarm_analyticsd.delivery.batch import Parcel
from swarm_analyticsd.delivery.carry import Carried, Carrier
from swarm_analyticsd.delivery.settle import ShutCredential
from swarm_analyticsd.delivery.tuning import tuned_routes
from swarm_analyticsd.outbox.errors import OutboxUnavailable
from swarm_analyticsd.outbox.lifecycle import DeadReason, HeldReason
from swarm_analyticsd.outbox.rows import Claim, KnownDestination, Reject, Release
from swarm_analyticsd.schedule import breaker as breakers
from swarm_analyticsd.schedule import condition as conditions
from swarm_analyticsd.schedule import plan, routes
from swarm_analyticsd.schedule.accounts import Account
from swarm_analyticsd.schedule.alarm import Alarm
from swarm_analyticsd.schedule.condition import Condition, Flight
from swarm_analyticsd.schedule.errands import Errands, Freeing
from swarm_analyticsd.schedule.flights import Flights
from swarm_analyticsd.schedule.news import News
from swarm_analyticsd.schedule.outtray import OutTray
from swarm_analyticsd.schedule.plan import Load, Wish

_A_LIFETIME_S: Final = 100 * 365 * 86_400.0
_UNKNOWN_ROUTE: Final = Reject(
    DeadReason.UNKNOWN_ROUTE, "this version of the daemon does not know the route", None
)

_log = logging.getLogger(__name__)


class Lane:
    """Sends one destination's events. `run` is its life; everything else is called on the same loop."""

    def __init__(
        self,
        *,
        contract: ServiceContract,
        carrier: Carrier,
        account: Account,
        errands: Errands,
        condition: Condition,
        settings: DeliverySettings | None,
        news: News,
        rested: Callable[[], None],
        clock: Clock,
        chance: Chance,
        paused: bool,
    ) -> None:
        """`rested` is called whenever the lane has done what it could for now."""
        self.contract = contract
        self.carrier = carrier
        self.credential = account.credential
        self.authenticator = account.authenticator
        self.condition = condition
        self.paused = paused
        self._errands = errands
        self.flights = Flights(errands, clock, land=self._land, lost=self._lost, ended=self.wake)
        self.settings = settings
        self._answers = news
        self._clock = clock
        self._chance = chance
        self._routes = tuned_routes(contract, settings)
        self._all_need_secret = all(needs_secret(route.authentication) for route in self._routes.values())
        self._tray = OutTray(self._routes)
        self._mutings = 0
        self._news = True
        self._impatient = False
        self._due_at: float | None = None
        self._looked_at = clock.monotonic()
        self._alarm = Alarm(rested)

    async def run(self) -> None:
        """Deliver until cancelled. Trouble with the disk, or of our own making, stops it for a while only."""
        recalled = False
        while True:
            try:
                if not recalled:
                    await self._recall_shut_routes()
                    recalled = True
                while await self._turn():
                    pass
                await self._sleep()
            except OutboxUnavailable as error:
                _log.warning("delivery waits for the outbox: %s", error)
                await asyncio.sleep(policy.LANE_RESTART_S)
            except Exception:
                _log.exception("delivery to %s stumbled; it goes on soon", self.contract.name)
                await asyncio.sleep(policy.LANE_RESTART_S)

    def wake(self, *, news: bool = False) -> None:
        """Look again. `news`: events were queued."""
        self._news = self._news or news
        self._alarm.ring()

    def hasten(self) -> None:
        """Somebody waits: try everything now, but for what the service itself put off."""
        self.condition = conditions.hastened(self.condition, self._clock.monotonic())
        self.credential.hasten()
        self._impatient = True
        self.wake(news=True)

    def destination_changed(self, known: KnownDestination) -> None:
        """Its base URL may have another path now, and its events may be sent in another way."""
        self.carrier = replace(self.carrier, destination=known.destination)
        if known.settings != self.settings:
            self.settings = known.settings
            self._routes = tuned_routes(self.contract, known.settings)
            self._tray.retune(self._routes)
        self.wake(news=True)

    @property
    def idle(self) -> bool:
        """It sleeps, and has nothing under way."""
        busy = len(self.flights) or self._tray.bytes or self._errands.pending
        return self._alarm.asleep and not busy

    def credential_changed(self) -> None:
        if self.credential.secret is not None:
            self._errands.free(Freeing(HeldReason.CREDENTIAL))
        self.wake(news=True)

    def pause(self) -> None:
        """Start nothing new; what is under way is finished."""
        self.paused = True
        self._give_back()
        self.wake()

    def resume(self) -> None:
        self.paused = False
        self.wake(news=True)

    async def mute(self, categories: Collection[str]) -> None:
        """Stop sending events of these categories: cancel what is under way, give back what is leased.

        To be called once the outbox has withdrawn or held them, so that none is claimed anew.
        """
        self._mutings += 1
        self._give_back(categories)
        await self.flights.cancel(categories)
        self.wake()

    async def stop(self) -> None:
        """End what is under way and give back what is leased. What was answered is settled as answered."""
        self._give_back()
        await self.flights.cancel()
        try:
            await self._errands.flush()
        except OutboxUnavailable as error:
            _log.warning("leases are given back at the next start instead: %s", error)

    async def _recall_shut_routes(self) -> None:
        for route in await self._errands.recall_shut(self._routes):
            self._set_gates(routes.remembered(self.condition.gates, route, self._clock.monotonic()))

    async def _turn(self) -> bool:
        """Tell, claim, send. True when there is more to do at once."""
        self._looked_at = self._clock.monotonic()
        if self._may_send():
            self._free_probes()
        wished, mutings = self._wish(), self._mutings
        self._alarm.heard()
        self._news = self._news and wished is None
        impatient, self._impatient = self._impatient, self._impatient and wished is None
        horizon = self._clock.now() + (_A_LIFETIME_S if impatient else 0.0)
        claim = await self._errands.run(self.condition.breaker, wished, horizon)
        more = False
        if claim is not None and wished is not None:
            more = len(claim.rows) >= wished.limit or (claim.next_due_at or math.inf) <= horizon
            self._impatient = self._impatient or (impatient and more)
            self._receive(claim, wished, muted=mutings != self._mutings)
        self._launch(hurry=impatient)
        return self._errands.pending or (more and self._wish() is not None)

    def _wish(self) -> Wish | None:
        if not self._may_send():
            return None
        load = Load(
            in_flight=len(self.flights),
            waiting=self._tray.parcels,
            bytes=self._tray.bytes + self.flights.bytes,
        )
        now = self._clock.monotonic()
        return plan.wish(self.condition, load, now=now, per_request=self._tray.per_request, news=self._news)

    @property
    def lacks_credential(self) -> bool:
        """Nothing can be sent before there is one."""
        return self._all_need_secret and self.credential.secret is None

    def _may_send(self) -> bool:
        return not self.paused and not self.lacks_credential

    def _free_probes(self) -> None:
        gates, due = routes.fallen_due(self.condition.gates, self._clock.monotonic())
        self._set_gates(gates)
        for route, limit in due:
            self._errands.free(Freeing(HeldReason.ROUTE, route, limit))

    def _set_gates(self, gates: routes.Gates) -> None:
        self.condition = replace(self.condition, gates=gates)

    def _receive(self, claim: Claim, wished: Wish, *, muted: bool) -> None:
        """Sort what was claimed. What may no longer leave, now that the commit is done, is given back."""
        now = self._clock.monotonic()
        self._due_at = None if claim.next_due_at is None else now + claim.next_due_at - self._clock.now()
        self.condition = replace(self.condition, delivered=max(self.condition.delivered, claim.delivered))
        known = [row for row in claim.rows if row.route in self._routes]
        self._errands.settle((row for row in claim.rows if row.route not in self._routes), _UNKNOWN_ROUTE)
        state = self.condition.breaker.state
        still = BreakerState.OPEN if wished.probes_service else BreakerState.CLOSED
        if muted or state is not still or not self._may_send():
            self._errands.settle(known, Release())
            return
        found = plan.sort_claimed(self.condition, known, wished, now=now)
        self._errands.settle(found.give_back, Release())
        self._set_gates(found.gates)
        self._tray.add(found.send, now=now)

    def _launch(self, *, hurry: bool) -> None:
        """Send what there is room for. A probe finds room always, and waits for no company."""
        probing = self.condition.breaker.state is not BreakerState.CLOSED
        self._tray.pack(now=self._clock.monotonic(), hurry=hurry or probing)
        while self._tray.parcels and (probing or len(self.flights) < self.condition.window.size):
            self._send(self._tray.next(), probes_service=probing)

    def _send(self, parcel: Parcel, *, probes_service: bool) -> None:
        breaker = self.condition.breaker
        flight = Flight(parcel, breaker.generation, probes_service)
        if probes_service:
            self.condition = replace(self.condition, breaker=breakers.probe(breaker))
        self.flights.start(flight, self.carrier)

    def _land(self, flight: Flight, carried: tuple[Carried, ...]) -> None:
        for one in carried:
            self._learn(flight, one)
        self._answers.answered(self.carrier.destination, carried)

    def _lost(self, flight: Flight) -> None:
        self.condition = conditions.lost(self.condition, flight, self._clock.monotonic())

    def _learn(self, flight: Flight, carried: Carried) -> None:
        """Judge one row, and learn from its answer."""
        row, before = carried.row, self.condition
        judgement, self.condition = conditions.absorb(
            before,
            flight,
            carried,
            unix_now=self._clock.now(),
            now=self._clock.monotonic(),
            credential=self.credential.generation,
            in_flight=len(self.flights),
            chance=self._chance,
        )
        self._errands.settle([row], judgement.verdict)
        if isinstance(shut := judgement.effect, ShutCredential):
            self.authenticator.hold(carried.credential, shut.error, shut.status)
        if routes.is_shut(before.gates, row.route) and not routes.is_shut(self.condition.gates, row.route):
            self._errands.free(Freeing(HeldReason.ROUTE, row.route))
        if self.condition.breaker.state is not BreakerState.CLOSED or not self._may_send():
            self._impatient = False
            self._give_back()

    def _give_back(self, categories: Collection[str] | None = None) -> None:
        """Give back leased rows that have not left: all, or those of some categories."""
        rows = self._tray.remove(categories)
        self._errands.settle(rows, Release())
        now = self._clock.monotonic()
        for row in rows:
            self._set_gates(routes.probe_lost(self.condition.gates, row.route, now))

    async def _sleep(self) -> None:
        """Until the first thing that was not yet due when the lane last looked, even if it is due by now."""
        at = plan.wake_at(
            self.condition, now=self._looked_at, due_at=self._due_at, packed_by=self._tray.packed_by
        )
        ahead = None if at is None or not self._may_send() else at - self._clock.monotonic()
        await self._alarm.sleep(ahead)
