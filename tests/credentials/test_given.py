"""Secrets that only an app, a person or another program can renew."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from swarm_analytics_models.contract import ServiceContract
from swarm_analytics_models.identifiers import Destination, IdentityKind
from swarm_analytics_models.key_sources import DEFAULT_IDENTITY, EnvironmentKey, KeyFile
from swarm_analytics_models.status import CredentialState
from swarm_analyticsd import policy
from swarm_analyticsd.credentials.given import KeptElsewhere
from swarm_analyticsd.credentials.sources import Surroundings
from swarm_analyticsd.credentials.vault import MemoryVault, VaultError
from tests.credentials.support import BASE, CONTRACT, KEY_DESTINATION, Bench
from tests.support.waiting import eventually_async

pytestmark = pytest.mark.anyio

ABSENT, PRESENT, HELD = CredentialState.ABSENT, CredentialState.PRESENT, CredentialState.HELD
FILED: ServiceContract = replace(
    CONTRACT,
    key_sources=(
        EnvironmentKey("BOXES_API_KEY"),
        KeyFile("local", ("boxes", "auth.json"), "apiKey", "host", BASE),
    ),
)


def destination(identity: str, base_url: str = BASE, kind: IdentityKind = IdentityKind.KEY) -> Destination:
    return Destination("boxes", base_url, kind, identity)


@contextlib.asynccontextmanager
async def running(bench: Bench) -> AsyncIterator[Bench]:
    task = asyncio.create_task(bench.credential.run())
    try:
        yield bench
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def settles(check: Callable[[], Any]) -> None:
    async def ask() -> Any:
        return check()

    await eventually_async(ask, 5.0)


def secret(bench: Bench) -> str | None:
    return None if bench.credential.secret is None else bench.credential.secret.get_secret_value()


async def test_what_the_vault_has_is_used() -> None:
    vault = MemoryVault()
    await vault.put(KEY_DESTINATION.ref, SecretStr("k1"))
    async with running(Bench(KEY_DESTINATION, vault=vault)) as bench:
        await settles(lambda: bench.credential.state is PRESENT)
        assert secret(bench) == "k1"


@pytest.mark.parametrize("kind", list(IdentityKind))
async def test_where_there_is_none_it_says_what_to_do(kind: IdentityKind) -> None:
    async with running(Bench(destination("x", kind=kind))) as bench:
        await settles(lambda: bench.credential.error)
        assert bench.credential.state is ABSENT
        assert (bench.credential.error or "").startswith("no credential is known; ")
        assert await bench.credential.settled(60.0) == (ABSENT, bench.credential.error)


async def test_what_was_refused_waits_for_another_over_a_restart_too() -> None:
    vault = MemoryVault()
    await vault.put(KEY_DESTINATION.ref, SecretStr("k1"))
    async with running(Bench(KEY_DESTINATION, vault=vault, state=HELD)) as bench:
        await settles(lambda: bench.credential.aside is not None)
        bench.credential.hasten()
        await asyncio.sleep(0)
        assert secret(bench) is None
        await bench.credential.adopt(SecretStr(" k2\n"))
        assert (bench.credential.state, secret(bench)) == (PRESENT, "k2")
        kept = await vault.get(KEY_DESTINATION.ref)
        assert kept is not None
        assert kept.get_secret_value() == "k2"


async def test_a_key_that_is_adopted_again_is_not_written_again(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(KEY_DESTINATION)
    await bench.credential.adopt(SecretStr("k1"))
    generation = bench.credential.generation

    async def never(*_: object) -> None:
        raise AssertionError("written again")

    monkeypatch.setattr(MemoryVault, "put", never)
    await bench.credential.adopt(SecretStr("k1"))
    assert bench.credential.generation == generation


async def test_a_key_that_could_not_be_kept_is_written_when_it_comes_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def full(*_: object) -> None:
        raise VaultError("the disk is full", "make room")

    bench = Bench(KEY_DESTINATION)
    with monkeypatch.context() as patched:
        patched.setattr(MemoryVault, "put", full)
        with pytest.raises(VaultError):
            await bench.credential.adopt(SecretStr("k1"))
    await bench.credential.adopt(SecretStr("k1"))
    assert await bench.vault.get(KEY_DESTINATION.ref) is not None


async def test_what_is_forgotten_is_in_no_vault() -> None:
    bench = Bench(KEY_DESTINATION)
    await bench.credential.adopt(SecretStr("k1"))
    await bench.credential.forget()
    assert (bench.credential.state, secret(bench), await bench.vault.get(KEY_DESTINATION.ref)) == (
        ABSENT,
        None,
        None,
    )


def around(folder: Path, base_urls: dict[str, str] | None = None, **environment: str) -> Surroundings:
    return Surroundings(environment, folder, base_urls or {})


def bench_in(found: Surroundings, wanted: Destination, **changes: Any) -> Bench:
    return Bench(wanted, source=found.source(FILED, wanted), **changes)


async def test_a_variable_of_the_daemons_goes_before_the_vault(tmp_path: Path) -> None:
    wanted = destination(DEFAULT_IDENTITY)
    vault = MemoryVault()
    await vault.put(wanted.ref, SecretStr("from the vault"))
    found = around(tmp_path, BOXES_API_KEY=" k-env ")
    async with running(bench_in(found, wanted, vault=vault)) as bench:
        await settles(lambda: bench.credential.state is PRESENT)
        assert secret(bench) == "k-env"
        with pytest.raises(KeptElsewhere, match="BOXES_API_KEY"):
            await bench.credential.adopt(SecretStr("other"))
    async with running(bench_in(around(tmp_path), wanted, vault=vault)) as bench:
        await settles(lambda: bench.credential.state is PRESENT)
        assert secret(bench) == "from the vault"


async def test_a_variables_key_goes_to_the_services_own_place_alone(tmp_path: Path) -> None:
    """S8: an app may name another origin, and gets no key there that it did not bring."""
    elsewhere = destination(DEFAULT_IDENTITY, "https://evil.example")
    found = around(tmp_path, BOXES_API_KEY="k-env")
    assert found.source(FILED, elsewhere) is None
    assert found.source(FILED, destination("0" * 24)) is None
    configured = around(tmp_path, {"boxes": "https://evil.example/v2"}, BOXES_API_KEY="k-env")
    assert configured.source(FILED, elsewhere) is not None, "a person said that the service is there"
    assert configured.source(FILED, destination(DEFAULT_IDENTITY)) is None


def write(folder: Path, content: object) -> Path:
    path = folder / "boxes" / "auth.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


async def test_a_key_file_is_read_when_a_request_is_made(tmp_path: Path) -> None:
    write(tmp_path, {"apiKey": "k-1", "orgId": "o"})
    async with running(bench_in(around(tmp_path), destination("local"))) as bench:
        await settles(lambda: bench.credential.state is PRESENT)
        write(tmp_path, {"apiKey": " k-2 "})
        held = await bench.credential.held()
        assert held is not None
        assert held.secret.get_secret_value() == "k-2"
        assert await bench.vault.get(destination("local").ref) is None, "the file keeps it, not the vault"
        with pytest.raises(KeptElsewhere):
            await bench.credential.adopt(SecretStr("k-3"))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "there is no such file"),
        ("nonsense", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[1]", "not a JSON object"),
        ({}, "no 'apiKey'"),
        ({"apiKey": " "}, "no 'apiKey'"),
        ({"apiKey": 7}, "no 'apiKey'"),
        ({"apiKey": "canary\r\n2"}, "printable ASCII"),
        ({"apiKey": "canary", "host": "ftp://x"}, "'host' is of no use"),
        ({"apiKey": "canary", "host": "https://other.example"}, "is for https://other.example"),
    ],
)
async def test_a_key_file_that_does_not_do_says_why_and_not_what(
    tmp_path: Path, content: object, said: str
) -> None:
    if content is not None:
        write(tmp_path, content)
    async with running(bench_in(around(tmp_path), destination("local"))) as bench:
        await settles(lambda: bench.credential.error)
        assert bench.credential.state is ABSENT
        assert said in (bench.credential.error or "")
        assert str(tmp_path / "boxes" / "auth.json") in (bench.credential.error or "")
        assert "canary" not in (bench.credential.error or "")


async def test_a_key_file_that_comes_later_is_found(tmp_path: Path) -> None:
    async with running(bench_in(around(tmp_path), destination("local"))) as bench:
        await settles(lambda: bench.credential.error)
        write(tmp_path, {"apiKey": "k-1"})
        bench.clock.advance(policy.KEY_FILE_LOOK_S)
        bench.credential._wake.set()
        await settles(lambda: bench.credential.state is PRESENT)


async def test_a_refused_file_key_waits_for_the_file_to_change(tmp_path: Path) -> None:
    write(tmp_path, {"apiKey": "k-1"})
    async with running(bench_in(around(tmp_path), destination("local"))) as bench:
        await settles(lambda: bench.credential.state is PRESENT)
        bench.credential.refused(bench.credential.generation, "HTTP 401", 401)
        assert await bench.credential.held() is None
        write(tmp_path, {"apiKey": "k-2"})
        assert await bench.credential.held() is not None
        assert (bench.credential.state, secret(bench)) == (PRESENT, "k-2")


async def test_a_file_whose_key_goes_away_leaves_none(tmp_path: Path) -> None:
    path = write(tmp_path, {"apiKey": "k-1"})
    async with running(bench_in(around(tmp_path), destination("local"))) as bench:
        await settles(lambda: bench.credential.state is PRESENT)
        path.unlink()
        assert await bench.credential.held() is None
        assert bench.credential.state is ABSENT


def test_a_key_file_says_where_its_service_is(tmp_path: Path) -> None:
    found = around(tmp_path)
    assert found.file_base_url(FILED, "local") == BASE
    write(tmp_path, {"apiKey": "k", "host": "https://near.example/"})
    assert found.file_base_url(FILED, "local") == "https://near.example"
    assert found.file_base_url(FILED, "default") is None
