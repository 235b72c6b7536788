"""What every call does before anything leaves the process; the recording double does the same."""

import inspect
import json
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from pydantic import ValidationError

from swarm_analytics import AgentMessage, AnalyticsClient
from swarm_analytics._generated.openswarm.routes import ROUTES
from swarm_analytics.testing import RecordingClient
from swarm_analytics_models.identifiers import Destination, IdentityKind
from swarm_analytics_models.values import MAX_BODY_BYTES
from tests.client.scripted import journal_bytes, journal_lines

AnyClient: TypeAlias = AnalyticsClient | RecordingClient
Events: TypeAlias = list[tuple[str, dict[str, Any], str]]


class Subject:
    """A client of either kind, and what it submitted: route, body and submission id."""

    def __init__(self, make: Callable[..., AnyClient], events: Callable[[AnyClient], Events]) -> None:
        self.make = make
        self._events = events

    def events(self, client: AnyClient) -> Events:
        return self._events(client)


@pytest.fixture(params=["real", "recording"])
def subject(request: pytest.FixtureRequest, home: Path) -> Subject:
    if request.param == "recording":
        return Subject(
            RecordingClient,
            lambda client: [tuple(event) for event in client.recorded],  # type: ignore[union-attr]
        )

    def journalled(_: AnyClient) -> Events:
        return [
            (line["route"], line["body"], line["key"])
            for line in journal_lines(home)
            if line["type"] == "event"
        ]

    return Subject(lambda **options: AnalyticsClient(home, **options), journalled)


CALLS: list[tuple[str, Callable[[AnyClient], str], dict[str, Any]]] = [
    (
        "events.app_lifecycle.opened",
        lambda c: c.events.app_lifecycle.opened(os="darwin", os_version="25.3.0", app_version="1.2.0"),
        {"os": "darwin", "os_version": "25.3.0", "app_version": "1.2.0", "timezone": None, "locale": None},
    ),
    ("events.app_lifecycle.closed", lambda c: c.events.app_lifecycle.closed(), {}),
    (
        "events.agent.create",
        lambda c: c.events.agent.create(id="sess_123", name="Refactor auth", dashboard_id="dash_1"),
        {"id": "sess_123", "name": "Refactor auth", "dashboard_id": "dash_1"},
    ),
    (
        "events.agent.create",
        lambda c: c.events.agent.create(id="sess_123"),
        {"id": "sess_123", "dashboard_id": None},
    ),
    (
        "events.agent.title",
        lambda c: c.events.agent.title(id="sess_123", title="Übersicht"),
        {"id": "sess_123", "title": "Übersicht"},
    ),
    (
        "events.agent.message",
        lambda c: c.events.agent.message(
            agent_id="sess_123", seq=0, message=AgentMessage(id="m1", role="user", content="hello")
        ),
        {
            "agent_id": "sess_123",
            "seq": 0,
            "message": {
                "id": "m1",
                "role": "user",
                "content": "hello",
                "parent_id": None,
                "branch_id": 0,
                "provider": None,
                "model": None,
                "thinking_level": None,
            },
        },
    ),
    (
        "events.onboarding.step",
        lambda c: c.events.onboarding.step(step_id="connect_provider", status="completed"),
        {"step_id": "connect_provider", "status": "completed"},
    ),
    (
        "events.dashboard.event",
        lambda c: c.events.dashboard.event(dashboard_id="dash_1", action="create"),
        {"dashboard_id": "dash_1", "action": "create"},
    ),
    (
        "logs.write",
        lambda c: c.logs.write(tag="agent", subtag="tool", data={"name": "shell"}),
        {"tag": "agent", "subtag": "tool", "data": {"name": "shell"}},
    ),
    (
        "identify.link_email",
        lambda c: c.identify.link_email(email="user@example.com"),
        {"email": "user@example.com"},
    ),
    ("preferences.opt_out", lambda c: c.preferences.opt_out(opted_out=False), {"opted_out": False}),
]


@pytest.mark.parametrize(("route", "call", "body"), CALLS)
def test_a_call_submits_its_arguments_stamped_and_returns_the_submission_id(
    subject: Subject, route: str, call: Callable[[AnyClient], str], body: dict[str, Any]
) -> None:
    client = subject.make()
    before = time.time()
    submission_id = call(client)

    [(key, submitted, kept_id)] = subject.events(client)
    assert (key, kept_id) == (route, submission_id)
    assert uuid.UUID(submission_id).version == 7
    for stamp in ROUTES[route].stamps:
        value = submitted.pop(stamp)
        assert value == submission_id if stamp == "submission_id" else before <= value <= time.time()
    assert submitted == body


def test_every_route_has_a_call_above() -> None:
    assert {route for route, _, _ in CALLS} == set(ROUTES)


def test_no_signature_takes_a_stamp_or_an_identity() -> None:
    client = RecordingClient()
    for route in ROUTES:
        target: Any = client
        for step in route.split("."):
            target = getattr(target, step)
        names = set(inspect.signature(target).parameters)
        assert not names & {"ts", "submission_id", "install_id", "user_id", "token"}, route
        kinds = {parameter.kind for parameter in inspect.signature(target).parameters.values()}
        assert kinds <= {inspect.Parameter.KEYWORD_ONLY}, route


def _changed_after_validation() -> AgentMessage:
    message = AgentMessage(id="m", role="tool_result", content={"value": 1})
    message.content["value"] = float("nan")
    return message


BAD: list[tuple[str, Callable[[Any], object]]] = [
    ("status", lambda c: c.events.onboarding.step(step_id="s", status="done")),
    ("action", lambda c: c.events.dashboard.event(dashboard_id="d", action="opened")),
    ("role", lambda c: c.events.agent.message(agent_id="a", seq=0, message={"id": "m", "role": "robot"})),
    ("seq", lambda c: c.events.agent.message(agent_id="a", seq=2**63, message={"id": "m", "role": "user"})),
    ("email", lambda c: c.identify.link_email(email="")),
    ("data", lambda c: c.logs.write(tag="t", data=float("nan"))),
    ("data", lambda c: c.logs.write(tag="t", data={"a": [float("-inf")]})),
    ("data", lambda c: c.logs.write(tag="t", data=10**30)),
    ("data", lambda c: c.logs.write(tag="t", data={"a": "\ud800"})),
    ("data", lambda c: c.logs.write(tag="t", data=json.loads("[" * 40 + "]" * 40))),
    ("data", lambda c: c.logs.write(tag="t", data=object())),
    ("title", lambda c: c.events.agent.title(id="a", title="\ud800")),
    ("bytes as JSON", lambda c: c.logs.write(tag="t", data="x" * MAX_BODY_BYTES)),
    (
        "content",
        lambda c: c.events.agent.message(agent_id="a", seq=0, message=_changed_after_validation()),
    ),
]


@pytest.mark.parametrize(("place", "call"), BAD)
@pytest.mark.parametrize("mode", ["full", "minimal"])
def test_bad_arguments_raise_in_the_callers_stack_and_name_the_place(
    subject: Subject, mode: str, place: str, call: Callable[[AnyClient], object]
) -> None:
    client = subject.make(mode=mode)
    with pytest.raises(ValidationError) as caught:
        call(client)
    assert place in str(caught.value)


def test_bad_arguments_raise_before_any_io(home: Path) -> None:
    client = AnalyticsClient(home)
    for _, call in BAD:
        with pytest.raises(ValidationError):
            call(client)
    assert not home.exists()


def test_a_body_of_the_greatest_size_passes(subject: Subject) -> None:
    client = subject.make()
    client.logs.write(tag="t", data="x" * (MAX_BODY_BYTES - 1000))
    assert len(subject.events(client)) == 1


@pytest.mark.parametrize("unusual", [{1, 2}, (1, 2), Path("a"), uuid.UUID(int=1)])
def test_what_pydantic_can_write_as_json_is_converted(subject: Subject, unusual: object) -> None:
    client = subject.make()
    client.logs.write(tag="t", data=unusual)
    [(_, body, _)] = subject.events(client)
    assert body["data"] in ([1, 2], "a", str(uuid.UUID(int=1)))


def test_mode_minimal_mutes_product_events_only(subject: Subject) -> None:
    client = subject.make(mode="minimal")
    ids = [call(client) for _, call, _ in CALLS]
    assert len(set(ids)) == len(CALLS)
    assert [route for route, _, _ in subject.events(client)] == [
        "logs.write",
        "identify.link_email",
        "preferences.opt_out",
    ]


def test_an_opt_out_mutes_at_once_and_an_opt_in_ends_it(subject: Subject) -> None:
    client = subject.make()
    client.preferences.opt_out(opted_out=True)
    client.events.app_lifecycle.closed()
    client.logs.write(tag="kept")
    client.preferences.opt_out(opted_out=False)
    client.events.app_lifecycle.closed()
    assert [route for route, _, _ in subject.events(client)] == [
        "preferences.opt_out",
        "logs.write",
        "preferences.opt_out",
        "events.app_lifecycle.closed",
    ]


def test_a_bad_mode_is_refused_with_the_remedy(subject: Subject) -> None:
    with pytest.raises(ValueError, match=r'"full".*"minimal".*consent hold'):
        subject.make(mode="off")


def test_a_closed_client_still_hands_off(subject: Subject) -> None:
    with subject.make() as client:
        pass
    client.close()
    client.events.app_lifecycle.closed()
    assert len(subject.events(client)) == 1


def test_a_client_that_handed_nothing_off_is_drained(subject: Subject) -> None:
    client = subject.make(mode="minimal")
    client.events.app_lifecycle.closed()
    assert client.flush(timeout=0.0)


def test_a_line_is_exactly_so(home: Path) -> None:
    client = AnalyticsClient(home, base_url="https://analytics.example/base/", install_id="install-1")
    key = client.events.agent.title(id="a", title="Ü")
    ref = Destination("openswarm", "https://analytics.example", IdentityKind.INSTALL, "install-1").ref
    declaration, event, rest = journal_bytes(home).split(b"\n")
    assert declaration == (
        b'{"type":"destination","service":"openswarm","base_url":"https://analytics.example/base/",'
        b'"kind":"install","identity":"install-1"}'
    )
    body = json.loads(event)["body"]
    assert event.decode() == (
        '{"type":"event","service":"openswarm","route":"events.agent.title",'
        f'"destination":"{ref}","client":"{client._outlet.id}","key":"{key}",'
        f'"body":{{"ts":{body["ts"]!r},"submission_id":"{key}","id":"a","title":"Ü"}}}}'
    )
    assert rest == b""
