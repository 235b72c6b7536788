"""What a `Status` means to a person: what is wrong, and what to do about it. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from swarm_analytics_models.categories import ConsentMode
from swarm_analytics_models.identifiers import IdentityKind
from swarm_analytics_models.status import (
    BreakerState,
    CredentialState,
    DestinationStatus,
    Ledger,
    ServiceStatus,
    Status,
)
from swarm_analyticsd.cli.words import ago, amount, due, events, visible, wait

_ERROR_CHARACTERS: Final = 160
"""So much of a service's error message is shown; `status --json` has all of it."""


class Weight(IntEnum):
    """How much a finding matters; the least number comes first."""

    WRONG = 0
    """Somebody should act, or know that events wait."""

    NOTE = 1
    """True, perhaps wanted, and easily forgotten."""

    ASIDE = 2
    """What the daemon says of the machine it runs on."""


@dataclass(frozen=True, slots=True)
class Finding:
    weight: Weight
    what: str
    advice: str
    command: str = ""
    """What follows the advice: the program's arguments."""


def findings(status: Status, now: float) -> tuple[Finding, ...]:
    """All that a person should know, the most serious first. None of them WRONG: all is well."""
    found = [*_of_ledger(status.ledger), *_of_daemon(status)]
    for name, service in sorted(status.services.items()):
        found += _of_service(visible(name), service, now)
    return tuple(sorted([*found, *_of_losses(status.ledger)], key=lambda finding: finding.weight))


def _of_ledger(ledger: Ledger) -> Iterator[Finding]:
    if not ledger.balanced:
        yield Finding(
            Weight.WRONG,
            f"The ledger does not add up: {amount(ledger.accepted)} accepted, "
            f"{amount(accounted(ledger))} accounted for.",
            "Keep a copy of the home, and report it with the output of:",
            "status --json",
        )


def accounted(ledger: Ledger) -> int:
    """What `accepted` must equal."""
    kept = ledger.queued + ledger.leased + ledger.held + ledger.dead
    return kept + ledger.delivered + ledger.expired + ledger.evicted + ledger.withdrawn


def _of_losses(ledger: Ledger) -> Iterator[Finding]:
    if lost := ledger.expired + ledger.evicted:
        yield Finding(
            Weight.NOTE,
            f"{events(lost)} given up so far: {amount(ledger.expired)} too old, "
            f"{amount(ledger.evicted)} for lack of space or by `dead drop`.",
            "To see them:",
            f"events --state {'expired' if ledger.expired else 'evicted'}",
        )
    if ledger.refused:
        lines = "line was" if ledger.refused == 1 else "lines were"
        yield Finding(
            Weight.NOTE,
            f"{amount(ledger.refused)} {lines} refused at hand-off.",
            "The app was told why (on_drop), and the daemon's log says it.",
        )


def _of_daemon(status: Status) -> Iterator[Finding]:
    daemon = status.daemon
    if daemon.pid == 0:
        waiting = status.ledger.queued + status.ledger.leased + status.ledger.held
        more = "; the apps' journals hold more" if daemon.journals else ""
        yield Finding(
            Weight.WRONG if waiting or daemon.journals else Weight.NOTE,
            f"No daemon runs; {wait(waiting)}{more}.",
            "Start the app, or:",
            "run",
        )
    for warning in daemon.warnings:
        yield Finding(Weight.ASIDE, visible(warning), "")
    if daemon.durability == "memory":
        yield Finding(
            Weight.WRONG,
            "Events are kept in memory alone and end with the daemon.",
            "That mode is for tests. Start the daemon without --durability memory.",
        )


def _of_service(name: str, service: ServiceStatus, now: float) -> Iterator[Finding]:
    if service.paused:
        waiting = wait(service.queued + service.held)
        yield Finding(Weight.WRONG, f"{name} is paused; {waiting}.", "To send again:", f"resume {name}")
    known = [destination for destination in service.destinations if destination.ref]
    for destination in known:
        label = f"{name} ({visible(destination.identity, 40)})" if len(known) > 1 else name
        yield from _of_credential(label, destination, now)
        yield from _of_breaker(label, destination, now)
        yield from _of_held(name, label, destination)
        yield from _of_calls(label, destination, now)
        yield from _of_incidents(label, destination)
    lost = sum(destination.held for destination in service.destinations if not destination.ref)
    if lost:
        yield Finding(
            Weight.WRONG,
            f"{wait(lost)} to be told where {name} is, and as whom to send.",
            "Start the app that sends them, or:",
            f"register --service {name} --base-url URL --install-id ID",
        )
    if service.dead:
        yield Finding(
            Weight.WRONG,
            f"{events(service.dead)} of {name} rejected and set aside as dead; the others go on.",
            "To see why:",
            f"dead list --service {name}",
        )
    yield from _of_consent(name, service)


def _error(destination: DestinationStatus) -> str:
    return _told(destination.last_error)


def _told(error: str | None) -> str:
    return f" Last error: {visible(error, _ERROR_CHARACTERS).rstrip('.')}." if error else ""


def _trial(destination: DestinationStatus, now: float) -> str:
    return f"; next try {due(destination.next_attempt_at, now)}" if destination.next_attempt_at else ""


def _of_credential(label: str, destination: DestinationStatus, now: float) -> Iterator[Finding]:
    some = destination.queued + destination.held
    waiting = wait(some)
    if destination.credential is not CredentialState.HELD and not some:
        return
    match destination.credential:
        case CredentialState.PRESENT:
            return
        case CredentialState.HELD:
            yield Finding(
                Weight.WRONG,
                f"{label} refuses the credential; {waiting}, nothing is lost.{_error(destination)}",
                *_renewal(destination),
            )
        case CredentialState.ABSENT:
            advice, command = _renewal(destination)
            yield Finding(
                Weight.WRONG,
                f"{label} has no credential; {waiting}.{_error(destination)}",
                "Start the app that has it, or:" if command else advice,
                command,
            )
        case CredentialState.PENDING if destination.breaker is not BreakerState.CLOSED:
            return  # told as such
        case CredentialState.PENDING if destination.last_error:
            yield Finding(
                Weight.WRONG,
                f"{label} is out of reach and gives no credential{_trial(destination, now)}; {waiting}, "
                f"nothing is lost.{_error(destination)}",
                "Check the network and the base URL. It is tried again by itself; to try now:",
                "flush",
            )
        case CredentialState.PENDING:
            yield Finding(
                Weight.NOTE,
                f"{label} is being registered; {waiting} for that.",
                "It goes on by itself as soon as the service answers.",
            )


def _renewal(destination: DestinationStatus) -> tuple[str, str]:
    """How a refused credential is renewed: an advice, and a command where one helps."""
    command = f"credential set {visible(destination.ref)}"
    match destination.identity.partition(":")[0]:
        case IdentityKind.INSTALL:
            return "The daemon registers again by itself; if that does not help:", command
        case IdentityKind.SESSION:
            return "Start the app that has this user: it is asked for a fresh signature.", ""
        case _:
            return "Sign in again in the app, or:", command


def _of_breaker(label: str, destination: DestinationStatus, now: float) -> Iterator[Finding]:
    waiting = wait(destination.queued + destination.held)
    match destination.breaker:
        case BreakerState.CLOSED:
            return
        case BreakerState.HALF_OPEN:
            yield Finding(
                Weight.WRONG,
                f"{label} was out of reach and is being tried with one event; {waiting}.",
                "The others follow by themselves when it is delivered.",
            )
        case BreakerState.OPEN:
            yield Finding(
                Weight.WRONG,
                f"{label} is out of reach{_trial(destination, now)}; {waiting}, nothing is lost; "
                f"last delivery {ago(destination.last_delivered_at, now)}.{_error(destination)}",
                "Check the network. It is tried again by itself; to try now:",
                "flush",
            )


def _of_calls(label: str, destination: DestinationStatus, now: float) -> Iterator[Finding]:
    calls = destination.calls
    if calls is None or calls.breaker is BreakerState.CLOSED:
        return
    trial = f"; next try {due(calls.open_until, now)}" if calls.open_until is not None else ""
    cause = (
        f" Last error: {visible(calls.last_error, _ERROR_CHARACTERS).rstrip('.')}."
        if calls.last_error
        else ""
    )
    yield Finding(
        Weight.WRONG,
        f"{label} failed call after call, so calls are refused at once{trial}.{cause}",
        "One call then tries it; if it is answered, the others follow.",
    )


def _of_held(name: str, label: str, destination: DestinationStatus) -> Iterator[Finding]:
    if destination.held_reason == "route":
        yield Finding(
            Weight.WRONG,
            f"{label} has shut a route; {events(destination.held)} held.{_error(destination)}",
            "One event tries it from time to time; check the base URL. To see which:",
            f"events --state held --service {name}",
        )


def _of_incidents(label: str, destination: DestinationStatus) -> Iterator[Finding]:
    if destination.skipped:
        yield Finding(
            Weight.NOTE,
            f"{label} took batches and left {events(destination.skipped)} out so far, without saying which.",
            "The app was told (see its log); its events do not fit what the service accepts.",
        )
    if destination.resent:
        yield Finding(
            Weight.NOTE,
            f"{events(destination.resent)} of {label} sent again so far; a first try may have arrived, too.",
            "The service may count them twice: it does not know them again.",
        )
    if destination.set_aside:
        yield Finding(
            Weight.NOTE,
            f"{events(destination.set_aside)} of {label} set aside so far: they may have arrived, and sent "
            "again they might count twice.",
            "Look for them at the service, then drop or retry them:",
            "dead list",
        )


def _of_consent(name: str, service: ServiceStatus) -> Iterator[Finding]:
    if service.consent is ConsentMode.MINIMAL:
        yield Finding(
            Weight.NOTE,
            f"Consent for {name} is minimal: product events are withdrawn.",
            "To allow all:",
            f"consent full {name}",
        )
    elif service.consent is ConsentMode.HOLD:
        yield Finding(
            Weight.NOTE,
            f"Consent for {name} is hold: product events are kept back ({amount(service.held)} held).",
            "To send them: consent full; to erase them:",
            f"consent minimal {name}",
        )
