"""`status` for a person: one screen, the verdict first. Pure: frozen values in, lines out."""

import itertools
import textwrap
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from swarm_analytics_models.status import BreakerState, DestinationStatus, Ledger, ServiceStatus, Status
from swarm_analyticsd.cli.findings import Finding, Weight, findings
from swarm_analyticsd.cli.words import amount, size, span, visible

HEIGHT: Final = 23
"""Lines of a page: an 80x24 terminal, less the shell's next prompt."""

_COLUMNS: Final = "{:<18.18} {:<11} {:>7} {:>7} {:>7} {:>6} {:>8} {:>9}"
_HEAD: Final = ("service", "state", "queued", "sending", "held", "dead", "oldest", "last sent")


class Tone(Enum):
    PLAIN = auto()
    STRONG = auto()
    GOOD = auto()
    BAD = auto()
    FAINT = auto()


@dataclass(frozen=True, slots=True)
class Line:
    text: str
    tone: Tone = Tone.PLAIN


def status_page(status: Status, now: float, width: int = 80) -> tuple[Line, ...]:
    """Verdict and remedies, a line a service, the ledger, the daemon: at most `HEIGHT` lines."""
    foot = [*_ledger(status, width), Line(""), *_daemon(status, width)]
    rows = _rows(status, now, width)
    verdict = _verdict(findings(status, now), width, HEIGHT - len(foot) - min(len(rows), 4) - 2)
    rows = _fit(rows, HEIGHT - len(foot) - len(verdict) - 2)
    return (*verdict, Line(""), *rows, Line(""), *foot)


def _verdict(found: tuple[Finding, ...], width: int, room: int) -> list[Line]:
    wrong = any(finding.weight is Weight.WRONG for finding in found)
    head = [] if wrong else [Line("All is well.", Tone.GOOD)]
    blocks = [_block(finding, first=wrong and index == 0, width=width) for index, finding in enumerate(found)]
    lines = [*head, *itertools.chain(*blocks)]
    for index in range(len(blocks) - 1, 0, -1):
        if len(lines) <= room:
            break
        blocks[index] = [_heading(found[index], first=False, width=width, at_most=1)[0]]
        lines = [*head, *itertools.chain(*blocks)]
    return _fit(lines, room)


def _block(finding: Finding, *, first: bool, width: int) -> list[Line]:
    heading = _heading(finding, first=first, width=width, at_most=4)
    return [*heading, *(Line(text) for text in _remedy(finding, width))]


def _heading(finding: Finding, *, first: bool, width: int, at_most: int) -> list[Line]:
    wrong = finding.weight is Weight.WRONG
    prefix = "NOT WELL: " if first else "ALSO: " if wrong else "NOTE: "
    tone = Tone.BAD if wrong else Tone.STRONG
    return [Line(text, tone) for text in _wrap(prefix + finding.what, width, "  ", at_most)]


def _remedy(finding: Finding, width: int) -> list[str]:
    """Advice and command; a command is never broken, so that it can be copied."""
    lines = _wrap(f"  -> {finding.advice}", width, "     ", 2) if finding.advice else []
    if finding.command:
        command = f"swarm-analyticsd {finding.command}"
        if lines and len(lines[-1]) + 1 + len(command) <= width:
            lines[-1] += f" {command}"
        else:
            lines.append(f"     {command}")
    return lines


def _wrap(text: str, width: int, indent: str, at_most: int) -> list[str]:
    return textwrap.wrap(
        text, width, subsequent_indent=indent, max_lines=at_most, placeholder=" ...", break_on_hyphens=False
    )


def _rows(status: Status, now: float, width: int) -> list[Line]:
    if not status.services:
        return [Line("No service is known yet: nothing was handed off or registered in this home.")]
    rows = [Line(_COLUMNS.format(*_HEAD), Tone.FAINT)]
    for name, service in sorted(status.services.items()):
        rows.append(_row(visible(name), service, now))
        if len(service.destinations) > 1:
            rows += [
                _row(f"  {visible(each.identity) or '(nobody yet)'}", each, now)
                for each in service.destinations
            ]
    return [Line(row.text[:width].rstrip(), row.tone) for row in rows]


def _row(label: str, counts: ServiceStatus | DestinationStatus, now: float) -> Line:
    oldest = "-" if counts.oldest_queued_age_s is None else span(counts.oldest_queued_age_s)
    last = "never" if counts.last_delivered_at is None else span(now - counts.last_delivered_at)
    numbers = (counts.queued, counts.leased, counts.held, counts.dead)
    state = _state(counts)
    return Line(
        _COLUMNS.format(label, state, *numbers, oldest, last),
        Tone.PLAIN if state in ("sending", "idle") else Tone.STRONG,
    )


def _state(counts: ServiceStatus | DestinationStatus) -> str:
    if isinstance(counts, ServiceStatus) and counts.paused:
        return "paused"
    if counts.base_url is None or (isinstance(counts, ServiceStatus) and not counts.destinations):
        return "waiting" if counts.held else "idle"
    breakers = {counts.breaker}
    if isinstance(counts, DestinationStatus) and counts.calls is not None:
        breakers.add(counts.calls.breaker)
    if breakers != {BreakerState.CLOSED}:
        return "unreachable" if BreakerState.OPEN in breakers else "trying"
    if counts.credential.value != "present":
        return {"held": "refused", "pending": "registering", "absent": "no token"}[counts.credential.value]
    return "sending" if counts.queued or counts.leased else "idle"


def _fit(lines: list[Line], room: int) -> list[Line]:
    if len(lines) <= room:
        return lines
    hidden = len(lines) - room + 1
    return [*lines[: room - 1], Line(f"... and {hidden} lines; everything: swarm-analyticsd status --json")]


def _ledger(status: Status, width: int) -> list[Line]:
    ledger = status.ledger
    parts = " + ".join(f"{amount(number)} {name}" for name, number in _terms(ledger))
    word, tone = ("balanced", Tone.GOOD) if ledger.balanced else ("NOT BALANCED", Tone.BAD)
    text = f"Ledger {word}: {amount(ledger.accepted)} accepted = {parts}"
    beside = f"Beside it: {amount(ledger.refused)} refused, {amount(ledger.duplicates)} duplicates"
    return [Line(each, tone) for each in _wrap(text, width, "  ", 3)] + [Line(beside)]


def _terms(ledger: Ledger) -> tuple[tuple[str, int], ...]:
    """The sum that must give `accepted`, without what is nothing."""
    terms = (
        ("queued", ledger.queued),
        ("sending", ledger.leased),
        ("held", ledger.held),
        ("delivered", ledger.delivered),
        ("dead", ledger.dead),
        ("expired", ledger.expired),
        ("evicted", ledger.evicted),
        ("withdrawn", ledger.withdrawn),
    )
    return tuple(term for term in terms if term[1]) or (("queued", 0),)


def _daemon(status: Status, width: int) -> list[Line]:
    daemon = status.daemon
    texts = _wrap(f"Home {visible(daemon.home)}", width, "  ", 2)
    if daemon.pid:
        running = (
            f"Daemon {visible(daemon.version)}, pid {daemon.pid}, up {span(daemon.uptime_s)}, "
            f"{daemon.durability}, {size(daemon.rss_bytes)} memory, outbox {size(daemon.outbox_bytes)}"
        )
        if daemon.credential_store:
            running += f", credentials in {visible(daemon.credential_store.partition(' (')[0])}"
        texts = [*_wrap(running, width, "  ", 2), *texts]
    return [Line(text, Tone.FAINT) for text in texts]
