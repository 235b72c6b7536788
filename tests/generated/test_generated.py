"""What the generator wrote for the client: its methods, by name and signature."""

import ast
import importlib.util
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from clientgen.plan import is_repeatable
from swarm_analytics._generated.openswarm import namespaces, routes
from swarm_analytics_models.categories import CATEGORY_POLICIES
from swarm_analytics_models.client_route import ClientRoute
from swarm_analytics_models.handling import Lane
from swarm_analytics_models.services import contracts

GENERATED = Path(routes.__file__).parents[1]

SIGNATURES = {
    "events.app_lifecycle.opened": "(*, os, os_version, app_version, timezone=None, locale=None)",
    "events.app_lifecycle.closed": "()",
    "events.agent.create": "(*, id, name=None, dashboard_id=None)",
    "events.agent.title": "(*, id, title)",
    "events.agent.message": "(*, agent_id, seq, message)",
    "events.dashboard.event": "(*, dashboard_id, action)",
    "events.onboarding.step": "(*, step_id, status)",
    "logs.write": "(*, tag, subtag=None, data=None)",
    "identify.link_email": "(*, email)",
    "preferences.opt_out": "(*, opted_out)",
}


class Recorder:
    def __init__(self) -> None:
        self.seen: list[tuple[ClientRoute, dict[str, Any]]] = []

    def __call__(self, route: ClientRoute, fields: dict[str, Any]) -> str:
        self.seen.append((route, fields))
        return "the-submission-id"


def attached() -> tuple[namespaces.OpenswarmNamespaces, Recorder]:
    client, recorder = namespaces.OpenswarmNamespaces(), Recorder()
    client._attach(recorder)
    return client, recorder


def methods(holder: object, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Every public method below `holder`, by its dotted name."""
    for name in dir(holder):
        member = None if name.startswith("_") else getattr(holder, name)
        if inspect.ismethod(member):
            yield ".".join((*path, name)), member
        elif type(member).__module__ == namespaces.__name__:
            yield from methods(member, (*path, name))


def test_claims_3_to_10_the_methods_are_those_of_the_seed_and_of_what_the_service_gained() -> None:
    def bare(method: Any) -> str:
        signature = inspect.signature(method)
        parameters = [
            parameter.replace(annotation=parameter.empty) for parameter in signature.parameters.values()
        ]
        return str(signature.replace(parameters=parameters, return_annotation=signature.empty))

    client, _ = attached()
    assert {name: bare(method) for name, method in methods(client)} == SIGNATURES


def test_claim_14_no_method_accepts_an_identity() -> None:
    client, _ = attached()
    for name, method in methods(client):
        assert not {"install_id", "user_id"} & inspect.signature(method).parameters.keys(), name


def test_claim_15_stamps_are_in_no_signature() -> None:
    client, _ = attached()
    for name, method in methods(client):
        assert not {"ts", "submission_id"} & inspect.signature(method).parameters.keys(), name


def test_every_method_is_typed_and_described() -> None:
    client, _ = attached()
    for name, method in methods(client):
        hints = get_type_hints(method)
        assert hints.keys() == {*inspect.signature(method).parameters, "return"}, name
        assert hints["return"] is str
        assert "Returns the submission id." in (method.__doc__ or ""), name


@pytest.mark.parametrize("service", sorted(contracts()))
def test_the_route_table_says_what_the_contract_says(service: str) -> None:
    table = importlib.import_module(f"swarm_analytics._generated.{service}.routes").ROUTES
    public = [route for route in contracts()[service].routes if not route.internal]
    assert list(table) == [route.key for route in public]
    for route in public:
        assert table[route.key] == ClientRoute(
            service=service,
            key=route.key,
            category=route.category,
            muted=CATEGORY_POLICIES[route.category].muted,
            request=route.request,
            stamps=route.stamps,
            opt_out_field=route.opt_out_field,
            key_field=route.key_field if route.lane is Lane.DELIVER else None,
            streaming_field=None if route.streaming is None else route.streaming.field,
            streaming_format=None if route.streaming is None else route.streaming.format,
            repeatable=route.lane is Lane.CALL and is_repeatable(route),
        )


@pytest.mark.parametrize("service", sorted(contracts()))
def test_every_call_may_be_awaited_under_the_same_name_and_arguments(service: str) -> None:
    package = f"swarm_analytics._generated.{service}"
    calls = any(route.lane is Lane.CALL and not route.internal for route in contracts()[service].routes)
    assert (importlib.util.find_spec(f"{package}.async_namespaces") is not None) is calls
    if not calls:
        return
    blocking = vars(importlib.import_module(f"{package}.namespaces"))
    for name, awaited in vars(importlib.import_module(f"{package}.async_namespaces")).items():
        if inspect.isclass(awaited) and awaited.__module__ == f"{package}.async_namespaces":
            twin = blocking[name.removeprefix("Async")]
            for method in [found for found in vars(awaited) if not found.startswith("_")]:
                ours, theirs = inspect.signature(vars(awaited)[method]), inspect.signature(vars(twin)[method])
                assert ours.parameters == theirs.parameters


def test_each_method_submits_its_own_route_under_wire_names() -> None:
    client, recorder = attached()
    assert client.events.agent.create(id="s", dashboard_id="d") == "the-submission-id"
    ((route, fields),) = recorder.seen
    assert route is routes.EVENTS_AGENT_CREATE
    assert fields == {"id": "s", "name": None, "dashboard_id": "d"}


def test_each_call_hands_on_a_fresh_dictionary() -> None:
    """Whoever submits may add the stamps to it."""
    client, recorder = attached()
    client.events.app_lifecycle.closed()
    client.events.app_lifecycle.closed()
    (_, first), (_, second) = recorder.seen
    assert first is not second


@pytest.mark.parametrize("path", sorted(GENERATED.rglob("*.py")), ids=lambda path: path.name)
def test_generated_code_imports_models_and_nothing_that_runs(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            assert [alias.name for alias in node.names] == ["builtins"], (
                "for types that a method's name hides"
            )
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            assert str(node.module).split(".")[0] in {
                "collections",
                "datetime",
                "types",
                "typing",
                "swarm_analytics_models",
            }
