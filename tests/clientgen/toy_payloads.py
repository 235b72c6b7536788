"""Payloads of a service that does not exist, with every shape that the generator knows."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel

from swarm_analytics_models.payload import OmitsUnset


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


class TaskChanged(OmitsUnset):
    """A task is changed; what is not given stays as it is."""

    model_config = ConfigDict(populate_by_name=True)

    task: str
    title: str | None = None
    due_at: datetime | None = Field(default=None, alias="dueAt")
    tags: list[str] = Field(default_factory=list)
    notify: bool = True


class TaskTold(BaseModel):
    """A task is told as it is done."""

    task: str
    stream: bool = False


class Line(BaseModel):
    """A line of the tale."""

    event: Literal["line"]
    text: str


class End(BaseModel):
    """The tale is told."""

    event: Literal["end"]


class TaskPiece(RootModel[Line | End | Task]):
    """What comes of a tale: lines and an end, or the task where the service answers whole."""


class Measured(BaseModel):
    """Something was measured, and its sensor named it."""

    model_config = ConfigDict(populate_by_name=True)

    room: str
    reading_id: Annotated[str, Field(min_length=1, max_length=200, alias="readingId")]
    value: float
