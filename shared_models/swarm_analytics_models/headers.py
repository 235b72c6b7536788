"""Which request headers a contract may name."""

import re
from typing import Final

_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+\Z")

DAEMON_ALONE: Final = frozenset(
    {
        "accept",
        "accept-encoding",
        "connection",
        "content-length",
        "content-type",
        "cookie",
        "expect",
        "host",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
    }
)
"""What the daemon sets itself, or never sends; lower case."""


def may_be_set(name: str) -> bool:
    """Whether `name` is a header's name (RFC 9110, section 5.1) that the daemon leaves to contracts."""
    return _NAME.match(name) is not None and name.lower() not in DAEMON_ALONE
