"""What travels between an app and the daemon: one JSON object a line, on the socket, in a journal, over HTTP.

App to daemon: `Hello` opens a connection (and again when the app starts a new journal segment); then
`DestinationLine` declares where events go, and `EventLine` is one event. A journal holds the same
destination and event lines, byte for byte. Daemon to app: `Welcome`, `Receipt`, `Dropped`, `ConsentChanged`,
`ProtocolError`. Unknown fields are ignored and unknown kinds of daemon message are skipped, so that either
side may be the older one.
"""

import json
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from swarm_analytics_models.categories import ConsentMode
from swarm_analytics_models.identifiers import MAX_IDENTITY_CHARACTERS, Destination, IdentityKind
from swarm_analytics_models.values import MAX_BODY_BYTES

PROTOCOL: Final = 1
"""Version of the hand-off protocol. A daemon refuses what is newer than itself and serves what is older."""

MAX_LINE_BYTES: Final = MAX_BODY_BYTES + 8 * 1024
"""Longest line, its newline included."""

MAX_KEY_CHARACTERS: Final = 200
"""Longest idempotency key; a UUID has 36, and a key that a caller names (Syvain's `client_event_id`) 200."""

MAX_CLIENTS: Final = 256
"""Most client objects that a hello names."""


class Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)


class Hello(Message):
    """Opens a connection, or moves it on to the next segment of the app's journal."""

    type: Literal["hello"] = "hello"
    protocol: int
    version: str
    pid: int
    journal: str
    """File name in the home's inbox."""

    offset: int = Field(ge=0)
    """Position in that journal of the first byte that this connection carries after this line."""

    clients: tuple[str, ...] = Field(default=(), max_length=MAX_CLIENTS)
    """Client objects that want to hear of dropped events, also of those an earlier connection brought."""


class DeliverySettings(Message):
    """How an app wants a destination's events sent, within what the contract allows; None: as it says."""

    max_items: int | None = Field(default=None, ge=1)
    max_wait_s: float | None = Field(default=None, ge=0)
    when_ambiguous: Literal["resend", "set_aside"] | None = None
    key_name: str | None = Field(default=None, min_length=1, max_length=200)
    """What the service shall call the keys that are minted for the destination's resources."""


class DestinationLine(Message):
    """Declares a destination; events after it may name its `ref`. Holds no secret."""

    type: Literal["destination"] = "destination"
    service: str
    base_url: str
    kind: IdentityKind
    identity: str = Field(min_length=1, max_length=MAX_IDENTITY_CHARACTERS)
    settings: DeliverySettings | None = None
    """The last that is declared is in force; None changes nothing."""

    def destination(self) -> Destination:
        return Destination(self.service, self.base_url, self.kind, self.identity)


class EventLine(Message):
    """One event. `body` is the payload as the service will get it, without authentication."""

    type: Literal["event"] = "event"
    service: str
    route: str
    destination: str | None = None
    """A declared `ref`; None: the home's only destination of this service."""

    client: str | None = Field(default=None, max_length=64)
    """The client object that handed it off: `flush` and `on_drop` ask by it."""

    key: str | None = Field(default=None, min_length=1, max_length=MAX_KEY_CHARACTERS)
    """Idempotency key. Apps mint it; None only where a hand-written line leaves it to the daemon."""

    body: Any


class RefusalCode(StrEnum):
    """Why the daemon did not accept a line. A refused line harms none of its neighbours."""

    GARBLED = "garbled"
    """Not one JSON object, or not UTF-8."""

    TOO_LARGE = "too_large"
    UNKNOWN_TYPE = "unknown_type"
    UNKNOWN_SERVICE = "unknown_service"
    UNKNOWN_ROUTE = "unknown_route"
    UNKNOWN_DESTINATION = "unknown_destination"
    AMBIGUOUS_DESTINATION = "ambiguous_destination"
    """It names no destination and the home has several of this service."""

    INVALID = "invalid"
    """The body does not fit the route's model."""

    CONFLICT = "conflict"
    """The same idempotency key was accepted with another body."""

    TORN = "torn"
    """The last line of an app that died while it wrote; counted, never fatal."""

    NO_SPACE = "no_space"
    """The home is full for events of this priority."""


class Refusal(Message):
    """One line that was not accepted, and what to do about it."""

    offset: int
    code: RefusalCode
    message: str
    hint: str
    client: str | None = None
    route: str | None = None
    key: str | None = None


class Welcome(Message):
    """The daemon's answer to the first hello."""

    type: Literal["welcome"] = "welcome"
    protocol: int
    version: str
    pid: int
    consent: dict[str, ConsentMode] = Field(default_factory=dict)


class Receipt(Message):
    """Everything of `journal` before `offset` is committed (or refused, as listed)."""

    type: Literal["receipt"] = "receipt"
    journal: str
    offset: int
    refused: tuple[Refusal, ...] = ()


class DroppedEvent(Message):
    """An accepted event that will not be delivered."""

    client: str
    route: str
    key: str
    outcome: Literal["dead", "expired", "evicted"]
    reason: str
    status: int | None = None
    """The service's HTTP status, where it answered."""

    attempts: int
    body: Any = None


class Dropped(Message):
    type: Literal["dropped"] = "dropped"
    events: tuple[DroppedEvent, ...]


class ConsentChanged(Message):
    """The user's consent for a service; the client mutes at the source what it forbids."""

    type: Literal["consent"] = "consent"
    service: str
    mode: ConsentMode


class SignatureWanted(Message):
    """A session cannot be opened for want of a fresh signed user id: an app that has this user gives one,
    by ``POST /v1/register`` with a new `SessionIdentity` to adopt.
    """

    type: Literal["signature_wanted"] = "signature_wanted"
    destination: str
    """Its `ref`."""


class Skipped(Message):
    """The service took a batch and left some of its events out, without saying which."""

    type: Literal["skipped"] = "skipped"
    client: str
    service: str
    destination: str
    skipped: int
    of: int
    """Events in the batch, those of other clients included."""


class ProtocolError(Message):
    """The daemon cannot go on with this connection, and closes it."""

    type: Literal["error"] = "error"
    code: str
    message: str
    hint: str


DaemonMessage: TypeAlias = Annotated[
    Welcome | Receipt | Dropped | ConsentChanged | SignatureWanted | Skipped | ProtocolError,
    Field(discriminator="type"),
]


class HandOffAnswer(Message):
    """The answer of ``POST /v1/hand-off``: the request was committed but for the lines listed."""

    accepted: int
    duplicates: int
    refused: tuple[Refusal, ...] = ()
    keys: tuple[str, ...] = ()
    """Idempotency keys of the accepted lines, in order (those that the daemon minted included)."""

    dropped: tuple[DroppedEvent, ...] = ()
    """With a journal: what a socket would have brought in `Dropped` since the app's last request."""

    consent: dict[str, ConsentMode] = Field(default_factory=dict)
    """With a journal: what a socket would have brought in `Welcome` and `ConsentChanged`."""

    signatures_wanted: tuple[str, ...] = ()
    skipped: tuple[Skipped, ...] = ()


def destination_line(destination: Destination, settings: DeliverySettings | None = None) -> bytes:
    """The declaration of `destination`, ready for a journal and the socket."""
    declared: dict[str, Any] = {
        "type": "destination",
        "service": destination.service,
        "base_url": destination.base_url,
        "kind": destination.kind,
        "identity": destination.identity,
    }
    if settings is not None:
        declared["settings"] = settings.model_dump(exclude_none=True)
    return json.dumps(declared, separators=(",", ":")).encode() + b"\n"


def event_line_head(*, service: str, route: str, destination: str | None, client: str) -> bytes:
    """All of an event's line that does not change from call to call, up to its key."""
    head = json.dumps(
        {
            "type": "event",
            "service": service,
            "route": route,
            "destination": destination,
            "client": client,
        },
        separators=(",", ":"),
    )
    return head[:-1].encode() + b',"key":"'


def event_line(head: bytes, key: str, body: bytes) -> bytes:
    """One event's line: its unchanging head, its key (a UUID, unescaped) and its serialised body."""
    return b'%b%b","body":%b}\n' % (head, key.encode(), body)


def event_line_named(head: bytes, key: str, body: bytes) -> bytes:
    """As `event_line`, for a key that a caller named, of any characters."""
    return b'%b%b,"body":%b}\n' % (head[:-1], json.dumps(key).encode(), body)
