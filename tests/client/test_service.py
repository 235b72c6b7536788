"""Generated namespaces without a client of their own: events and calls of a service that is unknown here."""

import asyncio
import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from clientgen.emit import swap
from clientgen.plan import plan_service
from clientgen.render import render
from swarm_analytics.calls import Target
from swarm_analytics.courier import hand_off_for
from swarm_analytics.errors import DaemonMissing
from swarm_analytics.service import ServiceClient
from swarm_analytics.testing import AsyncRecordingCalls, Called, RecordingCalls
from swarm_analytics_models.handoff import MAX_KEY_CHARACTERS
from swarm_analytics_models.home import Home
from swarm_analytics_models.identifiers import IdentityKind
from tests.client.call_daemon import Asked, call_daemon, envelope
from tests.client.scripted import journal_lines
from tests.clientgen import toy_payloads
from tests.clientgen.toy import TOY

BASE_URL = "https://toy.example"


@pytest.fixture
def generated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    swap(render([plan_service(TOY, toy_payloads)]), tmp_path / "service_toy")
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    importlib.import_module("service_toy.toy.async_namespaces")
    yield importlib.import_module("service_toy.toy.namespaces")
    for name in [name for name in sys.modules if name.startswith("service_toy")]:
        del sys.modules[name]


@pytest.fixture
def target(home: Path) -> Target:
    return Target(
        home=Home(home),
        service="toy",
        kind=IdentityKind.KEY,
        identity="default",
        base_url=BASE_URL,
        secret=SecretStr("k"),
    )


def awaited(generated: ModuleType) -> Any:
    return sys.modules[generated.__name__.replace("namespaces", "async_namespaces")].AsyncToyNamespaces


def done(asked: Asked) -> None:
    asked.reply(200, envelope({"id": asked.json["arguments"].get("title", "t1")}))


def test_calls_and_events_of_both_kinds_of_namespaces(
    generated: ModuleType, target: Target, home: Path
) -> None:
    with (
        ServiceClient(generated.ToyNamespaces, target) as service,
        ServiceClient(awaited(generated), target) as other,
        call_daemon(home, done),
    ):
        assert service.operations.tasks.create(title="Paint").id == "Paint"
        assert asyncio.run(other.operations.tasks.create(title="Dry")).id == "Dry"
    service.operations.rooms.measured(room="r", reading_id="one", value=1.0)
    other.operations.rooms.measured(room="r", reading_id="two", value=2.0)
    events = [line for line in journal_lines(home) if line["type"] == "event"]
    assert [event["key"] for event in events] == ["one", "two"]
    destination, *_ = [line for line in journal_lines(home) if line["type"] == "destination"]
    assert (destination["service"], destination["base_url"]) == ("toy", BASE_URL)
    assert list(hand_off_for(Home(home)).adoptions) == [events[0]["destination"]]


def test_making_one_touches_nothing(generated: ModuleType, target: Target, home: Path) -> None:
    service = ServiceClient(generated.ToyNamespaces, target)
    assert not home.exists()
    with pytest.raises(DaemonMissing):
        service.operations.tasks.create(title="Paint")


def test_what_is_no_class_of_namespaces_is_refused(target: Target) -> None:
    with pytest.raises(TypeError, match="take one that ends in Namespaces"):
        ServiceClient(dict, target)


@pytest.mark.parametrize(
    "key", ["plain", "a/b c?#%", 'quote" and \\', "d\u00e9j\u00e0 \U0001f600", "x" * 200]
)
def test_a_key_that_its_caller_names_is_the_events_key(
    generated: ModuleType, target: Target, home: Path, key: str
) -> None:
    service = ServiceClient(generated.ToyNamespaces, target)
    assert service.operations.rooms.measured(room="r", reading_id=key, value=1.0) == key
    (event,) = [line for line in journal_lines(home) if line["type"] == "event"]
    assert event["key"] == key
    assert event["body"] == {"room": "r", "readingId": key, "value": 1.0}


def test_a_key_that_nothing_could_carry_is_refused(
    generated: ModuleType, target: Target, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = ServiceClient(generated.ToyNamespaces, target)
    monkeypatch.setattr("swarm_analytics.submission.MAX_KEY_CHARACTERS", 3)
    with pytest.raises(ValidationError, match="text of 1 to 3 characters"):
        service.operations.rooms.measured(room="r", reading_id="long", value=1.0)
    assert not home.exists()
    assert MAX_KEY_CHARACTERS == 200


def test_recorded_calls_validate_and_answer_as_scripted(generated: ModuleType) -> None:
    calls = RecordingCalls(
        {
            "tasks.create": {"id": "t1"},
            "tasks.tell": [{"event": "line", "text": "Once"}, {"event": "end"}],
            "tasks.change": PermissionError("no"),
        }
    )
    client = generated.ToyNamespaces()
    client._attach(lambda route, body: "", calls)
    assert client.tasks.create(title="Paint", since=5).id == "t1"
    assert [piece.root.event for piece in client.tasks.tell_stream(task="t1")] == ["line", "end"]
    with pytest.raises(PermissionError):
        client.tasks.change(task="t1", title=None)
    with pytest.raises(LookupError, match=r"no answer is scripted for tasks\.list"):
        client.tasks.list(owner="ada")
    with pytest.raises(ValidationError):
        client.tasks.create(title="")
    created, told, changed, _ = calls.called
    assert created.arguments["from"] == 5
    assert told == Called("tasks.tell", {"task": "t1", "stream": True})
    assert changed == Called("tasks.change", {"task": "t1", "title": None, "notify": True})


async def test_recorded_calls_may_be_awaited(generated: ModuleType) -> None:
    calls = AsyncRecordingCalls({"tasks.create": {"id": "t1"}, "tasks.tell": [{"event": "end"}]})
    client = awaited(generated)()
    client._attach(lambda route, body: "", calls)
    assert (await client.tasks.create(title="Paint")).id == "t1"
    assert [piece.root.event async for piece in client.tasks.tell_stream(task="t1")] == ["end"]
    assert [called.route for called in calls.called] == ["tasks.create", "tasks.tell"]
    assert json.dumps(calls.called[1].arguments) == '{"task": "t1", "stream": true}'
