"""Seed 001, methods, answers and errors: each claim through real processes."""

import asyncio
from collections.abc import Iterator
from typing import Any, Final, get_args, get_type_hints

import pytest
from pydantic import BaseModel, ValidationError

from swarm_analytics import errors, swarms
from swarm_analytics.swarms import (
    AgentCompletion,
    AgentCompletionResponse,
    AgentSpec,
    AnswerEvent,
    APIError,
    AuthenticationError,
    ChunkEvent,
    CompletionEvent,
    EndEvent,
    InsufficientCreditsError,
    InvalidRequestError,
    LogsResponse,
    MayBeExecuted,
    MetadataEvent,
    ModelsResponse,
    NetworkError,
    NoAnswerError,
    RateLimitError,
    SwarmCompletionResponse,
    SwarmsClient,
    SwarmsError,
    SwarmSpec,
    SwarmTypesResponse,
    TimeoutError,
)
from swarm_analytics_models.home import AUTOSTART_VARIABLE
from tests.support.counting import breaking_off
from tests.support.swarms import AGENT, AGENTS, LOGS, MODELS, SWARM, SWARMS, SwarmsWorld, standing_world
from tests.support.waiting import eventually

RESEARCHER: Final[dict[str, Any]] = {"agent_name": "Researcher", "model_name": "gpt-4o", "temperature": 0.7}
TEAM: Final[dict[str, Any]] = {
    "name": "Team",
    "swarm_type": "SequentialWorkflow",
    "task": "Go",
    "agents": [RESEARCHER, {"agent_name": "Critic"}],
}


@pytest.fixture(scope="module")
def _standing_world() -> Iterator[SwarmsWorld]:
    with standing_world() as world:
        yield world


@pytest.fixture
def world(_standing_world: SwarmsWorld, monkeypatch: pytest.MonkeyPatch) -> Iterator[SwarmsWorld]:
    monkeypatch.setenv(AUTOSTART_VARIABLE, "0")
    monkeypatch.delenv("SWARMS_API_KEY", raising=False)
    _standing_world.begin()
    yield _standing_world
    _standing_world.sandbox.calm()


def test_001_15_agent_create_and_acreate(world: SwarmsWorld) -> None:
    history = {"user": "Hello", "turns": [1, 2]}
    client = world.client()
    answers = [
        client.agent.create(agent_config=RESEARCHER, task="Summarize", history=history),
        client.agent.create(AgentSpec(**RESEARCHER), "Summarize", history),
    ]

    async def main() -> AgentCompletionResponse:
        async with world.client() as same:
            return await same.agent.acreate(agent_config=RESEARCHER, task="Summarize", history=history)

    answers.append(asyncio.run(main()))
    assert len({answer.id for answer in answers}) == 3
    first, second, third = world.bodies(AGENT)
    assert first == second == third
    assert first == {
        "agent_config": {
            "agent_name": "Researcher",
            "description": None,
            "system_prompt": None,
            "model_name": "gpt-4o",
            "auto_generate_prompt": False,
            "max_tokens": 8192,
            "temperature": 0.7,
            "max_loops": 1,
            "tools_dictionary": None,
            "mcp_url": None,
        },
        "task": "Summarize",
        "history": history,
    }


@pytest.mark.parametrize("shape", ["array", "object"])
def test_001_16_a_batch_of_agents_is_answered_with_a_list(world: SwarmsWorld, shape: str) -> None:
    world.play(agent_batch=shape)
    broken = AgentCompletion(agent_config=AgentSpec(agent_name="B", model_name="gpt-0"), task="t")
    completions: list[AgentCompletion | dict[str, Any]] = [
        {"agent_config": RESEARCHER, "task": "one"},
        broken,
    ]
    answers = world.client().agent.create_batch(completions)

    async def main() -> list[AgentCompletionResponse]:
        async with world.client() as client:
            return await client.agent.acreate_batch(completions)

    for done, failed in (answers, asyncio.run(main())):
        assert (done.success, done.name) == (True, "Researcher")
        assert (failed.success, failed.id, failed.outputs) == (False, None, None)
        assert failed.error == "400: Model gpt-0 is not available."
    sent = world.bodies(AGENTS)[0]
    assert [each["task"] for each in sent] == ["one", "t"], "a bare array"
    assert completions[0] == {"agent_config": RESEARCHER, "task": "one"}, (
        "the caller's dict is left as it was"
    )


def test_001_17_swarm_create_and_acreate(world: SwarmsWorld) -> None:
    everything: dict[str, Any] = {
        **TEAM,
        "description": "d",
        "max_loops": 2,
        "return_history": False,
        "rules": "Be brief",
        "schedule": {"scheduled_time": "2026-01-01T00:00:00Z"},
        "service_tier": "flex",
        "rearrange_flow": "Researcher -> Critic",
        "img": "https://example.com/a.png",
    }
    client = world.client()
    assert client.swarm.create(**everything).status == "success"
    (sent,) = world.bodies(SWARM)
    assert {name: sent[name] for name in everything if name not in ("agents", "schedule")} == {
        name: value for name, value in everything.items() if name not in ("agents", "schedule")
    }
    assert sent["schedule"] == {"scheduled_time": "2026-01-01T00:00:00Z", "timezone": "UTC"}
    assert sent["stream"] is False

    async def main() -> SwarmCompletionResponse:
        async with world.client() as same:
            return await same.swarm.acreate(tasks=["one", "two"])

    assert asyncio.run(main()).tasks == ["one", "two"]
    assert client.swarm.create(messages=[{"role": "user", "content": "Hi"}]).messages
    bare = world.bodies(SWARM)[1]
    defaults = {name: bare[name] for name in ("max_loops", "return_history", "stream", "service_tier")}
    assert defaults == {"max_loops": 1, "return_history": True, "stream": False, "service_tier": "standard"}
    before = len(world.requests())
    idle: list[dict[str, Any]] = [{}, {"name": "Idle"}, {"task": ""}, {"tasks": [], "messages": []}]
    for nothing in idle:
        with pytest.raises(ValidationError, match="a task, tasks or messages"):
            client.swarm.create(**nothing)
    with pytest.raises(TypeError, match="taks"):
        client.swarm.create(taks="typo", task="t")  # type: ignore[call-overload]
    assert len(world.requests()) == before


def test_001_18_a_batch_of_swarms_is_answered_in_its_order(world: SwarmsWorld) -> None:
    """The service answers as they end, without job ids, and calls the output `result`."""
    batch: list[SwarmSpec | dict[str, Any]] = [
        TEAM,
        SwarmSpec(name="Second", task="t", agents=[AgentSpec(agent_name="A", model_name="gpt-0")]),
    ]
    answers = world.client().swarm.create_batch(batch)

    async def main() -> list[SwarmCompletionResponse]:
        async with world.client() as client:
            return await client.swarm.acreate_batch(batch)

    for done, failed in (answers, asyncio.run(main())):
        assert (done.swarm_name, done.status, done.job_id) == ("Team", "success", None)
        assert done.output[0] == {"role": "Researcher", "content": "Researcher on: Go"}
        assert (failed.swarm_name, failed.status, failed.output) == ("Second", "error", None)
        assert failed.detail == "Model gpt-0 is not available."
    assert [each["name"] for each in world.bodies(SWARMS)[0]] == ["Team", "Second"], "a bare array"
    with pytest.raises(ValidationError, match="a task, tasks or messages"):
        world.client().swarm.create_batch([TEAM, {"name": "Idle"}])


@pytest.mark.parametrize("generation", ["seed", "later"])
def test_001_19_list_types_and_alist_types(world: SwarmsWorld, generation: str) -> None:
    world.play(generation=generation)

    async def main() -> SwarmTypesResponse:
        async with world.client() as client:
            return await client.swarm.alist_types()

    for answer in (world.client().swarm.list_types(), asyncio.run(main())):
        assert answer.success is True
        assert "SequentialWorkflow" in answer.swarm_types


def test_001_20_models_list_and_alist(world: SwarmsWorld) -> None:
    async def main() -> ModelsResponse:
        async with world.client() as client:
            return await client.models.alist()

    for answer in (world.client().models.list(), asyncio.run(main())):
        assert answer.success is True
        assert "gpt-4o" in answer.models


@pytest.mark.parametrize("generation", ["seed", "later"])
def test_001_21_logs_list_and_alist(world: SwarmsWorld, generation: str) -> None:
    """The service sends the key back in clear, and later ones leave `count` null."""
    world.play(generation=generation)
    client = world.client()
    client.agent.create(agent_config=RESEARCHER, task="Summarize")

    async def main() -> LogsResponse:
        async with world.client() as same:
            return await same.logs.alist()

    for answer in (client.logs.list(), asyncio.run(main())):
        assert (answer.status, answer.count) == ("success", 1)
        assert answer.timestamp is not None
        (entry,) = answer.logs
        assert entry.id == "log-1"
        assert entry.data["name"] == "Researcher"
        assert entry.created_at is not None
        assert entry.api_key is not None
        assert world.key not in answer.model_dump_json()


def test_001_22_context_managers(world: SwarmsWorld) -> None:
    async def main() -> bool:
        async with world.client() as client:
            assert isinstance(client, SwarmsClient)
            both = await asyncio.gather(client.models.alist(), client.swarm.alist_types())
            return all(answer.success for answer in both)

    assert asyncio.run(main())
    with world.client() as client:
        assert client.models.list().success
    assert asyncio.run(world.client().models.alist()).success, "async methods need no context manager"


def test_001_23_the_defaults_of_an_agent(world: SwarmsWorld) -> None:
    """The role is left out where it is not given; the service then takes its own, ``worker``."""
    spec = AgentSpec(agent_name="A")
    assert {name: value for name, value in spec if name not in ("mcp_url", "streaming_on")} == {
        "agent_name": "A",
        "description": None,
        "system_prompt": None,
        "model_name": "gpt-4o-mini",
        "auto_generate_prompt": False,
        "max_tokens": 8192,
        "temperature": 0.5,
        "role": None,
        "max_loops": 1,
        "tools_dictionary": None,
    }
    with pytest.raises(ValidationError, match="agent_name"):
        world.client().agent.create(agent_config={"model_name": "gpt-4o"}, task="t")
    world.client().agent.create(agent_config=spec, task="t")
    world.client().agent.create(agent_config={"agent_name": "A", "role": "critic"}, task="t")
    assert ["role" in body["agent_config"] for body in world.bodies(AGENT)] == [False, True]


@pytest.mark.parametrize("generation", ["seed", "later"])
def test_001_24_the_answer_of_an_agent(world: SwarmsWorld, generation: str) -> None:
    world.play(generation=generation)
    answer = world.client().agent.create(
        agent_config={**RESEARCHER, "description": "Reads"}, task="Summarize this"
    )
    assert answer.id is not None
    assert answer.id.startswith("agent-")
    assert (answer.success, answer.name, answer.description) == (True, "Researcher", "Reads")
    assert answer.temperature == 0.7
    assert answer.outputs == [{"role": "Researcher", "content": "Researcher on: Summarize this"}]
    assert answer.usage is not None
    assert (answer.usage.input_tokens, answer.usage.total_tokens) == (2, 6)
    assert answer.timestamp is not None


@pytest.mark.parametrize("output", ["list", "dict"])
def test_001_25_the_answer_of_a_swarm(world: SwarmsWorld, output: str) -> None:
    world.play(output=output)
    answer = world.client().swarm.create(**TEAM, description="d")
    assert answer.job_id is not None
    assert answer.job_id.startswith("swarms-")
    assert (answer.status, answer.swarm_name, answer.description) == ("success", "Team", "d")
    assert (answer.swarm_type, answer.number_of_agents) == ("SequentialWorkflow", 2)
    assert (answer.service_tier, answer.tasks, answer.messages) == ("standard", None, None)
    if "final_output" in answer.output:
        assert output == "dict"
        assert set(answer.output["agent_outputs"]) == {"Researcher", "Critic"}
    else:
        assert [each["role"] for each in answer.output] == ["Researcher", "Critic"]


def test_001_26_every_exception_is_a_swarms_error() -> None:
    for name in (
        "AuthenticationError",
        "RateLimitError",
        "APIError",
        "InvalidRequestError",
        "InsufficientCreditsError",
        "TimeoutError",
        "NetworkError",
    ):
        kind = getattr(swarms, name)
        assert issubclass(kind, SwarmsError)
        assert issubclass(kind, errors.CallError)
        error = kind("no", 418, "req-1", {"detail": "no"})
        assert (error.message, error.http_status, error.request_id, error.body) == (
            "no",
            418,
            "req-1",
            {"detail": "no"},
        )
        assert str(error) == "[418] no (Request ID: req-1)"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, AuthenticationError),
        (403, AuthenticationError),
        (429, RateLimitError),
        (400, InvalidRequestError),
        (402, InsufficientCreditsError),
        (404, APIError),
        (422, APIError),
        (500, APIError),
        (503, APIError),
    ],
)
def test_001_27_which_status_is_which_exception(
    world: SwarmsWorld, status: int, kind: type[SwarmsError]
) -> None:
    answer = {"kind": "status", "status": status, "body": {"detail": "because"}}
    world.fault({**answer, "headers": {"x-request-id": "req-9"}})
    client = world.client(max_retries=0)

    async def main() -> None:
        async with world.client(max_retries=0) as same:
            await same.swarm.acreate(task="t")

    with pytest.raises(kind) as sync:
        client.agent.create(agent_config=RESEARCHER, task="t")
    assert type(sync.value).__name__ == kind.__name__
    assert sync.value.http_status == status
    assert (sync.value.message, sync.value.request_id) == ("because", "req-9")
    assert sync.value.body == {"detail": "because"}
    assert str(sync.value).startswith(f"[{status}] because (Request ID: req-9). ")
    if status != 401:
        with pytest.raises(kind):
            asyncio.run(main())


def test_errors_wrapped_in_a_500_have_the_class_that_is_meant(world: SwarmsWorld) -> None:
    world.play(credits_left=0)
    client = world.client()
    with pytest.raises(InsufficientCreditsError) as broke:
        client.agent.create(agent_config=RESEARCHER, task="t")
    assert (broke.value.http_status, broke.value.attempts) == (402, 1)
    assert broke.value.message.startswith("Insufficient credits")
    with pytest.raises(InvalidRequestError, match="gpt-0"):
        client.agent.create(agent_config={"agent_name": "A", "model_name": "gpt-0"}, task="t")
    world.play(credits_left=None, generation="later", premium=False)
    with pytest.raises(AuthenticationError) as premium:
        client.agent.create_batch([{"agent_config": RESEARCHER, "task": "t"}])
    assert (premium.value.http_status, premium.value.code) == (403, "premium_access_required")
    assert not isinstance(premium.value, errors.CredentialRefused)


def test_a_rate_limit_wrapped_in_a_500_proves_nothing_and_is_not_repeated(world: SwarmsWorld) -> None:
    world.fault({"kind": "status", "status": 500, "body": {"detail": "429: too many"}, "accept": True})
    with pytest.raises(RateLimitError) as limited:
        world.client(retry_delay=0).agent.create(agent_config=RESEARCHER, task="t")
    assert isinstance(limited.value, MayBeExecuted)
    assert world.executed() == 1


def test_the_services_own_rate_limit_is_waited_for(world: SwarmsWorld) -> None:
    world.sandbox.script(
        {
            "match": {"path": AGENT, "count": 2},
            "action": {"kind": "status", "status": 429, "retry_after": "0"},
        }
    )
    assert world.client(retry_delay=0.01).agent.create(agent_config=RESEARCHER, task="t").success
    assert world.executed() == 1
    assert len(world.requests(AGENT)) == 3
    world.fault({"kind": "status", "status": 429, "retry_after": "3600"})
    with pytest.raises(RateLimitError) as limited:
        world.client().agent.create(agent_config=RESEARCHER, task="t")
    assert limited.value.retry_after_s == 3600


@pytest.mark.parametrize(
    "action",
    [
        {"kind": "reset", "accept": True},
        {"kind": "hang", "accept": True},
        {"kind": "status", "status": 503, "accept": True},
        {"kind": "slow_body", "seconds": 30},
    ],
    ids=lambda action: str(action["kind"]),
)
def test_a_completion_that_may_have_been_executed_is_never_sent_again(
    world: SwarmsWorld, action: dict[str, Any]
) -> None:
    world.fault(action)
    client = world.client(timeout=0.5, max_retries=3, retry_delay=0)
    with pytest.raises(MayBeExecuted) as lost:
        client.agent.create(agent_config=RESEARCHER, task="t")
    assert isinstance(lost.value, SwarmsError)
    assert lost.value.hint
    answered = action["kind"] == "status"
    assert isinstance(lost.value, APIError if answered else NoAnswerError)
    if not answered:
        assert isinstance(lost.value, TimeoutError)
        assert isinstance(lost.value, NetworkError)
    assert (world.executed(), len(world.requests(AGENT))) == (1, 1)


def test_a_completion_that_was_not_sent_is_tried_again(world: SwarmsWorld) -> None:
    with pytest.raises(NetworkError) as absent:
        world.client(base_url="http://127.0.0.1:9", retry_delay=0).agent.create(
            agent_config=RESEARCHER, task="t"
        )
    assert isinstance(absent.value, errors.NotReached)
    assert absent.value.attempts == 4


def test_a_success_of_another_shape_is_an_error_of_its_own(world: SwarmsWorld) -> None:
    world.fault({"kind": "wrong_json", "text": '{"unexpected": true}'})
    with pytest.raises(APIError) as malformed:
        world.client().agent.create(agent_config=RESEARCHER, task="t")
    assert isinstance(malformed.value, errors.MalformedAnswer)
    assert malformed.value.body == {"unexpected": True}
    assert len(world.requests(AGENT)) == 1


def test_a_streamed_swarm_yields_typed_events(world: SwarmsWorld) -> None:
    world.play(generation="later")
    events = list(world.client().swarm.create(**TEAM, stream=True))
    assert isinstance(events[0], MetadataEvent)
    assert (events[0].swarm_name, events[0].number_of_agents) == ("Team", 2)
    said = {"Researcher": "", "Critic": ""}
    for event in events:
        if isinstance(event, ChunkEvent) and event.agent is not None:
            said[event.agent] += event.content
    assert said == {"Researcher": "Researcher on: Go", "Critic": "Critic on: Go"}
    assert isinstance(events[-1], EndEvent)
    assert events[-1].status == "success"
    assert world.bodies(SWARM)[0]["stream"] is True


def test_a_streamed_agent_yields_typed_events(world: SwarmsWorld) -> None:
    world.play(generation="later")

    async def main(stream: bool) -> list[CompletionEvent]:
        async with world.client() as client:
            if stream:
                return [
                    event async for event in await client.agent.acreate(RESEARCHER, "Summarize", stream=True)
                ]
            asking = {**RESEARCHER, "streaming_on": True}
            answer: Any = await client.agent.acreate(asking, "Summarize")
            return [event async for event in answer]

    for stream in (True, False):
        events = asyncio.run(main(stream))
        assert isinstance(events[0], MetadataEvent)
        assert events[0].job_id is not None
        text = "".join(event.content for event in events if isinstance(event, ChunkEvent))
        assert text == "Researcher on: Summarize"
        assert [event.event for event in events[-3:]] == ["usage", "end", "done"]
    assert all(body["agent_config"]["streaming_on"] is True for body in world.bodies(AGENT))


def test_a_service_that_does_not_stream_answers_in_one_event(world: SwarmsWorld) -> None:
    (event,) = world.client().swarm.create(**TEAM, stream=True)
    assert isinstance(event, AnswerEvent)
    assert isinstance(event.answer, SwarmCompletionResponse)
    assert event.answer.job_id is not None
    (event,) = world.client().agent.create(RESEARCHER, "t", stream=True)
    assert isinstance(event, AnswerEvent)
    assert isinstance(event.answer, AgentCompletionResponse)


def test_what_goes_wrong_with_a_stream_is_a_swarms_error(world: SwarmsWorld) -> None:
    world.play(generation="later", credits_left=0)
    with pytest.raises(InsufficientCreditsError):
        list(world.client().swarm.create(**TEAM, stream=True))
    with pytest.raises(ValidationError):
        world.client().swarm.create(stream=True)


def test_a_stream_that_breaks_off_gives_what_came_and_may_have_been_executed(world: SwarmsWorld) -> None:
    with breaking_off(b'event: chunk\ndata: {"content": "Half"}\n\n') as base_url:
        events = world.client(base_url=base_url).swarm.create(**TEAM, stream=True)
        first = next(events)
        assert isinstance(first, ChunkEvent)
        assert first.content == "Half"
        with pytest.raises(NoAnswerError) as lost:
            next(events)
    assert isinstance(lost.value, MayBeExecuted)

    async def main() -> None:
        async with world.client(base_url=base_url) as client:
            events = await client.swarm.acreate(**TEAM, stream=True)
            assert isinstance(await anext(events), ChunkEvent)
            with pytest.raises(NoAnswerError):
                await anext(events)

    with breaking_off(b'event: chunk\ndata: {"content": "Half"}\n\n') as base_url:
        asyncio.run(main())


def test_a_key_that_was_refused_is_not_sent_again_until_it_is_given_anew(world: SwarmsWorld) -> None:
    world.play(revoked_keys=[world.key])
    client = world.client()
    for _ in range(2):
        with pytest.raises(AuthenticationError) as refused:
            client.agent.create(agent_config=RESEARCHER, task="t")
        assert isinstance(refused.value, errors.CredentialRefused)
        assert "credential set swarms" in refused.value.hint
    assert len(world.requests(AGENT)) == 1
    world.play(revoked_keys=[])
    assert world.client().agent.create(agent_config=RESEARCHER, task="t").success


def test_001_32_dicts_are_checked_before_anything_is_sent(world: SwarmsWorld) -> None:
    client = world.client()
    with pytest.raises(ValidationError, match="NoSuchSwarm"):
        client.swarm.create(task="t", swarm_type="NoSuchSwarm")
    with pytest.raises(ValidationError, match="temperature"):
        client.swarm.create(task="t", agents=[{"agent_name": "A", "temperature": 1.5}])
    with pytest.raises(ValidationError, match="temperature"):
        client.agent.create(agent_config={"agent_name": "A", "temperature": -1}, task="t")
    with pytest.raises(ValidationError, match="swarm_type"):
        client.swarm.create_batch([{"task": "t", "swarm_type": "NoSuchSwarm"}])
    with pytest.raises(ValidationError, match="service_tier"):
        client.swarm.create(task="t", service_tier="gold")  # type: ignore[call-overload]
    assert world.requests() == []
    spellings = {"seed": "HiearchicalSwarm", "later": "HierarchicalSwarm"}
    for generation, spelling in spellings.items():
        world.play(generation=generation)
        assert client.swarm.create(task="t", swarm_type=spelling).swarm_type == spelling
    before = len(world.requests())
    with pytest.raises(APIError, match="NoSuchSwarm") as unfit:
        world.client(swarm_types=None).swarm.create(task="t", swarm_type="NoSuchSwarm")
    assert unfit.value.http_status == 422
    assert len(world.requests()) == before + 1, "where any type is accepted, the service decides"


def test_001_33_requests_and_answers_are_pydantic_models(world: SwarmsWorld) -> None:
    client = world.client()
    answers = [
        client.agent.create(agent_config=AgentSpec(**RESEARCHER), task="t"),
        *client.agent.create_batch([{"agent_config": RESEARCHER, "task": "t"}]),
        client.swarm.create(**TEAM),
        *client.swarm.create_batch([TEAM]),
        client.swarm.list_types(),
        client.models.list(),
        client.logs.list(),
    ]
    assert all(isinstance(answer, BaseModel) for answer in answers)
    with pytest.raises(ValidationError):
        client.agent.create(agent_config=RESEARCHER, task=None)  # type: ignore[call-overload]
    hints = get_type_hints(type(client.models).list)
    assert hints["return"] is ModelsResponse
    assert LogsResponse in (get_type_hints(type(client.logs).list)["return"],)
    assert AnswerEvent in get_args(CompletionEvent)
    assert {MODELS, LOGS} <= {request["path"] for request in world.requests()}


def test_cancelling_ends_the_request_to_the_service(world: SwarmsWorld) -> None:
    world.fault({"kind": "hang"})

    async def main() -> None:
        async with world.client(enable_cache=False) as client:
            task = asyncio.create_task(client.models.alist())
            await asyncio.to_thread(
                eventually, lambda: len(world.requests(MODELS)) == 1, what="the request's arrival"
            )
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(main())

    eventually(lambda: world.in_flight() == 0, what="the end of the request to the service")
