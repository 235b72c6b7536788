"""The port for stand-ins: what one is asked, and its answers on a real wire."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from swarm_analytics_models.contract import ServiceContract
from swarm_analytics_sandbox.app import create_app
from swarm_analytics_sandbox.stand_in import Answer, Asked, json_answer
from swarm_analytics_sandbox.stand_ins import STAND_INS
from tests.sandbox.toy import TOY


class Player:
    """Answers with what it was asked; `streams` makes it answer in pieces."""

    def __init__(self, contract: ServiceContract, now: Callable[[], float]) -> None:
        del contract, now
        self.streams = False

    def answer(self, asked: Asked) -> Answer:
        if self.streams:
            return Answer(200, headers=((b"content-type", b"text/plain"),), pieces=(b"1 ", b"2 ", b"3"))
        if asked.route is None:
            return json_answer(418, {"allowed": asked.allowed})
        for member in asked.json:
            asked.take("somebody", key=member, body=b'"%b"' % member.encode())
        return json_answer(
            201,
            [asked.route.key, dict(asked.path_values), asked.parameter("sync"), asked.header("X-Toy-Key")],
            [(b"x-request-id", b"r1")],
        )

    def state(self) -> Any:
        return {"streams": self.streams}

    def configure(self, settings: dict[str, Any]) -> None:
        if set(settings) != {"streams"}:
            raise ValueError("the one setting is streams")
        self.streams = settings["streams"]

    def reset(self) -> None:
        self.streams = False


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> httpx.AsyncClient:
    monkeypatch.setitem(STAND_INS, "toy", Player)
    transport = httpx.ASGITransport(create_app({"toy": TOY}))
    return httpx.AsyncClient(transport=transport, base_url="http://sandbox")


@pytest.mark.anyio
async def test_a_stand_in_is_asked_and_what_it_takes_is_in_the_ledger(played: httpx.AsyncClient) -> None:
    answer = await played.post(
        "/toy/v1/meters/a%20b/readings?sync=x", json=["k1", "k2", "k1"], headers={"x-toy-key": "k"}
    )
    assert (answer.status_code, answer.headers["x-request-id"]) == (201, "r1")
    assert answer.json() == ["meters.read", {"meter": "a b"}, "x", "k"]
    ledger = (await played.get("/_sandbox/ledger")).json()
    assert (ledger["unique"], ledger["duplicates"]) == (2, 1)
    good = (await played.get("/_sandbox/good")).json()
    assert [(each["key"], each["body"], each["resource"]) for each in good] == [
        ("k1", "k1", "a b"),
        ("k2", "k2", "a b"),
    ]


@pytest.mark.anyio
async def test_a_stand_in_answers_what_its_contract_has_no_route_for(played: httpx.AsyncClient) -> None:
    answer = await played.get("/toy/v1/meters/attic/readings")
    assert (answer.status_code, answer.json()) == (418, {"allowed": ["POST"]})
    assert (await played.get("/toy/unknown")).json() == {"allowed": []}


@pytest.mark.anyio
async def test_a_stand_in_is_configured_and_reset(played: httpx.AsyncClient) -> None:
    assert (await played.post("/_sandbox/state/toy", json={"speed": 1})).status_code == 422
    assert (await played.post("/_sandbox/state/toy", json={"streams": True})).json() == {"streams": True}
    async with played.stream("GET", "/toy/v1/anything") as answer:
        assert "content-length" not in answer.headers
        assert [piece async for piece in answer.aiter_raw()] == [b"1 2 3"]
    await played.post("/_sandbox/reset")
    assert (await played.get("/_sandbox/state/toy")).json() == {"streams": False}
