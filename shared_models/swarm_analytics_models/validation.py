"""What a failed validation tells people: places and reasons, never values, which may be secret."""

from typing import Final

from pydantic import ValidationError

MOST_TOLD: Final = 3
"""Faults: who mends these finds the others, and the text stays readable."""

_WHOLE: Final = "the body"


def reasons(error: ValidationError) -> str:
    """The first faults, each with its place and what is wrong with it."""
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    told = "; ".join(f"{_place(fault['loc'])}: {fault['msg']}" for fault in faults[:MOST_TOLD])
    return told if len(faults) <= MOST_TOLD else f"{told} (and {len(faults) - MOST_TOLD} more)"


def places(error: ValidationError) -> str:
    """Where the first faults are."""
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    return ", ".join(_place(fault["loc"]) for fault in faults[:MOST_TOLD])


def _place(steps: tuple[int | str, ...]) -> str:
    return ".".join(map(str, steps)) or _WHOLE
