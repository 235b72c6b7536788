"""What goes into a SegOps client: events, traits, and who the user is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Event:
    """Something that a user did."""

    user_id: str
    event_type: str
    """Snake case is advised: ``order_placed``."""

    occurred_at: str | None = None
    """ISO 8601; None: the moment of the call."""

    payload: dict[str, Any] = field(default_factory=dict)
    anonymous_id: str | None = None
    """Left out of the request where it is None."""


@dataclass
class Context:
    """What is known of a user."""

    user_id: str
    traits: dict[str, Any] = field(default_factory=dict)


@dataclass
class UserContext:
    """For whom a public key opens sessions: what `get_user` returns."""

    user_id: str | None = None
    anonymous_id: str | None = None
    user_id_sig: str | None = field(default=None, repr=False)
    """From `sign_user_id`, on the app's backend."""

    user_id_ts: int | None = None
    """Unix seconds, beside `user_id_sig`. SegOps takes a signature for five minutes."""


def event_of(
    event: "Event | Mapping[str, Any] | None",
    user_id: str | None,
    event_type: str | None,
    occurred_at: str | None,
    payload: Mapping[str, Any] | None,
) -> Event:
    """The event that `track` was given; an event or mapping goes before keywords. Raises TypeError."""
    if isinstance(event, Event):
        return event
    if event is not None:
        return _event(event)
    if user_id is None or event_type is None:
        raise TypeError("track() needs an Event, a dict, or the keywords user_id and event_type")
    return Event(user_id, event_type, occurred_at, dict(payload or {}))


def _event(given: Mapping[str, Any]) -> Event:
    try:
        return Event(
            given["user_id"],
            given["event_type"],
            given.get("occurred_at"),
            given.get("payload") or {},
            given.get("anonymous_id"),
        )
    except KeyError as error:
        raise TypeError(f"the event lacks {error}; give it user_id and event_type") from None


def context_of(
    context: "Context | Mapping[str, Any] | None", user_id: str | None, traits: Mapping[str, Any] | None
) -> Context:
    """What `identify` was given; a context or mapping goes before keywords. Raises TypeError."""
    if isinstance(context, Context):
        return context
    if context is not None:
        if "user_id" not in context:
            raise TypeError("the context lacks 'user_id'; give it user_id and traits")
        return Context(context["user_id"], context.get("traits") or {})
    if user_id is None:
        raise TypeError("identify() needs a Context, a dict, or the keyword user_id")
    return Context(user_id, dict(traits or {}))


def user_of(given: "UserContext | Mapping[str, Any]") -> UserContext:
    """What `get_user` returned; the dict of `sign_user_id` is as good. Raises TypeError."""
    if isinstance(given, UserContext):
        return given
    if isinstance(given, Mapping):
        return UserContext(**given)
    raise TypeError(f"get_user must return a UserContext or a dict, not {type(given).__name__}")
