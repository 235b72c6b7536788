"""Syvain Metrics beyond its seed: what the daemon makes of it, through real processes."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from swarm_analytics.syvain import (
    MetricsApiError,
    MetricsApiRequestError,
    MetricsApiResponseError,
    SyvainMetricsApiClient,
)
from swarm_analytics_models.home import AUTOSTART_VARIABLE
from tests.support.processes import Processes
from tests.support.syvain import SyvainWorld, metric, standing_world
from tests.support.waiting import eventually

ORDER = {"axis": "step", "direction": "asc"}


@pytest.fixture(scope="module")
def _standing_world() -> Iterator[SyvainWorld]:
    with standing_world() as world:
        yield world


@pytest.fixture
def world(_standing_world: SyvainWorld, monkeypatch: pytest.MonkeyPatch) -> Iterator[SyvainWorld]:
    monkeypatch.setenv(AUTOSTART_VARIABLE, "0")
    _standing_world.begin()
    yield _standing_world
    _standing_world.sandbox.calm()


def test_metrics_travel_together_a_thousand_at_the_most_and_apart_by_experiment(world: SyvainWorld) -> None:
    client = world.client()
    first, second = (client.create_experiment(slug).experiment for slug in ("a", "b"))
    world.daemon.cli("pause", "syvain")
    for start in (0, 1000):
        client.ingest_metrics(first.id, [metric(str(start + number)) for number in range(1000)])
    client.ingest_metrics(second.id, [metric("0")])
    world.daemon.cli("resume", "syvain")
    assert client.flush(30.0)
    sizes = {
        first.id: [
            len(json.loads(request["body"])["data"]) for request in world.requests(f"{first.id}/ingest")
        ],
        second.id: [
            len(json.loads(request["body"])["data"]) for request in world.requests(f"{second.id}/ingest")
        ],
    }
    assert sum(sizes[first.id]) == 2000
    assert max(sizes[first.id]) <= 1000
    assert len(sizes[first.id]) <= 4
    assert sizes[second.id] == [1]
    assert world.state()["metrics"] == 2001


def test_queued_metrics_are_delivered_after_an_outage(world: SyvainWorld) -> None:
    client = world.client()
    experiment = client.create_experiment("run").experiment
    world.fault({"kind": "status", "status": 503}, path="*/ingest")
    assert client.ingest_metrics(experiment.id, [metric("1"), metric("2")]).mode == "queued"
    assert not client.flush(0.5)
    world.sandbox.calm()
    assert client.flush(20.0)
    assert world.state()["metrics"] == 2
    assert not world.drops


def test_metrics_of_an_experiment_that_is_not_there_are_set_aside_and_hold_up_no_other(
    world: SyvainWorld,
) -> None:
    client = world.client()
    experiment = client.create_experiment("run").experiment
    client.ingest_metrics("mistyped", [metric("lost")])
    client.ingest_metrics(experiment.id, [metric("kept")])
    world.wait_for_metrics(1)
    eventually(lambda: bool(world.drops), what="the report of the lost one")
    ((record, status),) = world.drops
    assert (record.submission_id, status) == ("lost", 404)
    dead = json.loads(world.daemon.cli("dead", "list", "--service", "syvain", "--json").stdout)
    assert "lost" in json.dumps(dead)


def test_one_metric_that_the_service_refuses_spoils_no_other(world: SyvainWorld) -> None:
    world.configure(generation="0.0.349")
    client = world.client()
    experiment = client.create_experiment("run").experiment
    client.ingest_metrics(
        experiment.id, [metric("1"), metric("nested", metadata={"deep": {"er": 1}}), metric("2")]
    )
    assert client.flush(20.0)
    assert world.state()["metrics"] == 2
    assert [(record.submission_id, status) for record, status in world.drops] == [("nested", 400)]


def test_why_finds_a_metric_by_the_id_that_its_caller_gave(world: SyvainWorld) -> None:
    client = world.client()
    experiment = client.create_experiment("run").experiment
    client.ingest_metrics(experiment.id, [metric("mamba run/loss é/1")])
    assert client.flush(20.0)
    told = world.daemon.cli("why", "mamba run/loss é/1")
    assert told.returncode == 0, told.stderr
    assert "delivered" in told.stdout


def test_a_revoked_key_holds_what_is_queued_and_another_is_taken_up(world: SyvainWorld) -> None:
    client = world.client()
    experiment = client.create_experiment("run").experiment
    world.configure(refused_api_keys=[world.key])
    client.ingest_metrics(experiment.id, [metric()])
    assert not client.flush(1.0)
    assert not world.drops
    world.configure(refused_api_keys=[])
    eventually(lambda: lets_in(client), timeout=20.0, what="that the key is tried, and taken, again")
    assert client.flush(20.0)
    assert world.state()["metrics"] == 1


def test_series_of_the_newer_package_whole_and_in_pieces(world: SyvainWorld) -> None:
    client = world.client()
    experiment = client.create_experiment("run").experiment
    values = [
        metric(f"{split}{step}", step=step, metadata={"split": split}) for split in "ab" for step in (2, 1)
    ]
    client.ingest_metrics(experiment.id, values, sync=True)
    wanted = [{"experiment_id": experiment.id, "metric_name": "loss", "metadata_filter": [{"key": "split"}]}]
    whole = client.query_metric_series(wanted, order=ORDER)
    assert [(batch.metadata, batch.data.steps) for batch in whole] == [
        ({"split": "a"}, [1, 2]),
        ({"split": "b"}, [1, 2]),
    ]
    assert client.query_metric_series(wanted, order=ORDER, stream=True) == whole
    assert list(client.stream_metric_series(wanted, order=ORDER)) == whole
    (item,) = client.query_metrics_catalog([experiment.id])
    assert (item.experiment_id, item.metric_name, item.metadata_keys) == (experiment.id, "loss", ["split"])
    with pytest.raises(TypeError, match="put the one in a list"):
        client.query_metrics_catalog(experiment.id)


@pytest.mark.parametrize(
    ("lines", "error"),
    [
        ('{"kind":"complete","batchCount":1,"rowCount":0}\n', MetricsApiResponseError),
        ('{"kind":"complete","batchCount":0,"rowCount":0}\n' * 2, MetricsApiResponseError),
        ('{"kind":"nonsense"}\n', MetricsApiResponseError),
        ("\n", MetricsApiRequestError),
    ],
)
def test_a_stream_that_stops_short_is_no_answer(
    world: SyvainWorld, lines: str, error: type[MetricsApiError]
) -> None:
    headers = {"content-type": "application/vnd.syvain.metric-series+ndjson"}
    world.fault({"kind": "status", "status": 200, "body": lines, "headers": headers}, route="query.series")
    with pytest.raises(error):
        world.client().query_metric_series([{"experiment_id": "e"}], order=ORDER, stream=True)


def test_a_stream_that_breaks_off_is_an_error(world: SyvainWorld) -> None:
    client = world.client()
    experiment = client.create_experiment("run").experiment
    client.ingest_metrics(experiment.id, [metric()], sync=True)
    world.fault({"kind": "cut", "size": 40}, route="query.series")
    with pytest.raises(MetricsApiRequestError) as raised:
        client.query_metric_series([{"experiment_id": experiment.id}], order=ORDER, stream=True)
    assert raised.value.retryable


def test_the_newer_server_is_served_as_far_as_it_goes(world: SyvainWorld) -> None:
    world.configure(generation="0.0.349")
    client = world.client()
    experiment = client.create_experiment("run", description="d").experiment
    (listed,) = client.list_experiments().experiments
    assert (listed.id, listed.description, listed.metadata) == (experiment.id, "", {})
    assert client.ingest_metrics(experiment.id, [metric()], sync=True).mode == "queued"
    assert client.create_annotation(experiment.id, "a").experiment is None
    with pytest.raises(MetricsApiRequestError) as raised:
        client.list_metrics(experiment.id)
    assert raised.value.status_code == 404


def test_asyncio_has_the_same_client(world: SyvainWorld) -> None:
    async def run() -> None:
        async with world.async_client() as client:
            experiment = (await client.create_experiment("run")).experiment
            answers = await asyncio.gather(
                *(client.ingest_metrics(experiment.id, [metric(str(n))], sync=True) for n in range(5)),
                *(client.create_annotation(experiment.id, str(n)) for n in range(5)),
            )
            assert len(answers) == 10
            assert (await client.ingest_metrics(experiment.id, [metric("queued")])).mode == "queued"
            assert await client.flush(20.0)
            rows = (await client.list_metrics(experiment.id, sort_by=["step"])).rows
            assert len(rows) == 6
            wanted = [{"experiment_id": experiment.id}]
            whole = await client.query_metric_series(wanted, order=ORDER)
            assert await client.query_metric_series(wanted, order=ORDER, stream=True) == whole
            assert [batch async for batch in client.stream_metric_series(wanted, order=ORDER)] == whole
            await client.forget_ingestion_credential(experiment.id)
            await client.create_annotation(experiment.id, "with another key")
            with pytest.raises(MetricsApiRequestError):
                await client.get_experiment("nope")

    asyncio.run(run())
    assert world.minted == 2


def test_what_the_app_stops_waiting_for_ends(world: SyvainWorld) -> None:
    world.fault({"kind": "hang"}, route="experiments.list")

    async def run() -> None:
        client = world.async_client()
        waiting = asyncio.create_task(client.list_experiments())
        await asyncio.to_thread(eventually, lambda: bool(world.requests("/experiments")))
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(run())
    eventually(
        lambda: world.daemon.status()["services"]["syvain"]["destinations"][-1]["calls"]["in_flight"] == 0,
        what="the end of the request",
    )


def test_metrics_that_were_recorded_while_no_daemon_ran_are_delivered_by_the_next(
    world: SyvainWorld, home: Path, processes: Processes
) -> None:
    experiment = world.client().create_experiment("run").experiment
    client = world.client(home=home)
    assert client.ingest_metrics(experiment.id, [metric("1"), metric("2")]).mode == "queued"
    processes.daemon(home)
    assert client.flush(30.0)
    assert world.state()["metrics"] == 2


CANARY = "ak_org_canary_71c1d9e0"
APP = """
import sys
from swarm_analytics.syvain import SyvainMetricsApiClient
client = SyvainMetricsApiClient(sys.stdin.readline().strip(), host=sys.argv[1], home=sys.argv[2])
experiment = client.create_experiment("run").experiment
client.ingest_metrics(experiment.id, [{"client_event_id": "1", "name": "n", "value": 1, "step": 1}])
client.create_annotation(experiment.id, "a")
assert client.flush(20.0)
print(repr(client), client.__dict__, flush=True)
sys.stdin.readline()
"""


def test_a_key_is_in_the_vault_and_nowhere_else(world: SyvainWorld, processes: Processes) -> None:
    app = processes.app(APP, world.sandbox.base_url, str(world.home))
    app.say(f"{CANARY}\n")
    shown = app.line()
    assert world.state()["ingestion_keys"]
    holders = [path.name for path in files_in(world.home) if CANARY.encode() in path.read_bytes()]
    assert holders == ["credentials.json"]
    for pid in (app.pid, world.daemon.pid):
        for place in ("environ", "cmdline"):
            assert CANARY.encode() not in Path(f"/proc/{pid}/{place}").read_bytes()
    commands = (("status", "--json"), ("events", "--json"), ("config",))
    told = [world.daemon.cli(*words).stdout for words in commands]
    assert CANARY not in "".join([shown, *told, app.errors, world.daemon.errors])


def lets_in(client: SyvainMetricsApiClient) -> bool:
    try:
        return client.auth_status().auth.kind == "api_key"
    except MetricsApiRequestError:
        return False


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
