"""Puts `Status` together: the ledger's counts and, where a daemon runs, what its lanes say."""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeVar

from swarm_analytics_models.categories import ConsentMode
from swarm_analytics_models.status import (
    BreakerState,
    CallsStatus,
    CredentialState,
    DaemonStatus,
    DestinationStatus,
    ServiceStatus,
    Status,
)
from swarm_analyticsd.calls.view import CallsView
from swarm_analyticsd.outbox.lifecycle import KEEPS_BODY, State
from swarm_analyticsd.outbox.reports import Tallies, Tally
from swarm_analyticsd.schedule.view import LaneView

if sys.platform != "win32":
    import resource

T = TypeVar("T")
_CREDENTIALS_WORST_FIRST: Final = (
    CredentialState.HELD,
    CredentialState.ABSENT,
    CredentialState.PENDING,
    CredentialState.PRESENT,
)
_BREAKERS_WORST_FIRST: Final = (BreakerState.OPEN, BreakerState.HALF_OPEN, BreakerState.CLOSED)


def build_status(
    daemon: DaemonStatus,
    tallies: Tallies,
    *,
    services: Iterable[str],
    lanes: Mapping[int, LaneView],
    calls: Mapping[str, CallsView],
    consent: Mapping[str, ConsentMode],
    paused: frozenset[str],
    base_urls: Mapping[str, str],
    now: float,
) -> Status:
    """The status of a home. Without a daemon `lanes` and `calls` are empty: the rows speak for themselves."""
    by_service: dict[str, list[DestinationStatus]] = {name: [] for name in services}
    for tally in tallies.destinations:
        if _is_shown(tally):
            lane = None if tally.destination is None else lanes.get(tally.destination.id)
            mode = consent.get(tally.service, ConsentMode.FULL)
            by_service.setdefault(tally.service, []).append(_destination(tally, lane, calls, mode, now))
    return Status(
        daemon=daemon,
        services={
            name: _service(
                found,
                base_url=base_urls.get(name),
                consent=consent.get(name, ConsentMode.FULL),
                paused=name in paused,
            )
            for name, found in by_service.items()
        },
        ledger=tallies.ledger,
    )


def _is_shown(tally: Tally) -> bool:
    """A destination that nobody named, or that a person forgot, is shown only for the events that it has."""
    known = tally.destination
    if known is None:
        return any(tally.counts.values())
    return not known.forgotten or any(tally.counts[state] for state in KEEPS_BODY)


def _destination(
    tally: Tally,
    lane: LaneView | None,
    calls: Mapping[str, CallsView],
    consent: ConsentMode,
    now: float,
) -> DestinationStatus:
    oldest = None if tally.oldest_queued_at is None else max(0.0, now - tally.oldest_queued_at)
    found = DestinationStatus(
        queued=tally.counts[State.QUEUED],
        leased=tally.counts[State.LEASED],
        held=tally.counts[State.HELD],
        dead=tally.counts[State.DEAD],
        skipped=tally.skipped,
        resent=tally.resent,
        set_aside=tally.set_aside,
        consent=consent,
        held_reason=_first(
            lane.held_reason if lane is not None else None, *(reason.value for reason in tally.held_reasons)
        ),
        oldest_queued_age_s=oldest,
        last_delivered_at=tally.last_delivered_at,
        last_error=_first(lane.last_error if lane is not None else None, tally.last_error),
    )
    known = tally.destination
    if known is None:
        return found
    return found.model_copy(
        update={
            "identity": f"{known.destination.kind}:{known.destination.identity}",
            "ref": known.ref,
            "base_url": known.destination.base_url,
            "credential": known.credential if lane is None else lane.credential,
            "breaker": BreakerState.CLOSED if lane is None else lane.breaker,
            "calls": _calls(calls.get(known.ref)),
            "next_attempt_at": known.backoff_until if lane is None else lane.next_attempt_at,
            "last_error": _first(found.last_error, known.credential_error, known.backoff_reason),
        }
    )


def _calls(view: CallsView | None) -> CallsStatus | None:
    if view is None:
        return None
    return CallsStatus(
        in_flight=view.in_flight,
        waiting=view.waiting,
        breaker=view.breaker,
        open_until=view.open_until,
        last_error=view.last_error,
    )


def _breakers(found: Iterable[DestinationStatus]) -> Iterator[BreakerState]:
    for each in found:
        yield each.breaker
        if each.calls is not None:
            yield each.calls.breaker


def _service(
    found: Sequence[DestinationStatus], *, base_url: str | None, consent: ConsentMode, paused: bool
) -> ServiceStatus:
    return ServiceStatus(
        queued=sum(each.queued for each in found),
        leased=sum(each.leased for each in found),
        held=sum(each.held for each in found),
        dead=sum(each.dead for each in found),
        skipped=sum(each.skipped for each in found),
        resent=sum(each.resent for each in found),
        set_aside=sum(each.set_aside for each in found),
        base_url=_first(base_url, *(each.base_url for each in found)),
        credential=_worst(
            (each.credential for each in found), _CREDENTIALS_WORST_FIRST, CredentialState.ABSENT
        ),
        consent=consent,
        breaker=_worst(_breakers(found), _BREAKERS_WORST_FIRST, BreakerState.CLOSED),
        paused=paused,
        held_reason=_first("paused" if paused else None, *(each.held_reason for each in found)),
        next_attempt_at=_among(min, (each.next_attempt_at for each in found)),
        oldest_queued_age_s=_among(max, (each.oldest_queued_age_s for each in found)),
        last_delivered_at=_among(max, (each.last_delivered_at for each in found)),
        last_error=_first(*(each.last_error for each in found)),
        destinations=list(found),
    )


def _first(*values: T | None) -> T | None:
    return next((value for value in values if value is not None), None)


def _worst(found: Iterable[T], worst_first: Sequence[T], none: T) -> T:
    present = set(found)
    return next((value for value in worst_first if value in present), none)


def _among(choose: Callable[[Iterable[float]], float], values: Iterable[float | None]) -> float | None:
    present = [value for value in values if value is not None]
    return choose(present) if present else None


def rss_bytes() -> int:
    """Memory of this process that is in RAM, in bytes; its peak where the system tells no more."""
    if sys.platform == "win32":
        return 0  # not worth a dependency
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
    return pages * resource.getpagesize()
