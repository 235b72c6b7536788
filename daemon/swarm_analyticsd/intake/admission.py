"""Screens lines: what may go into the outbox, and why not the rest. Pure; a bad line harms no neighbour."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import from_json

from swarm_analytics_models.api import EVENT_ID_PATTERN
from swarm_analytics_models.handoff import (
    MAX_KEY_CHARACTERS,
    MAX_LINE_BYTES,
    DeliverySettings,
    DestinationLine,
    EventLine,
    Refusal,
    RefusalCode,
)
from swarm_analytics_models.identifiers import Destination, InvalidBaseUrl
from swarm_analytics_models.values import MAX_BODY_BYTES
from swarm_analyticsd import policy
from swarm_analyticsd.intake.refusals import CORRECT, Unacceptable, invalid, overlong, torn
from swarm_analyticsd.intake.routes import RouteBook, RoutePlan
from swarm_analyticsd.outbox.rows import Admission, NewEvent

_NAMED_KEY: Final = re.compile(EVENT_ID_PATTERN)
_MINTED_KEY: Final = re.compile(rf"[A-Za-z0-9._:-]{{1,{MAX_KEY_CHARACTERS}}}\Z")
"""May go into a header; one that callers name for the body may be any text."""


@dataclass(frozen=True, slots=True)
class Screened:
    """What screening made of some lines."""

    admission: Admission
    refusals: tuple[Refusal, ...]
    """At most `REFUSALS_KEPT`; `admission.refused` counts them all."""

    clients: frozenset[str]


class _Screening:
    """One call's intermediate results."""

    def __init__(self, book: RouteBook, now: float, mint: Callable[[], str]) -> None:
        self.book = book
        self.now = now
        self.mint = mint
        self.events: list[NewEvent] = []
        self.destinations: list[Destination] = []
        self.settings: dict[str, DeliverySettings] = {}
        self.refusals: list[Refusal] = []
        self.refused = 0

    def line(self, line: bytes, offset: int) -> None:
        record: Any = None
        try:
            record = _parse(line)
            self._record(record, offset)
        except Unacceptable as problem:
            self.refuse(problem, offset, record if isinstance(record, dict) else {})

    def _record(self, record: dict[str, Any], offset: int) -> None:
        kind = record.get("type", "event")
        if kind == "event":
            self.events.append(self._event(record, offset))
        elif kind == "destination":
            self.destinations.append(self._destination(record))
        else:
            raise Unacceptable(
                RefusalCode.UNKNOWN_TYPE,
                f"a line of type {str(kind)[:40]!r} is not an event",
                "Send lines of type event or destination.",
            )

    def _destination(self, record: dict[str, Any]) -> Destination:
        try:
            line = DestinationLine.model_validate(record)
            destination = line.destination()
            ref = destination.ref
        except ValidationError as error:
            raise invalid("destination", error) from error
        except InvalidBaseUrl as error:
            raise Unacceptable(RefusalCode.INVALID, str(error), "Correct the base URL.") from error
        self.book.service(destination.service)
        if line.settings is not None:
            self.settings[ref] = line.settings
        return destination

    def _event(self, record: dict[str, Any], offset: int) -> NewEvent:
        try:
            line = EventLine.model_validate(record)
        except ValidationError as error:
            raise invalid("event", error) from error
        plan = self.book.plan(line.service, line.route)
        key, body = self._stamp(plan, line)
        try:
            payload = plan.route.request.model_validate(body)
            canonical = payload.__pydantic_serializer__.to_json(payload, by_alias=True)
        except ValidationError as error:
            raise invalid(line.route, error) from error
        except ValueError as error:
            raise Unacceptable(RefusalCode.INVALID, f"{line.route}: {error}", CORRECT) from error
        if len(canonical) > MAX_BODY_BYTES:
            raise Unacceptable(
                RefusalCode.TOO_LARGE,
                f"{line.route}: the body has {len(canonical):,} bytes",
                f"Keep bodies under {MAX_BODY_BYTES:,} bytes; split or shorten it.",
            )
        return NewEvent(
            offset=offset,
            service=line.service,
            destination=line.destination,
            route=line.route,
            category=plan.route.category,
            priority=plan.policy.priority,
            muted_without_consent=plan.policy.muted,
            evictable=plan.policy.evictable,
            ordering_key=plan.ordering(payload),
            key=key,
            body=canonical,
            client=line.client,
            resource=plan.resource(payload),
        )

    def _stamp(self, plan: RoutePlan, line: EventLine) -> tuple[str, dict[str, Any]]:
        """The line's key and body, with what a hand-written line leaves out filled in."""
        if not isinstance(line.body, dict):
            raise Unacceptable(RefusalCode.INVALID, f"{line.route}: the body is not an object", CORRECT)
        body: dict[str, Any] = line.body
        stated = body.get(plan.key_field) if plan.key_field is not None else None
        key = line.key or (stated if isinstance(stated, str) else None) or self.mint()
        if not (_NAMED_KEY if plan.named_by_caller else _MINTED_KEY).match(key):
            allowed = "printable characters" if plan.named_by_caller else "letters, digits and . _ : -"
            raise Unacceptable(
                RefusalCode.INVALID,
                f"{line.route}: the key has characters or a length that keys do not have",
                f"Use a UUID, or up to {MAX_KEY_CHARACTERS} {allowed}",
            )
        if plan.key_field is not None:
            if stated is not None and stated != key:
                raise Unacceptable(
                    RefusalCode.INVALID,
                    f"{line.route}: body.{plan.key_field} differs from the line's key",
                    "Make them equal, or leave one of them out.",
                )
            body[plan.key_field] = key
        if plan.stamped_ts:
            body.setdefault("ts", self.now)
        return key, body

    def refuse(self, problem: Unacceptable, offset: int, record: Mapping[str, Any]) -> None:
        self.refused += 1
        if len(self.refusals) < policy.REFUSALS_KEPT:
            named = {
                name: value[: policy.REFUSAL_CHARACTERS]
                for name in ("client", "route", "key")
                if isinstance(value := record.get(name), str)
            }
            self.refusals.append(
                Refusal(offset=offset, code=problem.code, message=problem.message, hint=problem.hint, **named)
            )


def _parse(line: bytes) -> dict[str, Any]:
    if len(line) >= MAX_LINE_BYTES:  # its newline counts, and is not in `line`
        raise overlong(len(line) + 1)
    try:
        record = from_json(line, allow_inf_nan=False)
    except ValueError as error:
        raise Unacceptable(
            RefusalCode.GARBLED, f"not JSON: {error}", "Send one JSON object a line, in UTF-8."
        ) from error
    if not isinstance(record, dict):
        raise Unacceptable(RefusalCode.GARBLED, "not a JSON object", "Send one JSON object a line.")
    return record


def screen(
    data: bytes,
    *,
    at: int,
    journal: str | None,
    book: RouteBook,
    now: float,
    mint: Callable[[], str],
) -> Screened:
    """Screen whole lines that start at position `at`. Blank lines (erased events) are skipped."""
    screening = _Screening(book, now, mint)
    offset = at
    for line in data.split(b"\n"):
        if line and not line.isspace():
            screening.line(line, offset)
        offset += len(line) + 1
    return _screened(screening, journal, at, at + len(data))


def refuse_overlong(length: int, *, at: int, journal: str | None, book: RouteBook) -> Screened:
    """Refuse a line whose bytes were too many to keep."""
    screening = _Screening(book, 0.0, str)
    screening.refuse(overlong(length), at, {})
    return _screened(screening, journal, at, at + length)


def refuse_torn(length: int, *, at: int, journal: str, book: RouteBook) -> Screened:
    """Refuse the unfinished last line of an app that is dead."""
    screening = _Screening(book, 0.0, str)
    screening.refuse(torn(length), at, {})
    return _screened(screening, journal, at, at + length)


def _screened(screening: _Screening, journal: str | None, at: int, end: int) -> Screened:
    admission = Admission(
        events=tuple(screening.events),
        destinations=tuple(screening.destinations),
        settings=screening.settings,
        journal=journal,
        start=at,
        end=end,
        refused=screening.refused,
    )
    clients = frozenset(event.client for event in screening.events if event.client is not None)
    return Screened(admission, tuple(screening.refusals), clients)
