"""A service of which the sandbox knows nothing but its contract, with most words of the vocabulary."""

from typing import Final, Literal

from pydantic import BaseModel

from swarm_analytics_models.authentication import (
    ApiKeyAuthentication,
    NoAuthentication,
    PerIdentity,
    ResourceKeyAuthentication,
    SessionAuthentication,
    SignatureAuthentication,
    SignatureScheme,
    SignedBody,
    SignedPath,
    SigningKey,
)
from swarm_analytics_models.calling import CallDefaults
from swarm_analytics_models.categories import Category
from swarm_analytics_models.contract import Route, ServiceContract
from swarm_analytics_models.handling import Acknowledgement, Batching, Lane
from swarm_analytics_models.idempotency import KeyInBody, KeyInHeader, NaturallyIdempotent, NotIdempotent
from swarm_analytics_models.identifiers import IdentityKind


class Nothing(BaseModel):
    """A request that takes nothing."""


class Reading(BaseModel):
    meter: str
    event_id: str
    celsius: float


class Now(Reading):
    """A reading that is wanted at once."""

    sync: Literal[True]


class Named(BaseModel):
    meter: str


class Renamed(Named):
    name: str


class Search(BaseModel):
    near: str | None = None
    tag: list[str] | None = None
    limit: int = 10


class Names(BaseModel):
    names: list[str]


class User(BaseModel):
    user_id: str | None = None
    anonymous_id: str | None = None


class Session(BaseModel):
    token: str
    expires_at: str


class Page(BaseModel):
    meters: list[str]


class Key(BaseModel):
    key: dict[str, str | int]


API_KEY: Final = ApiKeyAuthentication(header="X-Toy-Key", prefix="Toy ")
SESSION: Final = SessionAuthentication(
    open_route="sessions.open",
    token_field="token",
    expires_field="expires_at",
    renew_before_s=60.0,
    proof_life_s=300.0,
)
METER_KEY: Final = ResourceKeyAuthentication(
    mint_route="meters.key",
    resource_field="meter",
    token_field="key.token",
    expires_field="key.expires_at_ms",
    renew_before_s=60.0,
    refused=frozenset({401}),
)
SIGNED: Final = SignatureAuthentication(
    id_header="X-Agent",
    time_header="X-Time",
    nonce_header="X-Nonce",
    signature_header="X-Signature",
    schemes=(
        (
            "only",
            SignatureScheme(
                path=SignedPath.FULL, query=False, body=SignedBody.WIRE, empty_body="", key=SigningKey.TEXT
            ),
        ),
    ),
)


def _call(key: str, path: str, request: type[BaseModel], **more: object) -> Route:
    common: dict[str, object] = {
        "lane": Lane.CALL,
        "category": Category.REQUEST,
        "authentication": API_KEY,
        "idempotency": NaturallyIdempotent(),
        "acknowledgement": Acknowledgement.ANY_API_ANSWER,
        "ordering": None,
    }
    return Route(key=key, path=path, request=request, **(common | more))  # type: ignore[arg-type]


TOY: Final = ServiceContract(
    name="toy",
    title="Toy meters",
    base_path="/toy/v1",
    calls=CallDefaults(
        max_retries=1,
        retry_delay_s=0.1,
        retry_most_s=1.0,
        max_in_flight=2,
        breaker_threshold=5,
        breaker_time_out_s=1.0,
        pool_size=2,
        keep_alive_s=5.0,
    ),
    routes=(
        Route(
            key="meters.read",
            path="/meters/{meter}/readings",
            request=Reading,
            lane=Lane.DELIVER,
            category=Category.PRODUCT,
            authentication=METER_KEY,
            idempotency=KeyInBody("event_id"),
            acknowledgement=Acknowledgement.ANY_API_ANSWER,
            ordering=None,
            batching=Batching(
                path="/meters/{meter}/readings/batch",
                items_field="readings",
                max_items=3,
                max_bytes=100_000,
                max_wait_s=1.0,
            ),
        ),
        _call("meters.now", "/meters/{meter}/readings", Now, query=("sync",), authentication=METER_KEY),
        _call("meters.key", "/meters/{meter}/key", Named, response=Key),
        _call("meters.list", "/meters", Search, method="GET", response=Page, example={"meters": ["kitchen"]}),
        _call("meters.latest", "/meters/latest", Nothing, method="GET"),
        _call("meters.get", "/meters/{meter}", Named, method="GET"),
        _call("meters.rename", "/meters/{meter}", Renamed, method="PATCH"),
        _call("meters.remove", "/meters/{meter}", Named, method="DELETE"),
        _call("meters.create", "/meters", Names, body_field="names", idempotency=KeyInHeader(("X-Once",))),
        _call(
            "meters.reset",
            "/meters/{meter}/reset",
            Named,
            method="PUT",
            idempotency=NotIdempotent("report"),
            authentication=PerIdentity(((IdentityKind.KEY, API_KEY), (IdentityKind.AGENT, SIGNED))),
        ),
        _call("sessions.open", "/sessions", User, response=Session),
        _call("sessions.who", "/sessions/who", Nothing, method="GET", authentication=SESSION),
        _call("health.check", "/health", Nothing, method="GET", authentication=NoAuthentication()),
    ),
)
