"""Seed 001, the constructor and what it brings about: each claim through real processes."""

import asyncio
import inspect
import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any, Final

import pytest

from swarm_analytics import errors
from swarm_analytics.channel import DaemonChannel
from swarm_analytics.swarms import (
    APIError,
    AuthenticationError,
    NetworkError,
    SwarmsClient,
    TimeoutError,
)
from swarm_analytics_models.home import AUTOSTART_VARIABLE, Home
from swarm_analytics_models.services.swarms.contract import SWARMS
from tests.support.counting import CountingService, counting_service
from tests.support.homes import kill_daemon, short_directory
from tests.support.processes import Processes
from tests.support.swarms import LOGS, MODELS, SwarmsWorld, standing_world
from tests.support.waiting import eventually

LISTED: Final = {"success": True, "models": ["gpt-4o"]}
RESET: Final = {"kind": "reset"}
SLOW: Final = {"kind": "hang"}


@pytest.fixture(scope="module")
def _standing_world() -> Iterator[SwarmsWorld]:
    with standing_world() as world:
        yield world


@pytest.fixture
def world(_standing_world: SwarmsWorld, monkeypatch: pytest.MonkeyPatch) -> Iterator[SwarmsWorld]:
    monkeypatch.setenv(AUTOSTART_VARIABLE, "0")
    monkeypatch.delenv("SWARMS_API_KEY", raising=False)
    _standing_world.begin()
    yield _standing_world
    _standing_world.sandbox.calm()


def default(name: str) -> Any:
    return inspect.signature(SwarmsClient).parameters[name].default


def in_threads(number: int, work: Callable[[], Any]) -> list[threading.Thread]:
    threads = [threading.Thread(target=work) for _ in range(number)]
    for thread in threads:
        thread.start()
    return threads


def let_through(counted: CountingService, threads: list[threading.Thread]) -> None:
    counted.gate.set()
    for thread in threads:
        thread.join()


def test_001_01_the_key_is_an_argument_or_in_the_environment(
    world: SwarmsWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.play(accepted_keys=[world.key])
    assert world.client().logs.list().status == "success"
    monkeypatch.setenv("SWARMS_API_KEY", world.key)
    assert world.client(api_key=None).logs.list().status == "success"
    monkeypatch.setenv("SWARMS_API_KEY", "sk-other")
    with pytest.raises(AuthenticationError) as refused:
        world.client(api_key=None).logs.list()
    assert isinstance(refused.value, errors.CredentialRefused)
    monkeypatch.delenv("SWARMS_API_KEY")
    with pytest.raises(AuthenticationError, match="credential set") as missing:
        world.client(api_key=None).logs.list()
    assert isinstance(missing.value, errors.CredentialMissing)


def test_the_daemons_own_environment_has_the_key_for_apps_that_have_none(world: SwarmsWorld) -> None:
    processes = Processes()
    world.play(accepted_keys=["sk-the-daemons"])
    with short_directory() as directory:
        home = directory / "home"
        try:
            processes.daemon(
                home,
                services={"swarms": world.sandbox.base_url},
                environment={"SWARMS_API_KEY": "sk-the-daemons"},
            )
            client = world.client(api_key=None, base_url=None, home=home)
            assert client.logs.list().status == "success"
        finally:
            kill_daemon(home)
            processes.release()


def test_001_02_the_default_base_url(world: SwarmsWorld) -> None:
    registration = {"service": "swarms", "kind": "key", "identity": "default"}
    answer = DaemonChannel(Home(world.home)).request("POST", "/v1/register", registration)
    assert answer["base_url"] == "https://swarms-api-285321057562.us-east1.run.app"
    processes = Processes()
    with short_directory() as directory:
        home = directory / "home"
        try:
            processes.daemon(home, services={"swarms": world.sandbox.base_url})
            assert world.client(base_url=None, home=home).models.list().success
        finally:
            kill_daemon(home)
            processes.release()


def test_001_03_the_time_out(world: SwarmsWorld) -> None:
    assert default("timeout") == 60
    assert {route.time_outs.total_s for route in SWARMS.routes} == {60.0}
    world.fault(SLOW)
    began = time.monotonic()
    with pytest.raises(TimeoutError) as late:
        world.client(timeout=0.2, max_retries=0).models.list()
    assert time.monotonic() - began < 10
    assert isinstance(late.value, errors.CallTimedOut)


def test_001_04_the_number_of_retries(world: SwarmsWorld) -> None:
    assert default("max_retries") == 3
    world.fault(RESET)
    for retries in (3, 1, 0):
        world.sandbox.reset()
        world.fault(RESET)
        with pytest.raises(NetworkError) as broken:
            world.client(max_retries=retries, retry_delay=0.01, circuit_breaker_threshold=100).models.list()
        assert len(world.requests(MODELS)) == retries + 1
        assert broken.value.attempts == retries + 1


def test_001_05_the_delay_grows_exponentially(world: SwarmsWorld) -> None:
    assert default("retry_delay") == 1
    world.fault(RESET)
    with pytest.raises(NetworkError):
        world.client(retry_delay=0.2).models.list()
    times = [request["received_at"] for request in world.requests(MODELS)]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert len(gaps) == 3
    for gap, delay in zip(gaps, (0.2, 0.4, 0.8), strict=True):
        assert gap >= delay / 2 - 0.01


def test_001_06_the_log_level(world: SwarmsWorld) -> None:
    assert default("log_level") == "INFO"
    logger = logging.getLogger("swarm_analytics.swarms")
    root = logging.getLogger()
    before = list(root.handlers)
    for level in ("DEBUG", "WARNING", "INFO"):
        world.client(log_level=level)
        assert logger.level == getattr(logging, level)
    assert logger.handlers == []
    assert root.handlers == before
    with pytest.raises(ValueError, match="LOUD"):
        world.client(log_level="LOUD")


def test_001_07_pool_connections(world: SwarmsWorld) -> None:
    assert default("pool_connections") == 100
    with counting_service(LISTED) as counted:
        client = world.client(base_url=counted.base_url, enable_cache=False, pool_connections=1)
        counted.gate.clear()
        threads = in_threads(3, client.models.list)
        eventually(lambda: counted.under_way == 1, what="a request")
        let_through(counted, threads)
        assert (counted.requests, counted.connections) == (3, 1)


def test_001_08_pool_maxsize(world: SwarmsWorld) -> None:
    assert default("pool_maxsize") == 100
    with counting_service(LISTED) as counted:
        client = world.client(base_url=counted.base_url, enable_cache=False, pool_maxsize=1)
        counted.gate.clear()
        threads = in_threads(3, client.models.list)
        eventually(lambda: counted.under_way == 1, what="a request")
        let_through(counted, threads)
        assert (counted.requests, counted.connections) == (3, 1)


def test_001_09_the_keep_alive_time_out(world: SwarmsWorld) -> None:
    assert default("keep_alive_timeout") == 5
    for keep_alive, connections in ((60, 1), (0, 3)):
        with counting_service(LISTED) as counted:
            client = world.client(
                base_url=counted.base_url, enable_cache=False, keep_alive_timeout=keep_alive
            )
            for _ in range(3):
                client.models.list()
            assert (counted.requests, counted.connections) == (3, connections)


def test_001_10_the_most_requests_at_once(world: SwarmsWorld) -> None:
    assert default("max_concurrent_requests") == 100
    with counting_service(LISTED) as counted:
        counted.gate.clear()
        client = world.client(base_url=counted.base_url, enable_cache=False, max_concurrent_requests=2)
        threads = in_threads(5, client.models.list)
        eventually(lambda: counted.under_way == 2, what="two requests at once")
        let_through(counted, threads)
        assert (counted.requests, counted.most_under_way) == (5, 2)


def test_001_11_the_breakers_threshold(world: SwarmsWorld) -> None:
    assert default("circuit_breaker_threshold") == 5
    world.sandbox.fail(503, path=LOGS)
    client = world.client(circuit_breaker_threshold=2, max_retries=0)
    for _ in range(2):
        with pytest.raises(APIError):
            client.logs.list()
    with pytest.raises(APIError) as opened:
        client.logs.list()
    assert isinstance(opened.value, errors.BreakerOpen)
    assert len(world.requests(LOGS)) == 2


def test_001_12_the_breakers_time_out(world: SwarmsWorld) -> None:
    assert default("circuit_breaker_timeout") == 60
    world.sandbox.fail(503, path=LOGS)
    client = world.client(circuit_breaker_threshold=1, circuit_breaker_timeout=0.3, max_retries=0)
    with pytest.raises(APIError):
        client.logs.list()
    world.sandbox.calm()

    def answered() -> bool:
        try:
            return client.logs.list().status == "success"
        except errors.BreakerOpen:
            return False

    eventually(answered, what="the breaker's time-out")
    first, second = (request["received_at"] for request in world.requests(LOGS))
    assert second - first >= 0.3


def test_001_13_caching_is_on_by_default(world: SwarmsWorld) -> None:
    assert default("enable_cache") is True
    for _ in range(2):
        assert world.client().models.list().success
    assert len(world.requests(MODELS)) == 1
    for _ in range(2):
        assert world.client(enable_cache=False).models.list().success
    assert len(world.requests(MODELS)) == 3


def test_001_14_clear_cache(world: SwarmsWorld) -> None:
    client = world.client()
    client.models.list()
    client.clear_cache()
    client.models.list()
    assert len(world.requests(MODELS)) == 2

    async def main() -> None:
        async with world.client() as same:
            await same.aclear_cache()
            await same.models.alist()

    asyncio.run(main())
    assert len(world.requests(MODELS)) == 3


def test_001_28_retries_are_automatic_and_back_off(world: SwarmsWorld) -> None:
    """Of what may be repeated; a completion that may have been executed is not (see 001-17's neighbours)."""
    world.sandbox.script(
        {"match": {"path": MODELS, "count": 2}, "action": {"kind": "status", "status": 503}},
    )
    assert world.client(retry_delay=0.05).models.list().success
    assert [request["answered"] for request in world.requests(MODELS)] == ["status", "status", "200"]


def test_001_29_the_breaker_opens_fails_fast_tries_once_and_closes(world: SwarmsWorld) -> None:
    world.sandbox.fail(503, path=LOGS)
    client = world.client(max_retries=0, circuit_breaker_threshold=3, circuit_breaker_timeout=2)

    async def failing() -> None:
        async with world.client(
            max_retries=0, circuit_breaker_threshold=3, circuit_breaker_timeout=2
        ) as same:
            with pytest.raises(APIError):
                await same.logs.alist()

    with pytest.raises(APIError):
        client.logs.list()
    asyncio.run(failing())
    with pytest.raises(APIError):
        client.logs.list()
    assert len(world.requests(LOGS)) == 3
    with pytest.raises(APIError) as opened:
        client.logs.list()
    assert isinstance(opened.value, errors.BreakerOpen)
    assert opened.value.hint
    assert len(world.requests(LOGS)) == 3
    assert "open" in [each["breaker"] for each in world.calls()]
    assert world.daemon.status()["services"]["swarms"]["breaker"] == "open"
    world.sandbox.calm()

    def closed() -> bool:
        try:
            return client.logs.list().status == "success"
        except errors.BreakerOpen:
            return False

    eventually(closed, what="the trial that closes the breaker")
    assert client.logs.list().status == "success"
    assert len(world.requests(LOGS)) == 5


def test_what_the_service_rejects_does_not_open_the_breaker(world: SwarmsWorld) -> None:
    world.play(credits_left=0)
    client = world.client(circuit_breaker_threshold=1)
    for _ in range(3):
        with pytest.raises(errors.CallError) as rejected:
            client.agent.create(agent_config={"agent_name": "R"}, task="t")
        assert rejected.value.status == 402
    assert world.executed() == 3


def test_001_30_the_cache_saves_the_second_request(world: SwarmsWorld) -> None:
    client = world.client()
    assert client.swarm.list_types() == client.swarm.list_types()
    client.models.list()

    async def main() -> None:
        async with world.client() as same:
            await same.swarm.alist_types()
            await same.models.alist()

    asyncio.run(main())
    assert len(world.requests()) == 2
    client.clear_cache()
    client.models.list()
    client.swarm.list_types()
    assert len(world.requests()) == 4
    client.logs.list()
    client.logs.list()
    assert len(world.requests(LOGS)) == 2
    with ThreadPoolExecutor(4) as pool:
        uncached = world.client(enable_cache=False)
        assert all(pool.map(lambda _: uncached.swarm.list_types().success, range(4)))
    uncached.clear_cache()
    assert len(world.requests()) == 10


def test_001_31_connections_are_reused(world: SwarmsWorld) -> None:
    with counting_service(LISTED) as counted:
        client = world.client(base_url=counted.base_url, enable_cache=False)

        async def main() -> None:
            async with world.client(base_url=counted.base_url, enable_cache=False) as same:
                for _ in range(3):
                    await same.models.alist()

        for _ in range(3):
            client.models.list()
        asyncio.run(main())
        assert (counted.requests, counted.connections) == (6, 1)


def test_a_daemon_that_is_missing_is_told_from_a_service_that_is(world: SwarmsWorld) -> None:
    with short_directory() as directory, pytest.raises(NetworkError) as missing:
        world.client(home=directory / "home").models.list()
    assert isinstance(missing.value, errors.DaemonMissing)
    with pytest.raises(NetworkError) as absent:
        world.client(base_url="http://127.0.0.1:9", max_retries=1, retry_delay=0).models.list()
    assert isinstance(absent.value, errors.NotReached)
    assert all(error.value.hint for error in (missing, absent))
    assert json.dumps(str(missing.value)) != json.dumps(str(absent.value))
