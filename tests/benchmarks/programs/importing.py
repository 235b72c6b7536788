"""``importing.py STATEMENTS``: milliseconds and MiB of resident memory that they add, as JSON.

Imports nothing before but what measuring needs.
"""

import os
import sys
import time


def resident_mib() -> float:
    try:
        with open("/proc/self/statm") as pages:
            return int(pages.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1024**2
    except FileNotFoundError:
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2  # bytes on macOS


def main() -> None:
    statements = compile(sys.argv[1], "statements", "exec")
    memory, began = resident_mib(), time.perf_counter()
    exec(statements, {"__name__": "app"})  # noqa: S102
    taken, added = time.perf_counter() - began, resident_mib() - memory
    print(f'{{"ms": {taken * 1000}, "mib": {added}}}')


if __name__ == "__main__":
    main()
