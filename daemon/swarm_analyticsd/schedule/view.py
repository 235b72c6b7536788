"""What a lane can say about itself."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from swarm_analytics_models.status import BreakerState, CredentialState
from swarm_analyticsd.clock import Clock
from swarm_analyticsd.schedule import routes
from swarm_analyticsd.schedule.lane import Lane

_STARTING: Final = frozenset({CredentialState.PENDING, CredentialState.PRESENT})


class LaneHold(StrEnum):
    """Why a destination is not sent its events now."""

    PAUSED = "paused"
    CREDENTIAL = "credential"
    RETRY_AFTER = "retry_after"
    """The service named a time."""

    BACK_OFF = "back_off"
    """The service failed, or cannot be reached."""

    ROUTE = "route"
    """Some routes are shut; the others flow."""


@dataclass(frozen=True, slots=True)
class LaneView:
    breaker: BreakerState
    credential: CredentialState
    held_reason: LaneHold | None
    next_attempt_at: float | None
    """Unix time; None when nothing is waited for but events."""

    last_error: str | None
    in_flight: int
    shut_routes: tuple[str, ...]
    paused: bool


def is_resting(lane: Lane) -> bool:
    """All that could be tried was tried. A lane whose secret is asked for, or read from the vault, has a try
    before it.
    """
    starting = lane.lacks_credential and lane.credential.state in _STARTING
    return lane.idle and not starting


def view_of(lane: Lane, clock: Clock) -> LaneView:
    breaker, gates = lane.condition.breaker, lane.condition.gates
    hold, at = _hold(lane)
    shut = tuple(sorted(route for route, gate in gates.items() if gate.shut))
    errors = (breaker.error, lane.credential.error, *(gates[route].error for route in shut))
    return LaneView(
        breaker=breaker.state,
        credential=lane.credential.state,
        held_reason=hold,
        next_attempt_at=None if at is None else clock.now() + max(at - clock.monotonic(), 0.0),
        last_error=next((error for error in errors if error), None),
        in_flight=len(lane.flights),
        shut_routes=shut,
        paused=lane.paused,
    )


def _hold(lane: Lane) -> tuple[LaneHold | None, float | None]:
    """What holds the lane up most, and when (monotonic) it is tried again."""
    breaker, gates = lane.condition.breaker, lane.condition.gates
    if lane.paused:
        return LaneHold.PAUSED, None
    if lane.lacks_credential and lane.credential.state is not CredentialState.PRESENT:
        return LaneHold.CREDENTIAL, lane.credential.next_try_at
    if breaker.state is not BreakerState.CLOSED:
        named = breaker.floor >= breaker.until > 0.0
        return LaneHold.RETRY_AFTER if named else LaneHold.BACK_OFF, breaker.until
    if any(gate.shut for gate in gates.values()):
        return LaneHold.ROUTE, routes.next_due(gates)
    return None, None
