"""What the daemon says to whoever runs it: on stderr, one line each, safe to look at in a terminal."""

import logging
import sys
import time
from typing import Final

QUIET: Final = ("aiohttp", "asyncio", "httpcore", "httpx", "keyring", "uvicorn.error")
"""Libraries whose lines below WARNING name URLs and say nothing new."""

_CONTROL: Final = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))}


class SafeFormatter(logging.Formatter):
    """UTC times; control characters are escaped, so that no text from outside acts on a terminal."""

    def converter(self, timestamp: float | None) -> time.struct_time:
        return time.gmtime(timestamp)

    def formatMessage(self, record: logging.LogRecord) -> str:
        record.message = record.message.translate(_CONTROL)
        return super().formatMessage(record)


def configure_logging(level: str) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        SafeFormatter("%(asctime)sZ %(levelname)s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%S")
    )
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
