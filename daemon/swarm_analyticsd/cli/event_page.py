"""Events for a person: the list of `events` and `dead list`, the story of `why`. Pure."""

import json
from collections.abc import Iterator, Sequence
from typing import Final

from swarm_analytics_models.api import ConfigAnswer
from swarm_analytics_models.status import EventDetail, EventSummary
from swarm_analyticsd.cli.words import ago, amount, at, due, size, span, visible

_COLUMNS: Final = "{:<36} {:<9} {:>7} {:>5}  {}"
_ENDED: Final = frozenset({"delivered", "expired", "evicted", "withdrawn"})


def event_list(events: Sequence[EventSummary], now: float) -> Iterator[str]:
    """One line an event, and a second where something went wrong with it."""
    yield _COLUMNS.format("id", "state", "age", "tries", "route")
    for event in events:
        yield _COLUMNS.format(
            visible(event.id),
            visible(event.state),
            span(now - event.accepted_at),
            event.attempts,
            f"{visible(event.service)} {visible(event.route)}",
        ).rstrip()
        if event.state not in _ENDED and (trouble := event.last_error or event.held_reason):
            yield f"    {visible(trouble, 200)}"


def story(event: EventDetail, now: float) -> Iterator[str]:
    """What is known of an event, a sentence a line."""
    whose = f" for {visible(event.destination)}" if event.destination else ", bound to no destination yet"
    yield f"{visible(event.id)} is {visible(event.service)} {visible(event.route)}{whose}."
    yield (
        f"It was accepted at {at(event.accepted_at, now)} ({ago(event.accepted_at, now)}): "
        f"{visible(event.category)}, {size(event.size_bytes)}."
    )
    yield _where(event, now)
    if event.behind and event.behind not in event.explanation:
        yield f"It goes after {visible(event.behind)}, to keep the order of {visible(event.ordering_key)}."
    yield from _tries(event, now)


def _where(event: EventDetail, now: float) -> str:
    held = f" ({visible(event.held_reason)})" if event.held_reason else ""
    why = f". {visible(event.explanation)}" if event.explanation else "."
    if event.settled_at is None:
        return f"It is {visible(event.state)}{held}{why}"
    verb, since = ("was", "at") if event.state in _ENDED else ("is", "since")
    return f"It {verb} {visible(event.state)}{held} {since} {at(event.settled_at, now)}{why}"


def _tries(event: EventDetail, now: float) -> Iterator[str]:
    if event.attempts:
        yield "It was sent once." if event.attempts == 1 else f"It was sent {amount(event.attempts)} times."
    else:
        yield "It was never sent."
    if event.last_error and event.last_error not in event.explanation:
        yield f"The last answer or error: {visible(event.last_error)}."
    if event.state == "queued" and event.due_at is not None:
        yield f"The next try is {due(event.due_at, now)}."


def body_text(event: EventDetail) -> str:
    """The body as JSON in ASCII, so that nothing in it can steer a terminal."""
    if event.body is None:
        return "Its body is not kept: only events that are queued, held or dead have one."
    return json.dumps(event.body, indent=2, ensure_ascii=True)


def setting_list(answer: ConfigAnswer) -> Iterator[str]:
    """A line a setting: name, value, and what set it."""
    wide = max((len(name) for name in answer.settings), default=0)
    for name, setting in sorted(answer.settings.items()):
        origin = "default" if setting.source == "default" else f"{setting.source}: {visible(setting.where)}"
        yield f"{visible(name):<{wide}}  {visible(json.dumps(setting.value))}  ({origin})"
