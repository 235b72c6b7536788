"""What a contract becomes: parameters, their order, names, types and defaults."""

from enum import Enum
from typing import Annotated, Any, Literal, Optional

import pytest
from pydantic import BaseModel, Field, create_model

from clientgen.annotation import Choice, Either, Generic, Named, Plain, Type, Unknown, read_annotation
from clientgen.parameters import Constant, Member, NotGiven, Parameter
from clientgen.plan import PlannedRoute, Stream, is_repeatable, plan_service
from swarm_analytics_models.handling import Lane
from swarm_analytics_models.idempotency import (
    Idempotency,
    KeyInBody,
    KeyInHeader,
    NaturallyIdempotent,
    NotIdempotent,
)
from swarm_analytics_models.identifiers import IdentityKind
from swarm_analytics_models.values import FreeJson, Int64
from tests.clientgen import toy_payloads
from tests.clientgen.toy import TOY, call_route

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
    assert [namespace.path for namespace in PLAN.namespaces] == [
        ("tasks",),
        ("tasks", "progress"),
        ("rooms",),
    ]


def test_a_namespace_knows_the_lanes_of_all_below_it() -> None:
    tasks, progress, _ = PLAN.namespaces
    assert tasks.lanes == {Lane.CALL, Lane.DELIVER}
    assert progress.lanes == {Lane.DELIVER}
    assert tasks.children == (("tasks", "progress"),)


def test_an_argument_that_may_be_left_out_of_the_payload_has_no_default() -> None:
    """A default that says something stays one, whatever may be left out."""
    defaults = {found.name: found.default for found in planned("tasks.change").parameters}
    assert defaults == {
        "task": None,
        "title": NotGiven(),
        "due_at": NotGiven(),
        "tags": NotGiven(),
        "notify": Constant(True),
    }


def test_how_an_answer_in_pieces_is_asked_for_is_no_parameter() -> None:
    told = planned("tasks.tell")
    assert told.stream == Stream(Named("TaskPiece"), "stream", "sse")
    assert [found.name for found in told.parameters] == ["task"]
    assert told.methods == ("tell", "tell_stream")


def test_a_key_that_callers_name_is_a_parameter() -> None:
    measured = planned("rooms.measured")
    assert measured.key_field == "readingId"
    assert [(found.name, found.wire) for found in measured.parameters][1] == ("reading_id", "readingId")
    assert planned("tasks.progress.done").key_field is None


@pytest.mark.parametrize(
    ("idempotency", "repeatable"),
    [
        (NaturallyIdempotent(), True),
        (KeyInBody("key"), True),
        (KeyInHeader(("Idempotency-Key",)), True),
        (KeyInHeader(("Idempotency-Key",), honoured_for=frozenset({IdentityKind.AGENT})), False),
        (NotIdempotent("report"), False),
    ],
)
def test_what_may_be_called_twice_follows_from_the_contract(
    idempotency: Idempotency, repeatable: bool
) -> None:
    """Where it depends on who calls, it may not."""
    request = create_model("Posted", key=(str, ...))
    route = call_route("a.b", "/a", request, toy_payloads.Task, idempotency=idempotency)
    assert is_repeatable(route) is repeatable
