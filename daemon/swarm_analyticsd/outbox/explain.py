"""One sentence for a person: why an event is where it is, and what happens next. Pure."""

from dataclasses import dataclass
from typing import Final, assert_never

from swarm_analyticsd.outbox.lifecycle import DeadReason, HeldReason, State


@dataclass(frozen=True, slots=True)
class Facts:
    """What the outbox knows of one event and its destination."""

    state: State
    reason: str | None
    due_at: float
    behind: str | None
    last_error: str | None
    last_status: int | None
    attempts: int
    backoff_until: float | None
    backoff_reason: str | None
    credential_pending: bool
    credential_error: str | None
    paused: bool


_HELD: Final = {
    HeldReason.NO_DESTINATION: "Nobody has said yet where this service is and as whom to send.",
    HeldReason.CREDENTIAL: "The service refused the credential; it goes out once there is a new one.",
    HeldReason.CONSENT: "The user keeps it back; `consent full` sends it, `consent minimal` erases it.",
    HeldReason.ROUTE: "The service has shut this route; one event probes it from time to time.",
}
_DEAD: Final = {
    DeadReason.REJECTED: "The service rejected it as faulty",
    DeadReason.ATTEMPTS: "It failed again and again while its neighbours were delivered",
    DeadReason.CRASHED: "The daemon died over it again and again",
    DeadReason.AMBIGUOUS: "It may have arrived, and the service would not know it again",
    DeadReason.UNKNOWN_ROUTE: "This version of the daemon does not know its route",
}


def explain(facts: Facts, now: float) -> str:
    """Why the event is where it is."""
    match facts.state:
        case State.QUEUED:
            return _queued(facts, now)
        case State.LEASED:
            return "Being sent right now."
        case State.HELD:
            return _held(facts)
        case State.DELIVERED:
            return f"The service acknowledged it{_status(facts)} at attempt {facts.attempts}."
        case State.DEAD:
            return _dead(facts)
        case State.EXPIRED:
            return "Given up because it was older than this home keeps events."
        case State.EVICTED:
            if facts.reason == "operator":
                return "Given up by `dead drop`."
            return "Given up because the home was over its size; the lowest priority and the oldest go first."
        case State.WITHDRAWN:
            return "Erased because the user opted out."
        case _:
            assert_never(facts.state)


def _held(facts: Facts) -> str:
    reason = HeldReason(facts.reason or "")
    error = facts.credential_error if reason is HeldReason.CREDENTIAL else facts.last_error
    return _HELD[reason] if error is None else f"{_HELD[reason]} Last answer: {error}"


def _dead(facts: Facts) -> str:
    because = _DEAD[DeadReason(facts.reason or "")]
    error = "" if facts.last_error is None else f": {facts.last_error}"
    return f"{because}{_status(facts)}{error}. `dead retry` sends it again, `dead drop` gives it up."


def _queued(facts: Facts, now: float) -> str:
    if facts.paused:
        return "Waits because its service is paused; `resume` sends it."
    if facts.behind is not None:
        return f"Waits for {facts.behind}, which goes before it in its order."
    if facts.due_at > now:
        again = f"It is tried again in {facts.due_at - now:.0f} s"
        return f"{again}; last failure: {facts.last_error}." if facts.last_error else f"{again}."
    if facts.backoff_until is not None and facts.backoff_until > now:
        because = "" if facts.backoff_reason is None else f" ({facts.backoff_reason.split(': ', 1)[-1]})"
        return f"Waits for its service, which is tried again in {facts.backoff_until - now:.0f} s{because}."
    if facts.credential_error is not None:
        return f"Waits for a credential: {facts.credential_error.rstrip('.')}."
    if facts.credential_pending:
        return "Waits for a credential, which the daemon is about to get."
    return "Next in line: it goes out as soon as there is room."


def _status(facts: Facts) -> str:
    return "" if facts.last_status is None else f" (status {facts.last_status})"
