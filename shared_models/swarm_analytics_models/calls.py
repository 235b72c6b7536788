"""Calls as they travel between an app and the daemon: ``POST /v1/call/{service}/{operation}``."""

from enum import StrEnum
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from swarm_analytics_models.handoff import MAX_KEY_CHARACTERS

MAX_CALL_BYTES: Final = 8 * 1024 * 1024
"""Largest request of a call, in bytes: a batch of prompts with images in them."""

MAX_CALL_ANSWER_BYTES: Final = 32 * 1024 * 1024
"""Largest answer of a call that does not come in pieces, in bytes."""


class CallModel(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CallSettings(CallModel):
    """How a caller wants its calls made; None: as the contract says (`CallDefaults`, `TimeOuts`).

    Callers with equal settings, service, origin and credential share connections, circuit breaker and cache.
    """

    timeout_s: float | None = Field(default=None, gt=0, le=3_600)
    """Of one attempt, from beginning to end."""

    deadline_s: float | None = Field(default=None, gt=0, le=86_400)
    """Of the call with all its attempts and waits."""

    max_retries: int | None = Field(default=None, ge=0, le=20)
    retry_delay_s: float | None = Field(default=None, ge=0, le=600)
    max_in_flight: int | None = Field(default=None, ge=1, le=1_000)
    breaker_threshold: int | None = Field(default=None, ge=1, le=1_000_000)
    breaker_time_out_s: float | None = Field(default=None, ge=0, le=86_400)
    cache: bool = True
    pool_size: int | None = Field(default=None, ge=1, le=1_000)
    keep_alive_s: float | None = Field(default=None, ge=0, le=600)
    signature: str | None = Field(default=None, max_length=40)
    """Name of one of the contract's signature schemes."""


class CallRequest(CallModel):
    """The body of a call. The route says the rest: neither URL nor header is the caller's to choose."""

    destination: str
    """`ref` of a destination that was registered."""

    arguments: dict[str, Any]
    """By wire name: what goes into path, query and body."""

    key: str | None = Field(default=None, min_length=1, max_length=MAX_KEY_CHARACTERS)
    """Idempotency key of the logical call, the same when a caller repeats it; None: the daemon mints one."""

    settings: CallSettings = CallSettings()


class CallAnswer(BaseModel):
    """A success. Its JSON is written by hand in the daemon, so that `body` is passed through unparsed."""

    status: int
    request_id: str | None = None
    attempts: int
    """Requests that were made for it; 0: it came from the cache."""

    body: Any = None


class CallTrouble(StrEnum):
    """Why a call has no answer that its caller can use. Each has its own remedy."""

    REJECTED = "rejected"
    """The service answered with an error; `status`, `code` and `body` have it."""

    RATE_LIMITED = "rate_limited"
    """The service asks for a pause (429): a longer one than the call may last, or once too often. Nothing was
    executed.
    """

    CREDENTIAL_ABSENT = "credential_absent"
    """No credential is known. Nothing was sent."""

    CREDENTIAL_REFUSED = "credential_refused"
    """The service refuses the credential (401, or what the contract names)."""

    NOT_REACHED = "not_reached"
    """Nothing was sent: no network, no name, no trusted connection, nobody there."""

    TIMED_OUT = "timed_out"
    """The time was up; the operation may be repeated without harm, or nothing was sent."""

    BROKEN_OFF = "broken_off"
    """The connection broke; the operation may be repeated without harm."""

    MAY_BE_EXECUTED = "may_be_executed"
    """The service may have acted: to repeat it may bill or do it twice. Either no complete answer came back
    (`status` is None), or an error that does not say that nothing was executed (5xx).
    """

    MALFORMED = "malformed"
    """A success whose body is not what the contract describes. It was executed."""

    TOO_LARGE = "too_large"
    """A success whose body is longer than what is read. It was executed."""

    BREAKER_OPEN = "breaker_open"
    """The service failed too often of late; nothing was sent."""

    BUSY = "busy"
    """Too many calls are in flight, and the time was up before this one's turn. Nothing was sent."""

    PAUSED = "paused"
    """A person paused the service. Nothing was sent."""


class CallFailure(BaseModel):
    """`Problem.detail` of a call that failed at or before the service."""

    trouble: CallTrouble
    service: str
    operation: str
    status: int | None = None
    """As the service means it (`ErrorFacts.status`); `http_status` is what it answered."""

    http_status: int | None = None
    code: str | None = None
    error: str | None = None
    """The service's own message."""

    request_id: str | None = None
    body: Any = None
    """The error's body: parsed where it is JSON, else its beginning as text; redacted as an answer is."""

    retry_after_s: float | None = None
    attempts: int = 0


class ClearCacheRequest(CallModel):
    """``POST /v1/call-cache/clear``: forget what is cached for one destination and one set of settings."""

    destination: str
    settings: CallSettings = CallSettings()
