"""How the program ends: for the shell, and for whoever started a daemon as a child."""

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes. Those of 64 and above are the ones of sysexits.h."""

    FINE = 0
    NO = 1
    """The answer is no: not drained, unknown id, unbalanced ledger."""

    USAGE = 2
    NO_DAEMON = 69
    """Nobody serves this home; what could be answered from its files was."""

    INTERNAL = 70
    HOME_TAKEN = 75
    UNFIT = 78
    """The home cannot be used as it is, or a newer version wrote it."""
