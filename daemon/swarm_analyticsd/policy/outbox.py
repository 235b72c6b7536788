"""How the outbox is written, read, kept within its bounds and looked after."""

from typing import Final

from swarm_analyticsd.policy.delivery import RETRY_AFTER_MOST_S

GROUP_OPERATIONS: Final = 4_096
"""Most operations in one commit: bounds what a failing one makes run again."""

FAST_SYNC_S: Final = 0.5
"""Seconds after which `fast` syncs a commit: half of the second it promises, the rest is for a slow disk."""

BUSY_TIMEOUT_MS: Final = 100
"""Milliseconds to wait for another program that looks into the file; the daemon itself never competes."""

LOG_PAGES: Final = 4_000
"""Pages of 4 KiB in SQLite's log before it is copied into the file: 16 MB, a copy every second in a flood."""

LOG_KEPT_BYTES: Final = 32 * 1024 * 1024
"""Bytes to which the log's file is cut after a copy."""

CACHE_KIB: Final = 8 * 1024
"""SQLite's page cache in KiB: the indexes' edges, where all the work is, take a tenth of it."""

STEP_ROWS: Final = 1_000
"""Rows that a walk over the outbox reads at a time: about 5 ms."""

SWEEP_ROWS: Final = 5_000
"""Rows of shut routes that one claim sets aside at most: about 50 ms."""

FRESH_SHARE: Final = 4
"""One place in so many goes to the newest events, so that a backlog of days does not make today's late."""

LOSSES_BEFORE_ALONE: Final = 3
"""Lost leases after which a row travels alone: hosts that kill their children at every quit cost it that."""

DEATHS_WHEN_ALONE: Final = 3
"""Deaths of the daemon over such a row, while handled and not on the network, after which it is dead."""

ROW_BYTES: Final = 300
"""Bytes a row takes besides its body, its index entries included: measured with a million rows."""

EVICT_DOWN_TO: Final = 0.98
"""Share of the cap to which an eviction goes, so that the next few thousand events need none."""

EVICT_ROWS: Final = 5_000
"""Rows that one commit evicts at most: about 100 ms, and more than one commit brings."""

FREE_FLOOR_BYTES: Final = 64 * 1024 * 1024
FREE_FLOOR_SHARE: Final = 0.05
"""Free space, in bytes or as a share of the file system if that is less, under which diagnostics are not
accepted any more; under half of it, neither are product events."""

LEAN_BELOW_BYTES: Final = 128 * 1024 * 1024
"""Free bytes under which the log is copied into the file after each commit, at the cost of
a quarter of the speed: a log of full length and its copy fit twice."""

BALLAST_BYTES: Final = 256 * 1024
"""Bytes given back to a full disk, so that settling and erasing can still commit."""

TRAIL_ROWS: Final = 200_000
"""Settled events whose trail is kept: 80 MB at most, a quiet week or a busy hour."""

RESTART_GAP_MOST_S: Final = 86_400.0
"""Most seconds of observed time that pass between two starts, whatever the wall clock says: it may have
jumped, and one day of thirty expires nothing that a person would miss."""

LONGEST_DELAY_S: Final = RETRY_AFTER_MOST_S
"""Seconds that a queued event may wait at most for its next try: the longest Retry-After that is obeyed.
After a jump of the clock nothing is due later than that."""

REPORT_LIMIT_S: Final = 2.0
"""Seconds a report may read: a reader keeps the log from being cut."""

REPORT_CHECK_STEPS: Final = 10_000
"""Steps of SQLite's machine between two looks at that limit: about 0.1 ms."""

RECOUNT_ROWS: Final = 50_000
"""Rows up to which `status` counts anew what the ledger says; beyond it trusts the sums: about 10 ms."""

VACUUM_PAGES: Final = 2_000
"""Pages given back at a time: 8 MB, about 20 ms."""

UPKEEP_INTERVAL_S: Final = 60.0
"""Seconds between two rounds: the one wake-up a minute that an idle daemon allows itself."""

OBSERVE_INTERVAL_S: Final = 900.0
"""Seconds between two commits that only keep the observed time: what a crash may cost an event's age."""

TIDY_INTERVAL_S: Final = 600.0
"""Seconds between two rounds of forgetting old trails and giving space back."""

CLOCK_JUMP_S: Final = 30.0
"""Seconds by which the wall clock may part from the monotonic one between two rounds before it counts as a
jump: corrections of a running clock are far smaller."""
