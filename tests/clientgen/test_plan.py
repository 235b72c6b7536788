"""What a contract becomes: parameters, their order, names, types and defaults."""

from enum import Enum
from typing import Annotated, Any, Literal, Optional

import pytest
from pydantic import BaseModel, Field

from clientgen.annotation import Choice, Either, Generic, Named, Plain, Type, Unknown, read_annotation
from clientgen.parameters import Constant, Member, Parameter
from clientgen.plan import PlannedRoute, plan_service
from swarm_analytics_models.handling import Lane
from swarm_analytics_models.values import FreeJson, Int64
from tests.clientgen import toy_payloads
from tests.clientgen.toy import TOY

PLAN = plan_service(TOY, toy_payloads)
STRING, NONE = Plain("str"), Plain("None")


def planned(key: str) -> PlannedRoute:
    return next(route for route in PLAN.routes if route.key == key)


def parameter(name: str) -> Parameter:
    return next(found for found in planned("tasks.create").parameters if found.name == name)


class Stranger(BaseModel):
    """Not in the payloads module."""


class Hue(Enum):
    RED = 1


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (str, STRING),
        (Any, Plain("Any")),
        (FreeJson, Plain("Any")),
        (Int64, Plain("int")),
        (Annotated[str, Field(min_length=1)], STRING),
        (Optional[str], Either((STRING, NONE))),  # noqa: UP045 (the spelling under test)
        (str | None, Either((STRING, NONE))),
        (Literal["a", 1, None, True], Choice(("a", 1, None, True))),
        (list[Annotated[str, Field(min_length=1)]], Generic("list", (STRING,))),
        (dict[str, Any], Generic("dict", (STRING, Plain("Any")))),
        (tuple[int, ...], Generic("tuple", (Plain("int"), Plain("...")))),
        (toy_payloads.Tag, Named("Tag")),
        (toy_payloads.Urgency, Named("Urgency")),
        (bytes, Unknown("bytes")),
        (set[str], Unknown("set")),
        (list, Unknown("list")),
        (object, Unknown("object")),
        (Stranger, Unknown(f"{__name__}.Stranger")),
        (Literal[Hue.RED], Unknown(str(Literal[Hue.RED]))),
        (Literal['say "hi"'], Unknown(str(Literal['say "hi"']))),
        (list[bytes], Generic("list", (Unknown("bytes"),))),
    ],
)
def test_annotations_are_read_into_a_closed_union(annotation: Any, expected: Type) -> None:
    assert read_annotation(annotation, toy_payloads) == expected


def test_required_parameters_come_first_then_the_others_in_the_models_order() -> None:
    names = [found.name for found in planned("tasks.create").parameters]
    assert names[:4] == ["title", "description", "urgency", "assignee_id"]
    assert [found.default is None for found in planned("tasks.create").parameters].count(True) == 1


@pytest.mark.parametrize(
    ("name", "wire"), [("assignee_id", "assigneeId"), ("since", "from"), ("title", "title")]
)
def test_a_parameter_is_called_as_it_travels_where_python_can_say_it(name: str, wire: str) -> None:
    assert parameter(name).wire == wire


def test_defaults_are_kept() -> None:
    assert parameter("description").default == Constant("none yet")
    assert parameter("urgency").default == Member("Urgency", "LOW")
    assert parameter("retries").default == Constant(3)
    assert parameter("assignee_id").default == Constant(None)


def test_constraints_leave_the_type_and_stay_as_limits() -> None:
    assert parameter("title").type == STRING
    assert dict(parameter("title").limits) == {"minLength": 1, "maxLength": 255}
    assert dict(parameter("retries").limits) == {"minimum": 0, "maximum": 9}


def test_stamps_appear_in_no_signature() -> None:
    done = planned("tasks.progress.done")
    assert done.stamps == ("submission_id",)
    assert [found.name for found in done.parameters] == ["task"]


def test_the_summary_is_the_first_paragraph() -> None:
    assert planned("tasks.create").summary == "A task is to be done."


def test_internal_routes_are_in_no_namespace() -> None:
    assert planned("session.make").internal
    assert [namespace.path for namespace in PLAN.namespaces] == [("tasks",), ("tasks", "progress")]


def test_a_namespace_knows_the_lanes_of_all_below_it() -> None:
    tasks, progress = PLAN.namespaces
    assert tasks.lanes == {Lane.CALL, Lane.DELIVER}
    assert progress.lanes == {Lane.DELIVER}
    assert tasks.children == (("tasks", "progress"),)
