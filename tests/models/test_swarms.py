"""Swarms Cloud's models: what is checked before it is sent, and what is read from each version's answers."""

from datetime import UTC, datetime
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from swarm_analytics_models.calling import ErrorFacts
from swarm_analytics_models.services.swarms.errors import WRAPPED_RATE_LIMIT, read_error
from swarm_analytics_models.services.swarms.events import (
    AnswerEvent,
    ChunkEvent,
    MetadataEvent,
    OtherEvent,
)
from swarm_analytics_models.services.swarms.payloads import (
    AgentBatchAnswer,
    AgentCompletion,
    AgentCompletionResponse,
    AgentSpec,
    CompletionPiece,
    LogsResponse,
    ScheduleSpec,
    SwarmCompletionResponse,
    SwarmSpec,
    SwarmTypesResponse,
)
from swarm_analytics_models.services.swarms.requests import KNOWN_SWARM_TYPES, SWARM_TYPES

JSON: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("status", "body", "facts"),
    [
        (402, {"detail": "Insufficient credits."}, ErrorFacts("Insufficient credits.")),
        (500, {"detail": "402: Insufficient credits."}, ErrorFacts("Insufficient credits.", status=402)),
        (500, {"detail": "400: two\nlines"}, ErrorFacts("two\nlines", status=400)),
        (500, {"detail": "500: Failed to run swarm"}, ErrorFacts("Failed to run swarm", status=500)),
        (500, {"detail": "Failed: 402: x"}, ErrorFacts("Failed: 402: x")),
        (500, {"detail": "200: x"}, ErrorFacts("200: x")),
        (503, {"detail": "402: x"}, ErrorFacts("402: x")),
        (403, {"detail": "Invalid API Key"}, ErrorFacts("Invalid API Key", status=401)),
        (403, {"detail": "Premium only"}, ErrorFacts("Premium only")),
        (500, {"detail": "429: too many"}, ErrorFacts("too many", code=WRAPPED_RATE_LIMIT)),
        (429, {"detail": "Rate limit exceeded."}, ErrorFacts("Rate limit exceeded.")),
        (
            422,
            {"detail": [{"loc": ["body", "task"], "msg": "Field required"}, {"msg": "no"}, 1]},
            ErrorFacts("body.task: Field required; no; 1"),
        ),
        (
            403,
            {"error": {"type": "premium_access_required", "message": "Premium only", "status_code": 403}},
            ErrorFacts("Premium only", "premium_access_required", 403),
        ),
        (403, {"detail": {"error": {"type": "t", "detail": "d"}}}, ErrorFacts("d", "t")),
        (500, {"error": "broken"}, ErrorFacts("broken")),
        (500, {"message": "broken"}, ErrorFacts("broken")),
        (502, "bad gateway", ErrorFacts("bad gateway")),
        (502, None, ErrorFacts()),
        (500, {"detail": ""}, ErrorFacts()),
    ],
)
def test_errors_of_each_generation_are_read(status: int, body: Any, facts: ErrorFacts) -> None:
    assert read_error(status, body) == facts


@given(st.integers(400, 599), JSON)
def test_no_error_body_makes_the_reader_raise(status: int, body: Any) -> None:
    facts = read_error(status, body)
    assert facts.status is None or 400 <= facts.status <= 599


@given(JSON)
def test_no_wrapped_answer_passes_for_one_that_proves_that_nothing_was_executed(inner: Any) -> None:
    assert read_error(500, {"detail": f"429: {inner}"}).status is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"agent_name": ""},
        {"temperature": 1.1},
        {"temperature": -0.1},
        {"temperature": None},
        {"max_tokens": "x"},
    ],
)
def test_a_wrong_agent_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        AgentSpec.model_validate({"agent_name": "a", **wrong})


def test_what_a_newer_service_takes_travels_and_unsound_json_does_not() -> None:
    spec = AgentSpec.model_validate({"agent_name": "a", "reasoning_effort": "high"})
    assert spec.model_dump()["reasoning_effort"] == "high"
    with pytest.raises(ValidationError):
        AgentSpec.model_validate({"agent_name": "a", "odd": float("nan")})
    with pytest.raises(ValidationError):
        AgentCompletion.model_validate({"agent_config": spec, "task": "t", "history": {"n": 10**30}})


def test_role_and_streaming_travel_only_where_they_are_given() -> None:
    plain = AgentSpec(agent_name="a").model_dump()
    assert not {"role", "streaming_on"} & set(plain)
    asked = AgentSpec(agent_name="a", role="critic", streaming_on=False).model_dump()
    assert (asked["role"], asked["streaming_on"]) == ("critic", False)


@pytest.mark.parametrize("nothing", [{}, {"task": ""}, {"tasks": []}, {"messages": [], "task": None}])
def test_a_swarm_needs_something_to_do(nothing: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="a task, tasks or messages"):
        SwarmSpec.model_validate(nothing)


@pytest.mark.parametrize("something", [{"task": "t"}, {"tasks": ["t"]}, {"messages": [{"role": "user"}]}])
def test_each_of_the_three_is_something_to_do(something: dict[str, Any]) -> None:
    SwarmSpec.model_validate(something)


def test_swarm_types_are_checked_where_somebody_says_which_there_are() -> None:
    newer = {"task": "t", "swarm_type": "NewerSwarm"}
    assert SwarmSpec.model_validate(newer).swarm_type == "NewerSwarm"
    with pytest.raises(ValidationError, match="NewerSwarm"):
        SwarmSpec.model_validate(newer, context={SWARM_TYPES: KNOWN_SWARM_TYPES})
    for known in ("HiearchicalSwarm", "HierarchicalSwarm"):
        SwarmSpec.model_validate({"task": "t", "swarm_type": known}, context={SWARM_TYPES: KNOWN_SWARM_TYPES})


def test_a_schedule_takes_a_datetime() -> None:
    moment = datetime(2025, 5, 28, 12, tzinfo=UTC)
    spec = ScheduleSpec.model_validate({"scheduled_time": moment})
    assert (spec.scheduled_time, spec.timezone) == ("2025-05-28T12:00:00+00:00", "UTC")


def test_answers_of_later_services_have_the_seeds_names() -> None:
    completion = AgentCompletionResponse.model_validate(
        {"job_id": "agent-1", "success": True, "outputs": "text", "usage": {"total_cost": 0.1}}
    )
    assert (completion.id, completion.job_id) == ("agent-1", "agent-1")
    assert completion.usage is not None
    assert completion.usage.model_dump()["total_cost"] == 0.1
    assert SwarmTypesResponse.model_validate({"status": True, "swarm_types": []}).success
    logs = {"status": "success", "count": None, "logs": [{"id": 1}], "timestamp": "t"}
    assert LogsResponse.model_validate(logs).count == 1
    item = SwarmCompletionResponse.model_validate(
        {"status": "success", "swarm_name": "s", "result": {"a": 1}}
    )
    assert item.output == {"a": 1}


@pytest.mark.parametrize("shape", [lambda items: items, lambda items: {"batch_id": "b", "results": items}])
def test_a_batch_of_agents_is_a_list_in_either_shape(shape: Any) -> None:
    items = [{"id": "agent-1", "success": True, "outputs": []}, {"success": False, "error": "400: no"}]
    done, failed = AgentBatchAnswer.model_validate(shape(items)).completions
    assert (done.id, failed.id, failed.error) == ("agent-1", None, "400: no")


@pytest.mark.parametrize(
    ("model", "answer"),
    [
        (AgentCompletionResponse, {"success": True, "id": "agent-1"}),
        (AgentCompletionResponse, {"success": True, "outputs": []}),
        (AgentCompletionResponse, {"ok": True}),
        (SwarmCompletionResponse, {"status": "success"}),
        (SwarmCompletionResponse, {"output": []}),
        (AgentBatchAnswer, {"results": "none"}),
    ],
)
def test_a_success_without_a_result_is_misshapen(model: Any, answer: Any) -> None:
    with pytest.raises(ValidationError):
        model.model_validate(answer)


def test_pieces_of_a_stream_are_told_apart() -> None:
    first = CompletionPiece.model_validate({"event": "message", "type": "metadata", "job_id": "j"}).root
    assert isinstance(first, MetadataEvent)
    assert first.job_id == "j"
    chunk = CompletionPiece.model_validate({"event": "chunk", "content": "a", "agent": "R"}).root
    assert isinstance(chunk, ChunkEvent)
    assert (chunk.content, chunk.agent) == ("a", "R")
    other = CompletionPiece.model_validate({"event": "thinking", "content": "a"}).root
    assert isinstance(other, OtherEvent)
    with pytest.raises(ValidationError):
        CompletionPiece.model_validate({"event": "chunk", "agent": "R"})


def test_an_answer_in_one_piece_is_an_event_of_its_own() -> None:
    swarm = CompletionPiece.model_validate({"status": "success", "job_id": "swarms-1", "output": []}).root
    assert isinstance(swarm, AnswerEvent)
    assert isinstance(swarm.answer, SwarmCompletionResponse)
    agent = CompletionPiece.model_validate({"success": True, "id": "agent-1", "outputs": []}).root
    assert isinstance(agent, AnswerEvent)
    assert isinstance(agent.answer, AgentCompletionResponse)
