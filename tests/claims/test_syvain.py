"""Seed 003, what each claim promises, through real processes."""

import inspect
import re
import time
from collections.abc import Iterator
from typing import Any, get_type_hints

import pytest
from pydantic import BaseModel, ValidationError

from swarm_analytics.errors import AnalyticsError, CallTimedOut, CredentialRefused, NotReached
from swarm_analytics.syvain import (
    AsyncSyvainMetricsApiClient,
    ComparisonMetricSeries,
    MetricsApiAuthError,
    MetricsApiError,
    MetricsApiRequestError,
    MetricsApiResponseError,
    SyvainMetricsApiClient,
)
from swarm_analytics_models.home import AUTOSTART_VARIABLE
from swarm_analytics_models.services.syvain.contract import SYVAIN
from tests.support.syvain import SyvainWorld, metric, standing_world

KEY = re.compile(r"syvain-metrics-api-client-[0-9a-f]{32}\Z")
HOUR_MS = 3600 * 1000


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


def test_003_01_an_explicit_key_or_the_login_of_the_cli(world: SyvainWorld) -> None:
    organization = world.client().auth_status().organization
    world.login({"apiKey": world.key, "host": world.sandbox.base_url, "orgId": "o", "loginAt": 1})
    local = SyvainMetricsApiClient(home=world.home)
    assert local.auth_status().organization == organization
    world.login({"apiKey": world.key, "host": world.sandbox.base_url}, "syvain-metrics-dev")
    assert SyvainMetricsApiClient("local-dev", home=world.home).auth_status().organization == organization
    for wrong in ("", "  "):
        with pytest.raises(MetricsApiAuthError, match="key is empty"):
            world.client(auth=wrong)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "no such file"),
        ("{", "not JSON"),
        ("[]", "not a JSON object"),
        ({"host": "x"}, "host"),
        ({"login": 1}, "apiKey"),
        ({"apiKey": ""}, "apiKey"),
    ],
)
def test_003_01_a_login_that_is_no_good_is_told(world: SyvainWorld, content: Any, says: str) -> None:
    if isinstance(content, dict):
        content = {"host": world.sandbox.base_url, **content}
    if content is not None:
        world.login(content)
    with pytest.raises(MetricsApiAuthError, match=says):
        SyvainMetricsApiClient("local", home=world.home).auth_status()


def test_003_01_the_key_of_a_login_goes_to_its_own_host_alone(world: SyvainWorld) -> None:
    world.login({"apiKey": world.key, "host": "https://elsewhere.invalid"})
    with pytest.raises(MetricsApiAuthError, match="goes nowhere else"):
        world.client(auth="local").auth_status()
    assert not world.requests()


def test_003_02_host_and_time_outs_have_defaults(world: SyvainWorld) -> None:
    parameters = inspect.signature(SyvainMetricsApiClient).parameters
    names = ("auth", "host", "timeout", "ingest_timeout", "ingestion_key_name")
    assert {name: parameters[name].default for name in names} == {
        "auth": "local",
        "host": None,
        "timeout": 10.0,
        "ingest_timeout": 60.0,
        "ingestion_key_name": "SDK ingestion key",
    }
    assert SYVAIN.default_base_url == "https://metrics.syvain.com"
    client = world.client(host=None)
    assert (client.timeout, client.ingest_timeout) == (10.0, 60.0)
    assert client.auth_status().auth.kind == "api_key", "without a host, the daemon's configuration says"
    assert world.client(host=f"{world.sandbox.base_url}/").auth_status().auth.kind == "api_key"
    for wrong in ("metrics.syvain.com", "https://u:p@h", "https://h/p", "https://h?q", "ftp://h"):
        with pytest.raises(MetricsApiAuthError, match="Write it as https"):
            world.client(host=wrong)
    for option in ("timeout", "ingest_timeout"):
        with pytest.raises(ValueError, match="more than 0"):
            world.client(**{option: 0})
    with pytest.raises(ValueError, match="ingestion_key_name is empty"):
        world.client(ingestion_key_name="")


def test_003_03_create_experiment(world: SyvainWorld) -> None:
    created = world.client().create_experiment(
        "mamba-run-001", description="Baseline mamba training run", metadata={"model": "mamba"}
    )
    assert created.experiment.slug == "mamba-run-001"
    assert created.experiment.metadata == {"model": "mamba"}
    assert created.experiment.status == "created"
    (request,) = world.requests("/experiments", "POST")
    assert request["body"] == (
        '{"slug":"mamba-run-001","description":"Baseline mamba training run","metadata":{"model":"mamba"}}'
    )


def test_003_04_synchronous_ingestion_is_stored_when_it_returns(world: SyvainWorld) -> None:
    client = world.client()
    experiment = client.create_experiment("run").experiment
    answer = client.ingest_metrics(experiment.id, [metric()], sync=True)
    assert (answer.ok, answer.mode) == (True, "sync")
    assert [row.metric_value for row in client.list_metrics(experiment.id).rows] == [0.42]
    (request,) = world.requests("/ingest")
    assert request["query"] == "sync=true"


def test_003_05_every_metric_has_a_client_event_id_and_a_repeated_one_counts_once(world: SyvainWorld) -> None:
    client = world.client()
    experiment = client.create_experiment("run").experiment
    without = {name: value for name, value in metric().items() if name != "client_event_id"}
    for sync in (None, True):
        with pytest.raises(ValidationError, match="client_event_id"):
            client.ingest_metrics(experiment.id, [without], sync=sync)
    for sync in (True, None, True):
        client.ingest_metrics(experiment.id, [metric()], sync=sync)
    assert client.flush(10.0)
    assert len(client.list_metrics(experiment.id).rows) == 1


def test_003_06_compare_metrics(world: SyvainWorld) -> None:
    client = world.client()
    first, second = (client.create_experiment(slug).experiment for slug in ("a", "b"))
    for place, experiment in enumerate((first, second)):
        values = [metric(str(step), value=step + place, step=step) for step in range(3)]
        client.ingest_metrics(experiment.id, [*values, metric("v", metadata={"split": "valid"})], sync=True)
    rows = client.compare_metrics(
        [
            ComparisonMetricSeries(
                experiment_id=first.id,
                metric_name="loss",
                metadata_key="split",
                metadata_value="train",
            ),
            {"experiment_id": second.id, "metric_name": "loss", "metadata_key": "split"},
        ],
        from_step=1,
        sort_by=["series", "step"],
        sort_direction="asc",
        limit=500,
    ).rows
    assert [(row.experiment_id, row.step, row.metric_value) for row in rows] == [
        (first.id, 1, 1.0),
        (first.id, 2, 2.0),
        (second.id, 1, 2.0),
        (second.id, 1, 0.42),
        (second.id, 2, 3.0),
    ]
    with pytest.raises(ValidationError, match="metadata_key"):
        ComparisonMetricSeries(experiment_id="e", metric_name="m", metadata_value="train")


def test_003_07_folders(world: SyvainWorld) -> None:
    client = world.client()
    top = client.create_folder("runs").folder
    inner = client.create_folder("2026", parent_id=top.folder_id).folder
    assert inner.parent_id_path == [top.folder_id]
    assert [folder.path_name for folder in client.list_folders(path="runs/2026").folders] == ["runs/2026"]
    assert len(client.list_folders().folders) == 2
    assert client.get_folder(top.folder_id).folders == [inner]
    assert client.rename_folder(inner.folder_id, "twenty-six").folder.path_name == "runs/twenty-six"
    assert client.move_folder(inner.folder_id, None).folder.parent_id_path == []
    both = client.patch_folder(inner.folder_id, name="2026", parent_id=top.folder_id).folder
    assert both.path_name == "runs/2026"
    assert [request["body"] for request in world.requests(method="PATCH")] == [
        '{"name":"twenty-six"}',
        '{"parent_id":null}',
        f'{{"name":"2026","parent_id":"{top.folder_id}"}}',
    ]
    with pytest.raises(ValidationError, match="nothing would change"):
        client.patch_folder(inner.folder_id)


def test_003_08_experiments(world: SyvainWorld) -> None:
    client = world.client()
    folder = client.create_folder("runs").folder
    made = client.create_experiment("mamba", folder_id=folder.folder_id).experiment
    client.create_experiment("other")
    assert made.folder == folder
    assert [found.slug for found in client.list_experiments(search="AMB", limit=5).experiments] == ["mamba"]
    assert [found.id for found in client.list_experiments(slug="mamba", from_ms=0).experiments] == [made.id]
    assert client.get_experiment(made.id).experiment == made
    running = client.update_experiment_status(made.id, "running", timestamp_ms=5).experiment
    assert (running.status, running.started_at_ms) == ("running", 5)
    failed = client.update_experiment_status(made.id, "error", error={"detail": "out of memory"}).experiment
    assert (failed.error_name, failed.error_detail) == ("Error", "out of memory")
    assert client.move_experiment(made.id, None).experiment.folder is None
    assert world.requests(made.id, "PATCH")[-1]["body"] == '{"folder_id":null}'
    with pytest.raises(ValidationError, match="status"):
        client.update_experiment_status(made.id, "created")  # type: ignore[arg-type]


def test_003_09_metrics(world: SyvainWorld) -> None:
    client = world.client()
    experiment = client.create_experiment("run", metadata={"model": "mamba"}).experiment
    client.ingest_metrics(
        experiment.id, [metric("1"), metric("2", step=None, metadata={"split": "valid"})], sync=True
    )
    rows = client.list_metrics(
        experiment.id,
        metric_name="loss",
        metadata_key="split",
        metadata_value_json='"valid"',
        sort_by=["step", "client_timestamp"],
        sort_direction="desc",
        include_experiment_meta_as_of=True,
    ).rows
    assert [(row.step, row.experiment_metadata_json) for row in rows] == [(None, '{"model":"mamba"}')]
    (item,) = client.list_metric_catalog(experiment.id, limit=10).metrics
    assert (item.metric_name, item.metadata_keys) == ("loss", ["split"])
    values = client.inspect_metric_catalog_values(experiment.id, "loss", key=["split", "seed"]).metadata
    assert [(found.key, found.values) for found in values.keys] == [
        ("split", ["train", "valid"]),
        ("seed", []),
    ]
    assert world.requests("/catalog/loss")[0]["query"] == "key=split&key=seed"
    assert "metric_name=loss&metadata_key=split" in world.requests("/metrics")[0]["query"]


def test_003_10_ingestion_keys(world: SyvainWorld) -> None:
    client = world.client()
    experiment = client.create_experiment("run").experiment
    made = client.create_ingestion_key(experiment.id, name="for a friend", ttl_ms=HOUR_MS)
    assert made.key.expires_at_ms - made.key.created_at_ms == HOUR_MS
    assert made.token not in repr(made)
    assert made.token.startswith("ik_")
    assert [key.name for key in client.list_ingestion_keys(experiment.id).keys] == ["for a friend"]
    assert client.revoke_ingestion_key(experiment.id, made.key.id).key.revoked_at_ms is not None
    client.create_annotation(experiment.id, "one")
    client.create_annotation(experiment.id, "two")
    assert world.minted == 2, "the daemon's own key is made once"
    client.forget_ingestion_credential(experiment.id)
    client.create_annotation(experiment.id, "three")
    assert world.minted == 3
    with pytest.raises(ValidationError, match="ttl_ms"):
        client.create_ingestion_key(experiment.id, ttl_ms=8 * 24 * HOUR_MS)


def test_003_11_annotations(world: SyvainWorld) -> None:
    client = world.client()
    experiment = client.create_experiment("run").experiment
    made = client.create_annotation(experiment.id, "learning rate halved", metadata={"lr": 0.5})
    assert made.experiment is not None
    assert (made.experiment.id, made.annotation.metadata) == (experiment.id, {"lr": 0.5})
    (found,) = client.list_annotations(experiment.id, from_ms=0, to_ms=2**50, limit=5).annotations
    assert found == made.annotation


def test_003_12_auth_status(world: SyvainWorld) -> None:
    status = world.client().auth_status()
    assert status.auth.kind == "api_key"
    assert status.organization.id.startswith("org_")


def test_003_13_a_key_is_minted_and_kept_for_each_experiment(world: SyvainWorld) -> None:
    client = world.client(ingestion_key_name="of this test")
    experiments = [client.create_experiment(slug).experiment for slug in ("a", "b")]
    for number in range(3):
        for experiment in experiments:
            client.ingest_metrics(experiment.id, [metric(f"sync-{number}")], sync=True)
            client.ingest_metrics(experiment.id, [metric(f"queued-{number}")])
            client.create_annotation(experiment.id, "remark")
    assert client.flush(10.0)
    assert world.minted == 2
    assert {key["name"] for key in world.state()["ingestion_keys"]} >= {"of this test"}
    proofs = {
        request["headers"]["authorization"]
        for ending in ("/ingest", "/annotations")
        for request in world.requests(ending, "POST")
    }
    (with_api_key,) = {
        request["headers"]["authorization"] for request in world.requests("/experiments", "POST")
    }
    assert len(proofs) == 2
    assert with_api_key not in proofs


def test_003_14_time_outs_of_ordinary_calls_and_of_metrics_and_annotations(world: SyvainWorld) -> None:
    client = world.client(timeout=0.4, ingest_timeout=20.0)
    experiment = client.create_experiment("run").experiment
    client.create_annotation(experiment.id, "so that there is a key")
    world.fault({"kind": "latency", "seconds": 1.0})
    begun = time.monotonic()
    with pytest.raises(MetricsApiRequestError) as raised:
        client.get_experiment(experiment.id)
    assert time.monotonic() - begun < 5.0
    assert isinstance(raised.value, CallTimedOut)
    assert (raised.value.status_code, raised.value.retryable) == (None, True)
    assert client.ingest_metrics(experiment.id, [metric()], sync=True).mode == "sync"
    assert client.create_annotation(experiment.id, "slowly").annotation.annotation == "slowly"


def test_003_15_what_fails_in_passing_is_repeated(world: SyvainWorld) -> None:
    client = world.client()
    world.fault({"kind": "status", "status": 503}, route="experiments.create", count=2)
    experiment = client.create_experiment("run").experiment
    assert len(world.requests("/experiments", "POST")) == 3
    world.fault({"kind": "status", "status": 400}, route="experiments.get")
    with pytest.raises(MetricsApiRequestError):
        client.get_experiment(experiment.id)
    assert len(world.requests(experiment.id, "GET")) == 1
    world.fault({"kind": "status", "status": 503}, route="experiments.get")
    with pytest.raises(MetricsApiRequestError) as raised:
        client.get_experiment(experiment.id)
    assert (raised.value.status_code, raised.value.retryable, raised.value.attempts) == (503, True, 3)


def test_003_16_writes_carry_one_idempotency_key_through_all_attempts(world: SyvainWorld) -> None:
    client = world.client()
    world.fault({"kind": "reset", "accept": True}, route="experiments.create", count=1)
    experiment = client.create_experiment("run").experiment
    sent = [request["headers"]["idempotency-key"] for request in world.requests("/experiments", "POST")]
    assert len(sent) == 2
    assert sent[0] == sent[1]
    assert KEY.match(sent[0])
    assert len(client.list_experiments().experiments) == 1, "what was lost was the answer"
    client.rename_folder(client.create_folder("f").folder.folder_id, "g")
    client.create_annotation(experiment.id, "a")
    client.revoke_ingestion_key(experiment.id, client.create_ingestion_key(experiment.id).key.id)
    keys = {}
    for request in world.requests():
        place = request["method"], request["path"].rpartition("/")[2]
        keys[place] = request["headers"].get("idempotency-key")
    assert {place for place, key in keys.items() if key is None} >= {
        ("GET", "experiments"),
        ("POST", "ingestion-keys"),
    }
    assert not [key for (method, _), key in keys.items() if method in ("GET", "DELETE") and key]
    written = [key for (method, path), key in keys.items() if method != "GET" and key and path]
    assert len(set(written)) == len(written) >= 4


def test_003_17_a_metric_is_known_by_its_id_whatever_becomes_of_answers(world: SyvainWorld) -> None:
    client = world.client()
    experiment = client.create_experiment("run").experiment
    world.fault({"kind": "reset", "accept": True}, path="*/ingest", count=1)
    client.ingest_metrics(experiment.id, [metric("a"), metric("b")])
    assert client.flush(20.0)
    client.ingest_metrics(experiment.id, [metric("a")])
    client.ingest_metrics(experiment.id, [metric("b", value=7.0)])
    assert client.flush(20.0)
    assert [row.metric_value for row in client.list_metrics(experiment.id).rows] == [0.42, 0.42]
    ((record, status),) = world.drops
    assert (record.submission_id, status) == ("b", None)
    assert "conflict" in record.reason


def test_003_18_every_error_is_a_metrics_api_error(world: SyvainWorld) -> None:
    for error in (MetricsApiRequestError, MetricsApiResponseError, MetricsApiAuthError):
        assert issubclass(error, MetricsApiError)
    assert issubclass(MetricsApiError, AnalyticsError)
    assert issubclass(MetricsApiError, RuntimeError)
    client = world.client()
    with pytest.raises(MetricsApiRequestError) as absent:
        client.get_experiment("nope")
    assert (absent.value.status_code, absent.value.error_code) == (404, "experiment_not_found")
    assert absent.value.retryable is False
    assert str(absent.value).startswith("HTTP 404: There is no experiment 'nope'.: code=experiment_not_found")
    with pytest.raises(MetricsApiRequestError) as unminted:
        client.ingest_metrics("nope", [metric()], sync=True)
    assert (unminted.value.status_code, unminted.value.error_code) == (404, "experiment_not_found")
    world.configure(refused_api_keys=[world.key])
    with pytest.raises(MetricsApiRequestError) as refused:
        client.auth_status()
    assert isinstance(refused.value, CredentialRefused)
    assert (refused.value.status_code, refused.value.retryable) == (401, False)
    with pytest.raises(MetricsApiRequestError) as unreached:
        world.client(host="http://127.0.0.1:9").auth_status()
    assert isinstance(unreached.value, NotReached)
    assert (unreached.value.status_code, unreached.value.retryable) == (None, True)


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "not JSON",
        '{"data": {"experiments": []}}',
        '{"error": null}',
        '{"error": {"message": "but"}, "data": {"experiments": []}}',
        '{"error": "but", "data": {"experiments": []}}',
        '{"error": null, "data": {"experiments": [{"id": "e"}]}}',
    ],
)
def test_003_19_a_success_that_is_mis_shaped_is_a_response_error(world: SyvainWorld, text: str) -> None:
    client = world.client()
    world.fault({"kind": "wrong_json", "text": text})
    with pytest.raises(MetricsApiResponseError) as raised:
        client.list_experiments()
    assert raised.value.status == 200
    assert len(world.requests()) == 1


def test_003_20_everything_is_typed() -> None:
    own = dict(inspect.getmembers(SyvainMetricsApiClient, inspect.isfunction))
    twins = dict(inspect.getmembers(AsyncSyvainMetricsApiClient, inspect.isfunction))
    operations = {name for name in own if not name.startswith("_")} - {"close"}
    assert len(operations) >= 27
    for name in operations:
        signature = inspect.signature(own[name])
        assert signature.parameters == inspect.signature(twins[name]).parameters, name
        hints = get_type_hints(own[name])
        assert set(signature.parameters) - {"self"} <= set(hints), name
        answer = hints["return"]
        assert (
            answer in (bool, type(None))
            or "list[" in str(answer)
            or "Iterator[" in str(answer)
            or (issubclass(answer, BaseModel))
        ), name
        assert "dict" not in str(answer), name


def test_003_21_a_key_in_progress_is_asked_for_again(world: SyvainWorld) -> None:
    client = world.client()
    world.configure(in_progress=3)
    begun = time.monotonic()
    client.create_folder("slow")
    assert 1.4 <= time.monotonic() - begun < 6.0
    sent = {request["headers"]["idempotency-key"] for request in world.requests("/folders", "POST")}
    assert len(sent) == 1
    assert len(world.requests("/folders", "POST")) == 4
    world.configure(in_progress=100)
    with pytest.raises(MetricsApiRequestError) as raised:
        client.create_experiment("never")
    assert (raised.value.status_code, raised.value.error_code) == (409, "idempotency_key_in_progress")
    assert raised.value.retryable
    assert len(world.requests("/experiments", "POST")) == 10


def test_003_22_a_key_is_renewed_five_minutes_before_it_ends(world: SyvainWorld) -> None:
    client = world.client()
    experiment = client.create_experiment("run").experiment
    world.configure(key_life_ms=HOUR_MS)
    for number in range(2):
        client.ingest_metrics(experiment.id, [metric(f"long-{number}")], sync=True)
    assert world.minted == 1
    client.forget_ingestion_credential(experiment.id)
    world.configure(key_life_ms=299_000)
    for number in range(3):
        client.ingest_metrics(experiment.id, [metric(f"short-{number}")], sync=True)
    assert world.minted == 4


def test_003_23_a_refused_key_is_minted_anew_once(world: SyvainWorld) -> None:
    client = world.client()
    experiment = client.create_experiment("run").experiment
    client.ingest_metrics(experiment.id, [metric("1")], sync=True)
    world.configure(revoke_ingestion_keys=True)
    client.ingest_metrics(experiment.id, [metric("2")], sync=True)
    world.configure(revoke_ingestion_keys=True)
    client.ingest_metrics(experiment.id, [metric("3")])
    assert client.flush(20.0)
    assert world.minted == 3
    before = len(world.requests("/annotations", "POST"))
    world.fault({"kind": "status", "status": 403}, route="annotations.create")
    with pytest.raises(MetricsApiRequestError) as raised:
        client.create_annotation(experiment.id, "no")
    assert raised.value.status_code == 403
    assert len(world.requests("/annotations", "POST")) - before == 2
    assert world.minted == 4


def test_003_24_an_error_is_read_from_its_envelope(world: SyvainWorld) -> None:
    client = world.client()

    def answer(body: Any) -> MetricsApiRequestError:
        headers = {"content-type": "text/plain"} if isinstance(body, str) else {}
        world.fault({"kind": "status", "status": 422, "body": body, "headers": headers})
        with pytest.raises(MetricsApiRequestError) as raised:
            client.list_folders()
        return raised.value

    whole = answer({"error": {"message": "No", "details": "a=b; code=nope;c"}, "data": None})
    assert (whole.error_code, whole.message) == ("nope", "HTTP 422: No: a=b; code=nope;c")
    plain = answer({"error": "just no"})
    assert (plain.error_code, plain.message) == (None, "HTTP 422: just no")
    assert answer("x" * 700).message == "HTTP 422: " + "x" * 500


def test_003_24_metrics_count_as_delivered_by_the_envelope_alone(world: SyvainWorld) -> None:
    client = world.client()
    experiment = client.create_experiment("run").experiment
    world.fault({"kind": "wrong_json", "text": '{"ok": true}'}, path="*/ingest", count=1)
    client.ingest_metrics(experiment.id, [metric()])
    assert client.flush(20.0)
    assert len(world.requests("/ingest")) == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"client_event_id": ""},
        {"client_event_id": "x" * 201},
        {"name": ""},
        {"name": "x" * 501},
        {"value": float("nan")},
        {"value": float("inf")},
        {"step": -1},
        {"timestamp_ms": -1},
        {"metadata": {"rate": float("inf")}},
        {"metadata": None},
        {"metadata": []},
        {"unknown": 1},
    ],
)
def test_003_25_a_metric_that_does_not_fit_is_refused_here(world: SyvainWorld, wrong: dict[str, Any]) -> None:
    for sync in (None, True):
        with pytest.raises(ValidationError):
            world.client().ingest_metrics("e", [metric("fine"), metric(**wrong)], sync=sync)
    assert not world.requests()


def test_003_25_limits_are_kept_here(world: SyvainWorld) -> None:
    client = world.client()
    without_step = {name: value for name, value in metric().items() if name != "step"}
    for data in ([metric(str(number)) for number in range(1001)], [without_step]):
        with pytest.raises(ValidationError):
            client.ingest_metrics("e", data)
    for call in (
        lambda: client.create_experiment(""),
        lambda: client.create_experiment("s" * 201),
        lambda: client.create_experiment("s", description="d" * 4001),
        lambda: client.create_experiment("s", metadata={"x": float("nan")}),
        lambda: client.create_folder("f" * 201),
        lambda: client.create_annotation("e", ""),
        lambda: client.create_annotation("e", "a" * 16_001),
        lambda: client.update_experiment_status("e", "error", error={"name": "n" * 501}),
    ):
        with pytest.raises(ValidationError):
            call()
    for mistaken in ("", ".", ".."):
        with pytest.raises(ValidationError):
            client.get_experiment(mistaken)
        with pytest.raises(ValidationError):
            client.ingest_metrics(mistaken, [metric()])
    assert client.ingest_metrics("e", []).ok, "nothing to record is no error"
    assert not world.requests()
