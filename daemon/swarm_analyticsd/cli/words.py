"""Text for a terminal: strangers' text made harmless, times and amounts made readable."""

import unicodedata
from datetime import UTC, datetime

_UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def visible(text: object, limit: int | None = None) -> str:
    """`text` with everything escaped that could steer a terminal or hide in it; cut to `limit` characters."""
    escaped = "".join(
        _escape(character) if unicodedata.category(character) in _UNPRINTABLE else character
        for character in str(text)
    )
    if limit is not None and len(escaped) > limit:
        return escaped[: max(limit - 3, 0)] + "..."
    return escaped


def _escape(character: str) -> str:
    code = ord(character)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def span(seconds: float) -> str:
    """A length of time, as precise as a person needs it: ``42 s``, ``3 min``, ``5 h``, ``12 days``."""
    seconds = max(0.0, seconds)
    for limit, unit, name in ((90, 1, "s"), (90 * 60, 60, "min"), (48 * 3600, 3600, "h")):
        if seconds < limit:
            return f"{round(seconds / unit)} {name}"
    return f"{round(seconds / 86_400)} days"


def ago(then: float | None, now: float) -> str:
    return "never" if then is None else f"{span(now - then)} ago"


def at(then: float, now: float) -> str:
    """A moment as local time, with its date unless it is today: ``14:03:10``."""
    try:
        moment = datetime.fromtimestamp(then, UTC).astimezone()
        today = datetime.fromtimestamp(now, UTC).astimezone().date()
    except (OverflowError, OSError, ValueError):
        return f"Unix time {then:.0f}"
    return moment.strftime("%H:%M:%S" if moment.date() == today else "%Y-%m-%d %H:%M:%S")


def due(then: float, now: float) -> str:
    """A coming moment: ``at 14:03:10 (in 42 s)``, or ``now`` when it has come."""
    return "now" if then <= now else f"at {at(then, now)} (in {span(then - now)})"


def amount(number: int) -> str:
    return f"{number:,}"


def events(number: int) -> str:
    return f"{amount(number)} event{'' if number == 1 else 's'}"


def wait(number: int) -> str:
    """``1 event waits``, ``7 events wait``."""
    return f"{events(number)} wait{'s' if number == 1 else ''}"


def size(octets: int) -> str:
    if octets < 1000:
        return f"{octets} B"
    scaled, unit = octets / 1e3, "kB"
    if octets >= 1_000_000:
        scaled, unit = octets / 1e6, "MB"
    return f"{scaled:.1f} {unit}" if scaled < 10 else f"{scaled:,.0f} {unit}"
