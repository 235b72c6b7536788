"""Values and doubles that the credentials' tests share."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, SecretStr

from swarm_analytics_models.authentication import (
    ApiKeyAuthentication,
    PerIdentity,
    ResourceKeyAuthentication,
    SessionAuthentication,
    SignatureAuthentication,
    SignatureScheme,
    SignedBody,
    SignedPath,
    SigningKey,
)
from swarm_analytics_models.categories import Category
from swarm_analytics_models.contract import Route, ServiceContract
from swarm_analytics_models.handling import Acknowledgement, Lane
from swarm_analytics_models.idempotency import NaturallyIdempotent
from swarm_analytics_models.identifiers import (
    Destination,
    IdentityKind,
    key_destination,
    session_destination,
)
from swarm_analytics_models.status import CredentialState
from swarm_analyticsd.credentials.authenticator import Authenticator
from swarm_analyticsd.credentials.given import GivenSecret
from swarm_analyticsd.credentials.proof import Minted, MintingScheme, MintResult
from swarm_analyticsd.credentials.sources import Source
from swarm_analyticsd.credentials.tokens import Tokens
from swarm_analyticsd.credentials.vault import MemoryVault, Vault
from swarm_analyticsd.outbox.rows import KnownDestination
from tests.delivery.support import FakeClock

BASE = "https://vault.example/api"
API_KEY = ApiKeyAuthentication(header="Authorization", prefix="ApiKey ")
SESSION = SessionAuthentication(
    open_route="session.open",
    token_field="token",
    expires_field="expires_at",
    renew_before_s=60.0,
    proof_life_s=300.0,
)
RESOURCE_KEY = ResourceKeyAuthentication(
    mint_route="keys.create",
    resource_field="box",
    token_field="data.token",
    expires_field="data.key.expires_at_ms",
    renew_before_s=300.0,
    refused=frozenset({401, 403}),
    name_field="name",
)
SIGNED = SignatureScheme(
    path=SignedPath.FULL, query=False, body=SignedBody.ECMASCRIPT, empty_body="{}", key=SigningKey.HEX
)
SIGNATURE = SignatureAuthentication(
    id_header="X-Agent-Id",
    time_header="X-Timestamp",
    nonce_header="X-Nonce",
    signature_header="X-Signature",
    schemes=(
        ("server", SIGNED),
        ("short", SignatureScheme(SignedPath.ROUTE, False, SignedBody.WIRE, "", SigningKey.HEX)),
    ),
)


class InBox(BaseModel):
    box: str = "b"
    text: str = "t"


class Opening(BaseModel):
    user_id: str | None = None
    anonymous_id: str | None = None
    user_id_sig: str | None = None
    user_id_ts: int | None = None


class Opened(BaseModel):
    token: str
    expires_at: str


class KeyWanted(BaseModel):
    box: str
    name: str = "key"


class KeyMade(BaseModel):
    data: dict[str, Any]


def _route(key: str, path: str, **changes: Any) -> Route:
    fields: dict[str, Any] = {
        "key": key,
        "path": path,
        "request": InBox,
        "lane": Lane.DELIVER,
        "category": Category.PRODUCT,
        "authentication": API_KEY,
        "idempotency": NaturallyIdempotent(),
        "acknowledgement": Acknowledgement.ANY_API_ANSWER,
        "ordering": None,
    }
    return Route(**(fields | changes))


BY_KEY = _route("read.one", "/one")
BY_SESSION = _route(
    "track.one",
    "/track",
    authentication=PerIdentity(((IdentityKind.KEY, API_KEY), (IdentityKind.SESSION, SESSION))),
)
IN_BOX = _route("boxes.put", "/boxes/{box}/items", authentication=RESOURCE_KEY)
BY_SIGNATURE = _route(
    "agent.act",
    "/act",
    authentication=PerIdentity(((IdentityKind.AGENT, SIGNATURE), (IdentityKind.KEY, API_KEY))),
)
OPEN_SESSION = _route(
    "session.open",
    "/session",
    request=Opening,
    response=Opened,
    acknowledgement=Acknowledgement.JSON_OBJECT,
    lane=Lane.CALL,
    internal=True,
)
MAKE_KEY = _route(
    "keys.create",
    "/boxes/{box}/keys",
    request=KeyWanted,
    response=KeyMade,
    acknowledgement=Acknowledgement.JSON_OBJECT,
    lane=Lane.CALL,
    internal=True,
)
CONTRACT = ServiceContract(
    name="boxes",
    title="A toy with every kind of credential",
    routes=(BY_KEY, BY_SESSION, IN_BOX, BY_SIGNATURE, OPEN_SESSION, MAKE_KEY),
    default_base_url=BASE,
)
KEY_DESTINATION = key_destination("boxes", BASE, "k1")
AGENT_DESTINATION = Destination("boxes", BASE, IdentityKind.AGENT, "talent")


def session_for(user: str) -> Destination:
    return session_destination("boxes", BASE, "pk_1", user, None)


@dataclass(frozen=True)
class Sent:
    """What a signature may cover."""

    method: str = "POST"
    url: str = f"{BASE}/act?x=1"
    body: bytes = b'{"a":1.0}'


def known(destination: Destination, state: CredentialState = CredentialState.ABSENT) -> KnownDestination:
    return KnownDestination(1, destination, state, None, None, 0, None)


@dataclass
class Bench:
    """An authenticator, with everything around it in the test's hand."""

    destination: Destination
    vault: Vault = field(default_factory=MemoryVault)
    clock: FakeClock = field(default_factory=FakeClock)
    source: Source | None = None
    state: CredentialState = CredentialState.ABSENT
    answers: Callable[[MintingScheme, str, SecretStr], Awaitable[MintResult]] | None = None
    mints: list[str] = field(default_factory=list)
    wanted: int = 0
    nonces: int = 0
    credential: GivenSecret = field(init=False)
    authenticator: Authenticator = field(init=False)
    tokens: Tokens = field(init=False)

    def __post_init__(self) -> None:
        self.credential = GivenSecret(
            known(self.destination, self.state),
            vault=self.vault,
            clock=self.clock,
            record=self._record,
            changed=lambda: None,
            source=self.source,
        )
        self.tokens = Tokens(self.destination.ref, self.vault, self.clock)
        self.authenticator = Authenticator(
            destination=lambda: self.destination,
            credential=self.credential,
            tokens=self.tokens,
            mint=self._mint,
            contract=CONTRACT,
            clock=self.clock,
            nonce=self._nonce,
            signature_wanted=self._want,
        )

    async def _record(self, _state: CredentialState, _error: str | None) -> None:
        await asyncio.sleep(0)

    async def _mint(self, scheme: MintingScheme, resource: str, secret: SecretStr) -> MintResult:
        self.mints.append(resource)
        if self.answers is not None:
            return await self.answers(scheme, resource, secret)
        await asyncio.sleep(0)
        return Minted(SecretStr(f"token-{len(self.mints)}"), self.clock.now() + 900.0)

    def _nonce(self) -> str:
        self.nonces += 1
        return f"{self.nonces:032x}"

    def _want(self) -> None:
        self.wanted += 1
