"""Payloads of a service that does not exist, with every shape that the generator knows."""

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Urgency(StrEnum):
    LOW = "low"
    HIGH = "high"


class Tag(BaseModel):
    """A word with a weight."""

    word: str
    weight: float = 1.0


class TaskCreate(BaseModel):
    """A task is to be done.

    This second paragraph is for the service's people and stays out of the client.
    """

    model_config = ConfigDict(populate_by_name=True)

    description: str = "none yet"
    title: Annotated[str, Field(min_length=1, max_length=255)]
    urgency: Urgency = Urgency.LOW
    assignee_id: str | None = Field(default=None, alias="assigneeId", description="Who is to do it.")
    since: int | None = Field(default=None, alias="from")
    tags: list[Tag] | None = None
    shares: dict[str, float] | None = None
    steps: tuple[int, ...] | None = None
    retries: Annotated[int, Field(ge=0, le=9)] = 3
    ratio: float = 0.5
    urgent: bool = False
    level: Literal[1, 2, None] = None
    strategy: (
        Literal[
            "after_everything_else",
            "as_soon_as_possible",
            "at_the_next_full_hour",
            "before_everything_else",
            "whenever_somebody_asks",
        ]
        | None
    ) = None
    extra: Any = None


class TaskFilter(BaseModel):
    """The tasks of one owner."""

    owner: str
    labels: list[str] | None = None


class Tasks(BaseModel):
    titles: list[str]


class Task(BaseModel):
    id: str


class TaskDone(BaseModel):
    """A task was done."""

    submission_id: str
    task: str


class Renamed(BaseModel):
    """Two tasks change places."""

    labels: list[str]


class SessionWanted(BaseModel):
    """The bootstrap call, which the daemon makes."""

    key: str


class SessionMade(BaseModel):
    token: str
