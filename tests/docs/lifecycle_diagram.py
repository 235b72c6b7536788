"""Renders the life of an outbox row from its table into ARCHITECTURE.md; ``--write`` updates it."""

import sys
from collections import defaultdict
from pathlib import Path
from typing import Final

from swarm_analyticsd.outbox.lifecycle import TRANSITIONS, State

ARCHITECTURE: Final = Path(__file__).resolve().parents[2] / "ARCHITECTURE.md"
BEGIN: Final = "<!-- life of a row: rendered from outbox/lifecycle.py -->\n"
END: Final = "<!-- end of the rendered part -->\n"


def render() -> str:
    """The table as a Mermaid state diagram; triggers that lead the same way share an arrow."""
    arrows: dict[tuple[State, State], list[str]] = defaultdict(list)
    for (state, trigger), following in TRANSITIONS.items():
        arrows[state, following].append(trigger)
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {State.QUEUED}: accepted"]
    lines += [f"    {a} --> {b}: {', '.join(triggers)}" for (a, b), triggers in arrows.items()]
    ends = [state for state in State if all(state is not a for a, _ in arrows)]
    lines += [f"    {state} --> [*]" for state in ends]
    return "\n".join([*lines, "```", ""])


def rendered_part(document: str) -> str:
    """What stands between the two marks."""
    return document.split(BEGIN, 1)[1].split(END, 1)[0]


def replaced(document: str) -> str:
    """The document with the part between the marks rendered anew."""
    before, rest = document.split(BEGIN, 1)
    return before + BEGIN + render() + END + rest.split(END, 1)[1]


if __name__ == "__main__":
    current = ARCHITECTURE.read_text()
    wanted = replaced(current)
    if "--write" in sys.argv:
        ARCHITECTURE.write_text(wanted)
    elif current != wanted:
        sys.exit("ARCHITECTURE.md is stale; run: python tests/docs/lifecycle_diagram.py --write")
