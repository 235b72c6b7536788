"""A parcel's way, with a double for the transport: what is sent, in which phases, how a batch is halved."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pytest
from pydantic import SecretStr

from swarm_analytics_models.api import SessionIdentity
from swarm_analytics_models.contract import Route
from swarm_analytics_models.identifiers import Destination, IdentityKind
from swarm_analyticsd.credentials.proof import Unproven, Why
from swarm_analyticsd.delivery.answer import Answer, NoAnswer, Obstacle, Reply
from swarm_analyticsd.delivery.batch import Parcel
from swarm_analyticsd.delivery.carry import Carried, Carrier, CutOff, LeaseLost
from swarm_analyticsd.delivery.outcome import (
    CredentialRefused,
    Delivered,
    EventFault,
    FlowControl,
    NotReached,
    Outcome,
    RouteShut,
    ServiceFault,
)
from swarm_analyticsd.delivery.request import Request
from swarm_analyticsd.outbox.rows import Phase, WhenAmbiguous
from tests.credentials.support import BASE, BY_SESSION, IN_BOX, KEY_DESTINATION, Bench, session_for
from tests.delivery.lab import TOLD
from tests.delivery.support import BATCHED, KEYED, SET_ASIDE, TOY, row

pytestmark = pytest.mark.anyio

SECRET = SecretStr("canary-9")
AT = Destination(TOY.name, "https://a.example/", IdentityKind.KEY, "k")


@dataclass
class Double:
    """A transport that answers from a function."""

    answering: Callable[[Request], Answer]
    sent: list[Request] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    taken: frozenset[int] = frozenset()
    bench: Bench = field(default_factory=lambda: Bench(AT))

    async def send(self, request: Request) -> Answer:
        self.sent.append(request)
        self.steps.append("send")
        return self.answering(request)

    async def aclose(self) -> None:
        self.steps.append("close")

    async def mark(
        self, leases: Mapping[int, int], phase: Phase, when_ambiguous: WhenAmbiguous | None
    ) -> frozenset[int]:
        self.steps.append(phase.value if when_ambiguous is None else f"{phase.value}:{when_ambiguous}")
        return frozenset(leases) - self.taken

    def carrier(self) -> Carrier:
        bench = self.bench
        return Carrier(bench.destination, bench.authenticator, self, bench.clock, self.mark)


def ok(_: Request) -> Answer:
    return Reply(200)


def guilty(*bad: int) -> Callable[[Request], Answer]:
    """A service that refuses a request as a whole when it holds one of these values."""

    def answering(request: Request) -> Answer:
        content = json.loads(request.body)
        values = {item["value"] for item in content.get("items", [content])}
        return Reply(422 if values & set(bad) else 200)

    return answering


def parcel(route: Route, *values: int, alone: bool = False) -> Parcel:
    rows = (row(v, route=route.key, body=json.dumps({"value": v}).encode(), alone=alone) for v in values)
    return Parcel(route, tuple(rows))


def told(*texts: int) -> Parcel:
    """Rows of a route whose answer may say that some were skipped."""
    bodies = (json.dumps({"text": str(text)}).encode() for text in texts)
    return Parcel(TOLD, tuple(row(n, route=TOLD.key, body=body) for n, body in enumerate(bodies, 1)))


async def outcomes(double: Double, sent: Parcel) -> dict[int, type[Outcome]]:
    return {one.row.seq: type(one.outcome) for one in await carry(double, sent)}


async def carry(double: Double, sent: Parcel, secret: SecretStr | None = SECRET) -> list[Carried]:
    if secret is not None:
        await double.bench.credential.adopt(secret)
    return [one async for carried in double.carrier().carry(sent) for one in carried]


@pytest.mark.parametrize("bad", [(), (3,), (1, 8), (4, 5), tuple(range(1, 9))])
async def test_bisection_finds_exactly_the_guilty(bad: tuple[int, ...]) -> None:
    double = Double(guilty(*bad))
    found = await outcomes(double, parcel(BATCHED, *range(1, 9)))
    assert found == {value: EventFault if value in bad else Delivered for value in range(1, 9)}
    assert len(double.sent) <= 2 * 8 - 1


async def test_a_batch_that_meets_trouble_is_not_taken_apart() -> None:
    double = Double(lambda _: NoAnswer("reset"))
    found = await outcomes(double, parcel(BATCHED, 1, 2, 3))
    assert found == dict.fromkeys((1, 2, 3), ServiceFault)
    assert len(double.sent) == 1


async def test_an_event_that_cannot_be_written_as_a_request_is_at_fault_itself() -> None:
    poison = Parcel(KEYED, (row(1, route=KEYED.key, key="a\r\nX-Evil: 1"),))
    double = Double(ok)
    assert await outcomes(double, poison) == {1: EventFault}
    assert double.sent == []


async def test_without_a_credential_nothing_is_sent() -> None:
    double = Double(ok)
    [carried] = await carry(double, parcel(KEYED, 1), None)
    assert isinstance(carried.outcome, CredentialRefused)
    assert double.sent == []


async def test_an_event_over_which_daemons_died_leaves_its_trace() -> None:
    double = Double(ok)
    await outcomes(double, parcel(KEYED, 1, alone=True))
    assert double.steps == ["handling", "waiting", "send", "handling"]
    double = Double(ok)
    await outcomes(double, parcel(KEYED, 1))
    assert double.steps == ["send"]


@pytest.mark.parametrize(("route", "mark"), [(BATCHED, "waiting:resend"), (SET_ASIDE, "waiting:set_aside")])
async def test_what_the_service_would_not_know_again_is_marked_before_it_leaves(
    route: Route, mark: str
) -> None:
    double = Double(ok)
    await carry(double, parcel(route, 1))
    assert double.steps == [mark, "send"]


async def test_what_was_withdrawn_of_a_batch_is_left_out_of_it() -> None:
    double = Double(ok, taken=frozenset({2, 3}))
    carried = await carry(double, parcel(BATCHED, 1, 2, 3, 4))
    assert [one.row.seq for one in carried] == [1, 4]
    assert [json.loads(request.body) for request in double.sent] == [{"items": [{"value": 1}, {"value": 4}]}]


async def test_what_a_batch_skipped_is_said_of_one_of_its_rows() -> None:
    double = Double(lambda _: Reply(200, (), b'{"skipped": 2}'))
    carried = await carry(double, told(1, 2, 3))
    assert [one.outcome for one in carried] == [Delivered(200, 2), Delivered(200), Delivered(200)]


@pytest.mark.parametrize("skipped", [2, 3])
async def test_what_was_skipped_to_the_last_is_at_fault_and_sent_once(skipped: int) -> None:
    double = Double(lambda _: Reply(200, (), b'{"skipped": %d}' % skipped))
    carried = await carry(double, told(1, 2))
    assert [type(one.outcome) for one in carried] == [EventFault, EventFault]
    assert len(double.sent) == 1


async def test_a_cancelled_send_says_what_may_have_arrived() -> None:
    def cancelled(_: Request) -> Answer:
        raise asyncio.CancelledError

    with pytest.raises(CutOff) as caught:
        await carry(Double(cancelled), parcel(KEYED, 1))
    assert [one.seq for one in caught.value.parcel.rows] == [1]


async def test_an_event_that_was_withdrawn_meanwhile_is_not_sent() -> None:
    double = Double(ok, taken=frozenset({1}))
    with pytest.raises(LeaseLost):
        await carry(double, parcel(KEYED, 1, alone=True))
    assert double.sent == []


def boxed(*boxes: str) -> Parcel:
    rows = (row(n, route=IN_BOX.key, body=json.dumps({"box": box}).encode()) for n, box in enumerate(boxes))
    return Parcel(IN_BOX, tuple(rows))


def refusing(status: int, *tokens: str) -> Callable[[Request], Answer]:
    """A service that has revoked these tokens."""

    def answering(request: Request) -> Answer:
        [proof] = request.authentication
        return Reply(status if proof.value.removeprefix("Bearer ") in tokens else 200)

    return answering


async def test_a_resources_key_is_minted_for_what_the_path_names() -> None:
    double = Double(ok, bench=Bench(KEY_DESTINATION))
    [carried] = await carry(double, boxed("a/b c"))
    assert isinstance(carried.outcome, Delivered)
    assert double.bench.mints == ["a/b c"]
    assert double.sent[0].url == f"{BASE}/boxes/a%2Fb%20c/items"


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_token_costs_one_mint_and_one_more_request(status: int) -> None:
    double = Double(refusing(status, "token-1"), bench=Bench(KEY_DESTINATION))
    [carried] = await carry(double, boxed("b1"))
    assert isinstance(carried.outcome, Delivered)
    assert (len(double.sent), len(double.bench.mints)) == (2, 2)
    assert double.sent[0].body == double.sent[1].body


@pytest.mark.parametrize("status", [401, 403])
async def test_a_fresh_resource_key_that_is_refused_shuts_the_route_and_holds_no_key(status: int) -> None:
    double = Double(lambda _: Reply(status), bench=Bench(KEY_DESTINATION))
    [carried] = await carry(double, boxed("b1"))
    assert carried.outcome == RouteShut(status, carried.outcome.error)  # type: ignore[union-attr]
    assert (len(double.sent), len(double.bench.mints)) == (2, 2), "once for each request"
    assert double.bench.credential.refusal is None


async def test_a_fresh_session_that_is_refused_holds_the_users_events() -> None:
    double = Double(lambda _: Reply(401), bench=Bench(session_for("u-1")))
    sent = Parcel(BY_SESSION, (row(1, route=BY_SESSION.key, body=b"{}"),))
    secret = SecretStr(SessionIdentity(key="pk_1", user_id="u-1").model_dump_json())
    [carried] = await carry(double, sent, secret)
    assert carried.outcome == CredentialRefused(401, "HTTP 401 Unauthorized")
    assert carried.credential == double.bench.credential.generation
    assert len(double.sent) == 2


@pytest.mark.parametrize(
    ("unproven", "outcome"),
    [
        (Unproven(Why.REFUSED, "e", 401), CredentialRefused(401, "e")),
        (Unproven(Why.REJECTED, "e", 422), EventFault(422, "e")),
        (Unproven(Why.SHUT, "e", 403), RouteShut(403, "e")),
        (Unproven(Why.ASKED_TO_WAIT, "e", 429, 7.0), FlowControl(429, "e", 7.0)),
        (Unproven(Why.TROUBLE, "e", 500), ServiceFault(500, "e", ambiguous=False)),
        (Unproven(Why.UNREACHED, "e"), NotReached(Obstacle.CONNECT, "e")),
    ],
)
async def test_a_mint_that_fails_is_told_as_what_it_is(unproven: Unproven, outcome: Outcome) -> None:
    async def failing(*_: object) -> Unproven:
        return unproven

    double = Double(ok, bench=Bench(KEY_DESTINATION, answers=failing))
    [carried] = await carry(double, boxed("b1"))
    assert carried.outcome == outcome
    assert double.sent == []


def test_importing_the_schedule_loads_no_network_or_keyring_library() -> None:
    code = (
        "import sys, swarm_analyticsd.schedule.loop, swarm_analyticsd.credentials.choice as c\n"
        "print(sorted({'httpx', 'aiohttp', 'httpx_aiohttp', 'keyring', 'truststore'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
