"""Syvain Metrics' stand-in, over real HTTP: who is let in, what is refused, what is remembered."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.processes import Processes, SandboxProcess

API_KEY = "ak_org_a"


@pytest.fixture(scope="module")
def shared() -> Iterator[SandboxProcess]:
    started = Processes()
    yield started.sandbox("--service", "syvain")
    started.release()


@pytest.fixture
def service(shared: SandboxProcess) -> SandboxProcess:
    shared.reset()
    shared.configure("syvain", key_life_ms=60_000, refused_api_keys=[], generation="0.0.71")
    return shared


def ask(
    service: SandboxProcess,
    method: str,
    path: str,
    body: Any = None,
    *,
    token: str | None = API_KEY,
    key: str | None = None,
) -> httpx.Response:
    headers = {} if token is None else {"authorization": f"Bearer {token}"}
    if key is not None:
        headers["idempotency-key"] = key
    return service.http.request(method, f"{service.base_url}/api/v1{path}", json=body, headers=headers)


def refusal(response: httpx.Response) -> tuple[int, str]:
    answer = response.json()
    assert answer["data"] is None
    return response.status_code, answer["error"]["details"].partition(";")[0]


def experiment(service: SandboxProcess, slug: str = "run") -> str:
    made: str = ask(service, "POST", "/experiments", {"slug": slug}).json()["data"]["experiment"]["id"]
    return made


def ingestion_key(service: SandboxProcess, experiment_id: str) -> str:
    token: str = ask(service, "POST", f"/experiments/{experiment_id}/ingestion-keys", {}).json()["data"][
        "token"
    ]
    return token


METRIC = {"client_event_id": "1", "name": "loss", "value": 1, "step": 1}


def test_each_key_opens_what_it_is_for(service: SandboxProcess) -> None:
    run, other = experiment(service), experiment(service, "other")
    token = ingestion_key(service, run)
    ingest = f"/experiments/{run}/ingest"
    assert refusal(ask(service, "GET", "/folders", token=None)) == (401, "code=unauthenticated")
    assert refusal(ask(service, "GET", "/folders", token="sk_x")) == (401, "code=invalid_api_key")
    assert refusal(ask(service, "GET", "/folders", token="ik_x")) == (401, "code=invalid_ingestion_key")
    assert refusal(ask(service, "GET", "/folders", token=token)) == (403, "code=api_key_required")
    assert refusal(ask(service, "POST", ingest, {"data": []})) == (403, "code=ingestion_key_required")
    elsewhere = ask(service, "POST", f"/experiments/{other}/ingest", {"data": []}, token=token)
    assert refusal(elsewhere) == (403, "code=wrong_experiment")
    assert ask(service, "POST", ingest, {"data": [METRIC]}, token=token).is_success
    assert ask(service, "GET", "/auth/status", token=token).json()["data"]["auth"]["kind"] == "ingestion_key"


def test_a_key_ends(service: SandboxProcess) -> None:
    run = experiment(service)
    ingest = f"/experiments/{run}/ingest"
    service.configure("syvain", key_life_ms=0)
    ended = ingestion_key(service, run)
    assert refusal(ask(service, "POST", ingest, {"data": []}, token=ended)) == (
        401,
        "code=ingestion_key_expired",
    )
    service.configure("syvain", key_life_ms=60_000)
    revoked = ingestion_key(service, run)
    service.configure("syvain", revoke_ingestion_keys=True)
    answer = ask(service, "POST", ingest, {"data": []}, token=revoked)
    assert refusal(answer) == (401, "code=ingestion_key_revoked")


def test_organizations_do_not_see_each_other(service: SandboxProcess) -> None:
    run = experiment(service)
    foreign = ask(service, "GET", f"/experiments/{run}", token="ak_org_b")
    assert refusal(foreign) == (404, "code=experiment_not_found")


def test_what_was_answered_to_an_idempotency_key_is_remembered(service: SandboxProcess) -> None:
    first = ask(service, "POST", "/folders", {"name": "a"}, key="k")
    assert ask(service, "POST", "/folders", {"name": "a"}, key="k").json() == first.json()
    assert refusal(ask(service, "POST", "/folders", {"name": "b"}, key="k")) == (
        409,
        "code=idempotency_key_reused",
    )
    assert len(service.state("syvain")["folders"]) == 1


def test_a_metric_counts_once_and_the_first_stays(service: SandboxProcess) -> None:
    run = experiment(service)
    token = ingestion_key(service, run)
    for value in (1, 2):
        body = {"data": [METRIC | {"value": value}]}
        assert ask(service, "POST", f"/experiments/{run}/ingest?sync=true", body, token=token).is_success
    (row,) = ask(service, "GET", f"/experiments/{run}/metrics").json()["data"]["rows"]
    assert row["metric_value"] == 1
    counts = service.ledger()["routes"]["syvain"]["metrics.ingest"]
    assert (counts["unique"], counts["conflicts"]) == (1, 1)


@pytest.mark.parametrize(
    ("method", "path", "body", "code"),
    [
        ("POST", "/experiments", {"slug": ""}, "validation_error"),
        ("POST", "/experiments", {"slug": "s", "unknown": 1}, "validation_error"),
        ("GET", "/experiments?limit=many", None, "validation_error"),
        ("GET", "/experiments?unknown=1", None, "validation_error"),
        ("GET", "/metrics?series=nonsense", None, "validation_error"),
        ("GET", "/experiments/{run}/metrics?sort_by=colour", None, "invalid_sort"),
        ("PATCH", "/folders/{folder}", {"parent_id": "{folder}"}, "folder_cycle"),
        ("PATCH", "/folders/{folder}", {}, "validation_error"),
    ],
)
def test_what_does_not_fit_is_refused(
    service: SandboxProcess, method: str, path: str, body: Any, code: str
) -> None:
    run = experiment(service)
    folder = ask(service, "POST", "/folders", {"name": "f"}).json()["data"]["folder"]["folder_id"]
    filled = path.format(run=run, folder=folder)
    if isinstance(body, dict) and "parent_id" in body:
        body = {"parent_id": folder}
    assert refusal(ask(service, method, filled, body)) == (400, f"code={code}")


def test_other_paths_and_the_newer_generation(service: SandboxProcess) -> None:
    run = experiment(service)
    assert refusal(ask(service, "GET", "/nothing")) == (404, "code=not_found")
    assert ask(service, "GET", f"/experiments/{run}/catalog").is_success
    service.configure("syvain", generation="0.0.349")
    assert refusal(ask(service, "GET", f"/experiments/{run}/catalog")) == (404, "code=not_found")
    (listed,) = ask(service, "GET", "/experiments").json()["data"]["experiments"]
    assert "description" not in listed
    token = ingestion_key(service, run)
    nested = {"data": [METRIC | {"metadata": {"a": [1]}}]}
    refused = ask(service, "POST", f"/experiments/{run}/ingest", nested, token=token)
    assert refusal(refused) == (400, "code=validation_error")


def test_a_setting_that_there_is_not_is_named(service: SandboxProcess) -> None:
    answer = service.http.post(f"{service.base_url}/_sandbox/state/syvain", json={"colour": "red"})
    assert answer.status_code >= 400
    assert "colour" in answer.text
    assert "key_life_ms" in answer.text
