"""Requests and answers of the daemon's HTTP API (``/v1/...``): shared by daemon, client and CLI."""

from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from swarm_analytics_models.categories import ConsentMode
from swarm_analytics_models.handoff import MAX_KEY_CHARACTERS, DeliverySettings
from swarm_analytics_models.identifiers import MAX_IDENTITY_CHARACTERS, IdentityKind
from swarm_analytics_models.key_sources import DEFAULT_IDENTITY
from swarm_analytics_models.status import CredentialState, EventDetail, EventSummary


class ApiModel(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Problem(BaseModel):
    """Every answer of 400 and above: what went wrong, and what to do next."""

    code: str
    message: str
    hint: str
    detail: Any = None


class VersionAnswer(BaseModel):
    """``GET /v1/version``."""

    version: str
    protocol: int
    pid: int


class ServicesRequest(ApiModel):
    """``POST /v1/services``: base URLs by service name. Adds what is lacking; a conflict is refused."""

    services: dict[str, str]


class RegisterRequest(ApiModel):
    """``POST /v1/register``: make a destination known and, with `wait_s`, wait for its credential.

    `adopt` is a token, key or secret that an app already has; the daemon keeps it and gives it to nobody.
    """

    service: str
    base_url: str | None = None
    """None: as configured, else as the key's file says, else the contract's default."""

    kind: IdentityKind = IdentityKind.INSTALL
    identity: str = Field(min_length=1, max_length=MAX_IDENTITY_CHARACTERS)
    adopt: SecretStr | None = None
    """Of kind ``session``: the JSON of a `SessionIdentity`."""

    wait_s: float | None = Field(default=None, ge=0, le=600)
    settings: DeliverySettings | None = None


class SessionIdentity(ApiModel):
    """The secret of a destination of kind ``session``: a public key, and for whom it opens sessions."""

    key: str
    user_id: str | None = None
    anonymous_id: str | None = None
    user_id_sig: str | None = None
    """Lower-case hexadecimal HMAC-SHA256, by the app's backend, of ``user_id|user_id_ts``."""

    user_id_ts: int | None = None
    """Unix seconds."""


class RegisterAnswer(BaseModel):
    """The destination as the daemon knows it from now on."""

    reference: str
    """Stands for the credential; names it, and holds no secret."""

    destination: str
    """Its `ref`."""

    base_url: str = ""
    """Where the service is: as asked, as configured, as the key's file says, or the contract's default."""

    credential: CredentialState


class ConsentRequest(ApiModel):
    """``POST /v1/consent``: answers when what must be erased is erased."""

    mode: ConsentMode
    service: str | None = None
    """None: every service."""


class ConsentAnswer(BaseModel):
    consent: dict[str, ConsentMode]
    withdrawn: int
    """Events that were withdrawn by this change."""

    journals_left: list[str] = Field(default_factory=list)
    """Journals of running apps in which bytes are left that no daemon has taken yet."""


class FlushRequest(ApiModel):
    """``POST /v1/flush``: retry at once and wait until nothing is pending, or for `timeout_s`."""

    timeout_s: float = Field(ge=0, le=86_400)
    client: str | None = Field(default=None, max_length=64)
    """Only this client object's events, else everything."""

    journal: str | None = None
    offset: int | None = Field(default=None, ge=0)
    """Take the journal at least up to here first."""

    until: Literal["drained", "attempted"] = "drained"
    """`attempted`: answer, too, once each pending event was tried since, or cannot be tried."""


class FlushAnswer(BaseModel):
    drained: bool
    pending: int
    """Events that are queued, leased or held."""

    error: str | None = None
    """Of `attempted`: what came of the latest try that did not deliver (be the event pending or dead now), or
    why nothing could be tried. `drained` and no error: all of it was delivered.
    """

    status: int | None = None


class PauseRequest(ApiModel):
    """``POST /v1/pause`` and ``POST /v1/resume``."""

    service: str | None = None


class DeadAction(ApiModel):
    """``POST /v1/dead/retry`` and ``POST /v1/dead/drop``: the events named, or all of a service, or all."""

    ids: list[str] = Field(default_factory=list)
    service: str | None = None
    everything: bool = False


class DeadAnswer(BaseModel):
    changed: int


class EventsAnswer(BaseModel):
    """``GET /v1/events?state=&service=&limit=``."""

    events: list[EventSummary]


class EventAnswer(BaseModel):
    """``GET /v1/events/{id}?body=``. One id may stand in several destinations."""

    events: list[EventDetail]


class NamedDestination(ApiModel):
    """A destination that is known, by its `destination` (a ``ref``), or the one that a service's key has."""

    destination: str | None = None
    service: str | None = None
    base_url: str | None = None
    """Of the service. None: as a client's that names none."""

    identity: str = Field(default=DEFAULT_IDENTITY, min_length=1, max_length=MAX_IDENTITY_CHARACTERS)
    """Name of the service's key."""


class CredentialRequest(NamedDestination):
    """``POST /v1/credentials``: a secret. A service's key makes its destination known."""

    secret: SecretStr = Field(max_length=16_384)


class CredentialAnswer(BaseModel):
    """Which destination has the secret now, or has none any more."""

    destination: str
    base_url: str


class CredentialView(BaseModel):
    """What is shown of a credential: all but the secret."""

    destination: str
    service: str
    base_url: str | None
    identity: str
    credential: CredentialState
    last_error: str | None


class CredentialsAnswer(BaseModel):
    """What ``credential list --json`` prints."""

    credentials: list[CredentialView]


class CredentialRemoval(NamedDestination):
    """``POST /v1/credentials/remove``: use and keep a destination's secrets no more."""


class CredentialRemovalAnswer(CredentialAnswer):
    forgotten: bool
    """The destination is listed no more: it has no events. It comes back when somebody names it."""


class ForgetKeyRequest(ApiModel):
    """``POST /v1/credentials/forget``: use the key that was minted for a resource no more. The next request
    that needs one mints it; nothing is asked of the service now.
    """

    destination: str
    resource: str = Field(min_length=1)


SettingSource: TypeAlias = Literal["default", "file", "environment", "flag"]


class SettingValue(BaseModel):
    value: Any
    source: SettingSource
    where: str
    """The file, variable or flag that set it."""


class ConfigAnswer(BaseModel):
    """``GET /v1/config``."""

    settings: dict[str, SettingValue]


class StopAnswer(BaseModel):
    """``POST /v1/stop``: never changes across versions; the daemon ends after answering."""

    stopping: Literal[True] = True
    pid: int


EVENT_ID_PATTERN = rf"^[^\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]{{1,{MAX_KEY_CHARACTERS}}}\Z"
"""What an idempotency key, as ``why`` and ``dead`` take it, may look like: some are named by apps, in any
text that can be printed."""
