"""The code blocks of the Syvain Metrics seed: the same calls in the same order, through a real daemon."""

from collections.abc import Iterator

import pytest

from swarm_analytics.syvain import ComparisonMetricSeries, SyvainMetricsApiClient
from swarm_analytics_models.home import AUTOSTART_VARIABLE, HOME_VARIABLE
from tests.support.syvain import SyvainWorld, standing_world


@pytest.fixture(scope="module")
def _standing_world() -> Iterator[SyvainWorld]:
    with standing_world() as world:
        yield world


@pytest.fixture
def world(_standing_world: SyvainWorld, monkeypatch: pytest.MonkeyPatch) -> SyvainWorld:
    """The home is the environment's, since the seed names none."""
    monkeypatch.setenv(AUTOSTART_VARIABLE, "0")
    monkeypatch.setenv(HOME_VARIABLE, str(_standing_world.home))
    _standing_world.begin()
    return _standing_world


def test_authentication_with_an_explicit_key(world: SyvainWorld) -> None:
    client = SyvainMetricsApiClient(world.key)
    assert client.auth_status().auth.kind == "api_key"


def test_authentication_with_the_login_of_the_cli(world: SyvainWorld) -> None:
    world.login({"apiKey": world.key, "host": world.sandbox.base_url})
    client = SyvainMetricsApiClient("local")
    assert client.auth_status().auth.kind == "api_key"


def test_usage(world: SyvainWorld) -> None:
    world.login({"apiKey": world.key, "host": world.sandbox.base_url})
    client = SyvainMetricsApiClient("local")

    experiment = client.create_experiment(
        "mamba-run-001",
        description="Baseline mamba training run",
        metadata={"model": "mamba"},
    ).experiment

    client.ingest_metrics(
        experiment.id,
        [
            {
                "client_event_id": "mamba-run-001/loss/1",
                "name": "loss",
                "value": 0.42,
                "step": 1,
                "metadata": {"split": "train"},
            }
        ],
        sync=True,
    )

    rows = client.compare_metrics(
        [
            ComparisonMetricSeries(
                experiment_id=experiment.id,
                metric_name="loss",
                metadata_key="split",
                metadata_value="train",
            )
        ],
        limit=500,
    )

    (row,) = rows.rows
    assert (row.experiment_slug, row.metric_name, row.metric_value, row.step) == (
        "mamba-run-001",
        "loss",
        0.42,
        1,
    )
    assert row.event_metadata_json == '{"split":"train"}'


def test_host_and_time_outs(world: SyvainWorld) -> None:
    client = SyvainMetricsApiClient(
        world.key,
        host=world.sandbox.base_url,
        timeout=10.0,
        ingest_timeout=60.0,
    )
    assert (client.timeout, client.ingest_timeout) == (10.0, 60.0)
    assert client.auth_status().organization.id
