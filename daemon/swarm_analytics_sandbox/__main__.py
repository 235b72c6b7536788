"""``python -m swarm_analytics_sandbox``."""

import argparse
import sys
from pathlib import Path

from swarm_analytics_sandbox.serve import run
from swarm_analytics_sandbox.service import KEPT
from swarm_analytics_sandbox.tokens import TOKEN_LIFE_S


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="swarm-analyticsd sandbox",
        description="A stand-in for the services: prints one JSON line with its base URL, then serves.",
    )
    parser.add_argument("--port", type=int, default=0, help="0 (the default) takes a free one")
    parser.add_argument("--script", type=Path, help="JSON file of scripted faults")
    parser.add_argument(
        "--ledger", type=Path, help="append every good event here; read back at the next start"
    )
    parser.add_argument(
        "--token-life", type=float, default=TOKEN_LIFE_S, help="seconds a minted token is valid"
    )
    parser.add_argument("--keep", type=int, default=KEPT, help="events and requests kept to be looked at")
    parser.add_argument("--parent-pipe", action="store_true", help="end when stdin closes")
    parser.add_argument(
        "--service", action="append", metavar="NAME", help="stand in for this one only; may be repeated"
    )
    chosen = parser.parse_args()
    return run(
        chosen.port,
        chosen.script,
        ledger=chosen.ledger,
        token_life_s=chosen.token_life,
        keep=chosen.keep,
        names=chosen.service,
        parent_pipe=chosen.parent_pipe,
    )


if __name__ == "__main__":
    sys.exit(main())
