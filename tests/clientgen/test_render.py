"""The text that comes out: the same every time, as the formatter leaves it, and right when it runs."""

import ast
import hashlib
import importlib
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, Union

import pytest
from pydantic import BaseModel, create_model

from clientgen.emit import swap
from clientgen.layout import LINE_LENGTH
from clientgen.plan import plan_service
from clientgen.render import render
from clientgen.sources import registered_services
from swarm_analytics_models.client_route import ClientRoute
from swarm_analytics_models.payload import UNSET
from tests.clientgen import toy_payloads
from tests.clientgen.toy import TOY, contract, event_route, payloads_with

REPOSITORY = Path(__file__).parents[2]


def render_everything() -> dict[str, str]:
    real = [plan_service(service.contract, service.payloads) for service in registered_services()]
    return render([*real, plan_service(TOY, toy_payloads)])


def digest() -> str:
    return hashlib.sha256(repr(sorted(render_everything().items())).encode()).hexdigest()


@pytest.mark.parametrize("seed", ["0", "1", "4711"])
def test_the_same_contracts_give_the_same_bytes_in_every_process(seed: str) -> None:
    code = "from tests.clientgen.test_render import digest; print(digest())"
    child = subprocess.run(
        [sys.executable, "-c", code],
        cwd=REPOSITORY,
        env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path), "TZ": f"UTC{seed[0]}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert child.stdout.strip() == digest()


@pytest.mark.parametrize("command", [["format", "--diff"], ["check"]])
def test_formatter_and_linter_leave_it_as_it_is(command: list[str], tmp_path: Path) -> None:
    names = ["ModelOneOfALongName", "MODELTwoOfALongName", "MODELTHREE"]
    many = [create_model(name, x=(int, ...)) for name in names]
    fields: dict[str, Any] = {found.__name__.lower(): (found, ...) for found in many}
    request = create_model("Posted", __doc__="Long. " * 40 + "End.", **fields)
    union: Any = Union[(request, *many, int, float, str, bool)]
    deep: Any = dict[str, list[dict[str, list[tuple(many)]]]] | None  # type: ignore[misc]
    wide = create_model("Wide", __doc__="Wide.", union=(union, ...), deep=(deep, None))
    long_route = event_route(f"{'a' * 20}.{'b' * 20}", "/" + "p" * 60, wide)
    models: list[type[BaseModel]] = [request, wide, *many]
    plans = [plan_service(contract(event_route("a.b", "/a", request), long_route), payloads_with(*models))]
    swap(render(plans), tmp_path / "wide")
    swap(render_everything(), tmp_path / "everything")
    ruff = [
        sys.executable,
        "-m",
        "ruff",
        *command,
        "--no-cache",
        "--config",
        str(REPOSITORY / "pyproject.toml"),
    ]
    found = subprocess.run([*ruff, str(tmp_path)], capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout) in [(0, ""), (0, "All checks passed!\n")]


def test_no_line_is_too_long() -> None:
    lines = [line for text in render_everything().values() for line in text.splitlines()]
    assert max(map(len, lines)) <= LINE_LENGTH


def test_it_imports_models_and_nothing_that_runs() -> None:
    """STYLE rule 7: generated data imports no runtime."""
    standard = {"builtins", "collections.abc", "datetime", "types", "typing", "uuid"}
    allowed = standard | {"swarm_analytics_models.client_route", "swarm_analytics_models.payload"}
    for name, text in render_everything().items():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Import):
                assert {alias.name for alias in node.names} <= {"builtins"}, name
            if isinstance(node, ast.ImportFrom):
                payloads = ("swarm_analytics_models.services", "tests.clientgen")
                own = node.level == 1 and node.module is None
                assert own or node.module in allowed or str(node.module).startswith(payloads), name


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The toy service's generated namespaces, imported."""
    swap(render([plan_service(TOY, toy_payloads)]), tmp_path / "generated_toy")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield importlib.import_module("generated_toy.toy.namespaces")
    for name in [name for name in sys.modules if name.startswith("generated_toy")]:
        del sys.modules[name]


class Recorded:
    """Records what the methods hand on."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, dict[str, Any]]] = []


class Ports(Recorded):
    """The ports of blocking namespaces."""

    def submit(self, route: ClientRoute, body: dict[str, Any]) -> str:
        self.seen.append((route.key, body))
        return "a-submission-id"

    def __call__(self, route: ClientRoute, body: dict[str, Any], answer: type[BaseModel], /) -> BaseModel:
        self.seen.append((route.key, body))
        known = {"id": "t1", "titles": ["one"]}
        return answer.model_validate({name: known[name] for name in answer.model_fields})

    def stream(
        self, route: ClientRoute, body: dict[str, Any], event: type[BaseModel], /
    ) -> Iterator[BaseModel]:
        self.seen.append((route.key, body))
        yield event.model_validate({"event": "line", "text": "Once"})


class AsyncPorts(Recorded):
    """The ports of namespaces that are awaited."""

    def submit(self, route: ClientRoute, body: dict[str, Any]) -> str:
        return Ports.submit(self, route, body)  # type: ignore[arg-type]

    async def __call__(
        self, route: ClientRoute, body: dict[str, Any], answer: type[BaseModel], /
    ) -> BaseModel:
        self.seen.append((route.key, body))
        return answer.model_validate({"id": "t1"})

    async def stream(
        self, route: ClientRoute, body: dict[str, Any], event: type[BaseModel], /
    ) -> AsyncIterator[BaseModel]:
        self.seen.append((route.key, body))
        yield event.model_validate({"event": "end"})


def attached(toy: ModuleType) -> tuple[Any, Ports]:
    client, ports = toy.ToyNamespaces(), Ports()
    client._attach(ports.submit, ports)
    return client, ports


def test_what_is_not_given_is_left_out_of_the_payload_and_a_null_is_not(toy: ModuleType) -> None:
    client, ports = attached(toy)
    client.tasks.change(task="t1", title=None)
    ((_, body),) = ports.seen
    assert body["dueAt"] is UNSET
    changed = toy_payloads.TaskChanged.model_validate(body)
    assert changed.model_dump(by_alias=True) == {"task": "t1", "title": None, "notify": True}


def test_an_answer_in_pieces_has_a_method_of_its_own(toy: ModuleType) -> None:
    """How it is asked for is in no signature."""
    client, ports = attached(toy)
    (line,) = client.tasks.tell_stream(task="t1")
    assert line == toy_payloads.TaskPiece(toy_payloads.Line(event="line", text="Once"))
    assert client.tasks.tell(task="t1").id == "t1"
    assert ports.seen == [("tasks.tell", {"task": "t1"})] * 2


async def test_calls_are_awaited_and_events_are_not(toy: ModuleType) -> None:
    awaited = importlib.import_module("generated_toy.toy.async_namespaces")
    client, ports = awaited.AsyncToyNamespaces(), AsyncPorts()
    client._attach(ports.submit, ports)
    assert (await client.tasks.create(title="Paint")).id == "t1"
    assert [piece.root.event async for piece in client.tasks.tell_stream(task="t1")] == ["end"]
    assert client.rooms.measured(room="r", reading_id="a", value=1.0) == "a-submission-id"
    assert [key for key, _ in ports.seen] == ["tasks.create", "tasks.tell", "rooms.measured"]


def test_a_service_without_calls_has_nothing_to_await() -> None:
    files = render([plan_service(contract(*TOY.routes[2:4]), toy_payloads)])
    assert sorted(files) == ["__init__.py", "toy/__init__.py", "toy/namespaces.py", "toy/routes.py"]


def test_the_route_table_says_what_a_call_may_do(toy: ModuleType) -> None:
    routes = importlib.import_module("generated_toy.toy.routes")
    told = routes.TASKS_TELL
    assert (told.streaming_field, told.streaming_format, told.repeatable) == ("stream", "sse", True)
    assert not routes.TASKS_CHANGE.repeatable
    assert routes.ROOMS_MEASURED.key_field == "readingId"


def test_a_call_returns_the_services_answer_as_its_model(toy: ModuleType) -> None:
    client, ports = attached(toy)
    task = client.tasks.create(title="Paint", assignee_id="ada", since=5)
    assert task == toy_payloads.Task(id="t1")
    ((key, body),) = ports.seen
    assert key == "tasks.create"
    assert body["title"] == "Paint"
    assert (body["assigneeId"], body["from"]) == ("ada", 5)
    assert toy_payloads.TaskCreate.model_validate(body).assignee_id == "ada"


def test_defaults_are_handed_on_as_the_model_has_them(toy: ModuleType) -> None:
    client, ports = attached(toy)
    client.tasks.create(title="Paint")
    handed_on = toy_payloads.TaskCreate.model_validate(ports.seen[0][1])
    assert handed_on == toy_payloads.TaskCreate(title="Paint")


def test_an_event_returns_its_submission_id(toy: ModuleType) -> None:
    client, ports = attached(toy)
    assert client.tasks.progress.done(task="t1") == "a-submission-id"
    assert ports.seen == [("tasks.progress.done", {"task": "t1"})]


def test_a_method_may_be_called_as_a_builtin_type(toy: ModuleType) -> None:
    """A method `list` must not hide `list` from the annotations of its neighbours."""
    client, ports = attached(toy)
    assert client.tasks.list(owner="ada", labels=["x"]).titles == ["one"]
    assert client.tasks.swap.__annotations__["labels"] == list[str]
    assert client.tasks.list.__annotations__["labels"] == list[str] | None
    assert ports.seen == [("tasks.list", {"owner": "ada", "labels": ["x"]})]


def test_arguments_are_keyword_only(toy: ModuleType) -> None:
    client, _ = attached(toy)
    with pytest.raises(TypeError, match="positional"):
        client.tasks.progress.done("t1")


def test_a_docstring_says_what_the_method_does_takes_and_returns(toy: ModuleType) -> None:
    client, _ = attached(toy)
    text = client.tasks.create.__doc__
    assert text.startswith("A task is to be done.\n")
    assert "`title`: required, maxLength 255, minLength 1.\n" in text
    assert "`assignee_id`: Who is to do it, optional.\n" in text
    assert "POST /tasks; category diagnostic.\n" in text
    assert "Returns the service's answer. Raises pydantic.ValidationError" in text
    assert "POST /tasks/swap; category diagnostic, never muted.\n" in client.tasks.swap.__doc__
    assert "Returns the submission id." in client.tasks.swap.__doc__
    assert "Returns `reading_id`." in client.rooms.measured.__doc__
    assert "never sent again once it may have been executed.\n" in client.tasks.change.__doc__
    assert "Returns the answer's events as they come." in client.tasks.tell_stream.__doc__


def test_an_internal_route_is_nowhere(toy: ModuleType) -> None:
    client, _ = attached(toy)
    assert not hasattr(client, "session")
    routes = importlib.import_module("generated_toy.toy.routes")
    assert sorted(routes.ROUTES) == sorted(route.key for route in TOY.routes if not route.internal)
    assert "session.make" not in routes.ROUTES
    assert all(route.key == key and route.service == "toy" for key, route in routes.ROUTES.items())
