"""One call: attempts, waits between them, and what comes of it. Decides nothing itself."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import TypeAlias, assert_never

from swarm_analytics_models.authentication import (
    ApiKeyAuthentication,
    SignatureAuthentication,
    scheme_for,
)
from swarm_analytics_models.calls import CallTrouble
from swarm_analytics_models.contract import Route, ServiceContract
from swarm_analytics_models.idempotency import InProgress, KeyInHeader
from swarm_analyticsd.calls.breaker import Effect
from swarm_analyticsd.calls.counterpart import Counterpart
from swarm_analyticsd.calls.explain import failure_of
from swarm_analyticsd.calls.outcome import Answered, CallOutcome, Failed, Streamed
from swarm_analyticsd.calls.pool import Pool, Ticket
from swarm_analyticsd.calls.reading import Failure, Nature, Reader, Success, request_id_of
from swarm_analyticsd.calls.request import Asked
from swarm_analyticsd.calls.retry import Progress, effect_of, next_step, trouble_of
from swarm_analyticsd.calls.terms import repeatable, within
from swarm_analyticsd.clock import Chance, Clock
from swarm_analyticsd.credentials.proof import Proof, Unproven, Why
from swarm_analyticsd.delivery.send import BrokenOff, Flow

Sleep: TypeAlias = Callable[[float], Awaitable[None]]


@dataclass(kw_only=True)
class Conversation:
    """Makes one call with its service when `run` is awaited. Cancelling that ends the request."""

    contract: ServiceContract
    route: Route
    asked: Asked
    counterpart: Counterpart
    pool: Pool
    clock: Clock
    chance: Chance
    sleep: Sleep
    deadline: float
    """Monotonic seconds."""

    attempts: int = field(default=0, init=False)
    _renewed: bool = field(default=False, init=False)
    """A minted token was refused, and another taken: once in a call."""

    async def run(self) -> CallOutcome:
        ticket = self.pool.enter()
        if ticket is None:
            error = self.pool.last_error or "the service failed too often"
            failure = Failure(Nature.UNREACHED, error, retry_after_s=self.pool.open_for_s)
            return self._failed(CallTrouble.BREAKER_OPEN, failure)
        effect, told = Effect.NONE, None
        try:
            outcome = await self._converse(ticket)
            match outcome:
                case Failure():
                    effect, told = effect_of(outcome), outcome.error
                    return self._failed(trouble_of(outcome, repeatable=self._repeatable), outcome)
                case Answered() | Streamed():
                    effect = Effect.ANSWERED
                    return outcome
                case Failed():
                    return outcome
                case _:
                    assert_never(outcome)
        finally:
            self.pool.leave(ticket, effect, told)

    async def _converse(self, ticket: Ticket) -> CallOutcome | Failure:
        progress = Progress(self._left_s)
        latest: Failure | None = None
        while True:
            try:
                async with asyncio.timeout(max(self._left_s, 0.0)):
                    await self.pool.take_slot()
            except TimeoutError:
                return latest or self._busy()
            outcome = await self._take_turn()
            if not isinstance(outcome, Failure):
                return outcome
            latest = outcome
            if outcome.nature is Nature.IN_PROGRESS:
                progress = replace(progress, polls=progress.polls + 1)
            again = next_step(
                outcome,
                repeatable=self._repeatable,
                in_progress=self._in_progress,
                terms=self.pool.terms,
                progress=replace(progress, left_s=self._left_s),
                chance=self.chance,
            )
            if again is None or not self.pool.lets_on(ticket):
                return outcome
            if not again.poll:
                progress = replace(progress, retries=progress.retries + 1)
            await self.sleep(again.wait_s)

    async def _take_turn(self) -> Answered | Streamed | Failure:
        """One attempt, or two where a minted token is refused. Gives the slot back, or to the answer."""
        outcome: Answered | Streamed | Failure | None = None
        try:
            outcome, stale = await self._attempt()
            if stale and not self._renewed:
                self._renewed = True
                outcome, _ = await self._attempt()
            return outcome
        finally:
            if not isinstance(outcome, Streamed):
                self.pool.free_slot()

    async def _attempt(self) -> tuple[Answered | Streamed | Failure, bool]:
        """What came of it, and whether a new token may do better."""
        proof = await self._prove()
        if isinstance(proof, Failure):
            return proof, False
        authenticator = self.counterpart.authenticator
        request = replace(
            self.asked.request.authenticated(proof.headers),
            time_outs=within(self.asked.request.time_outs, self._left_s),
        )
        self.attempts += 1
        media_type, transport = self.asked.media_type, self.pool.transport
        answer = await (
            transport.send(request) if media_type is None else transport.open(request, media_type)
        )
        if isinstance(answer, Flow):
            authenticator.accepted(proof)
            return self._streamed(answer, media_type or ""), False
        reader = Reader(self.route, self.contract.read_error)
        reading = reader.read(
            answer, now=self.clock.now(), refusals=proof.refusals, secrets=self._secrets(proof)
        )
        if isinstance(reading, Success):
            authenticator.accepted(proof)
            return Answered(reading.status, reading.request_id, self.attempts, reading.body), False
        refused = reading.status is not None and reading.http_status is not None
        stale = refused and authenticator.refused(proof, reading.status or 0, reading.error)
        return reading, stale

    async def _prove(self) -> Proof | Failure:
        try:
            async with asyncio.timeout(max(self._left_s, 0.0)):
                proof = await self.counterpart.authenticator.prove(
                    self.route,
                    self.asked.request,
                    self.asked.arguments,
                    signature=self.pool.terms.settings.signature,
                )
        except TimeoutError:
            return Failure(Nature.UNREACHED_IN_TIME, "no token could be had for it in time")
        return unproven(proof) if isinstance(proof, Unproven) else proof

    def _secrets(self, proof: Proof) -> Iterator[str]:
        """What of a proof must not come back."""
        scheme = scheme_for(self.route.authentication, self.counterpart.destination.kind)
        if isinstance(scheme, SignatureAuthentication):
            return
        before = scheme.prefix if isinstance(scheme, ApiKeyAuthentication) else "Bearer "
        yield from (header.value.removeprefix(before) for header in proof.headers)

    def _streamed(self, flow: Flow, media_type: str) -> Streamed:
        open_ = True

        async def aclose() -> None:
            nonlocal open_
            if open_:
                open_ = False
                self.pool.free_slot()
                await flow.aclose()

        return Streamed(
            status=flow.status,
            media_type=media_type,
            request_id=request_id_of(flow.headers),
            attempts=self.attempts,
            pieces=self._pieces(flow),
            aclose=aclose,
        )

    async def _pieces(self, flow: Flow) -> AsyncGenerator[bytes, None]:
        """Until the answer's end or, where the caller named one, the call's deadline."""
        limited = self.pool.terms.settings.deadline_s is not None
        pieces = flow.pieces()
        while True:
            try:
                async with asyncio.timeout(max(self._left_s, 0.0) if limited else None):
                    piece = await anext(pieces, None)
            except TimeoutError:
                raise BrokenOff("the time was up") from None
            if piece is None:
                return
            yield piece

    @property
    def _left_s(self) -> float:
        return self.deadline - self.clock.monotonic()

    @property
    def _repeatable(self) -> bool:
        return repeatable(self.route.idempotency, self.counterpart.destination.kind)

    @property
    def _in_progress(self) -> InProgress | None:
        idempotency = self.route.idempotency
        return idempotency.in_progress if isinstance(idempotency, KeyInHeader) else None

    def _busy(self) -> Failed:
        error = f"{self.pool.terms.slots} calls are in flight"
        return self._failed(CallTrouble.BUSY, Failure(Nature.UNREACHED_IN_TIME, error))

    def _failed(self, trouble: CallTrouble, failure: Failure) -> Failed:
        told = failure_of(self.contract.name, self.route.key, trouble, failure, attempts=self.attempts)
        return Failed(told)


def unproven(proof: Unproven) -> Failure:
    """A request for which there is no proof of who sends it: nothing of it was sent."""
    match proof.why:
        case Why.ABSENT:
            nature = Nature.ABSENT
        case Why.REFUSED:
            nature = Nature.CREDENTIAL
        case Why.REJECTED | Why.SHUT:
            nature = Nature.REJECTED
        case Why.ASKED_TO_WAIT:
            nature = Nature.UNEXECUTED
        case Why.TROUBLE:
            nature = Nature.UNPREPARED
        case Why.UNREACHED:
            nature = Nature.UNREACHED
        case _:
            assert_never(proof.why)
    return Failure(
        nature, proof.error, status=proof.status, code=proof.code, retry_after_s=proof.retry_after_s
    )
