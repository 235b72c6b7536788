"""How a route's requests are sent and its answers are read: part of the vocabulary of contracts."""

from dataclasses import dataclass
from enum import StrEnum


class Lane(StrEnum):
    """How a call reaches its service."""

    DELIVER = "deliver"
    """Durable, fire-and-forget: an outbox row."""

    CALL = "call"
    """Request and response, brokered by the daemon and never queued."""


@dataclass(frozen=True, slots=True)
class Batching:
    """How several events of one route travel in one request."""

    path: str
    items_field: str
    """The request is ``{items_field: [body, ...]}``."""

    max_items: int
    max_bytes: int
    max_wait_s: float
    """A batch that is not full is sent when its oldest event has waited so long."""

    always: bool = False
    """One event travels in this form, too."""

    skipped_field: str | None = None
    """Field of the answer with how many events the service left out, without saying which."""


class Acknowledgement(StrEnum):
    """What must be recognised in a 2xx before an event counts as delivered."""

    ANY_API_ANSWER = "any_api_answer"
    """The body is unknown or ignored: any 2xx counts, unless it is plainly no API's answer (HTML, say)."""

    JSON_OBJECT = "json_object"
    """The body must be a JSON object that validates against the route's `response` model."""


class Verdict(StrEnum):
    """Whose fault an answer is, where a contract differs from the default (delivery/outcome)."""

    EVENT = "event"
    """The event's own: dead."""

    ROUTE = "route"
    """The route is shut: hold it, probe with one event."""

    CREDENTIAL = "credential"
    """The credential is refused: hold it, renew it."""

    SERVICE = "service"
    """The service is in trouble: back off."""

    UNEXECUTED = "unexecuted"
    """The service did nothing, and may be asked again later."""


@dataclass(frozen=True, slots=True)
class TimeOuts:
    """Seconds, of one attempt. Nobody waits for it: it is long enough for a slow mobile network."""

    connect_s: float = 5.0
    """Until a connection stands, TLS included: one lost packet is sent again after 1 s, a second after 3."""

    read_s: float = 10.0
    """Between two pieces of the answer."""

    total_s: float = 20.0
    """From beginning to end, whatever the peer does."""


@dataclass(frozen=True, slots=True)
class OrderingKey:
    """Events with equal values go out in the order in which their calls returned.

    `group` keeps keys of different kinds apart; routes that share a group share an order.
    """

    group: str
    field: str | None
    """Dotted path into the body, by wire name; None: the whole group is one key."""
