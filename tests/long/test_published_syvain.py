"""The service's own packages, as published, and this client put the same requests on the wire.

syvain-metrics-api-client 0.0.71 is what the seed describes, and must work against the sandbox unchanged;
0.0.349 is the newer one, of which two reads were taken over. Where this client differs on purpose:

- What is queued carries no Idempotency-Key and no ``sync=false``: the outbox sends it later and together with
  others, and the service knows each metric by its client_event_id (0.0.349 sends neither any more).
- A GET or DELETE, which has no body, says nothing of a body's type.
- A collected series query leaves ``"stream": false`` out.
"""

import json
import re
import subprocess
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl

import pytest

from clientgen.schema import read_fields
from swarm_analytics_models.home import HOME_VARIABLE
from swarm_analytics_models.services.syvain import payloads
from tests.support.processes import Processes, SandboxProcess

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

KEY: Final = "ak_org_published"

CALLS = """
import sys
client = SyvainMetricsApiClient(sys.argv[2], host=sys.argv[1] + "/", timeout=10.0, ingest_timeout=60.0)
told = []
told.append(client.auth_status())
top = client.create_folder("runs").folder
inner = client.create_folder("h\\u00e9llo / x", parent_id=top.folder_id).folder
told.append(client.list_folders())
told.append(client.list_folders(path="runs"))
told.append(client.get_folder(inner.folder_id))
client.patch_folder(inner.folder_id, name="both", parent_id=None)
client.rename_folder(inner.folder_id, "renamed")
client.move_folder(inner.folder_id, top.folder_id)
client.move_folder(inner.folder_id, None)
experiment = client.create_experiment("mamba-run-001", description="Baseline",
    metadata={"model": "mamba", "n": [1, 2.5, None, True]}).experiment
client.create_experiment("plain")
client.create_experiment("nowhere", folder_id=None)
client.create_experiment("inside", folder_id=top.folder_id)
found = client.list_experiments(status="created", search="mamba", from_ms=0, to_ms=2**50, limit=3)
told.append(found.experiments[0].id)
told.append(client.list_experiments(slug="plain").experiments[0].slug)
client.update_experiment_status(experiment.id, "running", timestamp_ms=5)
client.update_experiment_status(experiment.id, "error", error={"name": "OOM"})
client.update_experiment_status(experiment.id, "done", error=ExperimentStatusError(detail="late"))
client.move_experiment(experiment.id, top.folder_id)
client.move_experiment(experiment.id, None)
try:
    client.get_experiment("a b/\\u00fc?#%")
except MetricsApiRequestError as error:
    told.append((error.status_code, error.error_code, error.retryable))
client.ingest_metrics(experiment.id, [
    {"client_event_id": "1", "name": "loss", "value": 0.42, "step": 1, "metadata": {"split": "train"}},
    {"client_event_id": "2", "name": "loss", "value": 1, "step": None, "timestamp_ms": None},
    MetricCreateInput(client_event_id="3", name="acc", value=1e-9, step=0, timestamp_ms=7),
], sync=True)
client.ingest_metrics(experiment.id, [], sync=True)
client.ingest_metrics(experiment.id, [{"client_event_id": "4", "name": "loss", "value": 4, "step": 4}])
{flush}
fifth = {"client_event_id": "5", "name": "loss", "value": 5, "step": 5}
client.ingest_metrics(experiment.id, [fifth], sync=False)
{flush}
rows = client.list_metrics(experiment.id, metric_name="loss", metadata_key="split", metadata_value="train",
    step=1, from_step=0, to_step=9, from_time=0, to_time=2**50, sort_by=["step", "server_timestamp"],
    sort_direction="desc", limit=10, include_experiment_meta_as_of=False)
told.append([row.metric_value for row in rows.rows])
rows = client.compare_metrics([
    ComparisonMetricSeries(
        experiment_id=experiment.id, metric_name="loss", metadata_key="split", metadata_value="train"),
    {"experiment_id": experiment.id, "metric_name": "acc", "metadata_key": "x",
        "metadata_value_json": "{\\"a\\": 1}"},
], from_step=0, sort_by=["series", "step"], limit=500, include_experiment_meta_as_of=True)
told.append([row.metric_value for row in rows.rows])
told.append(client.list_metric_catalog(experiment.id, limit=5))
told.append(client.inspect_metric_catalog_values(experiment.id, "loss", key="split"))
told.append(client.inspect_metric_catalog_values(experiment.id, "loss", key=["split", "x"], limit=2))
key = client.create_ingestion_key(experiment.id, name="mine", ttl_ms=1000).key
client.create_ingestion_key(experiment.id)
client.list_ingestion_keys(experiment.id)
client.revoke_ingestion_key(experiment.id, key.id)
client.create_annotation(experiment.id, "plain")
client.create_annotation(experiment.id, "with more", metadata={"a": [1]})
client.forget_ingestion_credential(experiment.id)
client.create_annotation(experiment.id, "with another key")
told.append(len(client.list_annotations(experiment.id, from_ms=0, to_ms=2**50, limit=9).annotations))
print(told)
"""
THEIRS = "from syvain_metrics_api_client import *\n" + CALLS.replace("{flush}", "")
OURS = "from swarm_analytics.syvain import *\n" + CALLS.replace("{flush}", "assert client.flush(30.0)")

NEWER_CALLS = """
import sys
from {package} import SyvainMetricsApiClient
client = SyvainMetricsApiClient(sys.argv[2], host=sys.argv[1])
experiment = client.create_experiment("run").experiment
order = {"axis": "timestamp", "direction": "desc"}
chosen = [{"experiment_id": experiment.id, "metric_name": "loss", "metadata_filter": [
    {"key": "split"}, {"key": "split", "value": "a"}]}, {"experiment_id": experiment.id}]
for stream in (False, True):
    print(client.query_metric_series(chosen, order=order, stream=stream))
print(client.query_metrics_catalog([experiment.id]))
"""

INTENDED: Final = {
    "description": "lists of the newer server leave it out",
    "experiment": "the newer server leaves it out of an annotation's answer",
}
"""Fields of answers that ours do without."""


def interpreter_with(version: str, place: Path) -> Path:
    venv.create(place, with_pip=True)
    interpreter = place / "bin" / "python"
    package = f"syvain-metrics-api-client=={version}"
    subprocess.run([interpreter, "-m", "pip", "install", "--quiet", package], check=True)
    return interpreter


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return interpreter_with("0.0.71", tmp_path_factory.mktemp("syvain"))


@pytest.fixture(scope="module")
def newer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return interpreter_with("0.0.349", tmp_path_factory.mktemp("newer"))


def wire(sandbox: SandboxProcess) -> list[Any]:
    """Method, path, query, body, shape of the idempotency key, and whose key it was, of each request.

    A mint stands where it happens to; all else is in order.
    """
    found = []
    secrets: dict[str, str] = {}
    for request in sandbox.requests():
        headers = {name.lower(): value for name, value in request["headers"].items()}
        key = headers.get("idempotency-key")
        shape = None if key is None else re.sub("[0-9a-f]{32}", "HEX", key)
        query = sorted(parse_qsl(request["query"], keep_blank_values=True))
        queued = request["path"].endswith("/ingest") and ("sync", "true") not in query
        if queued:
            shape, query = None, []
        body = json.loads(request["body"]) if request["body"] else None
        proof = secrets.setdefault(headers["authorization"], f"secret {len(secrets)}")
        accept = headers["accept"].partition(",")[0]
        found.append((request["method"], request["path"], query, body, shape, proof, accept))
    return found


def run_both(
    interpreter: Path,
    scripts: tuple[str, str],
    home: Path,
    processes: Processes,
    sandboxes: tuple[SandboxProcess, SandboxProcess],
    place: Path,
) -> tuple[str, list[str]]:
    """What the published package's program printed, and what ours did."""
    theirs, ours = sandboxes
    done = subprocess.run(
        [interpreter, "-I", "-c", scripts[0], theirs.base_url, KEY],
        check=True,
        cwd=place,
        capture_output=True,
        text=True,
    )
    environment = {HOME_VARIABLE: str(home)}
    app = processes.app(scripts[1], ours.base_url, KEY, environment=environment)
    assert app.wait(120.0) == 0, app.errors
    return done.stdout, app.rest()


def test_the_same_calls_put_the_same_requests_on_the_wire(
    published: Path,
    home: Path,
    processes: Processes,
    sandbox: Callable[..., SandboxProcess],
    tmp_path: Path,
) -> None:
    theirs, ours = sandbox(), sandbox()
    told, ours_told = run_both(published, (THEIRS, OURS), home, processes, (theirs, ours), tmp_path)
    assert wire(ours) == wire(theirs)
    assert len(wire(ours)) > 40
    assert "".join(ours_told) == told


def test_the_reads_of_the_newer_package_are_the_same(
    newer: Path,
    home: Path,
    processes: Processes,
    sandbox: Callable[..., SandboxProcess],
    tmp_path: Path,
) -> None:
    theirs, ours = sandbox(), sandbox()
    scripts = tuple(
        NEWER_CALLS.replace("{package}", package)
        for package in ("syvain_metrics_api_client", "swarm_analytics.syvain")
    )
    told, ours_told = run_both(newer, (scripts[0], scripts[1]), home, processes, (theirs, ours), tmp_path)
    assert "".join(ours_told) == told
    sent = wire(theirs)
    for request in sent:
        if isinstance(request[3], dict) and request[3].get("stream") is False:
            del request[3]["stream"]
    assert wire(ours) == sent


DUMP = """
import json, pydantic
import syvain_metrics_api_client.types as types
models = {name: model for name, model in vars(types).items()
    if isinstance(model, type) and issubclass(model, pydantic.BaseModel) and model is not pydantic.BaseModel}
print(json.dumps({name: model.model_json_schema(by_alias=True) for name, model in models.items()}))
"""


def test_models_say_the_same_but_where_it_is_intended(published: Path) -> None:
    done = subprocess.run([published, "-I", "-c", DUMP], check=True, capture_output=True, text=True)
    differences = []
    compared = 0
    for name, schema in json.loads(done.stdout).items():
        model = getattr(payloads, name, None)
        if model is None:
            continue
        own = model.model_json_schema(by_alias=True)
        theirs, ours = read_fields(schema, schema), read_fields(own, own)
        compared += 1
        for field in theirs.keys() | ours.keys():
            free_form = field.endswith(("metadata{}", "values[]"))
            intended = field.rpartition(".")[2] in INTENDED
            if theirs.get(field) != ours.get(field) and not free_form and not intended:
                differences.append((name, field, theirs.get(field), ours.get(field)))
    assert differences == []
    assert compared >= 30
