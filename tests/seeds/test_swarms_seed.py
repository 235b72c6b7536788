"""The Swarms Cloud seed: each of its blocks of code, written anew, with the same calls in the same order.

Base URL, home and key are the test's. What a block prints is what is checked.
"""

import asyncio
import os
from collections.abc import Iterator
from typing import Any

import pytest

from swarm_analytics.swarms import (
    APIError,
    AuthenticationError,
    RateLimitError,
    SwarmsClient,
    SwarmsError,
)
from swarm_analytics_models.home import AUTOSTART_VARIABLE
from tests.support.swarms import AGENT, AGENTS, MODELS, SWARM, SWARMS, SwarmsWorld, standing_world

TYPE = "SequentialWorkflow"


@pytest.fixture(scope="module")
def _standing_world() -> Iterator[SwarmsWorld]:
    with standing_world() as world:
        yield world


@pytest.fixture
def world(_standing_world: SwarmsWorld, monkeypatch: pytest.MonkeyPatch) -> SwarmsWorld:
    monkeypatch.setenv(AUTOSTART_VARIABLE, "0")
    monkeypatch.delenv("SWARMS_API_KEY", raising=False)
    _standing_world.begin()
    return _standing_world


@pytest.fixture
def client(world: SwarmsWorld) -> SwarmsClient:
    return SwarmsClient(api_key=world.key, base_url=world.sandbox.base_url, home=world.home)


def test_client_initialization(world: SwarmsWorld) -> None:
    SwarmsClient(api_key=world.key)
    client = SwarmsClient(
        api_key=world.key,
        base_url=world.sandbox.base_url,
        timeout=60,
        max_retries=3,
        retry_delay=1,
        log_level="INFO",
        pool_connections=100,
        pool_maxsize=100,
        keep_alive_timeout=5,
        max_concurrent_requests=100,
        circuit_breaker_threshold=5,
        circuit_breaker_timeout=60,
        enable_cache=True,
        home=world.home,
    )
    assert client.models.list().success


def test_clear_cache(world: SwarmsWorld, client: SwarmsClient) -> None:
    client.models.list()
    client.clear_cache()
    client.models.list()
    assert len(world.requests(MODELS)) == 2


def test_agent_create(world: SwarmsWorld, client: SwarmsClient) -> None:
    response = client.agent.create(
        agent_config={
            "agent_name": "Researcher",
            "description": "Conducts in-depth research on topics",
            "model_name": "gpt-4o",
            "temperature": 0.7,
        },
        task="Research the latest advancements in quantum computing and summarize the key findings",
    )
    assert f"Agent ID: {response.id}".startswith("Agent ID: agent-")
    assert "quantum computing" in f"Output: {response.outputs}"
    assert world.bodies(AGENT)[0]["agent_config"]["temperature"] == 0.7


def test_agent_create_batch(world: SwarmsWorld, client: SwarmsClient) -> None:
    responses = client.agent.create_batch(
        [
            {
                "agent_config": {
                    "agent_name": "Researcher",
                    "model_name": "gpt-4o-mini",
                    "temperature": 0.5,
                },
                "task": "Summarize the latest quantum computing research",
            },
            {
                "agent_config": {"agent_name": "Writer", "model_name": "gpt-4o", "temperature": 0.7},
                "task": "Write a blog post about AI safety",
            },
        ]
    )
    printed = [f"Agent {i + 1} ID: {response.id} {response.outputs}" for i, response in enumerate(responses)]
    assert [line[:18] for line in printed] == ["Agent 1 ID: agent-", "Agent 2 ID: agent-"]
    assert "quantum" in printed[0]
    assert "AI safety" in printed[1]
    assert len(world.bodies(AGENTS)[0]) == 2


def test_agent_acreate(world: SwarmsWorld) -> None:
    printed: list[str] = []

    async def main() -> None:
        async with SwarmsClient(
            api_key=world.key, base_url=world.sandbox.base_url, home=world.home
        ) as client:
            response = await client.agent.acreate(
                agent_config={
                    "agent_name": "Researcher",
                    "description": "Conducts in-depth research",
                    "model_name": "gpt-4o",
                },
                task="Research the impact of quantum computing on cryptography",
            )
            printed.append(f"Agent ID: {response.id}")
            printed.append(f"Output: {response.outputs}")

    asyncio.run(main())
    assert printed[0].startswith("Agent ID: agent-")
    assert "cryptography" in printed[1]


def test_agent_acreate_batch(world: SwarmsWorld) -> None:
    printed: list[str] = []

    async def main() -> None:
        async with SwarmsClient(
            api_key=world.key, base_url=world.sandbox.base_url, home=world.home
        ) as client:
            responses = await client.agent.acreate_batch(
                [
                    {
                        "agent_config": {"agent_name": "Researcher", "model_name": "gpt-4o-mini"},
                        "task": "Summarize the latest quantum computing research",
                    },
                    {
                        "agent_config": {"agent_name": "Writer", "model_name": "gpt-4o"},
                        "task": "Write a blog post about AI safety",
                    },
                ]
            )
            for i, response in enumerate(responses):
                printed.append(f"Agent {i + 1} ID: {response.id}")
                printed.append(f"Output: {response.outputs}")

    asyncio.run(main())
    assert [line[:18] for line in printed[::2]] == ["Agent 1 ID: agent-", "Agent 2 ID: agent-"]
    assert "Writer on: Write a blog post" in printed[3]


def test_swarm_create(world: SwarmsWorld, client: SwarmsClient) -> None:
    response = client.swarm.create(
        name="Research Swarm",
        description="A swarm for research tasks",
        swarm_type="SequentialWorkflow",
        task="Research quantum computing advances in 2024 and summarize the key findings",
        agents=[
            {
                "agent_name": "Researcher",
                "description": "Conducts in-depth research",
                "model_name": "gpt-4o",
                "temperature": 0.5,
            },
            {
                "agent_name": "Critic",
                "description": "Evaluates arguments for flaws",
                "model_name": "gpt-4o-mini",
                "temperature": 0.3,
            },
        ],
        max_loops=3,
        return_history=True,
    )
    assert f"Job ID: {response.job_id}".startswith("Job ID: swarms-")
    assert f"Status: {response.status}" == "Status: success"
    assert "Critic on: Research quantum computing" in f"Output: {response.output}"
    (sent,) = world.bodies(SWARM)
    assert (sent["max_loops"], sent["return_history"], len(sent["agents"])) == (3, True, 2)


def test_swarm_create_batch(world: SwarmsWorld, client: SwarmsClient) -> None:
    responses = client.swarm.create_batch(
        [
            {
                "name": "Research Swarm",
                "swarm_type": "auto",
                "task": "Research quantum computing advances",
                "agents": [{"agent_name": "Researcher", "model_name": "gpt-4o"}],
            },
            {
                "name": "Writing Swarm",
                "swarm_type": "SequentialWorkflow",
                "task": "Write a blog post about AI safety",
                "agents": [
                    {"agent_name": "Writer", "model_name": "gpt-4o"},
                    {"agent_name": "Editor", "model_name": "gpt-4o-mini"},
                ],
            },
        ]
    )
    printed = [
        f"Swarm {i + 1} Job ID: {response.job_id} Status: {response.status} Output: {response.output}"
        for i, response in enumerate(responses)
    ]
    assert all(
        line.startswith(f"Swarm {i} Job ID: None Status: success") for i, line in enumerate(printed, 1)
    )
    assert "quantum" in printed[0]
    assert "Editor on: Write" in printed[1]
    assert [each["name"] for each in world.bodies(SWARMS)[0]] == ["Research Swarm", "Writing Swarm"]


def test_swarm_list_types(client: SwarmsClient) -> None:
    response = client.swarm.list_types()
    assert TYPE in [f"{swarm_type}" for swarm_type in response.swarm_types]


def test_swarm_alist_types(world: SwarmsWorld) -> None:
    printed: list[str] = []

    async def main() -> None:
        async with SwarmsClient(
            api_key=world.key, base_url=world.sandbox.base_url, home=world.home
        ) as client:
            response = await client.swarm.alist_types()
            for swarm_type in response.swarm_types:
                printed.append(f"- {swarm_type}")  # noqa: PERF401 - as the seed prints it

    asyncio.run(main())
    assert f"- {TYPE}" in printed


def test_swarm_acreate(world: SwarmsWorld) -> None:
    printed: list[str] = []

    async def main() -> None:
        async with SwarmsClient(
            api_key=world.key, base_url=world.sandbox.base_url, home=world.home
        ) as client:
            response = await client.swarm.acreate(
                name="Research Swarm",
                swarm_type="SequentialWorkflow",
                task="Research quantum computing advances in 2024",
                agents=[
                    {
                        "agent_name": "Researcher",
                        "description": "Conducts in-depth research",
                        "model_name": "gpt-4o",
                    },
                    {
                        "agent_name": "Critic",
                        "description": "Evaluates arguments for flaws",
                        "model_name": "gpt-4o-mini",
                    },
                ],
            )
            printed.append(f"Job ID: {response.job_id}")
            printed.append(f"Status: {response.status}")
            printed.append(f"Output: {response.output}")

    asyncio.run(main())
    assert printed[0].startswith("Job ID: swarms-")
    assert printed[1] == "Status: success"
    assert "in 2024" in printed[2]


def test_swarm_acreate_batch(world: SwarmsWorld) -> None:
    printed: list[str] = []

    async def main() -> None:
        async with SwarmsClient(
            api_key=world.key, base_url=world.sandbox.base_url, home=world.home
        ) as client:
            responses = await client.swarm.acreate_batch(
                [
                    {
                        "name": "Research Swarm",
                        "swarm_type": "auto",
                        "task": "Research quantum computing",
                        "agents": [{"agent_name": "Researcher", "model_name": "gpt-4o"}],
                    },
                    {
                        "name": "Writing Swarm",
                        "swarm_type": "SequentialWorkflow",
                        "task": "Write a blog post about AI safety",
                        "agents": [{"agent_name": "Writer", "model_name": "gpt-4o"}],
                    },
                ]
            )
            for i, response in enumerate(responses):
                printed.append(f"Swarm {i + 1} Job ID: {response.job_id}")
                printed.append(f"Status: {response.status}")
                printed.append(f"Output: {response.output}")

    asyncio.run(main())
    assert printed[1] == printed[4] == "Status: success"
    assert "quantum" in printed[2]
    assert "AI safety" in printed[5]


def test_models_list(client: SwarmsClient) -> None:
    response = client.models.list()
    assert "- gpt-4o-mini" in [f"- {model}" for model in response.models]


def test_models_alist(world: SwarmsWorld) -> None:
    printed: list[str] = []

    async def main() -> None:
        async with SwarmsClient(
            api_key=world.key, base_url=world.sandbox.base_url, home=world.home
        ) as client:
            response = await client.models.alist()
            for model in response.models:
                printed.append(f"- {model}")  # noqa: PERF401 - as the seed prints it

    asyncio.run(main())
    assert "- gpt-4o" in printed


def test_logs_list(client: SwarmsClient) -> None:
    client.agent.create(agent_config={"agent_name": "Researcher"}, task="Research")
    response = client.logs.list()
    assert f"Found {response.count} logs:" == "Found 1 logs:"
    for log in response.logs:
        assert f"- ID: {log.id}, Created at: {log.created_at}".startswith("- ID: log-1, Created at: 20")
        assert "Researcher on: Research" in f"  Data: {log.data}"


def test_logs_alist(world: SwarmsWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a key in the constructor: it is in the environment."""
    monkeypatch.setenv("SWARMS_API_KEY", world.key)
    printed: list[str] = []

    async def main() -> None:
        async with SwarmsClient(base_url=world.sandbox.base_url, home=world.home) as client:
            response = await client.logs.alist()
            printed.append(f"Found {response.count} logs:")
            for log in response.logs:
                printed.append(f"- ID: {log.id}, Created at: {log.created_at}")  # noqa: PERF401

    asyncio.run(main())
    assert printed == ["Found 0 logs:"]


def test_error_handling(world: SwarmsWorld) -> None:
    world.play(accepted_keys=["sk-another"])
    printed: list[str] = []
    try:
        client = SwarmsClient(api_key="invalid-api-key", base_url=world.sandbox.base_url, home=world.home)
        client.agent.create(
            agent_config={"agent_name": "Researcher", "model_name": "gpt-4o"},
            task="Research quantum computing",
        )
    except AuthenticationError as e:
        printed.append(f"Authentication error: {e}")
    except RateLimitError as e:
        printed.append(f"Rate limit exceeded: {e}")
    except APIError as e:
        printed.append(f"API error: {e}")
    except SwarmsError as e:
        printed.append(f"Swarms error: {e}")
    assert [line.partition(": ")[0] for line in printed] == ["Authentication error"]
    assert "Invalid API Key" in printed[0]


def test_connection_pooling(world: SwarmsWorld) -> None:
    client = SwarmsClient(
        api_key=world.key,
        pool_connections=100,
        pool_maxsize=100,
        keep_alive_timeout=5,
        base_url=world.sandbox.base_url,
        home=world.home,
    )
    assert client.models.list().success


def test_circuit_breaker_pattern(world: SwarmsWorld) -> None:
    client = SwarmsClient(
        api_key=world.key,
        circuit_breaker_threshold=5,
        circuit_breaker_timeout=60,
        base_url=world.sandbox.base_url,
        home=world.home,
    )
    assert client.models.list().success


def test_caching(world: SwarmsWorld) -> None:
    client = SwarmsClient(
        api_key=world.key, enable_cache=True, base_url=world.sandbox.base_url, home=world.home
    )
    client.models.list()
    client.models.list()
    assert len(world.requests(MODELS)) == 1
    client.clear_cache()
    client.models.list()
    assert len(world.requests(MODELS)) == 2


@pytest.mark.parametrize("output", ["dict", "list"])
def test_complete_example(world: SwarmsWorld, monkeypatch: pytest.MonkeyPatch, output: str) -> None:
    """The key is loaded from the environment, as the seed has it from a ``.env``."""
    monkeypatch.setenv("SWARMS_API_KEY", world.key)
    world.play(output=output)
    printed: list[Any] = []
    api_key = os.getenv("SWARMS_API_KEY")
    client = SwarmsClient(api_key=api_key, base_url=world.sandbox.base_url, home=world.home)
    researcher = {
        "agent_name": "Researcher",
        "description": "Conducts thorough research on specified topics",
        "model_name": "gpt-4o",
        "temperature": 0.5,
        "system_prompt": "Find accurate and comprehensive information.",
    }
    analyst = {
        "agent_name": "Analyst",
        "description": "Analyzes research findings and identifies key insights",
        "model_name": "gpt-4o",
        "temperature": 0.3,
        "system_prompt": "Identify patterns and extract meaningful insights.",
    }
    summarizer = {
        "agent_name": "Summarizer",
        "description": "Creates concise summaries of complex information",
        "model_name": "gpt-4o-mini",
        "temperature": 0.4,
        "system_prompt": "Distil complex information into clear, concise summaries.",
    }
    response = client.swarm.create(
        name="Quantum Computing Research Swarm",
        description="A swarm for researching and analyzing quantum computing advancements",
        swarm_type="SequentialWorkflow",
        task="Research the latest advancements in quantum computing in 2024.",
        agents=[researcher, analyst, summarizer],
        max_loops=2,
        return_history=True,
    )
    assert f"Job ID: {response.job_id}".startswith("Job ID: swarms-")
    assert f"Status: {response.status}" == "Status: success"
    assert f"Number of agents: {response.number_of_agents}" == "Number of agents: 3"
    assert f"Swarm type: {response.swarm_type}" == "Swarm type: SequentialWorkflow"
    if "final_output" in response.output:
        printed.append(response.output["final_output"])
    else:
        printed.append(response.output)
    if "agent_outputs" in response.output:
        for agent, said in response.output["agent_outputs"].items():
            printed.append(f"{agent}: {said}")
    assert "quantum computing" in str(printed[0])
    assert len(printed) == (4 if output == "dict" else 1)
    assert world.bodies(SWARM)[0]["agents"][2]["system_prompt"] == summarizer["system_prompt"]
