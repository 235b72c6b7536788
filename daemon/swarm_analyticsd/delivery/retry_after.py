"""Reading Retry-After (RFC 9110, section 10.2.3)."""

import re
from email.utils import mktime_tz, parsedate_tz
from typing import Final

from swarm_analyticsd import policy

_SECONDS: Final = re.compile(r"\s*([+-]?)([0-9]+)(?:\.[0-9]*)?\s*", re.ASCII)
_DIGITS_READ: Final = 12
"""More digits than this are beyond every clamp."""


def retry_after_s(value: str | None, *, date: str | None = None, now: float) -> float | None:
    """Seconds to wait, between 0 and a day; None where there is no header or it cannot be read.

    Takes delta seconds and the three forms of an HTTP date. A date counts from the answer's own ``Date``,
    where it has one, since our clock may be wrong. A time that has passed, or a negative delta, is 0.
    """
    if value is None:
        return None
    seconds = _SECONDS.fullmatch(value)
    if seconds is not None:
        sign, digits = seconds.groups()
        digits = digits.lstrip("0") or "0"
        wait = float(digits) if len(digits) <= _DIGITS_READ else policy.RETRY_AFTER_MOST_S
        return 0.0 if sign == "-" else min(wait, policy.RETRY_AFTER_MOST_S)
    until = _unix_time(value)
    if until is None:
        return None
    sent = _unix_time(date) if date is not None else None
    return min(max(until - (now if sent is None else sent), 0.0), policy.RETRY_AFTER_MOST_S)


def _unix_time(text: str) -> float | None:
    try:
        fields = parsedate_tz(text)
        return None if fields is None else float(mktime_tz(fields))
    except (ValueError, OverflowError, IndexError, TypeError):
        return None
