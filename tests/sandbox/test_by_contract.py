"""A service that is played by its contract alone: every method, path, query, scheme and batch."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from swarm_analytics_models.contract import InvalidContract
from swarm_analytics_sandbox.app import create_app
from tests.sandbox.toy import TOY

pytestmark = pytest.mark.anyio

KEY = {"x-toy-key": "Toy k1"}


@pytest.fixture
async def toy() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(create_app({"toy": TOY}))
    async with httpx.AsyncClient(transport=transport, base_url="http://sandbox/toy/v1") as client:
        yield client


async def looked_at(toy: httpx.AsyncClient, what: str) -> Any:
    return (await toy.get(f"http://sandbox/_sandbox/{what}")).json()


async def meter_key(toy: httpx.AsyncClient, meter: str) -> dict[str, str]:
    answer = await toy.post(f"/meters/{meter}/key", headers=KEY)
    return {"authorization": f"Bearer {answer.json()['key']['token']}"}


async def test_what_a_path_names_is_decoded_and_told_from_a_fixed_path(toy: httpx.AsyncClient) -> None:
    for path in ("/meters/a%2Fb%20%C3%A9", "/meters/latest"):
        assert (await toy.get(path, headers=KEY)).status_code == 200
    assert (await toy.patch("/meters/a%2Fb%20%C3%A9", json={"name": "attic"}, headers=KEY)).status_code == 200
    shown = await looked_at(toy, "requests")
    assert [(each["route"], each["path"]) for each in shown] == [
        ("meters.get", "/toy/v1/meters/a%2Fb%20%C3%A9"),
        ("meters.latest", "/toy/v1/meters/latest"),
        ("meters.rename", "/toy/v1/meters/a%2Fb%20%C3%A9"),
    ]
    (renamed,) = await looked_at(toy, "good")
    assert (renamed["resource"], renamed["body"]) == ("a/b é", {"name": "attic"})


async def test_a_query_is_read_as_the_model_has_it(toy: httpx.AsyncClient) -> None:
    answer = await toy.get("/meters?near=a%20b&tag=x&tag=y&limit=3", headers=KEY)
    assert (answer.status_code, answer.json()) == (200, {"meters": ["kitchen"]})
    assert (await toy.get("/meters?tag=x", headers=KEY)).status_code == 200
    (first, _) = await looked_at(toy, "requests")
    assert first["query"] == "near=a%20b&tag=x&tag=y&limit=3"


@pytest.mark.parametrize(
    ("query", "place"), [("limit=many", ["body", "limit"]), ("colour=red", ["query", "colour"])]
)
async def test_a_query_that_does_not_fit_is_422(toy: httpx.AsyncClient, query: str, place: list[str]) -> None:
    answer = await toy.get(f"/meters?{query}", headers=KEY)
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, place)


async def test_a_body_may_be_a_bare_array_with_its_key_in_a_header(toy: httpx.AsyncClient) -> None:
    for _ in range(2):
        sent = await toy.post("/meters", json=["attic", "hall"], headers={**KEY, "x-once": "once"})
        assert sent.status_code == 200
    assert (await toy.post("/meters", json=["attic"], headers={**KEY, "x-once": "once"})).status_code == 409
    assert (await toy.post("/meters", json={"names": 1}, headers=KEY)).status_code == 422
    ledger = await looked_at(toy, "ledger")
    assert ledger["routes"]["toy"]["meters.create"] == {
        "received": 4,
        "unique": 1,
        "duplicates": 1,
        "conflicts": 1,
        "bad": 1,
    }


async def test_what_is_not_idempotent_counts_each_time_and_reads_never(toy: httpx.AsyncClient) -> None:
    for _ in range(2):
        assert (await toy.put("/meters/attic/reset", headers=KEY)).status_code == 200
        assert (await toy.delete("/meters/attic", headers=KEY)).status_code == 200
        assert (await toy.get("/meters", headers=KEY)).status_code == 200
    routes = (await looked_at(toy, "ledger"))["routes"]["toy"]
    assert {name: counts["unique"] for name, counts in routes.items()} == {
        "meters.reset": 2,
        "meters.remove": 1,
    }


async def test_a_batch_is_taken_one_by_one_and_a_repetition_in_either_form_is_known(
    toy: httpx.AsyncClient,
) -> None:
    readings = [{"event_id": f"e{number}", "celsius": 20.5} for number in range(3)]
    attic, hall = await meter_key(toy, "attic"), await meter_key(toy, "hall")
    assert (await toy.post("/meters/attic/readings", json=readings[0], headers=attic)).status_code == 200
    batch = await toy.post("/meters/attic/readings/batch", json={"readings": readings}, headers=attic)
    assert batch.status_code == 200
    assert (await toy.post("/meters/hall/readings", json=readings[0], headers=hall)).status_code == 200
    ledger = await looked_at(toy, "ledger")
    assert (ledger["unique"], ledger["duplicates"]) == (4, 1)
    good = await looked_at(toy, "good")
    assert [(each["resource"], each["key"], each["install_id"]) for each in good] == [
        ("attic", "e0", "meter:attic"),
        ("attic", "e1", "meter:attic"),
        ("attic", "e2", "meter:attic"),
        ("hall", "e0", "meter:hall"),
    ]


@pytest.mark.parametrize(
    ("readings", "place"),
    [
        ([{"event_id": "e", "celsius": 1}, {"event_id": "f"}], ["body", "readings", 1, "celsius"]),
        ([{"event_id": "e", "celsius": 1}, 5], ["body", "readings", 1]),
    ],
)
async def test_a_bad_item_spoils_its_batch_and_is_named(
    toy: httpx.AsyncClient, readings: list[Any], place: list[Any]
) -> None:
    attic = await meter_key(toy, "attic")
    answer = await toy.post("/meters/attic/readings/batch", json={"readings": readings}, headers=attic)
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, place)
    assert (await looked_at(toy, "ledger"))["unique"] == 0


async def test_more_items_than_a_batch_may_have_are_422(toy: httpx.AsyncClient) -> None:
    attic = await meter_key(toy, "attic")
    readings = [{"event_id": f"e{number}", "celsius": 1} for number in range(4)]
    answer = await toy.post("/meters/attic/readings/batch", json={"readings": readings}, headers=attic)
    assert (answer.status_code, answer.json()["detail"]) == (422, "4 items are more than 3")


async def test_routes_at_one_place_are_told_apart_by_what_is_sent(toy: httpx.AsyncClient) -> None:
    attic = await meter_key(toy, "attic")
    body = {"event_id": "e", "celsius": 1}
    for query in ("", "?sync=true", "?sync=maybe"):
        await toy.post(f"/meters/attic/readings{query}", json=body, headers=attic)
    shown = (await looked_at(toy, "requests"))[1:]
    assert [(each["route"], each["answered"]) for each in shown] == [
        ("meters.read", "200"),
        ("meters.now", "200"),
        ("meters.read", "422"),
    ]


async def test_an_api_key_lets_in_until_it_is_revoked(toy: httpx.AsyncClient) -> None:
    assert (await toy.get("/meters")).status_code == 401
    assert (await toy.get("/meters", headers={"x-toy-key": "k1"})).status_code == 401
    state = "http://sandbox/_sandbox/state/toy"
    assert (await toy.post(state, json={"revoked_keys": ["k1"]})).status_code == 200
    assert (await toy.get("/meters", headers=KEY)).json() == {"detail": "token revoked"}
    assert (await toy.get("/meters", headers={"x-toy-key": "Toy k2"})).status_code == 200
    assert (await looked_at(toy, "ledger"))["unauthorized"] == 3
    assert "k1" not in json.dumps(await looked_at(toy, "state/toy"))
    shown = json.dumps(await looked_at(toy, "requests"))
    assert "Toy k1" not in shown
    await toy.post("http://sandbox/_sandbox/reset")
    assert (await toy.get("/meters", headers=KEY)).status_code == 200


async def test_a_key_that_was_minted_for_one_resource_opens_no_other(toy: httpx.AsyncClient) -> None:
    answer = (await toy.post("/meters/attic/key", headers=KEY)).json()
    life = datetime.fromtimestamp(answer["key"]["expires_at_ms"] / 1000, UTC) - datetime.now(UTC)
    assert timedelta(days=29) < life <= timedelta(days=30)
    body = {"event_id": "e", "celsius": 1}
    attic = {"authorization": f"Bearer {answer['key']['token']}"}
    assert (await toy.post("/meters/hall/readings", json=body, headers=attic)).status_code == 401
    assert (await toy.post("/meters/attic/readings", json=body, headers=attic)).status_code == 200


async def test_a_session_is_opened_for_a_user_and_runs_out(toy: httpx.AsyncClient) -> None:
    assert (await toy.get("/sessions/who")).status_code == 401
    opened = (await toy.post("/sessions", json={"user_id": "u1"}, headers=KEY)).json()
    assert datetime.fromisoformat(opened["expires_at"]) > datetime.now(UTC)
    session = {"authorization": f"Bearer {opened['token']}"}
    assert (await toy.get("/sessions/who", headers=session)).status_code == 200
    await toy.post("http://sandbox/_sandbox/tokens/life", json={"life_s": 0})
    brief = (await toy.post("/sessions", json={}, headers=KEY)).json()
    answer = await toy.get("/sessions/who", headers={"authorization": f"Bearer {brief['token']}"})
    assert answer.json() == {"detail": "token expired"}
    revoked = await toy.post("http://sandbox/_sandbox/tokens/revoke", json={"install_id": "u1"})
    assert revoked.json() == {"revoked": 1}
    assert (await toy.get("/sessions/who", headers=session)).json() == {"detail": "token revoked"}


async def test_a_signature_needs_all_its_headers_and_a_nonce_of_its_own(toy: httpx.AsyncClient) -> None:
    signed = {"x-agent": "a1", "x-time": "1", "x-nonce": "n1", "x-signature": "00"}
    assert (await toy.put("/meters/attic/reset", headers=signed)).status_code == 200
    assert (await toy.put("/meters/attic/reset", headers=signed)).json() == {"detail": "token unknown"}
    for name in signed:
        rest = {other: value for other, value in signed.items() if other != name} | {"x-nonce": name}
        rest = rest if name != "x-nonce" else {**rest, "x-nonce": ""}
        assert (await toy.put("/meters/attic/reset", headers=rest)).status_code == 401
    (taken,) = await looked_at(toy, "good")
    assert taken["install_id"] == "agent:a1"


async def test_what_no_route_has_is_404_or_405_and_is_logged(toy: httpx.AsyncClient) -> None:
    assert (await toy.get("/meters/attic/nothing")).status_code == 404
    assert (await toy.get("/meters//key")).status_code == 404
    assert (await toy.patch("/meters")).status_code == 405
    shown = await looked_at(toy, "requests")
    assert [(each["service"], each["route"]) for each in shown] == [("toy", None)] * 3
    assert (await toy.get("http://sandbox/elsewhere")).status_code == 404
    assert len(await looked_at(toy, "requests")) == 3


async def test_faults_strike_by_method_and_route_everywhere(toy: httpx.AsyncClient) -> None:
    faults = [
        {"match": {"method": "DELETE"}, "action": {"kind": "status", "status": 503, "accept": True}},
        {"match": {"route": "health.*"}, "action": {"kind": "wrong_json", "text": "{"}},
    ]
    await toy.post("http://sandbox/_sandbox/script", json={"faults": faults})
    assert (await toy.delete("/meters/attic", headers=KEY)).status_code == 503
    assert (await toy.get("/meters/attic", headers=KEY)).status_code == 200
    assert (await toy.get("/health")).text == "{"
    assert (await looked_at(toy, "ledger"))["unique"] == 1


@pytest.mark.parametrize("settings", [{"mode": "x"}, {"revoked_keys": "k1"}, {"revoked_keys": [1]}])
async def test_a_setting_that_there_is_not_is_refused_with_the_remedy(
    toy: httpx.AsyncClient, settings: dict[str, Any]
) -> None:
    answer = await toy.post("http://sandbox/_sandbox/state/toy", json=settings)
    assert answer.status_code == 422
    assert "revoked_keys, a list of texts" in answer.json()["detail"]
    assert (await toy.get("http://sandbox/_sandbox/state/nobody")).status_code == 404


def test_its_openapi_says_where_each_field_travels() -> None:
    paths = create_app({"toy": TOY}).openapi()["paths"]
    search = paths["/toy/v1/meters"]["get"]
    assert {each["name"]: each["in"] for each in search["parameters"]} == {
        "near": "query",
        "tag": "query",
        "limit": "query",
    }
    rename = paths["/toy/v1/meters/{meter}"]["patch"]
    assert [(each["name"], each["in"]) for each in rename["parameters"]] == [("meter", "path")]
    assert "requestBody" in rename
    assert "requestBody" not in paths["/toy/v1/meters/{meter}"]["delete"]
    array = paths["/toy/v1/meters"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert array["type"] == "array"


def test_two_services_may_share_a_prefix_but_no_place() -> None:
    other = replace(TOY, name="other", routes=(replace(TOY.by_key["health.check"], path="/alive"),))
    create_app({"toy": TOY, "other": other})
    same = replace(TOY, name="other", routes=(TOY.by_key["health.check"],))
    with pytest.raises(InvalidContract, match="toy both declare GET /toy/v1/health"):
        create_app({"toy": TOY, "other": same})
