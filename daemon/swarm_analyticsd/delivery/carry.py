"""One parcel's way to its service and back; bisection where a batch hides a guilty row."""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from swarm_analytics_models.authentication import ResourceKeyAuthentication, scheme_for
from swarm_analytics_models.identifiers import Destination
from swarm_analyticsd.clock import Clock
from swarm_analyticsd.credentials.authenticator import Authenticator
from swarm_analyticsd.credentials.proof import Proof, Unproven
from swarm_analyticsd.delivery.answer import Answer, Reply
from swarm_analyticsd.delivery.batch import Parcel
from swarm_analyticsd.delivery.minting import outcome_of
from swarm_analyticsd.delivery.outcome import (
    CredentialRefused,
    Delivered,
    EventFault,
    Outcome,
    RouteShut,
    classify,
)
from swarm_analyticsd.delivery.request import (
    Item,
    Request,
    batch_request,
    single_request,
)
from swarm_analyticsd.delivery.send import Transport, may_have_left
from swarm_analyticsd.delivery.settle import when_ambiguous
from swarm_analyticsd.delivery.wire import Unsendable
from swarm_analyticsd.outbox.rows import Claimed, Phase, WhenAmbiguous

MarkPhase: TypeAlias = Callable[[Mapping[int, int], Phase, WhenAmbiguous | None], Awaitable[frozenset[int]]]
"""Commits what is about to be done with rows (leases by number); returns those whose lease is still ours."""


_NO_SECRET: Final = -1
_UNAUTHORIZED: Final = 401


class LeaseLost(Exception):
    """The rows were taken from us, withdrawn mostly: they must not be sent, and nothing is to be settled."""


class CutOff(asyncio.CancelledError):
    """Cancelled when a request may have arrived."""

    def __init__(self, parcel: Parcel) -> None:
        super().__init__()
        self.parcel = parcel


@dataclass(frozen=True, slots=True)
class Carried:
    row: Claimed
    outcome: Outcome
    latency_s: float
    credential: int
    """Which secret of the destination's it rests on (`Credential.generation`)."""


@dataclass(frozen=True, slots=True)
class _Exchanged:
    parcel: Parcel
    """What was sent, or would have been."""

    outcome: Outcome
    credential: int
    latency_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Carrier:
    """Carries parcels to one destination."""

    destination: Destination
    authenticator: Authenticator
    transport: Transport
    clock: Clock
    mark: MarkPhase

    async def carry(self, parcel: Parcel) -> AsyncGenerator[tuple[Carried, ...], None]:
        """What came of each row, a request at a time: a batch that is called faulty is halved until only the
        guilty are left. Raises LeaseLost, CutOff, OutboxUnavailable.
        """
        waiting = [parcel]
        while waiting:
            found = await self._exchange(waiting.pop())
            sent = found.parcel
            if isinstance(found.outcome, EventFault) and len(sent.rows) > 1:
                waiting += reversed(sent.halves())
                continue
            yield tuple(
                Carried(row, each, found.latency_s, found.credential)
                for row, each in zip(sent.rows, _shares(found.outcome, len(sent.rows)), strict=True)
            )

    async def _exchange(self, parcel: Parcel) -> _Exchanged:
        alone = parcel.rows[0].alone
        parcel = await self._marked(parcel, Phase.HANDLING, when=alone)
        try:
            request = self._request(parcel)
        except Unsendable as error:
            return _Exchanged(parcel, EventFault(None, str(error)), _NO_SECRET)
        proof = await self._prove(parcel, request)
        if isinstance(proof, Unproven):
            return _Exchanged(parcel, outcome_of(proof), proof.generation)
        choice = when_ambiguous(parcel.route)
        kept = await self._marked(parcel, Phase.WAITING, choice, when=alone or choice is not None)
        if kept is not parcel:
            return await self._exchange(kept)
        found = await self._proven_exchange(parcel, request, proof)
        await self._marked(parcel, Phase.HANDLING, when=alone)
        return found

    async def _proven_exchange(self, parcel: Parcel, request: Request, proof: Proof) -> _Exchanged:
        """Sent once or, where a minted token is refused and another can be had, twice."""
        answer, latency_s = await self._send(request.authenticated(proof.headers), parcel)
        outcome = classify(answer, parcel.route, now=self.clock.now())
        if self._may_do_better(proof, answer, outcome):
            fresh = await self._prove(parcel, request)
            if isinstance(fresh, Unproven):
                return _Exchanged(parcel, outcome_of(fresh), fresh.generation, latency_s)
            proof = fresh
            answer, latency_s = await self._send(request.authenticated(proof.headers), parcel)
            outcome = classify(answer, parcel.route, now=self.clock.now())
            self._may_do_better(proof, answer, outcome)
        if isinstance(outcome, CredentialRefused) and proof.of_resource:
            outcome = RouteShut(outcome.status or _UNAUTHORIZED, outcome.error)
        return _Exchanged(parcel, outcome, proof.generation, latency_s)

    def _may_do_better(self, proof: Proof, answer: Answer, outcome: Outcome) -> bool:
        """Tell what was learned of the proof; True where another one may be taken."""
        if isinstance(outcome, Delivered):
            self.authenticator.accepted(proof)
            return False
        return isinstance(answer, Reply) and self.authenticator.refused(proof, answer.status, outcome.error)

    async def _prove(self, parcel: Parcel, request: Request) -> Proof | Unproven:
        scheme = scheme_for(parcel.route.authentication, self.destination.kind)
        named = isinstance(scheme, ResourceKeyAuthentication)
        arguments = json.loads(parcel.rows[0].body) if named else {}
        return await self.authenticator.prove(parcel.route, request, arguments)

    def _request(self, parcel: Parcel) -> Request:
        items = [Item(row.key, row.body) for row in parcel.rows]
        base_url, batching = self.destination.base_url.rstrip("/"), parcel.route.batching
        if len(items) == 1 and (batching is None or not batching.always):
            return single_request(parcel.route, base_url, items[0])
        return batch_request(parcel.route, base_url, items)

    async def _send(self, request: Request, parcel: Parcel) -> tuple[Answer, float]:
        sent_at = self.clock.monotonic()
        try:
            answer = await self.transport.send(request)
        except asyncio.CancelledError as error:
            if may_have_left():
                raise CutOff(parcel) from error
            raise
        return answer, self.clock.monotonic() - sent_at

    async def _marked(
        self, parcel: Parcel, phase: Phase, choice: WhenAmbiguous | None = None, *, when: bool
    ) -> Parcel:
        """The rows that are still ours, once it is kept what is about to be done with them."""
        if not when:
            return parcel
        ours = await self.mark({row.seq: row.lease for row in parcel.rows}, phase, choice)
        if not ours:
            raise LeaseLost
        kept = tuple(row for row in parcel.rows if row.seq in ours)
        return parcel if len(kept) == len(parcel.rows) else replace(parcel, rows=kept)


def _shares(outcome: Outcome, rows: int) -> tuple[Outcome, ...]:
    """What came of each of a request's rows. What the service left out is told of the first; if that is all
    of them, it is they that are at fault.
    """
    if not isinstance(outcome, Delivered) or outcome.skipped == 0:
        return (outcome,) * rows
    if outcome.skipped >= rows:
        left_out = EventFault(outcome.status, f"HTTP {outcome.status}, but the service left the event out")
        return (left_out,) * rows
    return (outcome, *(Delivered(outcome.status),) * (rows - 1))
