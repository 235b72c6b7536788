"""From a call's arguments to the bytes of an event: validate, stamp, serialise, then hand to an outlet.

All of it in the caller's process and on the caller's thread; what is wrong raises `pydantic.ValidationError`
before any I/O.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal, NoReturn, Protocol, TypeAlias, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError, PydanticSerializationError

from swarm_analytics_models.client_route import ClientRoute
from swarm_analytics_models.identifiers import uuid7
from swarm_analytics_models.values import MAX_BODY_BYTES, refuse_unsound_json

Mode: TypeAlias = Literal["full", "minimal"]
"""What a client object hands off: everything, or no product events."""


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

    title: str
    validate: Callable[[dict[str, Any]], BaseModel]
    to_json: Callable[..., bytes]
    has_ts: bool
    has_submission_id: bool
    muted: bool
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
        """Submit `fields` (by wire name) to `route`; return the submission id. A muted call has one, too."""
        prepared = self._prepared.get(route.key) or self._prepare(route)
        key = uuid7()
        if prepared.has_ts:
            fields["ts"] = time.time()
        if prepared.has_submission_id:
            fields["submission_id"] = key
        payload = prepared.validate(fields)
        try:
            body = prepared.to_json(payload, by_alias=True)
        except PydanticSerializationError as error:
            _refuse_unserialisable(prepared.title, payload, error)
        if len(body) > MAX_BODY_BYTES:
            _refuse_oversized(prepared.title, len(body))
        if prepared.muted and (self._minimal or self._outlet.mutes(route.service)):
            return key
        self._outlet.hand_off(route, key, body)
        if prepared.opt_out_field is not None:
            self._outlet.decide(route.service, opted_out=getattr(payload, prepared.opt_out_field))
        return key

    def _prepare(self, route: ClientRoute) -> _Prepared:
        route.request.model_rebuild()
        prepared = _Prepared(
            title=route.request.__name__,
            validate=route.request.__pydantic_validator__.validate_python,
            to_json=route.request.__pydantic_serializer__.to_json,
            has_ts="ts" in route.stamps,
            has_submission_id="submission_id" in route.stamps,
            muted=route.muted,
            opt_out_field=route.opt_out_field,
        )
        self._prepared[route.key] = prepared
        return prepared


def _refuse(title: str, error: PydanticCustomError, given: object) -> NoReturn:
    details = InitErrorDetails(type=error, loc=(), input=given)
    raise ValidationError.from_exception_data(title, [details]) from None


def _refuse_unserialisable(title: str, payload: BaseModel, error: PydanticSerializationError) -> NoReturn:
    """Text with a lone surrogate passes as `str` and fails as UTF-8: find it, and name its place."""
    try:
        refuse_unsound_json(payload.model_dump(mode="python", by_alias=True))
    except PydanticCustomError as unsound:
        _refuse(title, unsound, type(payload).__name__)
    _refuse(title, PydanticCustomError("not_json", "{cause}", {"cause": str(error)}), type(payload).__name__)


def _refuse_oversized(title: str, size: int) -> NoReturn:
    error = PydanticCustomError(
        "too_large",
        "the body has {size} bytes as JSON, of which one event may have {limit}; "
        "shorten it, or send it in several events",
        {"size": size, "limit": MAX_BODY_BYTES},
    )
    _refuse(title, error, f"{size} bytes")
