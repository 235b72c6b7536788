"""A sixth service, as whoever adds one writes it: a folder with three files, and a line in the registry."""

import json
from typing import Any, Final

NAME: Final = "weather"

PAYLOADS: Final = '''\
"""Payloads of the weather service."""

from typing import Literal

from pydantic import BaseModel, Field

from swarm_analytics_models.values import FiniteFloat


class Reading(BaseModel):
    """What a station measured."""

    ts: FiniteFloat = Field(description="Unix time in seconds")
    submission_id: str = Field(description="UUID; the service deduplicates on it")
    station: str
    celsius: FiniteFloat


class StationWanted(BaseModel):
    """Which station, and in which units its height is wanted."""

    station: str
    units: Literal["metric", "imperial"] = "metric"


class Station(BaseModel):
    """A station."""

    name: str
    height: float


class ForecastOrdered(BaseModel):
    """A forecast costs money."""

    station: str
    days: int = Field(ge=1, le=14)


class Forecast(BaseModel):
    """What was ordered."""

    forecast_id: str
    celsius: list[float]
'''

CONTRACT: Final = '''\
"""The weather service, declared."""

from typing import Final

from swarm_analytics_models.authentication import ApiKeyAuthentication
from swarm_analytics_models.calling import CallDefaults
from swarm_analytics_models.categories import Category
from swarm_analytics_models.contract import Route, ServiceContract
from swarm_analytics_models.handling import Acknowledgement, Batching, Lane, OrderingKey
from swarm_analytics_models.idempotency import KeyInBody, NaturallyIdempotent, NotIdempotent
from swarm_analytics_models.services.weather import payloads

API_KEY: Final = ApiKeyAuthentication(header="X-Weather-Key", prefix="")

WEATHER: Final = ServiceContract(
    name="weather",
    title="Weather",
    calls=CallDefaults(
        max_retries=2,
        retry_delay_s=0.1,
        retry_most_s=1.0,
        max_in_flight=4,
        breaker_threshold=5,
        breaker_time_out_s=1.0,
        pool_size=4,
        keep_alive_s=5.0,
    ),
    routes=(
        Route(
            key="readings.record",
            path="/v1/readings",
            request=payloads.Reading,
            lane=Lane.DELIVER,
            category=Category.PRODUCT,
            authentication=API_KEY,
            idempotency=KeyInBody("submission_id"),
            acknowledgement=Acknowledgement.ANY_API_ANSWER,
            ordering=OrderingKey(group="station", field="station"),
            batching=Batching(
                path="/v1/readings/batch",
                items_field="readings",
                max_items=5,
                max_bytes=100_000,
                max_wait_s=0.2,
            ),
        ),
        Route(
            key="stations.get",
            method="GET",
            path="/v1/stations/{station}",
            request=payloads.StationWanted,
            response=payloads.Station,
            example={"name": "Kap Arkona", "height": 42.0},
            lane=Lane.CALL,
            category=Category.REQUEST,
            authentication=API_KEY,
            idempotency=NaturallyIdempotent(),
            acknowledgement=Acknowledgement.JSON_OBJECT,
            ordering=None,
        ),
        Route(
            key="forecasts.order",
            path="/v1/forecasts",
            request=payloads.ForecastOrdered,
            response=payloads.Forecast,
            example={"forecast_id": "f1", "celsius": [18.5, 21.0]},
            lane=Lane.CALL,
            category=Category.REQUEST,
            authentication=API_KEY,
            idempotency=NotIdempotent("report"),
            acknowledgement=Acknowledgement.JSON_OBJECT,
            ordering=None,
        ),
    ),
)
'''


APP: Final = '''\
"""An app of the sixth service, by its generated namespaces alone.

It says what came of each call on stdout, as JSON. Arguments: home, base URL; the key comes on stdin.
"""

import asyncio
import json
import sys
from pathlib import Path

from pydantic import SecretStr, ValidationError

from swarm_analytics._generated.weather.async_namespaces import AsyncWeatherNamespaces
from swarm_analytics._generated.weather.namespaces import WeatherNamespaces
from swarm_analytics.calls import Target
from swarm_analytics.errors import CallError, CredentialRefused
from swarm_analytics.service import ServiceClient
from swarm_analytics_models.home import Home
from swarm_analytics_models.identifiers import IdentityKind, fingerprint

key = sys.stdin.readline().strip()
target = Target(
    home=Home(Path(sys.argv[1])),
    service="weather",
    base_url=sys.argv[2],
    kind=IdentityKind.KEY,
    identity=fingerprint(key),
    secret=SecretStr(key),
)
weather = ServiceClient(WeatherNamespaces, target)
client = weather.operations


def say(**said: object) -> None:
    print(json.dumps(said), flush=True)


say(ids=[client.readings.record(station=f"s{number % 3}", celsius=number / 2) for number in range(12)])
try:
    client.forecasts.order(station="s1", days=15)
except ValidationError as error:
    say(refused=error.errors()[0]["loc"])
say(station=client.stations.get(station="Kap Arkona/1", units="imperial").model_dump())
say(forecast=client.forecasts.order(station="s1", days=2).model_dump())


async def together() -> list[str]:
    stations = ServiceClient(AsyncWeatherNamespaces, target).operations.stations
    answers = await asyncio.gather(*(stations.get(station=f"s{number}") for number in range(3)))
    return [answer.name for answer in answers]


say(names=asyncio.run(together()))
say(ready=True)
sys.stdin.readline()
for call in (lambda: client.stations.get(station="s1"), lambda: client.forecasts.order(station="s1", days=1)):
    try:
        call()
    except CallError as error:
        say(kind=type(error).__name__, status=error.status, refused=isinstance(error, CredentialRefused))
weather.flush(10.0)
'''


def _object(**properties: Any) -> dict[str, Any]:
    required = [name for name, schema in properties.items() if "default" not in schema]
    return {"type": "object", "properties": properties, "required": required}


def _operation(answer: dict[str, Any] | None, body: dict[str, Any] | None = None) -> dict[str, Any]:
    content = {} if answer is None else {"content": {"application/json": {"schema": answer}}}
    operation: dict[str, Any] = {"responses": {"200": {"description": "Taken", **content}}}
    if body is not None:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    return operation


_TEXT: Final = {"type": "string"}
_NUMBER: Final = {"type": "number"}
_READING: Final = _object(ts=_NUMBER, submission_id=_TEXT, station=_TEXT, celsius=_NUMBER)

SURFACE: Final = json.dumps(
    {
        "openapi": "3.1.0",
        "info": {"title": "Weather", "version": "1"},
        "paths": {
            "/v1/readings": {"post": _operation(None, _READING)},
            "/v1/readings/batch": {
                "post": _operation(
                    None, _object(readings={"type": "array", "items": _READING, "maxItems": 5})
                )
            },
            "/v1/stations/{station}": {
                "get": {
                    **_operation(_object(name=_TEXT, height=_NUMBER)),
                    "parameters": [
                        {"name": "station", "in": "path", "required": True, "schema": _TEXT},
                        {
                            "name": "units",
                            "in": "query",
                            "schema": {**_TEXT, "enum": ["metric", "imperial"], "default": "metric"},
                        },
                    ],
                }
            },
            "/v1/forecasts": {
                "post": _operation(
                    _object(forecast_id=_TEXT, celsius={"type": "array", "items": _NUMBER}),
                    _object(station=_TEXT, days={"type": "integer", "minimum": 1, "maximum": 14}),
                )
            },
        },
    },
    indent=2,
)
"""As a person would have it from the service."""
