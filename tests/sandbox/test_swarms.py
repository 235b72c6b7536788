"""The stand-in of Swarms Cloud, in both generations: what it takes, how it fails, what it executes."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import httpx
import pytest

from swarm_analytics_models.contract import ServiceContract
from swarm_analytics_models.services.swarms.contract import SWARMS
from swarm_analytics_sandbox.app import create_app
from swarm_analytics_sandbox.stand_in import StandIn
from swarm_analytics_sandbox.stand_ins import STAND_INS
from swarm_analytics_sandbox.stand_ins.swarms import Swarms

KEY: Final = {"x-api-key": "sk-1"}
AGENT: Final = {"agent_name": "Researcher", "model_name": "gpt-4o"}
COMPLETION: Final = {"agent_config": AGENT, "task": "Summarize"}
SWARM: Final = {"name": "S", "swarm_type": "SequentialWorkflow", "task": "Go", "agents": [AGENT]}
AGENT_PATH: Final = "/v1/agent/completions"
SWARM_PATH: Final = "/v1/swarm/completions"


@dataclass
class Server:
    http: httpx.AsyncClient
    now: float = 1_700_000_000.0

    async def post(self, path: str, body: Any, headers: dict[str, str] = KEY) -> httpx.Response:
        return await self.http.post(path, json=body, headers=headers)

    async def play(self, **settings: Any) -> None:
        assert (await self.http.post("/_sandbox/state/swarms", json=settings)).is_success

    async def executed(self) -> int:
        counts: dict[str, int] = (await self.http.get("/_sandbox/ledger")).json()
        return counts["unique"]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    made = Server(httpx.AsyncClient())

    def factory(contract: ServiceContract, _now: Callable[[], float]) -> StandIn:
        return Swarms(contract, lambda: made.now)

    monkeypatch.setitem(STAND_INS, "swarms", factory)
    transport = httpx.ASGITransport(create_app({"swarms": SWARMS}))
    made.http = httpx.AsyncClient(transport=transport, base_url="http://sandbox")
    return made


@pytest.mark.anyio
@pytest.mark.parametrize("generation", ["seed", "later"])
async def test_every_answer_fits_the_contract(server: Server, generation: str) -> None:
    await server.play(generation=generation)
    bodies = {
        "agent.create": COMPLETION,
        "agent.create_batch": [COMPLETION],
        "swarm.create": SWARM,
        "swarm.create_batch": [SWARM],
    }
    for route in SWARMS.routes:
        answer = await server.http.request(route.method, route.path, json=bodies.get(route.key), headers=KEY)
        assert answer.status_code == 200, route.key
        assert answer.headers["x-request-id"].startswith("req-")
        assert route.response is not None
        route.response.model_validate(answer.json())
    assert await server.executed() == 4


@pytest.mark.anyio
async def test_what_comes_twice_is_executed_twice(server: Server) -> None:
    first, second = [(await server.post(AGENT_PATH, COMPLETION)).json() for _ in range(2)]
    assert first["id"] != second["id"]
    assert await server.executed() == 2


@pytest.mark.anyio
@pytest.mark.parametrize(("generation", "missing", "unknown"), [("seed", 422, 403), ("later", 401, 401)])
async def test_a_missing_and_an_unknown_key(
    server: Server, generation: str, missing: int, unknown: int
) -> None:
    await server.play(generation=generation, revoked_keys=["sk-1"])
    assert (await server.post(AGENT_PATH, COMPLETION, {})).status_code == missing
    refused = await server.post(AGENT_PATH, COMPLETION)
    assert (refused.status_code, refused.json()["detail"]) == (unknown, "Invalid API Key")
    assert (await server.http.get("/v1/models/available")).status_code == 200
    assert await server.executed() == 0


@pytest.mark.anyio
async def test_errors_of_the_seeds_time_are_wrapped_and_come_after_the_work(server: Server) -> None:
    await server.play(credits_left=0)
    broke = await server.post(SWARM_PATH, SWARM)
    assert (broke.status_code, broke.json()["detail"][:5]) == (500, "402: ")
    assert await server.executed() == 1
    idle = await server.post(SWARM_PATH, {**SWARM, "task": None})
    assert (idle.status_code, idle.json()["detail"][:18]) == (500, "400: There is no t")


@pytest.mark.anyio
async def test_later_errors_have_their_own_status_and_come_before_the_work(server: Server) -> None:
    await server.play(generation="later", credits_left=1)
    assert (await server.post(AGENT_PATH, COMPLETION)).status_code == 200
    assert (await server.post(AGENT_PATH, COMPLETION)).status_code == 402
    assert await server.executed() == 1
    unavailable = {**COMPLETION, "agent_config": {**AGENT, "model_name": "gpt-0"}}
    assert (await server.post(AGENT_PATH, unavailable)).status_code == 400


@pytest.mark.anyio
async def test_what_does_not_fit_is_listed_as_fastapi_lists_it(server: Server) -> None:
    answer = await server.post(SWARM_PATH, {**SWARM, "swarm_type": "Nonsense", "max_loops": "many"})
    assert answer.status_code == 422
    assert [each["loc"] for each in answer.json()["detail"]] == [
        ["body", "max_loops"],
        ["body", "swarm_type"],
    ]
    answer = await server.post("/v1/swarm/batch/completions", [SWARM, {**SWARM, "name": 1}])
    assert [each["loc"] for each in answer.json()["detail"]] == [["body", 1, "name"]]


@pytest.mark.anyio
async def test_a_batch_of_swarms_keeps_errors_apart_and_comes_in_another_order(server: Server) -> None:
    idle = {**SWARM, "name": "Idle", "task": None}
    answer = (await server.post("/v1/swarm/batch/completions", [SWARM, idle])).json()
    assert [(each["status"], each["swarm_name"]) for each in answer] == [("error", "Idle"), ("success", "S")]
    assert "job_id" not in answer[1]
    assert answer[1]["result"] == [{"role": "Researcher", "content": "Researcher on: Go"}]


@pytest.mark.anyio
async def test_a_batch_of_agents_is_an_array_or_an_object_and_may_cost_premium(server: Server) -> None:
    path, unavailable = "/v1/agent/batch/completions", {**AGENT, "model_name": "gpt-0"}
    array = (await server.post(path, [COMPLETION, {"agent_config": unavailable, "task": "t"}])).json()
    assert [each["success"] for each in array] == [True, False]
    await server.play(agent_batch="object")
    assert len((await server.post(path, [COMPLETION])).json()["results"]) == 1
    await server.play(premium=False)
    refused = await server.post(path, [COMPLETION])
    assert (refused.status_code, refused.json()["error"]["type"]) == (403, "premium_access_required")


@pytest.mark.anyio
async def test_the_rate_limit_has_a_window_and_headers_in_a_later_service(server: Server) -> None:
    await server.play(generation="later", rate_limit=1)
    path = "/v1/models/available"
    assert (await server.http.get(path)).headers["x-ratelimit-remaining-minute"] == "0"
    server.now += 20
    limited = await server.http.get(path)
    assert (limited.status_code, limited.headers["retry-after"]) == (429, "40")
    server.now += 41
    assert (await server.http.get(path)).status_code == 200
    await server.play(generation="seed", rate_limit=0)
    assert "retry-after" not in (await server.http.get(path)).headers


@pytest.mark.anyio
async def test_only_a_later_service_streams(server: Server) -> None:
    asking = {**COMPLETION, "agent_config": {**AGENT, "streaming_on": True}}
    assert (await server.post(AGENT_PATH, asking)).headers["content-type"] == "application/json"
    await server.play(generation="later")
    frames = (await server.post(AGENT_PATH, asking)).text.split("\n\n")
    assert json.loads(frames[0].removeprefix("data: "))["type"] == "metadata"
    names = [frame.partition("\n")[0] for frame in frames[1:-1]]
    assert names[0] == "event: start"
    assert names[-3:] == ["event: usage", "event: end", "event: done"]
    swarm = (await server.post(SWARM_PATH, {**SWARM, "stream": True})).text
    assert 'event: chunk\ndata: {"agent": "Researcher", "content": "Researcher"}' in swarm
    unstreamed = await server.post(SWARM_PATH, {**SWARM, "stream": True, "swarm_type": "GroupChat"})
    assert unstreamed.headers["content-type"] == "application/json"


@pytest.mark.anyio
async def test_the_log_has_the_senders_completions_and_key_and_nobody_elses(server: Server) -> None:
    await server.post(AGENT_PATH, COMPLETION)
    await server.post(AGENT_PATH, COMPLETION, {"x-api-key": "sk-2"})
    logs = (await server.http.get("/v1/swarm/logs", headers=KEY)).json()
    assert (logs["count"], [entry["api_key"] for entry in logs["logs"]]) == (1, ["sk-1"])
    await server.play(generation="later")
    assert (await server.http.get("/v1/swarm/logs", headers=KEY)).json()["count"] is None


@pytest.mark.anyio
async def test_a_wrong_setting_is_refused_and_keys_are_not_shown(server: Server) -> None:
    assert (await server.http.post("/_sandbox/state/swarms", json={"generation": "next"})).status_code == 422
    assert (await server.http.post("/_sandbox/state/swarms", json={"speed": 1})).status_code == 422
    await server.play(accepted_keys=["sk-canary"], revoked_keys=["sk-canary"])
    shown = (await server.http.get("/_sandbox/state/swarms")).text
    assert '"revoked_keys":1' in shown
    assert "canary" not in shown


@pytest.mark.anyio
async def test_what_is_no_route_of_the_contract(server: Server) -> None:
    assert (await server.http.get("/v1/rate/limits", headers=KEY)).status_code == 404
