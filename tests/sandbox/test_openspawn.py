"""The stand-in of OpenSpawn against what its server was found to do: golden vectors, statuses, words."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

import httpx
import pytest

from swarm_analytics_models.services.openspawn.contract import OPENSPAWN
from swarm_analytics_sandbox.app import create_app
from swarm_analytics_sandbox.stand_ins import STAND_INS
from swarm_analytics_sandbox.stand_ins.openspawn import OpenSpawn
from swarm_analytics_sandbox.stand_ins.openspawn.ecmascript import stringify
from swarm_analytics_sandbox.stand_ins.openspawn.organization import (
    CHANNEL,
    FOUNDER,
    FOUNDER_ID,
    FOUNDER_SECRET,
)

NOW: Final = 1_700_000_000
NONCE: Final = "00112233445566778899aabbccddeeff"
KEY: Final = {"authorization": "Bearer osp_" + "ab" * 32}
UUID_1: Final = "018bcfe5-6800-7000-8000-000000000001"
ABSENT: Final = "00000000-0000-4000-8000-00000000dead"


@dataclass
class Server:
    """The stand-in behind its application, a clock to turn, and an agent that signs."""

    http: httpx.AsyncClient
    now: float = NOW
    nonces: Any = field(default_factory=count)

    def signed(self, method: str, path: str, body: Any = None, **changes: Any) -> dict[str, str]:
        """The headers of a good signature, but for `changes`."""
        stamp = str(changes.get("timestamp", int(self.now)))
        nonce = changes.get("nonce", f"n{next(self.nonces)}")
        covered = changes.get("covers", "" if method in ("GET", "DELETE") else stringify(body or {}))
        message = f"{method}{changes.get('covered_path', path)}{stamp}{nonce}{covered}"
        key = changes.get("key", bytes.fromhex(changes.get("secret", FOUNDER_SECRET)))
        signature = hmac.digest(key, message.encode(), hashlib.sha256).hex()
        return {
            "x-agent-id": changes.get("agent", FOUNDER_ID),
            "x-timestamp": stamp,
            "x-nonce": nonce,
            "x-signature": changes.get("signature", signature),
        }

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        query: str = "",
        key: str | None = None,
    ) -> httpx.Response:
        """Signed unless other headers are given."""
        full = f"/api/v1{path}"
        proof = self.signed(method, full, body) if headers is None else dict(headers)
        content = None if body is None else json.dumps(body).encode()
        return await self.http.request(
            method,
            full + query,
            content=content,
            headers={"content-type": "application/json"}
            | proof
            | ({} if key is None else {"x-idempotency-key": key}),
        )

    async def configure(self, **settings: Any) -> dict[str, Any]:
        answer = await self.http.post("/_sandbox/state/openspawn", json=settings)
        assert answer.status_code == 200, answer.text
        state: dict[str, Any] = answer.json()
        return state


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    served = Server(httpx.AsyncClient())
    monkeypatch.setitem(
        STAND_INS, "openspawn", lambda contract, _now: OpenSpawn(contract, lambda: served.now)
    )
    transport = httpx.ASGITransport(create_app({"openspawn": OPENSPAWN}))
    served.http = httpx.AsyncClient(transport=transport, base_url="http://sandbox")
    return served


@pytest.mark.parametrize(
    ("method", "path", "body", "signature"),
    [
        ("GET", "/tasks", None, "449305fb89069bb0db4285d46573850c1fddc82d1387557dcfd1edc39a39125a"),
        (
            "POST",
            "/tasks",
            {"title": "d é", "priority": "high"},
            "1dae5471835fe0b00683d95841b540155c12cca7fde732c4750fa448c66c8b3a",
        ),
    ],
)
@pytest.mark.anyio
async def test_golden_vectors_are_let_in(
    server: Server, method: str, path: str, body: Any, signature: str
) -> None:
    headers = server.signed(method, f"/api/v1{path}", nonce=NONCE, signature=signature)
    assert (await server.ask(method, path, body, headers)).is_success


@pytest.mark.anyio
async def test_the_golden_vector_of_an_empty_body_is_let_in(server: Server) -> None:
    signature = "0ac6aa68b5f0d4e4d3527c27e0daa7e9fb5c6eebf925da16b44dfeb64c659411"
    headers = server.signed("POST", "/api/v1/tasks/7/approve", nonce=NONCE, signature=signature)
    assert (await server.ask("POST", "/tasks/7/approve", None, headers)).status_code == 500, "no UUID, but in"


@pytest.mark.parametrize(
    "changes",
    [
        {"covered_path": "/tasks"},
        {"covered_path": "/api/v1/tasks?status=todo"},
        {"key": FOUNDER_SECRET.encode()},
        {"secret": "ff" * 32},
        {"agent": "nobody"},
        {"timestamp": NOW - 301},
        {"timestamp": NOW + 301},
        {"timestamp": NOW * 1000},
        {"signature": ""},
    ],
    ids=str,
)
@pytest.mark.anyio
async def test_any_other_signature_is_refused_without_a_reason(server: Server, changes: Any) -> None:
    headers = server.signed("GET", "/api/v1/tasks", **changes)
    answer = await server.ask("GET", "/tasks", headers=headers, query="?status=todo")
    assert (answer.status_code, answer.json()) == (401, {"error": "Unauthorized", "code": "UNAUTHORIZED"})


@pytest.mark.anyio
async def test_an_upper_case_digest_is_refused_and_a_clock_299_seconds_off_is_not(server: Server) -> None:
    headers = server.signed("GET", "/api/v1/tasks")
    shouted = headers | {"x-signature": headers["x-signature"].upper()}
    assert (await server.ask("GET", "/tasks", headers=shouted)).status_code == 401
    for offset in (-299, 299):
        late = server.signed("GET", "/api/v1/tasks", timestamp=NOW + offset)
        assert (await server.ask("GET", "/tasks", headers=late)).status_code == 200
    nonsense = server.signed("GET", "/api/v1/tasks", timestamp="abc")
    assert (await server.ask("GET", "/tasks", headers=nonsense)).status_code == 200, (
        "NaN is within any window"
    )


@pytest.mark.anyio
async def test_a_nonce_is_good_once_and_a_forged_request_burns_none(server: Server) -> None:
    forged = server.signed("GET", "/api/v1/tasks", nonce=NONCE, secret="ff" * 32)
    assert (await server.ask("GET", "/tasks", headers=forged)).status_code == 401
    headers = server.signed("GET", "/api/v1/tasks", nonce=NONCE)
    assert (await server.ask("GET", "/tasks", headers=headers)).status_code == 200
    assert (await server.ask("GET", "/tasks", headers=headers)).status_code == 401
    long = server.signed("GET", "/api/v1/tasks", nonce="n" * 65)
    assert (await server.ask("GET", "/tasks", headers=long)).status_code == 500
    server.now += 601
    again = server.signed("GET", "/api/v1/tasks", nonce=NONCE)
    assert (await server.ask("GET", "/tasks", headers=again)).status_code == 200


@pytest.mark.anyio
async def test_keys_are_told_by_their_prefix_and_can_be_revoked(server: Server) -> None:
    assert (await server.ask("GET", "/agents", headers=KEY)).status_code == 200
    for wrong in ("Bearer other", f"ApiKey {KEY['authorization'][7:]}"):
        assert (await server.ask("GET", "/agents", headers={"authorization": wrong})).status_code == 401
    await server.configure(revoke_key=KEY["authorization"].removeprefix("Bearer "))
    assert (await server.ask("GET", "/agents", headers=KEY)).status_code == 401


@pytest.mark.anyio
async def test_a_key_that_stands_for_a_user_can_do_little(server: Server) -> None:
    await server.configure(api_keys_act_as="user")
    statuses = {
        ("GET", "/agents"): 200,
        ("GET", "/tasks"): 200,
        ("GET", "/credits/history"): 200,
        ("GET", "/credits/balance"): 404,
        ("POST", "/tasks"): 500,
        ("POST", "/agents/register"): 403,
    }
    bodies = {"/tasks": {"title": "t"}, "/agents/register": {"agentId": "a", "name": "A"}}
    for (method, path), status in statuses.items():
        body = bodies.get(path) if method == "POST" else None
        assert (await server.ask(method, path, body, KEY)).status_code == status, path


@pytest.mark.anyio
async def test_only_the_servers_own_header_deduplicates_and_only_what_succeeded(server: Server) -> None:
    spend = {"amount": 10, "reason": "r"}
    for header, executed in (("idempotency-key", 2), ("x-idempotency-key", 1)):
        before = (await server.ask("GET", "/credits/balance")).json()["data"]["balance"]
        for _ in range(2):
            proof = server.signed("POST", "/api/v1/credits/spend", spend) | {header: UUID_1}
            assert (await server.ask("POST", "/credits/spend", spend, proof)).status_code == 201
        after = (await server.ask("GET", "/credits/balance")).json()["data"]["balance"]
        assert before - after == 10 * executed, header
    replayed = await server.ask("POST", "/tasks", {"title": "t"}, key=UUID_1.replace("-", ""))
    assert replayed.json()["data"]["amount"] == 10, "the key alone counts, in either form"
    assert (await server.ask("POST", "/tasks", {"title": "t"}, key="k")).status_code == 500
    failing = UUID_1.replace("1", "2")
    assert (
        await server.ask("POST", "/credits/spend", spend | {"amount": 10**6}, key=failing)
    ).status_code == 400
    assert (await server.ask("POST", "/credits/spend", spend, key=failing)).status_code == 201


@pytest.mark.anyio
async def test_a_keys_requests_are_never_deduplicated(server: Server) -> None:
    for _ in range(2):
        await server.ask("POST", "/credits/spend", {"amount": 10, "reason": "r"}, KEY, key=UUID_1)
    assert (await server.ask("GET", "/credits/balance")).json()["data"]["balance"] == 980


@pytest.mark.anyio
async def test_a_transfer_works_or_debits_and_breaks(server: Server) -> None:
    state = await server.configure(agents=[{"agentId": "child", "name": "Child", "parentId": FOUNDER}])
    child = next(agent["id"] for agent in state["agents"] if agent["agentId"] == "child")
    body = {"toAgentId": child, "amount": 5, "reason": "thanks"}
    answer = await server.ask("POST", "/agents/credits/transfer", body)
    assert answer.status_code == 201
    assert answer.json()["data"]["to"]["currentBalance"] == 5
    await server.configure(transfer="breaks")
    answer = await server.ask("POST", "/agents/credits/transfer", body)
    assert (answer.status_code, answer.json()["code"]) == (500, "INTERNAL_ERROR")
    assert (await server.ask("GET", "/credits/balance")).json()["data"]["balance"] == 990
    assert (await server.http.get("/_sandbox/ledger")).json()["unique"] == 2


@pytest.mark.anyio
async def test_validation_in_the_servers_words(server: Server) -> None:
    answer = await server.ask("POST", "/tasks", {"title": "t", "estimatedCredits": 5, "assigneeId": "x"})
    assert answer.status_code == 400
    assert answer.json() == {
        "error": ["property estimatedCredits should not exist", "assigneeId must be a UUID"],
        "code": "Bad Request",
    }
    task = (await server.ask("POST", "/tasks", {"title": "t", "priority": None})).json()["data"]
    assert (task["status"], task["priority"], task["identifier"]) == ("backlog", "normal", "TASK-1")
    noted = await server.ask("POST", f"/tasks/{task['id']}/transition", {"status": "todo", "notes": "n"})
    assert noted.json()["error"] == ["property notes should not exist"]
    wrong = await server.ask("POST", f"/tasks/{task['id']}/transition", {"status": "review"})
    assert (wrong.status_code, wrong.json()) == (
        422,
        {"error": "Invalid transition: backlog → review", "code": "Unprocessable Entity"},
    )
    assert (await server.ask("POST", f"/tasks/{task['id']}/approve")).status_code == 409


@pytest.mark.anyio
async def test_ids_that_are_none_and_ids_of_nothing(server: Server) -> None:
    for path, status in {
        "/agents/invalid_id": 500,
        f"/agents/{ABSENT}": 404,
        "/tasks/invalid_id": 500,
        f"/tasks/{ABSENT}": 404,
        "/events/invalid_id": 500,
        f"/events/{ABSENT}": 200,
    }.items():
        assert (await server.ask("GET", path)).status_code == status, path
    assert (await server.ask("GET", f"/events/{ABSENT}")).json() == {"data": None}
    channel = {"channelId": ABSENT, "type": "text", "body": "b"}
    assert (await server.ask("POST", "/messages", channel)).status_code == 500
    assert (await server.ask("POST", "/messages", channel | {"channelId": CHANNEL})).status_code == 201


@pytest.mark.anyio
async def test_events_are_filtered_and_their_meta_is_text_where_asked_for(server: Server) -> None:
    await server.configure(emit={"severity": "error", "type": "agent.crashed"})
    await server.ask("POST", "/tasks", {"title": "t"})
    asked = await server.ask(
        "GET", "/events", query="?severity=error&limit=5&startDate=2023-11-01T00%3A00%3A00%2B02%3A00"
    )
    assert [event["type"] for event in asked.json()["data"]] == ["agent.crashed"]
    assert asked.json()["meta"] == {"total": 1, "page": 1, "limit": "5"}
    for query, status in {"severity=critical": 400, "limit=abc": 500, "nonsense=1": 400}.items():
        assert (await server.ask("GET", "/events", query=f"?{query}")).status_code == status, query


@pytest.mark.anyio
async def test_the_server_leaks_and_limits_and_knows_its_prefix(server: Server) -> None:
    hierarchy = (await server.ask("GET", f"/agents/{FOUNDER}/hierarchy")).json()["data"]
    assert hierarchy["hmacSecretEnc"]["type"] == "Buffer"
    assert (
        await server.ask("POST", "/tasks", {"title": "t", "description": "x" * 110_000})
    ).status_code == 500
    await server.configure(throttle=2)
    answers = [await server.ask("GET", "/agents", headers=KEY) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [answer.headers["x-ratelimit-remaining"] for answer in answers] == ["1", "0", "0"]
    assert (answers[2].headers["retry-after"], answers[2].json()["code"]) == ("60", "TOO_MANY_REQUESTS")
    server.now += 61
    assert (await server.ask("GET", "/agents", headers=KEY)).status_code == 200
    lost = await server.http.post("/api/v1/agents/nowhere/else", json={})
    assert (lost.status_code, lost.json()["code"]) == (404, "Not Found")


@pytest.mark.anyio
async def test_a_setting_that_there_is_not_is_named(server: Server) -> None:
    answer = await server.http.post("/_sandbox/state/openspawn", json={"transfer": "maybe"})
    assert answer.status_code == 422
    assert "works, breaks" in answer.text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (
            {"b": 1, "a": [1.0, True, None], "2": 0, "1": 0, "01": 0},
            '{"1":0,"2":0,"b":1,"a":[1,true,null],"01":0}',
        ),
        (
            [1e21, 1e20, 0.1, 1e-6, 1e-7, 1.5e-7, 123.456, -0.0],
            "[1e+21,100000000000000000000,0.1,0.000001,1e-7,1.5e-7,123.456,0]",
        ),
        (['é\n"', "\ud800", "\u2028"], '["é\\n\\"","\\ud800","\u2028"]'),
        ([2**53 + 1, 10**400, 1200], "[9007199254740992,null,1200]"),
    ],
)
def test_bodies_are_signed_as_ecmascript_writes_them(value: Any, text: str) -> None:
    assert stringify(value) == text
