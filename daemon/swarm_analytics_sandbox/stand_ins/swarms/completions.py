"""What agents and swarms make of their tasks here: words that say who was asked what, and no more."""

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from swarm_analytics_models.services.swarms.payloads import AgentCompletion, SwarmSpec
from swarm_analytics_sandbox.stand_ins.swarms.modes import Modes

STREAMED_TYPES: Final = frozenset({"AgentRearrange", "SequentialWorkflow"})
MALT_AGENTS: Final = 14
ID_CHARACTERS: Final = 28


def number_to_id(prefix: str, number: int) -> str:
    """An id as the service makes them, of 28 letters and digits."""
    return f"{prefix}-{hashlib.sha256(str(number).encode()).hexdigest()[:ID_CHARACTERS]}"


def moment(now: float) -> str:
    return datetime.fromtimestamp(now, UTC).isoformat()


def agent_completion(asked: AgentCompletion, number: int, modes: Modes, now: float) -> dict[str, Any]:
    said = f"{asked.agent_config.agent_name} on: {asked.task}"
    name = "id" if modes.generation == "seed" else "job_id"
    return {
        name: number_to_id("agent", number),
        "success": True,
        "name": asked.agent_config.agent_name,
        "description": asked.agent_config.description,
        "temperature": asked.agent_config.temperature,
        "outputs": [{"role": asked.agent_config.agent_name, "content": said}],
        "usage": _usage(asked.task, said),
        "timestamp": moment(now),
    }


def swarm_completion(asked: SwarmSpec, number: int, modes: Modes) -> dict[str, Any]:
    members = asked.agents or []
    answer: dict[str, Any] = {
        "job_id": number_to_id("swarms", number),
        "status": "success",
        "swarm_name": asked.name,
        "description": asked.description,
        "swarm_type": asked.swarm_type,
        "output": swarm_output(asked, modes),
        "number_of_agents": MALT_AGENTS if asked.swarm_type == "MALT" else len(members),
        "service_tier": asked.service_tier,
        "execution_time": 1.5,
    }
    if asked.tasks is not None:
        answer["tasks"] = asked.tasks
    if asked.messages is not None:
        answer["messages"] = asked.messages
    if modes.generation == "later":
        answer["usage"] = _usage(_task(asked), json.dumps(answer["output"]))
    return answer


def swarm_output(asked: SwarmSpec, modes: Modes) -> Any:
    said = {name: f"{name} on: {_task(asked)}" for name in _members(asked)}
    if modes.output == "dict":
        return {"final_output": " ".join(said.values()), "agent_outputs": said}
    return [{"role": name, "content": text} for name, text in said.items()]


def agent_stream(answer: dict[str, Any]) -> Iterator[bytes]:
    """An agent's answer in pieces. The first has no event's name."""
    head = {key: value for key, value in answer.items() if key not in ("outputs", "usage")}
    yield _frame(None, {**head, "stream": True, "type": "metadata"})
    yield _frame("start", {"message": "Starting agent processing..."})
    for word in _words(answer["outputs"][0]["content"]):
        yield _frame("chunk", {"content": word, "timestamp": answer["timestamp"]})
    yield _frame("usage", answer["usage"])
    yield _frame("end", {"job_id": answer["job_id"], "usage": answer["usage"], "complete": True})
    yield _frame("done", {"message": "Agent processing complete"})


def swarm_stream(asked: SwarmSpec, answer: dict[str, Any]) -> Iterator[bytes]:
    """A swarm's answer in pieces, each of which says whose it is."""
    head = ("job_id", "swarm_name", "swarm_type", "number_of_agents")
    yield _frame("metadata", {name: answer[name] for name in head})
    yield _frame("start", {"message": "Starting swarm processing..."})
    for name in _members(asked):
        yield _frame("agent_start", {"agent": name})
        for word in _words(f"{name} on: {_task(asked)}"):
            yield _frame("chunk", {"agent": name, "content": word})
        yield _frame("agent_end", {"agent": name})
    yield _frame("usage", answer["usage"])
    yield _frame("end", {"execution_time": answer["execution_time"], "status": "success"})


def _frame(name: str | None, data: dict[str, Any]) -> bytes:
    head = b"" if name is None else b"event: %b\n" % name.encode()
    return head + b"data: %b\n\n" % json.dumps(data).encode()


def _members(asked: SwarmSpec) -> list[str]:
    return [agent.agent_name for agent in asked.agents or []] or ["Swarm"]


def _task(asked: SwarmSpec) -> str:
    return asked.task or json.dumps(asked.messages or asked.tasks)


def _words(text: str) -> list[str]:
    first, *others = text.split(" ")
    return [first, *(f" {word}" for word in others)]


def _usage(task: str, said: str) -> dict[str, int]:
    used, made = len(task.split()), len(said.split())
    return {"input_tokens": used, "output_tokens": made, "total_tokens": used + made}
