"""What the generator refuses. Each refusal says where, why and what to do."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field, RootModel, create_model

from clientgen.lint import lint
from clientgen.plan import plan_service
from swarm_analytics_models.authentication import InstallTokenAuthentication
from swarm_analytics_models.calling import Streaming
from swarm_analytics_models.categories import CATEGORY_POLICIES, Category
from swarm_analytics_models.contract import InvalidContract, Route, ServiceContract
from swarm_analytics_models.handling import Lane
from swarm_analytics_models.services import contracts
from swarm_analytics_models.services.openswarm import payloads as openswarm_payloads
from tests.clientgen import toy_payloads
from tests.clientgen.toy import ROUTES, TOY, call_route, contract, event_route, payloads_with, refusals


def model(**fields: Any) -> type[BaseModel]:
    return create_model("Posted", __doc__="It was posted.", **fields)


def refused(request: type[BaseModel], **rest: Any) -> str:
    """What lint says of one event route with this request model, its only refusal."""
    (refusal,) = refusals(event_route("a.b", "/a", request, **rest), models=(request,))
    return str(refusal)


def test_what_is_in_order_passes() -> None:
    assert lint(plan_service(TOY, toy_payloads)) == ()
    assert lint(plan_service(contracts()["openswarm"], openswarm_payloads)) == ()


@pytest.mark.parametrize(
    ("annotation", "named"),
    [
        (bytes, "bytes"),
        (list[bytes], "bytes"),
        (dict[str, set[int]], "set"),
        (int | complex, "complex"),
        (Literal["tab\there"], "Literal"),
        (Literal["back\\slash"], "Literal"),
        (Callable[[], None], "Callable"),
    ],
)
def test_an_unknown_annotation_is_refused(annotation: Any, named: str) -> None:
    text = refused(model(x=(annotation, ...)))
    assert text.startswith("toy a.b, parameter x: the generator does not know the annotation")
    assert named in text
    assert "FreeJson" in text


def test_a_model_from_elsewhere_is_refused() -> None:
    stranger = create_model("Stranger", x=(int, ...))
    assert "Stranger" in refused(model(x=(stranger, ...)))


def test_a_request_from_elsewhere_is_refused() -> None:
    (refusal,) = refusals(event_route("a.b", "/a", model(x=(int, ...))))
    assert "its request model: the generator does not know" in str(refusal)


@pytest.mark.parametrize("key", ["a.class", "import.b", "a.lambda", "a.b__c", "a.init__"])
def test_an_illegal_name_in_a_route_key_is_refused(key: str) -> None:
    request = model(x=(int, ...))
    (refusal,) = refusals(event_route(key, "/a", request), models=(request,))
    assert "reserved by Python" in str(refusal) or "not a plain lower-case name" in str(refusal)


@pytest.mark.parametrize("key", ["a.__init__", "__class__.b", "a._hidden", "a.Upper", "a.b-c", "a", "a..b"])
def test_the_contract_itself_refuses_what_is_no_name_at_all(key: str) -> None:
    with pytest.raises(InvalidContract):
        event_route(key, "/a", model(x=(int, ...)))


@pytest.mark.parametrize("name", ["self", "Upper", "camelCase", "a__b"])
def test_an_illegal_parameter_name_is_refused(name: str) -> None:
    assert f"the name {name!r}" in refused(model(**{name: (int, ...)}))


@pytest.mark.parametrize("alias", ["class", "__class__", "from", "camelCase", "with space"])
def test_an_alias_that_python_cannot_say_leaves_the_fields_own_name(alias: str) -> None:
    request = model(plain=(int, Field(alias=alias)))
    assert refusals(event_route("a.b", "/a", request), models=(request,)) == ()


@pytest.mark.parametrize("alias", ["class", "__class__"])
def test_an_illegal_name_is_refused_where_alias_and_field_are_both_no_names(alias: str) -> None:
    assert "'Bad'" in refused(model(Bad=(int, Field(alias=alias))))


@pytest.mark.parametrize(
    ("default", "annotation"),
    [
        (Field(default_factory=list), list[int]),
        ([], list[int]),
        ({}, dict[str, int]),
        (float("nan"), float),
        (float("inf"), float),
        ('say "hi"', str),
        ("it's", str),
        ("back\\slash", str),
        ("two\nlines", str),
        (toy_payloads.Tag(word="w"), toy_payloads.Tag),
    ],
)
def test_an_unrenderable_default_is_refused(default: Any, annotation: Any) -> None:
    assert "cannot be written into a signature" in refused(model(x=(annotation, default)))


def test_a_stamped_name_under_another_is_refused() -> None:
    assert "callers must not say it" in refused(model(moment=(float, Field(alias="ts"))))
    assert "callers must not say it" in refused(model(key=(str, Field(alias="submission_id"))))


def test_the_identity_that_a_token_says_is_refused() -> None:
    """Claim 14: no method accepts an install id."""
    register = replace(ROUTES[4], key="a.register")
    request = model(install_id=(str, ...))
    authentication = InstallTokenAuthentication("a.register", install_field="install_id", token_field="token")
    route = event_route("a.b", "/a", request, authentication=authentication)
    (refusal,) = refusals(register, route, models=(request,))
    assert "callers must not say it" in str(refusal)


def test_a_category_without_a_consent_decision_is_refused() -> None:
    undecided = dict(CATEGORY_POLICIES)
    del undecided[Category.PRODUCT]
    texts = [str(refusal) for refusal in lint(plan_service(TOY, toy_payloads, undecided))]
    assert texts == [
        f"toy {key}: category 'product' has no consent decision. Say in CATEGORY_POLICIES whether it is muted"
        for key in ("tasks.progress.done", "rooms.measured")
    ]


def collision(*keys: str) -> str:
    request = model(x=(int, ...))
    routes = [event_route(key, f"/{place}", request) for place, key in enumerate(keys)]
    return "\n".join(map(str, refusals(*routes, models=(request,))))


def test_two_namespaces_of_one_class_name_are_refused() -> None:
    assert "class name ABCNamespace stands for 2 things" in collision("a.b_c.x", "a_b.c.y")


def test_a_namespace_and_a_model_of_one_class_name_are_refused() -> None:
    clash = create_model("ANamespace", x=(int, ...))
    request = model(x=(clash, ...))
    (refusal,) = refusals(event_route("a.b", "/a", request), models=(request, clash))
    assert "class name ANamespace stands for 2 things" in str(refusal)


@pytest.mark.parametrize("name", ["Any", "Literal", "Submit", "ToyNamespaces"])
def test_a_model_named_as_what_the_module_needs_is_refused(name: str) -> None:
    clash = create_model(name, x=(int, ...))
    request = model(x=(clash, ...))
    (refusal,) = refusals(event_route("a.b", "/a", request), models=(request, clash))
    assert f"class name {name} stands for 2 things" in str(refusal)


def test_a_method_that_is_a_namespace_too_is_refused() -> None:
    assert "both a method and a namespace" in collision("a.b", "a.b.c")


def test_two_routes_of_one_constant_are_refused() -> None:
    assert "route constant A_B_C stands for 2 things" in collision("a.b_c", "a_b.c")


@pytest.mark.parametrize("name", ["close", "flush", "register"])
def test_a_namespace_named_as_a_method_of_the_client_is_refused(name: str) -> None:
    assert "the client itself has a method of this name" in collision(f"{name}.x")


def test_two_routes_to_one_endpoint_are_refused() -> None:
    doubled = replace(ROUTES[2], key="tasks.exchange")
    assert [str(found) for found in refusals(*ROUTES, doubled)] == [
        "toy: endpoint POST /tasks/swap stands for 2 things. Rename all but one"
    ]


def test_one_path_under_two_methods_is_fine() -> None:
    assert refusals(*ROUTES, replace(ROUTES[2], key="tasks.exchange", method="PUT")) == ()


def test_two_fields_of_one_name_are_refused() -> None:
    assert "parameter id stands for 2 things" in refused(
        model(id_=(int, Field(alias="id")), id=(int, Field(alias="Id")))
    )


def test_a_field_that_is_read_and_written_under_different_names_is_refused() -> None:
    request = model(x=(int, Field(validation_alias="read", serialization_alias="written")))
    assert "under different names" in refused(request)


def test_a_body_without_named_fields_is_refused() -> None:
    class Numbers(RootModel[list[int]]):
        """A few numbers."""

    assert any(
        "root model" in str(found) for found in refusals(event_route("a.b", "/a", Numbers), models=(Numbers,))
    )


@pytest.mark.parametrize("text", [None, "A \\ in it.", 'Ends in a "quote"', 'Has """ in it.'])
def test_a_docstring_that_cannot_be_the_methods_is_refused(text: str | None) -> None:
    request = create_model("Posted", __doc__=text, x=(int, ...))
    assert "its docstring cannot be the method's" in refused(request)


def test_a_description_that_cannot_stand_in_a_docstring_is_refused() -> None:
    assert "cannot stand in a docstring" in refused(model(x=(int, Field(description="a \\ in it"))))


def test_a_call_without_an_answer_is_refused() -> None:
    request = model(x=(int, ...))
    assert "a call must say what it returns" in refused(request, lane=Lane.CALL)


def test_a_service_without_a_method_is_refused() -> None:
    internal: Route = ROUTES[4]
    assert [str(found) for found in refusals(internal)] == [
        "toy: it has no route for clients. Declare one that is not internal"
    ]


def test_every_reason_is_reported_at_once() -> None:
    request = model(x=(bytes, ...), y=(int, float("nan")))
    bad: ServiceContract = contract(event_route("a.class", "/a", request))
    assert len(lint(plan_service(bad, payloads_with(request)))) == 3


def streamed(request: type[BaseModel], event: type[BaseModel], key: str = "a.b") -> Route:
    streaming = Streaming(format="sse", event=event, field="stream", media_type="text/event-stream")
    return call_route(key, f"/{key}", request, toy_payloads.Task, streaming=streaming)


def test_pieces_that_are_asked_for_by_a_required_field_are_refused() -> None:
    request = model(stream=(bool, ...))
    (refusal,) = refusals(streamed(request, toy_payloads.TaskPiece), models=(request,))
    assert "asks for an answer in pieces, and is required. Give it the default False" in str(refusal)


def test_a_piece_of_a_model_that_is_elsewhere_is_refused() -> None:
    class Foreign(BaseModel):
        """Not among the payloads."""

    request = model(stream=(bool, False))
    assert any(
        "its events" in str(found) for found in refusals(streamed(request, Foreign), models=(request,))
    )


def test_a_method_may_not_be_called_as_anothers_stream() -> None:
    request = model(stream=(bool, False))
    taken = call_route("a.b_stream", "/taken", request, toy_payloads.Task)
    texts = [
        str(found) for found in refusals(streamed(request, toy_payloads.TaskPiece), taken, models=(request,))
    ]
    assert texts == ["toy a: method b_stream stands for 2 things. Rename all but one"]


def test_a_call_and_events_may_share_an_endpoint() -> None:
    request = model(x=(int, ...))
    call = call_route("a.now", "/a", request, toy_payloads.Task)
    event = event_route("a.later", "/a", request)
    assert refusals(call, event, models=(request,)) == ()
