"""All five services at once: one down, one rate-limited, one with a revoked key, two well.

The trouble does not end by itself, so whatever waited for it would wait in vain.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from swarm_analytics import AnalyticsClient
from swarm_analytics.openspawn import AuthenticationError, OpenSpawnClient
from swarm_analytics.segops import DeliveryFailed, SegOpsClient
from swarm_analytics.swarms import SwarmsClient
from swarm_analytics.syvain import MetricsApiRequestError, SyvainMetricsApiClient
from tests.story.scene import ARRIVAL_S, HomeView
from tests.support.processes import DaemonProcess, SandboxProcess
from tests.support.waiting import eventually

OPENSPAWN_KEY = "osp_" + "5e" * 32
EVENTS = 30

pytestmark = pytest.mark.timeout(180)


class Desktop:
    """An app that uses all five."""

    def __init__(self, home: Path, base_url: str, openswarm: AnalyticsClient) -> None:
        self.openswarm = openswarm
        self.segops = SegOpsClient(base_url, "sk_ok", flush_interval=0.05, home=home)
        self.syvain = SyvainMetricsApiClient("ak_org_desktop", host=base_url, home=home)
        self.openspawn = OpenSpawnClient(base_url, api_key=OPENSPAWN_KEY, max_retries=0, home=home)
        self.swarms = SwarmsClient(api_key="sk-desktop", base_url=base_url, home=home)
        self.experiment = ""

    def begin(self) -> None:
        """While all is well: an experiment to measure, and one call to each that answers."""
        self.experiment = self.syvain.create_experiment(slug="five").experiment.id
        self.openspawn.agents.list()
        self.swarms.models.list()

    def close(self) -> None:
        for client in (self.segops, self.syvain, self.openspawn, self.swarms):
            client.close()

    def log_much(self) -> list[str]:
        return [self.openswarm.logs.write(tag="five", subtag=str(number)) for number in range(EVENTS)]

    def ask_much(self) -> list[Any]:
        return [
            self.swarms.agent.create(agent_config={"agent_name": "five"}, task=f"task {number}")
            for number in range(5)
        ]

    def track_into_the_limit(self) -> str:
        for number in range(3):
            self.segops.track(user_id="u1", event_type="five", payload={"number": number})
        with pytest.raises(DeliveryFailed) as failed:
            self.segops.flush()
        return str(failed.value)

    def measure_in_vain(self) -> MetricsApiRequestError:
        metrics = [
            {"client_event_id": f"m{number}", "name": "loss", "value": 0.5, "step": number}
            for number in range(3)
        ]
        assert self.syvain.ingest_metrics(self.experiment, metrics).mode == "queued"
        with pytest.raises(MetricsApiRequestError) as failed:
            self.syvain.get_experiment(self.experiment)
        return failed.value

    def spawn_without_a_key(self) -> AuthenticationError:
        with pytest.raises(AuthenticationError) as failed:
            self.openspawn.agents.list()
        return failed.value

    def has_a_key_again(self) -> bool:
        try:
            return bool(self.openspawn.agents.list())
        except AuthenticationError:
            return False


def test_five_services_at_once_and_nothing_blocks_anything(
    home: Path,
    view: HomeView,
    service: SandboxProcess,
    daemon: Callable[..., DaemonProcess],
    client: Callable[..., AnalyticsClient],
) -> None:
    daemon(home)
    desktop = Desktop(home, service.base_url, client(base_url=service.base_url))
    desktop.begin()
    service.configure("openspawn", revoke_key=OPENSPAWN_KEY)
    service.script(
        {"match": {"service": "syvain"}, "action": {"kind": "reset"}},
        {"match": {"service": "segops"}, "action": {"kind": "status", "status": 429, "retry_after": "1"}},
    )

    with ThreadPoolExecutor(max_workers=5) as threads:
        logged = threads.submit(desktop.log_much)
        asked = threads.submit(desktop.ask_much)
        limited = threads.submit(desktop.track_into_the_limit)
        unreached = threads.submit(desktop.measure_in_vain)
        refused = threads.submit(desktop.spawn_without_a_key)
        assert [answer.success for answer in asked.result(ARRIVAL_S)] == [True] * 5
        keys = logged.result(ARRIVAL_S)
        eventually(
            lambda: set(keys) <= set(service.keys(service="openswarm")),
            timeout=ARRIVAL_S,
            what="what is sent to the service that is well",
        )
        assert "429" in limited.result(ARRIVAL_S)
        assert unreached.result(ARRIVAL_S).retryable
        assert refused.result(ARRIVAL_S).status == 401

    services = view.status()["services"]
    waiting = {name: each["queued"] + each["leased"] + each["held"] for name, each in services.items()}
    assert (waiting["openswarm"], waiting["segops"], waiting["syvain"]) == (0, 3, 3)
    assert services["openswarm"]["breaker"] == "closed"
    assert services["swarms"]["breaker"] == "closed"
    assert services["syvain"]["last_error"]
    assert sum(each["dead"] for each in services.values()) == 0

    service.calm()
    service.configure("openspawn", restore_key=OPENSPAWN_KEY)
    eventually(desktop.has_a_key_again, timeout=ARRIVAL_S, what="a try with the key that is valid again")
    ledger = view.drained()
    assert ledger["delivered"] == ledger["accepted"] == EVENTS + 6
    assert sorted(service.keys(service="syvain", route="metrics.record")) == ["m0", "m1", "m2"]
    assert sorted(event["body"]["payload"]["number"] for event in service.good(service="segops")) == [0, 1, 2]
    desktop.close()
