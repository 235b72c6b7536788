"""A parcel's way, with a double for the transport: what is sent, in which phases, how a batch is halved."""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pytest
from pydantic import SecretStr

from swarm_analytics_models.contract import Route
from swarm_analytics_models.identifiers import Destination, IdentityKind
from swarm_analytics_models.services.openswarm.contract import OPENSWARM
from swarm_analyticsd.credentials.registration import MintDelayed, Minted, MintRefused, MintResult
from swarm_analyticsd.credentials.schemes import registration_of
from swarm_analyticsd.delivery.answer import Answer, NoAnswer, NotSent, Obstacle, Reply
from swarm_analyticsd.delivery.batch import Parcel
from swarm_analyticsd.delivery.bootstrap import Bootstrap
from swarm_analyticsd.delivery.carry import Carried, Carrier, LeaseLost
from swarm_analyticsd.delivery.outcome import (
    CredentialRefused,
    Delivered,
    EventFault,
    Outcome,
    ServiceFault,
)
from swarm_analyticsd.delivery.request import Request
from swarm_analyticsd.outbox.rows import Phase, WhenAmbiguous
from tests.delivery.support import BATCHED, KEYED, TOY, FakeClock, row

pytestmark = pytest.mark.anyio

SECRET = SecretStr("canary-9")


@dataclass
class Double:
    """A transport that answers from a function."""

    answering: Callable[[Request], Answer]
    sent: list[Request] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    taken: frozenset[int] = frozenset()

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
        destination = Destination(TOY.name, "https://a.example/", IdentityKind.INSTALL, "i-1")
        return Carrier(destination, self, FakeClock(), self.mark)


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


async def outcomes(double: Double, sent: Parcel) -> dict[int, type[Outcome]]:
    return {one.row.seq: type(one.outcome) for one in await carry(double, sent)}


async def carry(double: Double, sent: Parcel, secret: SecretStr | None = SECRET) -> list[Carried]:
    return [one async for carried in double.carrier().carry(sent, secret) for one in carried]


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


async def test_an_event_that_was_withdrawn_meanwhile_is_not_sent() -> None:
    double = Double(ok, taken=frozenset({1}))
    with pytest.raises(LeaseLost):
        await carry(double, parcel(KEYED, 1, alone=True))
    assert double.sent == []


async def mint(answer: Answer) -> tuple[MintResult, Double]:
    double, scheme = Double(lambda _: answer), registration_of(OPENSWARM)
    assert scheme is not None
    carrier = double.carrier()
    bootstrap = Bootstrap(OPENSWARM, scheme, lambda: carrier.destination, double, carrier.clock)
    return await bootstrap(), double


async def test_registering_sends_the_install_id_and_no_credential() -> None:
    result, double = await mint(Reply(200, (), b'{"token": "t", "install_id": "i-1"}'))
    assert result == Minted(SecretStr("t"))
    [request] = double.sent
    assert request.url == "https://a.example/public/identify/create_install_token"
    assert request.body == b'{"install_id":"i-1"}'
    assert request.authentication is None
    assert "'t'" not in repr(result)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Reply(401), MintRefused),
        (Reply(422), MintRefused),
        (Reply(404), MintRefused),
        (Reply(500), MintDelayed),
        (Reply(429, (("retry-after", "9"),)), MintDelayed),
        (Reply(200, (("content-type", "text/html"),), b"<html>"), MintDelayed),
        (Reply(302), MintDelayed),
        (Reply(200, (), b'{"token": ""}'), MintDelayed),
        (Reply(200, (), b'{"tok": "x"}'), MintDelayed),
        (Reply(200, (), b'"token"'), MintDelayed),
        (NoAnswer("reset"), MintDelayed),
        (NotSent(Obstacle.NAME, "no host"), MintDelayed),
    ],
)
async def test_what_a_registration_can_come_to(answer: Answer, kind: type[MintResult]) -> None:
    result, _ = await mint(answer)
    assert type(result) is kind


async def test_a_registration_that_is_put_off_knows_until_when() -> None:
    result, _ = await mint(Reply(503, (("retry-after", "9"),)))
    assert result == MintDelayed("registration put off: HTTP 503 Service Unavailable", 9.0)


def test_importing_the_schedule_loads_no_network_or_keyring_library() -> None:
    code = (
        "import sys, swarm_analyticsd.schedule.loop, swarm_analyticsd.credentials.choice as c\n"
        "print(sorted({'httpx', 'aiohttp', 'httpx_aiohttp', 'keyring', 'truststore'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
