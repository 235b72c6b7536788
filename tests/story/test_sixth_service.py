"""Adding a service is a folder and a line in the registry.

Generator, intake, delivery, call lane and sandbox take it from there, each a real process.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from swarm_analytics_models.services import contracts
from tests.story import weather
from tests.story.checkout import REGISTRY, SERVICES, Checkout
from tests.story.scene import HomeView
from tests.support.processes import AppProcess, Processes, SandboxProcess
from tests.support.waiting import eventually

KEY = "weather-key-canary-5e1f"
GENERATED = Path("client/swarm_analytics/_generated/weather")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """The sources with the service in them, generated anew."""
    checkout = Checkout(tmp_path_factory.mktemp("checkout"))
    files = {
        "payloads.py": weather.PAYLOADS,
        "contract.py": weather.CONTRACT,
        "surface.json": weather.SURFACE,
    }
    checkout.add_service(weather.NAME, "WEATHER", files)
    generated = checkout.generate()
    assert generated.returncode == 0, generated.stderr
    return checkout


@pytest.fixture
def service(checkout: Checkout, processes: Processes) -> SandboxProcess:
    return processes.sandbox("--service", weather.NAME, environment=checkout.environment)


@pytest.fixture
def app(checkout: Checkout, processes: Processes, home: Path, service: SandboxProcess) -> AppProcess:
    """An app of the service, with a daemon from the same sources."""
    processes.daemon(home, environment=checkout.environment)
    started = processes.app(weather.APP, str(home), service.base_url, environment=checkout.environment)
    started.say(f"{KEY}\n")
    return started


def test_it_is_its_folder_and_the_registry(checkout: Checkout) -> None:
    folder = SERVICES / weather.NAME
    written = ("__init__.py", "payloads.py", "contract.py", "surface.json")
    by_hand = {REGISTRY, *(folder / name for name in written)}
    changed = checkout.changes()
    assert by_hand <= changed
    assert {path for path in changed - by_hand if path.parent != GENERATED} == set()
    assert checkout.generate("--check").returncode == 0
    assert weather.NAME not in contracts(), "what is elsewhere is not loaded"


def said(app: AppProcess) -> dict[str, Any]:
    line: dict[str, Any] = json.loads(app.line())
    return line


def test_it_is_driven_from_the_generated_methods_to_the_service(
    app: AppProcess, service: SandboxProcess, home: Path
) -> None:
    ids = said(app)["ids"]
    eventually(lambda: len(service.keys()) >= len(ids), what="the delivery of all readings")
    assert sorted(service.keys()) == sorted(ids)
    assert len(ids) == len(set(ids)) == 12
    readings = [event["body"] for event in service.good(route="readings.record")]
    for station in ("s0", "s1", "s2"):
        measured = [reading["celsius"] for reading in readings if reading["station"] == station]
        assert measured == sorted(measured), "in the order of the calls"
    batches = [
        json.loads(request["body"]) for request in service.requests() if request["path"].endswith("/batch")
    ]
    assert batches
    assert max(len(batch["readings"]) for batch in batches) <= 5

    assert said(app) == {"refused": ["days"]}
    assert said(app) == {"station": {"name": "Kap Arkona", "height": 42.0}}
    assert said(app) == {"forecast": {"forecast_id": "f1", "celsius": [18.5, 21.0]}}
    assert said(app) == {"names": ["Kap Arkona"] * 3}
    calls = {request["route"]: request for request in reversed(service.requests())}
    station = calls["stations.get"]
    assert (station["method"], station["path"]) == ("GET", "/v1/stations/Kap%20Arkona%2F1")
    assert (station["query"], station["body"]) == ("units=imperial", "")
    forecast = calls["forecasts.order"]
    assert (forecast["method"], json.loads(forecast["body"])) == ("POST", {"station": "s1", "days": 2})
    assert {request["headers"]["x-weather-key"] for request in service.requests()} == {
        station["headers"]["x-weather-key"]
    }
    assert service.ledger()["routes"]["weather"]["forecasts.order"]["unique"] == 1

    view = HomeView(home)
    ledger = view.drained()
    assert (ledger["accepted"], ledger["delivered"]) == (12, 12)
    assert set(view.files_with(KEY.encode())) <= {"credentials.json"}


def test_a_revoked_key_is_told_apart(app: AppProcess, service: SandboxProcess) -> None:
    while "ready" not in said(app):
        pass
    service.configure("weather", revoked_keys=[KEY])
    app.say("\n")
    for _ in range(2):
        assert said(app) == {"kind": "CredentialRefused", "status": 401, "refused": True}
