"""A toy service with every kind of call, and a broker that talks to it over real sockets."""

import contextlib
import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import BaseModel

from swarm_analytics_models.authentication import ApiKeyAuthentication
from swarm_analytics_models.calling import CallDefaults, ErrorFacts, Streaming
from swarm_analytics_models.calls import CallFailure, CallRequest, CallSettings, CallTrouble
from swarm_analytics_models.categories import Category
from swarm_analytics_models.contract import Route, ServiceContract
from swarm_analytics_models.handling import Acknowledgement, Lane, TimeOuts, Verdict
from swarm_analytics_models.idempotency import (
    Idempotency,
    InProgress,
    KeyInBody,
    KeyInHeader,
    NaturallyIdempotent,
    NotIdempotent,
)
from swarm_analytics_models.identifiers import Destination, IdentityKind
from swarm_analyticsd.calls.broker import Broker
from swarm_analyticsd.calls.counterpart import Counterpart
from swarm_analyticsd.calls.outcome import CallOutcome, Failed
from swarm_analyticsd.calls.pool import Pool
from swarm_analyticsd.credentials.proof import Proof, Unproven
from swarm_analyticsd.credentials.secret import AuthenticationHeader
from swarm_analyticsd.credentials.signature import Signable
from swarm_analyticsd.delivery.proxy import DIRECT
from swarm_analyticsd.delivery.send import call_transports
from tests.delivery.scripted import Script, ScriptedServer, scripted
from tests.delivery.support import Chosen, FakeClock

API_KEY: Final = ApiKeyAuthentication(header="x-api-key", prefix="")
SECRET: Final = "key-canary-7d1f"
QUICK: Final = TimeOuts(connect_s=1.0, read_s=0.3, total_s=0.6)
IN_PROGRESS: Final = InProgress(status=409, code="busy_with_it", every_s=0.5, most=4)


class Nothing(BaseModel):
    pass


class ThingId(BaseModel):
    id: str
    limit: int | None = None


class Order(BaseModel):
    amount: int
    key: str | None = None
    stream: bool = False


class Thing(BaseModel):
    name: str


class Things(BaseModel):
    things: list[Any]


class Piece(BaseModel):
    text: str


def read_error(status: int, body: Any) -> ErrorFacts:
    """An error is ``{"error", "code", "means"}``; `means` is the status that is meant."""
    if not isinstance(body, dict):
        return ErrorFacts()
    return ErrorFacts(body.get("error"), body.get("code"), body.get("means"))


PAYMENT: Final = {"amount": 5}
TALKED: Final = {"amount": 1, "stream": True}
FLOW_HEAD: Final = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def route(key: str, idempotency: Idempotency, **changes: Any) -> Route:
    fields: dict[str, Any] = {
        "key": key,
        "path": "/" + key.replace(".", "/"),
        "request": Order,
        "response": Thing,
        "lane": Lane.CALL,
        "category": Category.REQUEST,
        "authentication": API_KEY,
        "idempotency": idempotency,
        "acknowledgement": Acknowledgement.JSON_OBJECT,
        "ordering": None,
        "time_outs": QUICK,
    }
    return Route(**(fields | changes))


READ: Final = route("things.read", NaturallyIdempotent(), method="GET", path="/things/{id}", request=ThingId)
LIST: Final = route(
    "things.list", NaturallyIdempotent(), method="GET", request=Nothing, response=Things, cache_s=60.0
)
LEAK: Final = route(
    "things.leak",
    NaturallyIdempotent(),
    method="GET",
    request=Nothing,
    response=Things,
    redacted=frozenset({"api_key"}),
)
PAY: Final = route("things.pay", NotIdempotent("report"), verdicts={409: Verdict.UNEXECUTED})
WRITE: Final = route(
    "things.write",
    KeyInHeader(
        ("X-Key", "Idempotency-Key"), honoured_for=frozenset({IdentityKind.AGENT}), in_progress=IN_PROGRESS
    ),
)
KEYED: Final = route("things.keyed", KeyInBody("key"))
TALK: Final = route(
    "things.talk",
    NotIdempotent("report"),
    streaming=Streaming(format="sse", event=Piece, field="stream", media_type="text/event-stream"),
)
DEFAULTS: Final = CallDefaults(
    max_retries=2,
    retry_delay_s=1.0,
    retry_most_s=4.0,
    max_in_flight=8,
    breaker_threshold=3,
    breaker_time_out_s=30.0,
    pool_size=8,
    keep_alive_s=4.0,
)
TOY: Final = ServiceContract(
    name="toy",
    title="A toy",
    routes=(READ, LIST, LEAK, PAY, WRITE, KEYED, TALK),
    calls=DEFAULTS,
    read_error=read_error,
)


@dataclass
class Prover:
    """An authenticator whose key works until it is told otherwise."""

    unproven: list[Unproven] = field(default_factory=list)
    """Answered first, one after the other."""

    renewals: int = 0
    """Refused proofs for which there is another."""

    proofs: int = 0
    accepted_proofs: int = 0
    refusals: list[tuple[int, str]] = field(default_factory=list)

    async def prove(
        self, route: Route, request: Signable, arguments: Mapping[str, Any], *, signature: str | None = None
    ) -> Proof | Unproven:
        if self.unproven:
            return self.unproven.pop(0)
        self.proofs += 1
        header = AuthenticationHeader("x-api-key", SECRET)
        return Proof((header, AuthenticationHeader("x-nonce", str(self.proofs))), 1, frozenset({401}))

    def accepted(self, proof: Proof) -> None:
        self.accepted_proofs += 1

    def refused(self, proof: Proof, status: int, error: str) -> bool:
        if status not in proof.refusals:
            return False
        self.refusals.append((status, error))
        self.renewals -= 1
        return self.renewals >= 0


@dataclass
class Rig:
    broker: Broker
    remote: ScriptedServer
    prover: Prover
    clock: FakeClock
    slept: list[float]
    counterparts: dict[str, Counterpart]
    ref: str
    on_sleep: Callable[[], None] = lambda: None

    @property
    def pools(self) -> list[Pool]:
        return self.broker._pools.by_destination()[self.ref]

    async def trouble(self, operation: str = "things.read", **more: Any) -> CallTrouble:
        return failure(await self.call(operation, **more)).trouble

    async def call(
        self,
        operation: str = "things.read",
        arguments: dict[str, Any] | None = None,
        *,
        key: str | None = None,
        destination: str | None = None,
        **settings: Any,
    ) -> CallOutcome:
        asked = CallRequest(
            destination=destination or self.ref,
            arguments={"id": "a"} if arguments is None else arguments,
            key=key,
            settings=CallSettings(**settings),
        )
        return await self.broker.call("toy", operation, asked)

    def add(self, identity: str, kind: IdentityKind = IdentityKind.KEY, **changes: Any) -> str:
        destination = Destination("toy", self.remote.base_url + "/api", kind, identity)
        fields: dict[str, Any] = {"authenticator": self.prover, "generation": 1}
        self.counterparts[destination.ref] = Counterpart(destination, **(fields | changes))
        return destination.ref


@contextlib.asynccontextmanager
async def rig(script: Script | None = None, *, kind: IdentityKind = IdentityKind.KEY) -> AsyncIterator[Rig]:
    clock, slept, counterparts = FakeClock(), list[float](), dict[str, Counterpart]()

    async def sleep(seconds: float) -> None:
        made.on_sleep()
        slept.append(seconds)
        clock.advance(seconds)

    broker = Broker(
        contracts={"toy": TOY},
        directory=counterparts.get,
        transports=call_transports(DIRECT),
        clock=clock,
        chance=Chosen(1.0),
        sleep=sleep,
    )
    async with scripted(script) as remote:
        made = Rig(broker, remote, Prover(), clock, slept, counterparts, "")
        made.ref = made.add("default", kind)
        try:
            yield made
        finally:
            await broker.aclose()


def in_turn(actions: Iterable[Any]) -> Script:
    """The first request gets the first action, and so on; the last one goes on for ever."""
    left = list(actions)
    return lambda _seen: left.pop(0) if len(left) > 1 else left[0]


def failure(outcome: CallOutcome) -> CallFailure:
    assert isinstance(outcome, Failed)
    return outcome.failure


def thing(name: str = "n") -> bytes:
    return json.dumps({"name": name}).encode()
