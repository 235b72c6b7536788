"""Finds the user's decisions, to opt out or in again, among lines of events. Pure."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pydantic_core import from_json

from swarm_analyticsd.intake.admission import screen
from swarm_analyticsd.intake.routes import RouteBook


@dataclass(frozen=True, slots=True)
class Decision:
    """An event by which the user opted out or in again."""

    offset: int
    service: str
    opted_out: bool
    key: str


def decisions(data: bytes, *, at: int, book: RouteBook, mint: Callable[[], str]) -> Iterator[Decision]:
    """The user's decisions in whole lines that start at `at`. Costs next to nothing where there is none."""
    if not any(route in data for route in book.opt_outs):
        return
    offset = at
    for line in data.split(b"\n"):
        if any(route in line for route in book.opt_outs):
            for event in screen(
                line, at=offset, journal=None, book=book, now=0.0, mint=mint
            ).admission.events:
                name = book.plan(event.service, event.route).route.opt_out_field
                if name is not None:
                    yield Decision(offset, event.service, bool(from_json(event.body)[name]), event.key)
        offset += len(line) + 1
