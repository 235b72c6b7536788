"""How calls are brokered. Retries, time-outs and breakers are the contract's, or the caller's own."""

from typing import Final

CALL_ERROR_BYTES: Final = 64 * 1024
"""Bytes of an error's body that are parsed; beyond it, it is told as text."""

CALL_TEXT_CHARACTERS: Final = 2_000
"""Characters told of an error's body that is no JSON: enough to recognise a gateway's page."""

CALL_MESSAGE_CHARACTERS: Final = 1_000
"""Characters of a service's own message."""

CALL_FIELD_CHARACTERS: Final = 200
"""Characters of a request id or an error code."""

CALL_CACHE_BYTES: Final = 4 * 1024 * 1024
"""Bytes of cached answers for one credential and one set of settings: a model list has a hundred kB."""

CALL_POOLS: Final = 64
"""Sets of settings and credentials remembered, each with its connections, breaker and cache; beyond it the
one used least recently goes, if nothing is in flight in it."""

CALL_SECRET_CHARACTERS: Final = 8
"""Least length of a credential that is looked for in answers: shorter ones occur by chance."""

RETRIED_STATUSES: Final = frozenset({408, 425})
"""Below 500, and yet the service's trouble: it may do better at the next try."""
