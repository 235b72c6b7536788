"""What Swarms Cloud answers: the shapes of the seed, read from what each version of the service sends.

Fields that are not declared here are kept as attributes. A field that one version lacks is None.
"""

from typing import Any

from pydantic import BaseModel, ConfigDict, RootModel, model_validator


class AnswerModel(BaseModel):
    model_config = ConfigDict(extra="allow", defer_build=True, protected_namespaces=())


def _renamed(answer: Any, later: str, name: str) -> Any:
    """The answer with what later services call `later` under the seed's `name`."""
    if not isinstance(answer, dict) or name in answer or later not in answer:
        return answer
    return {name: answer[later], **{key: value for key, value in answer.items() if key != later}}


class Usage(AnswerModel):
    """Tokens that were used; later services add what they cost."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None


class AgentCompletionResponse(AnswerModel):
    """What an agent made of its task.

    In a batch, one that failed has `success` false, `error`, and neither `id` nor `outputs`.
    """

    id: str | None = None
    """``agent-...``; what later services call `job_id`."""

    success: bool
    name: str | None = None
    description: str | None = None
    temperature: float | None = None
    outputs: Any = None
    """Usually a list of ``{"role", "content"}``, or an object, or text, as the service's version has it."""

    usage: Usage | None = None
    timestamp: str | None = None
    """ISO 8601."""

    error: str | None = None

    @property
    def job_id(self) -> str | None:
        """`id`, as later services call it."""
        return self.id

    @model_validator(mode="before")
    @classmethod
    def _read_later_names(cls, answer: Any) -> Any:
        return _renamed(answer, "job_id", "id")

    @model_validator(mode="after")
    def _success_has_a_result(self) -> "AgentCompletionResponse":
        if self.success and (self.id is None or "outputs" not in self.model_fields_set):
            raise ValueError("a completion that succeeded has an id and outputs")
        return self


class AgentBatch(AnswerModel):
    """A batch's answer as an object: what later services send."""

    results: list[AgentCompletionResponse]
    batch_id: str | None = None
    total_requests: int | None = None
    execution_time: float | None = None
    timestamp: str | None = None


class AgentBatchAnswer(RootModel[list[AgentCompletionResponse] | AgentBatch]):
    """A batch's answer: an array, or an object around it."""

    @property
    def completions(self) -> list[AgentCompletionResponse]:
        return self.root.results if isinstance(self.root, AgentBatch) else self.root


class SwarmCompletionResponse(AnswerModel):
    """What a swarm made of its task.

    In a batch there is neither `job_id` nor anything else that the service says of a single swarm only; one
    that failed has `status` ``error`` and `detail`.
    """

    job_id: str | None = None
    """``swarms-...``; None in a batch."""

    status: str
    swarm_name: str | None = None
    description: str | None = None
    swarm_type: str | None = None
    output: Any = None
    """A list of ``{"role", "content"}`` or an object, as the service's version has it."""

    number_of_agents: int | None = None
    service_tier: str | None = None
    tasks: list[str] | None = None
    messages: list[dict[str, Any]] | None = None
    execution_time: float | None = None
    """Seconds."""

    usage: Usage | None = None
    detail: Any = None
    """Of a swarm that failed: why."""

    @model_validator(mode="before")
    @classmethod
    def _read_names_of_batches(cls, answer: Any) -> Any:
        return _renamed(answer, "result", "output")

    @model_validator(mode="after")
    def _success_has_a_result(self) -> "SwarmCompletionResponse":
        if self.status != "error" and "output" not in self.model_fields_set:
            raise ValueError("a swarm that did not fail has an output")
        return self


class SwarmBatchAnswer(RootModel[list[SwarmCompletionResponse]]):
    """A batch's answer: an array, in the order in which the swarms ended."""


class SwarmTypesResponse(AnswerModel):
    """The types of swarm that the service offers."""

    success: bool

    swarm_types: list[str]

    @model_validator(mode="before")
    @classmethod
    def _read_later_names(cls, answer: Any) -> Any:
        return _renamed(answer, "status", "success")


class ModelsResponse(AnswerModel):
    """The models that agents may use."""

    success: bool
    models: list[str]


class LogEntry(AnswerModel):
    """One request, as the service logged it."""

    id: str | int | None = None
    api_key: str | None = None
    """The service echoes the key in clear; what is here only says that there was one."""

    data: Any = None
    created_at: str | None = None
    """ISO 8601."""

    category: str | None = None


class LogsResponse(AnswerModel):
    """What was asked with this key, as the service logged it."""

    status: str
    count: int
    """How many; counted here where the service leaves it null."""

    logs: list[LogEntry]
    timestamp: str | None = None
    """ISO 8601."""

    @model_validator(mode="before")
    @classmethod
    def _count_what_is_there(cls, answer: Any) -> Any:
        if isinstance(answer, dict) and answer.get("count") is None and isinstance(answer.get("logs"), list):
            return {**answer, "count": len(answer["logs"])}
        return answer
