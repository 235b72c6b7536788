"""One parcel's way to its service and back; bisection where a batch hides a guilty row."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from pydantic import SecretStr

from swarm_analytics_models.identifiers import Destination
from swarm_analyticsd.clock import Clock
from swarm_analyticsd.credentials.secret import UnusableSecret
from swarm_analyticsd.delivery.answer import Answer
from swarm_analyticsd.delivery.batch import Parcel
from swarm_analyticsd.delivery.outcome import CredentialRefused, Delivered, EventFault, Outcome, classify
from swarm_analyticsd.delivery.request import (
    Item,
    Request,
    batch_request,
    single_request,
)
from swarm_analyticsd.delivery.send import Transport
from swarm_analyticsd.delivery.settle import when_ambiguous
from swarm_analyticsd.delivery.wire import Unsendable
from swarm_analyticsd.outbox.rows import Claimed, Phase, WhenAmbiguous

MarkPhase: TypeAlias = Callable[[Mapping[int, int], Phase, WhenAmbiguous | None], Awaitable[frozenset[int]]]
"""Commits what is about to be done with rows (leases by number); returns those whose lease is still ours."""


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


@dataclass(frozen=True, slots=True)
class Carrier:
    """Carries parcels to one destination."""

    destination: Destination
    transport: Transport
    clock: Clock
    mark: MarkPhase

    async def carry(
        self, parcel: Parcel, secret: SecretStr | None
    ) -> AsyncGenerator[tuple[Carried, ...], None]:
        """What came of each row, a request at a time: a batch that is called faulty is halved until only the
        guilty are left. Raises LeaseLost, CutOff, OutboxUnavailable.
        """
        waiting = [parcel]
        while waiting:
            sent, outcome, latency_s = await self._exchange(waiting.pop(), secret)
            if isinstance(outcome, EventFault) and len(sent.rows) > 1:
                waiting += reversed(sent.halves())
                continue
            yield tuple(
                Carried(row, each, latency_s)
                for row, each in zip(sent.rows, _shares(outcome, len(sent.rows)), strict=True)
            )

    async def _exchange(self, parcel: Parcel, secret: SecretStr | None) -> tuple[Parcel, Outcome, float]:
        """What was sent of the parcel, what came of it, and after how long."""
        parcel = await self._marked(parcel, Phase.HANDLING, when=parcel.rows[0].alone)
        try:
            request = self._request(parcel, secret)
        except Unsendable as error:
            return parcel, EventFault(None, str(error)), 0.0
        except UnusableSecret as error:
            return parcel, CredentialRefused(None, str(error)), 0.0
        choice = when_ambiguous(parcel.route)
        marked = parcel.rows[0].alone or choice is not None
        kept = await self._marked(parcel, Phase.WAITING, choice, when=marked)
        if kept is not parcel:
            request = self._request(kept, secret)
        answer, latency_s = await self._send(request, kept)
        await self._marked(kept, Phase.HANDLING, when=parcel.rows[0].alone)
        return kept, classify(answer, parcel.route, now=self.clock.now()), latency_s

    def _request(self, parcel: Parcel, secret: SecretStr | None) -> Request:
        items = [Item(row.key, row.body) for row in parcel.rows]
        base_url, kind = self.destination.base_url.rstrip("/"), self.destination.kind
        batching = parcel.route.batching
        if len(items) == 1 and (batching is None or not batching.always):
            return single_request(parcel.route, base_url, items[0], secret, kind)
        return batch_request(parcel.route, base_url, items, secret, kind)

    async def _send(self, request: Request, parcel: Parcel) -> tuple[Answer, float]:
        sent_at = self.clock.monotonic()
        try:
            answer = await self.transport.send(request)
        except asyncio.CancelledError as error:
            raise CutOff(parcel) from error
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
