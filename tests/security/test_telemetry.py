"""Neither server exports telemetry, whatever the environment of its process asks of FastAPI."""

from typing import Any
from unittest.mock import Mock

import httpx
import pytest
from fastapi import FastAPI
from opentelemetry import _logs, metrics, trace

from swarm_analytics_sandbox.app import create_app
from swarm_analyticsd.intake.api import make_api

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["daemon", "sandbox"])
def served(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> tuple[FastAPI, str]:
    """An application made where telemetry is asked for, and a path that it answers."""
    monkeypatch.setenv("FASTAPI_OTEL_AUTO_CONFIGURE", "true")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    if request.param == "sandbox":
        return create_app(), "/_sandbox/ledger"
    return make_api(
        operations=Mock(), credentials=Mock(), posting=Mock(), broker=Mock(), views=Mock()
    ), "/v1/version"


async def test_no_exporter_is_set_up(served: tuple[FastAPI, str], caplog: pytest.LogCaptureFixture) -> None:
    """FastAPI says so in its log where it tries and lacks a package for it."""
    said: list[str] = []
    asked = iter(["lifespan.startup", "lifespan.shutdown"])

    async def receive() -> dict[str, Any]:
        return {"type": next(asked)}

    async def send(message: Any) -> None:
        said.append(message["type"])

    await served[0]({"type": "lifespan", "state": {}}, receive, send)
    assert said == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert caplog.text == ""


async def test_no_provider_is_told_of_a_request(
    served: tuple[FastAPI, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    app, path = served
    told = Mock(side_effect=AssertionError("telemetry was asked for a provider"))
    for module, name in (
        (trace, "get_tracer_provider"),
        (metrics, "get_meter_provider"),
        (_logs, "get_logger_provider"),
    ):
        monkeypatch.setattr(module, name, told)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as http:
        assert (await http.get(path)).status_code == 200
