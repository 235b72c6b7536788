"""The floor: appends of 300 bytes to a file, at a pace or in a flood, with or without fdatasync.

``appends.py DIRECTORY APPENDS INTERVAL_S synced|plain``. Prints milliseconds: percentiles and the longest.
"""

import json
import os
import sys
import tempfile
import time
from typing import Final

DATA: Final = b"x" * 299 + b"\n"


def share(values: list[float], part: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))] * 1000


def main() -> None:
    directory, count, interval, way = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), sys.argv[4]
    taken = []
    with tempfile.NamedTemporaryFile(dir=directory, buffering=0) as file:
        descriptor = file.fileno()
        due = time.perf_counter()
        for _ in range(count):
            if interval:
                due += interval
                time.sleep(max(0.0, due - time.perf_counter()))
            start = time.perf_counter()
            os.write(descriptor, DATA)
            if way == "synced":
                getattr(os, "fdatasync", os.fsync)(descriptor)
            taken.append(time.perf_counter() - start)
    print(json.dumps({"p50": share(taken, 0.5), "p99": share(taken, 0.99), "max": max(taken) * 1000}))


if __name__ == "__main__":
    main()
