"""What the service took: counted exactly, deduplicated, and the newest kept to be looked at.

With a file, every accepted event is appended to it before it is acknowledged, and counts survive a kill.
"""

import hashlib
import json
import os
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, assert_never

from swarm_analytics_models.contract import Route
from swarm_analytics_models.idempotency import KeyInBody, KeyInHeader, NaturallyIdempotent, NotIdempotent


class Effect(StrEnum):
    """What a valid event did."""

    UNIQUE = "unique"
    """It had an effect: a key not seen before, or an upsert that changed the value."""

    DUPLICATE = "duplicate"
    """The same key with the same body, or an upsert that changed nothing."""

    CONFLICT = "conflict"
    """The same key with another body: the first one stays."""


@dataclass(slots=True)
class Counts:
    """`received` = `unique` + `duplicates` + `conflicts` + `bad`."""

    received: int = 0
    unique: int = 0
    duplicates: int = 0
    conflicts: int = 0
    bad: int = 0

    def add(self, effect: Effect | None) -> None:
        self.received += 1
        match effect:
            case None:
                self.bad += 1
            case Effect.UNIQUE:
                self.unique += 1
            case Effect.DUPLICATE:
                self.duplicates += 1
            case Effect.CONFLICT:
                self.conflicts += 1
            case _:
                assert_never(effect)


@dataclass(frozen=True, slots=True)
class GoodEvent:
    """A valid event."""

    service: str
    route: str
    install_id: str
    key: str | None
    by_value: bool
    """An upsert: what counts is whether it changes the value."""

    digest: str
    """Equal for byte-identical bodies."""

    received_at: float
    body: bytes
    resource: str = ""
    """What of the service's it concerns, where its path names one."""


@dataclass(frozen=True, slots=True)
class BadEvent:
    """A body that the service refused, as it came."""

    received_at: float
    service: str
    route: str
    install_id: str
    reason: Any
    body: bytes


def key_of(route: Route, body: Any, headers: list[tuple[bytes, bytes]]) -> str | None:
    """What the service would recognise a repetition by; None where it keeps no key."""
    match route.idempotency:
        case KeyInBody(field=name):
            return str(getattr(body, _attribute(route, name)))
        case KeyInHeader(headers=names):
            wanted = names[0].lower().encode()
            return next((value.decode("latin-1") for header, value in headers if header == wanted), None)
        case NaturallyIdempotent() | NotIdempotent():
            return None


def _attribute(route: Route, wire_name: str) -> str:
    for name, info in route.request.model_fields.items():
        if wire_name in (name, info.alias, info.serialization_alias):
            return name
    raise KeyError(wire_name)


class Ledger:
    def __init__(self, *, keep: int, file: Path | None = None) -> None:
        self._keep = keep
        self._file = file
        self._descriptor: int | None = None
        self.clear()
        if file is not None:
            self._replay(file)
            self._descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def clear(self) -> None:
        """Forget everything, in the file too."""
        self.total = Counts()
        self.by_route: dict[str, dict[str, Counts]] = {}
        self.by_install: dict[str, dict[str, Counts]] = {}
        self.good: deque[GoodEvent] = deque(maxlen=self._keep)
        self.bad: deque[BadEvent] = deque(maxlen=self._keep)
        self._seen: dict[tuple[str, ...], str] = {}
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)

    def accept(
        self, service: str, route: Route, install_id: str, key: str | None, body: bytes, resource: str = ""
    ) -> Effect:
        """Take a valid event; it is in the file when this returns."""
        body = body or b"null"
        if b"\n" in body or b"\r" in body:
            body = body.replace(b"\r", b" ").replace(b"\n", b" ")
        event = GoodEvent(
            service,
            route.key,
            install_id,
            key,
            isinstance(route.idempotency, NaturallyIdempotent),
            hashlib.blake2b(body, digest_size=8).hexdigest(),
            time.time(),
            body,
            resource,
        )
        if self._descriptor is not None:
            os.write(self._descriptor, _line(event))
        return self._take(event)

    def refuse(self, service: str, route: Route, install_id: str, reason: Any, body: bytes) -> None:
        self.bad.append(BadEvent(time.time(), service, route.key, install_id, reason, body))
        self._count(service, route.key, install_id, None)

    def _take(self, event: GoodEvent) -> Effect:
        effect = self._effect(event)
        self._count(event.service, event.route, event.install_id, effect)
        if effect is Effect.UNIQUE:
            self.good.append(event)
        return effect

    def _effect(self, event: GoodEvent) -> Effect:
        if event.by_value:
            place = (event.service, event.install_id, "value", event.route, event.resource)
            changed = self._seen.get(place) != event.digest
            self._seen[place] = event.digest
            return Effect.UNIQUE if changed else Effect.DUPLICATE
        if event.key is None:
            return Effect.UNIQUE
        place = (event.service, event.install_id, "key", event.key, event.resource)
        first = self._seen.get(place)
        if first is None:
            self._seen[place] = event.digest
            return Effect.UNIQUE
        return Effect.DUPLICATE if first == event.digest else Effect.CONFLICT

    def _count(self, service: str, route: str, install_id: str, effect: Effect | None) -> None:
        self.total.add(effect)
        self.by_route.setdefault(service, {}).setdefault(route, Counts()).add(effect)
        self.by_install.setdefault(service, {}).setdefault(install_id, Counts()).add(effect)

    def _replay(self, file: Path) -> None:
        for line in _whole_lines(file):
            self._take(_event(line))


_BODY: Final = b',"body":'


def _line(event: GoodEvent) -> bytes:
    head = asdict(event)
    body = head.pop("body")
    return b"%b%b%b}\n" % (json.dumps(head)[:-1].encode(), _BODY, body)


def _event(line: bytes) -> GoodEvent:
    head, _, body = line.partition(_BODY)
    return GoodEvent(**json.loads(head + b"}"), body=body.removesuffix(b"}"))


def _whole_lines(file: Path) -> Iterator[bytes]:
    """The file's lines; a torn last one, which was never acknowledged, is cut off."""
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        return
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        os.truncate(file, whole)
    yield from content[:whole].split(b"\n")[:-1]
