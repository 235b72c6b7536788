"""From a call's arguments to the bytes of an event: validate, stamp, serialise, then hand to an outlet.

All of it in the caller's process and on the caller's thread; what is wrong raises `pydantic.ValidationError`
before any I/O.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Final, Literal, Protocol, TypeAlias, get_args

from pydantic import BaseModel
from pydantic_core import PydanticCustomError

from swarm_analytics.sealing import Sealer
from swarm_analytics_models.client_route import ClientRoute
from swarm_analytics_models.handoff import MAX_KEY_CHARACTERS
from swarm_analytics_models.identifiers import uuid7
from swarm_analytics_models.values import MAX_BODY_BYTES

Mode: TypeAlias = Literal["full", "minimal"]
"""What a client object hands off: everything, or no product events."""

_REMEDY: Final = "shorten it, or send it in several events"


class Outlet(Protocol):
    """Where sealed events go: the journal of the process, or an application's recording double."""

    def mutes(self, service: str) -> bool:
        """Whether the user's consent keeps product events of `service` from being handed off."""
        ...

    def hand_off(self, route: ClientRoute, key: str, body: bytes) -> None:
        """Take over one event. Raises HandOffError when it cannot be kept."""
        ...

    def decide(self, service: str, *, opted_out: bool) -> None:
        """The user's decision was handed off: bring it into force before returning."""
        ...


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A route with everything looked up that does not change from call to call."""

    sealer: Sealer
    has_ts: bool
    has_submission_id: bool
    muted: bool
    named_key: Callable[[BaseModel], Any] | None
    opt_out_field: str | None


def check_mode(mode: str) -> Mode:
    """`mode` as a client takes it. Raises ValueError, naming the remedy."""
    if mode not in get_args(Mode):
        raise ValueError(
            f'mode must be "full" (everything) or "minimal" (no product events), not {mode!r}; '
            "to keep events until the user has decided, run `swarm-analyticsd consent hold`"
        )
    return "minimal" if mode == "minimal" else "full"


class Submission:
    """What the generated methods call. `mode` mutes this object's product events; it loosens nothing."""

    def __init__(self, outlet: Outlet, mode: Mode) -> None:
        self._outlet = outlet
        self._minimal: Final = mode == "minimal"
        self._prepared: dict[str, _Prepared] = {}

    def __call__(self, route: ClientRoute, fields: dict[str, Any]) -> str:
        """Submit `fields` (by wire name) to `route`; return its idempotency key, which a muted call has, too.

        That is the submission id, minted here, unless the route has the caller name it.
        """
        prepared = self._prepared.get(route.key) or self._prepare(route)
        key = uuid7()
        if prepared.has_ts:
            fields["ts"] = time.time()
        if prepared.has_submission_id:
            fields["submission_id"] = key
        payload, body = prepared.sealer.seal(fields)
        if prepared.named_key is not None:
            key = _named(prepared, payload)
        if prepared.muted and (self._minimal or self._outlet.mutes(route.service)):
            return key
        self._outlet.hand_off(route, key, body)
        if prepared.opt_out_field is not None:
            self._outlet.decide(route.service, opted_out=getattr(payload, prepared.opt_out_field))
        return key

    def _prepare(self, route: ClientRoute) -> _Prepared:
        prepared = _Prepared(
            sealer=Sealer(route.request, MAX_BODY_BYTES, _REMEDY),
            has_ts="ts" in route.stamps,
            has_submission_id="submission_id" in route.stamps,
            muted=route.muted,
            named_key=None if route.key_field is None else attrgetter(_attribute(route, route.key_field)),
            opt_out_field=route.opt_out_field,
        )
        self._prepared[route.key] = prepared
        return prepared


def _attribute(route: ClientRoute, wire: str) -> str:
    """The field of the route's payload that travels as `wire`."""
    for name, info in route.request.model_fields.items():
        if wire == (info.serialization_alias or info.alias or name):
            return name
    raise ValueError(f"{route.key}: its payload has no field {wire!r}; generate the client anew")


def _named(prepared: _Prepared, payload: BaseModel) -> str:
    key = prepared.named_key(payload) if prepared.named_key is not None else None
    if not isinstance(key, str) or not 1 <= len(key) <= MAX_KEY_CHARACTERS:
        error = PydanticCustomError(
            "unfit_key",
            "the event's own id must be text of 1 to {limit} characters",
            {"limit": MAX_KEY_CHARACTERS},
        )
        prepared.sealer.refuse(error, key)
    return key
