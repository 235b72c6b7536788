"""How calls are made: what the caller settled, else what the contract says. Pure."""

from dataclasses import dataclass, replace
from typing import TypeVar

from swarm_analytics_models.calling import CallDefaults
from swarm_analytics_models.calls import MAX_CALL_ANSWER_BYTES, CallSettings
from swarm_analytics_models.contract import Route
from swarm_analytics_models.handling import TimeOuts
from swarm_analytics_models.idempotency import (
    Idempotency,
    KeyInBody,
    KeyInHeader,
    NaturallyIdempotent,
    NotIdempotent,
)
from swarm_analytics_models.identifiers import IdentityKind
from swarm_analyticsd.delivery.send import Limits

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for all calls of one pool."""

    settings: CallSettings
    defaults: CallDefaults

    @property
    def max_retries(self) -> int:
        return _first(self.settings.max_retries, self.defaults.max_retries)

    @property
    def retry_delay_s(self) -> float:
        return _first(self.settings.retry_delay_s, self.defaults.retry_delay_s)

    @property
    def retry_most_s(self) -> float:
        return max(self.defaults.retry_most_s, self.retry_delay_s)

    @property
    def breaker_threshold(self) -> int:
        return _first(self.settings.breaker_threshold, self.defaults.breaker_threshold)

    @property
    def breaker_time_out_s(self) -> float:
        return _first(self.settings.breaker_time_out_s, self.defaults.breaker_time_out_s)

    @property
    def slots(self) -> int:
        """Calls in flight: each has a connection to itself."""
        return min(_first(self.settings.max_in_flight, self.defaults.max_in_flight), self.limits.connections)

    @property
    def limits(self) -> Limits:
        return Limits(
            connections=_first(self.settings.pool_size, self.defaults.pool_size),
            keep_alive_s=_first(self.settings.keep_alive_s, self.defaults.keep_alive_s),
            answer_bytes=MAX_CALL_ANSWER_BYTES,
        )

    def time_outs(self, route: Route) -> TimeOuts:
        """Of one attempt. A caller's time-out also bounds the silence before and within an answer."""
        settled = self.settings.timeout_s
        if settled is None:
            return route.time_outs
        return TimeOuts(min(route.time_outs.connect_s, settled), read_s=settled, total_s=settled)

    def deadline_s(self, route: Route) -> float:
        """Of the call. Unless the caller settled it, all its attempts and waits may take their time."""
        if self.settings.deadline_s is not None:
            return self.settings.deadline_s
        in_progress = route.idempotency.in_progress if isinstance(route.idempotency, KeyInHeader) else None
        polling_s = in_progress.most * in_progress.every_s if in_progress is not None else 0.0
        attempts_s = (self.max_retries + 1) * self.time_outs(route).total_s
        return attempts_s + self.max_retries * self.retry_most_s + polling_s


def within(time_outs: TimeOuts, left_s: float) -> TimeOuts:
    """`time_outs` of an attempt for which no more than `left_s` is left."""
    return replace(time_outs, total_s=min(time_outs.total_s, max(left_s, 0.0)))


def repeatable(idempotency: Idempotency, kind: IdentityKind) -> bool:
    """Whether sending a request twice has the effect of sending it once, for a destination of this kind."""
    match idempotency:
        case KeyInBody() | NaturallyIdempotent():
            return True
        case KeyInHeader(honoured_for=kinds):
            return kinds is None or kind in kinds
        case NotIdempotent():
            return False


def _first(settled: T | None, default: T) -> T:
    return default if settled is None else settled
