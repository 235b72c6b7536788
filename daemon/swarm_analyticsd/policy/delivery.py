"""When and how much is sent, what a failure costs, and how a credential is renewed."""

from typing import Final

BACKOFF_FIRST_S: Final = 1.0
"""Seconds: the longest wait after a first failure; each further one doubles it up to the cap."""

SERVICE_BACKOFF_MOST_S: Final = 300.0
"""Cap in seconds while a service answers badly: twelve probes an hour from each home at the least."""

OFFLINE_BACKOFF_MOST_S: Final = 60.0
"""Cap in seconds while nothing can be sent at all: such a try costs the service nothing, and a laptop that is
back on line should not sit idle for minutes."""

EVENT_BACKOFF_MOST_S: Final = 300.0
"""Cap in seconds for an event that alone keeps failing."""

EVENT_STRIKES: Final = 8
"""Failures that are the event's own before it is dead: about two minutes of waits in the mean."""

FAULTY_ROW_PAUSE_S: Final = 300.0
"""Seconds until an event is tried again over which our own code stumbled; that never counts against it."""

ROUTE_PROBE_FIRST_S: Final = 30.0
ROUTE_PROBE_MOST_S: Final = 3_600.0
"""Seconds until one event probes a shut route: within 30, 60, 120 ... 3600."""

ROUTE_PROBES: Final = 2
"""Held events freed to probe a shut route, so that the one that shut it need not be the one that leaves."""

RETRY_AFTER_MOST_S: Final = 86_400.0
"""Longest Retry-After obeyed, in seconds: a day, the longest quota period; more is the service's mistake."""

RESPONSE_BYTES: Final = 64 * 1024
"""Bytes read of an answer. Acknowledgements and tokens are far smaller; the rest of a longer one is left."""

ERROR_CHARACTERS: Final = 300
"""Characters kept of what went wrong with an event."""

KEEP_ALIVE_TO_SERVICE_S: Final = 4.0
"""Seconds an idle connection is kept: less than the 5 s of uvicorn and Node, lest they close it first."""

LONGEST_NAP_S: Final = 60.0
"""Longest sleep in seconds while events wait: timers stand still while a laptop sleeps."""

WINDOW_FIRST: Final = 8.0
"""Requests in flight to a service at first; doubles for each round trip until it hurts."""

WINDOW_REOPENED: Final = 1.0
"""Requests in flight after a breaker closed again: the ramp starts from one."""

WINDOW_LEAST: Final = 1.0
WINDOW_MOST: Final = 128.0
"""Most requests in flight to one destination: 2,300 a second at 50 ms; beyond it nothing is gained."""

WINDOW_SLOWER: Final = 2.0
"""Times its best latency at which a service counts as loaded: the window then stops growing."""

WINDOW_NOISE_S: Final = 0.02
"""Latency in seconds below which differences say more about this machine than about the service."""

WINDOW_WEIGHT: Final = 0.1
"""Share of the newest latency in the smoothed one."""

WINDOW_DRIFT: Final = 1.001
"""Growth of the remembered best latency for each answer, so that a better past is forgotten in time."""

IN_FLIGHT_BYTES: Final = 16 * 1024 * 1024
"""Bytes of bodies in memory for one destination, so that 128 events of the largest size do not add up."""

LANE_RESTART_S: Final = 5.0
"""Seconds until a lane is tried again over which our own code, or the disk, stumbled."""

KEYRING_LIMIT_S: Final = 5.0
"""Seconds a keyring may take (some ask a person to unlock them); after that secrets go to the file."""

REGISTRATION_MOST_S: Final = 300.0
"""Cap in seconds of the waits between registrations that failed."""

REGISTRATION_REFUSED_MOST_S: Final = 3_600.0
"""Cap in seconds while the service refuses the install id, or the tokens that it has just minted."""

REGISTRATION_LEAST_S: Final = 1.0
"""Least wait in seconds after a registration that did not help."""

SECRET_CHARACTERS: Final = 16_384
"""Longest credential: far above any token, below what servers take as a header."""

NONCE_BYTES: Final = 16
"""Random bytes of a nonce: 2^64 signatures until one is likely to come twice, in 32 characters."""

TOKENS_KEPT_CHARACTERS: Final = 1_200
"""Characters of minted tokens kept in the vault for one destination: Windows' keyring takes 1,280 of one
secret. Those that live longest are kept, the others are minted again after a restart."""

REFUSED_KEY_LENT_FIRST_S: Final = 1.0
REFUSED_KEY_LENT_MOST_S: Final = 30.0
"""Seconds until a call may try a refused key again: 1, 2, 4 ... 30. Somebody waits for that call's answer,
and a service is not asked in vain more than a few thousand times a day."""

SIGNATURE_ASKED_EVERY_S: Final = 20.0
"""Least seconds between two requests for the same user's fresh signature: an app asks its backend for one,
and in a session's last minute may be asked twice more."""

KEY_FILE_LOOK_S: Final = 10.0
"""Seconds between looks at a key file that has no usable key, while events wait for one."""
