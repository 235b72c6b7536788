"""Sends lines of 300 bytes over TCP to 127.0.0.1, as fast as they are taken, or until the connection breaks.

``feed.py PORT LINES``. Prints how many lines the system took in whole, and the first and the last moment
(time.monotonic()).
"""

import json
import socket
import sys
import time
import uuid
from typing import Final

LINE_BYTES: Final = 300


def main() -> None:
    port, count = int(sys.argv[1]), int(sys.argv[2])
    mark = uuid.uuid4()
    sent = 0
    with socket.create_connection(("127.0.0.1", port)) as connection:
        began = time.monotonic()
        try:
            for number in range(count):
                connection.sendall(f"bench-key-{mark}-{number} ".ljust(LINE_BYTES - 1, "x").encode() + b"\n")
                sent += 1
        except OSError as broken:
            print(broken, file=sys.stderr)
        ended = time.monotonic()
    print(json.dumps({"sent": sent, "began": began, "ended": ended}), flush=True)


if __name__ == "__main__":
    main()
