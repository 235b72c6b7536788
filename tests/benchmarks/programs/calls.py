"""The same question to a service, again and again: through the daemon with our client, or by httpx directly.

``calls.py daemon HOME BASE_URL CALLS AT_ONCE``, ``calls.py httpx|httpx-tuned - BASE_URL CALLS AT_ONCE``.
Prints the milliseconds of a call (p50, p99) and calls per second, after a warm-up. One at a time is asked by
the blocking client, else by the one for asyncio.
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import httpx
from pydantic import SecretStr

from swarm_analytics._generated.swarms.async_namespaces import AsyncSwarmsNamespaces
from swarm_analytics._generated.swarms.namespaces import SwarmsNamespaces
from swarm_analytics.calls import Target
from swarm_analytics.service import ServiceClient
from swarm_analytics_models.home import Home
from swarm_analytics_models.identifiers import IdentityKind
from swarm_analytics_models.services.swarms.payloads import LogsResponse

PATH: Final = "/v1/swarm/logs"
KEY: Final = "sk-bench-0123456789"
WARM_UP: Final = 100


def share(values: list[float], part: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))] * 1000


def target(home: str, base_url: str) -> Target:
    return Target(
        home=Home(Path(home)),
        service="swarms",
        kind=IdentityKind.KEY,
        identity="bench",
        base_url=base_url,
        secret=SecretStr(KEY),
    )


def blocking(way: str, home: str, base_url: str) -> Callable[[], object]:
    if way == "daemon":
        service = ServiceClient(SwarmsNamespaces, target(home, base_url))
        return service.operations.logs.list
    client = httpx.Client(base_url=base_url, headers={"x-api-key": KEY}, trust_env=False, timeout=60.0)
    return lambda: LogsResponse.model_validate_json(client.get(PATH).raise_for_status().content)


def awaited(way: str, home: str, base_url: str, at_once: int) -> Callable[[], Awaitable[object]]:
    if way == "daemon":
        service = ServiceClient(AsyncSwarmsNamespaces, target(home, base_url))
        return service.operations.logs.list
    limits = httpx.Limits(max_connections=100, max_keepalive_connections=20)
    if way == "httpx-tuned":
        limits = httpx.Limits(max_connections=at_once, max_keepalive_connections=at_once)
    client = httpx.AsyncClient(
        base_url=base_url, headers={"x-api-key": KEY}, trust_env=False, timeout=60.0, limits=limits
    )

    async def ask() -> object:
        answer = await client.get(PATH)
        return LogsResponse.model_validate_json(answer.raise_for_status().content)

    return ask


def one_at_a_time(ask: Callable[[], object], count: int) -> tuple[list[float], float]:
    for _ in range(WARM_UP):
        ask()
    taken = []
    began = time.perf_counter()
    for _ in range(count):
        start = time.perf_counter()
        ask()
        taken.append(time.perf_counter() - start)
    return taken, time.perf_counter() - began


async def many_at_once(
    ask: Callable[[], Awaitable[object]], count: int, at_once: int
) -> tuple[list[float], float]:
    taken: list[float] = []

    async def worker(calls: int) -> None:
        for _ in range(calls):
            start = time.perf_counter()
            await ask()
            taken.append(time.perf_counter() - start)

    async def all_of(calls: int) -> None:
        await asyncio.gather(*(worker(calls // at_once) for _ in range(at_once)))

    await ask()
    await all_of(2 * at_once)
    taken.clear()
    began = time.perf_counter()
    await all_of(count)
    return taken, time.perf_counter() - began


def main() -> None:
    way, home, base_url, count, at_once = *sys.argv[1:4], int(sys.argv[4]), int(sys.argv[5])
    if at_once == 1:
        taken, elapsed = one_at_a_time(blocking(way, home, base_url), count)
    else:
        taken, elapsed = asyncio.run(many_at_once(awaited(way, home, base_url, at_once), count, at_once))
    answer = {"p50": share(taken, 0.5), "p99": share(taken, 0.99), "per_second": len(taken) / elapsed}
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
