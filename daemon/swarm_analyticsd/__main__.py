"""``python -m swarm_analyticsd``."""

import sys

from swarm_analyticsd.cli import main

if __name__ == "__main__":
    sys.exit(main())
