"""Syvain Metrics in tests: a sandbox, a daemon that looks for logins in a folder of its own, keys."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, Final

from swarm_analytics.outlet import DroppedRecord
from swarm_analytics.syvain import AsyncSyvainMetricsApiClient, SyvainMetricsApiClient
from tests.support.processes import DaemonProcess, SandboxProcess, standing
from tests.support.waiting import eventually

_KEYS: Final = count()


class SyvainWorld:
    """A home whose daemon serves, the sandbox that it sends to, and the key of the running test."""

    def __init__(self, home: Path, config: Path, sandbox: SandboxProcess, daemon: DaemonProcess) -> None:
        self.home, self.config, self.sandbox, self.daemon = home, config, sandbox, daemon
        self.key = ""
        self._minted_before = 0
        self.drops: list[tuple[DroppedRecord, int | None]] = []

    def begin(self) -> None:
        """A key that no test had before, and so an organization, breakers and queues of its own."""
        self.key, self.drops = f"ak_org_{next(_KEYS):04}", []
        self.sandbox.calm()
        self.sandbox.reset()
        self.configure(key_life_ms=24 * 3600 * 1000, refused_api_keys=[], generation="0.0.71")
        self._minted_before = self.state()["minted"]
        for folder in self.config.glob("*/auth.json"):
            folder.unlink()

    def client(self, **options: Any) -> SyvainMetricsApiClient:
        options = {"host": self.sandbox.base_url, "home": self.home, "on_drop": self._dropped, **options}
        return SyvainMetricsApiClient(options.pop("auth", self.key), **options)

    def async_client(self, **options: Any) -> AsyncSyvainMetricsApiClient:
        options = {"host": self.sandbox.base_url, "home": self.home, "on_drop": self._dropped, **options}
        return AsyncSyvainMetricsApiClient(options.pop("auth", self.key), **options)

    def configure(self, **settings: Any) -> None:
        self.sandbox.configure("syvain", **settings)

    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = self.sandbox.state("syvain")
        return found

    @property
    def minted(self) -> int:
        """Ingestion keys, since the test began."""
        return int(self.state()["minted"]) - self._minted_before

    def login(self, content: Any, mode: str = "syvain-metrics") -> Path:
        """What the Syvain CLI leaves when somebody logs in; text is written as it is."""
        path = self.config / mode / "auth.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    def requests(self, ending: str = "", method: str = "*") -> list[dict[str, Any]]:
        """Those whose path ends so, oldest first, with the names of headers in lower case."""
        return [
            {**request, "headers": {name.lower(): value for name, value in request["headers"].items()}}
            for request in self.sandbox.requests()
            if request["path"].endswith(ending) and method in ("*", request["method"])
        ]

    def fault(self, action: dict[str, Any], **match: Any) -> None:
        self.sandbox.script({"match": {"service": "syvain", **match}, "action": action})

    def wait_for_metrics(self, number: int) -> None:
        eventually(lambda: self.state()["metrics"] >= number, timeout=20.0, what=f"{number} metrics")

    def _dropped(self, record: DroppedRecord, status: int | None) -> None:
        self.drops.append((record, status))


def metric(event_id: str = "run/loss/1", **fields: Any) -> dict[str, Any]:
    """A metric as an application writes it."""
    return {
        "client_event_id": event_id,
        "name": "loss",
        "value": 0.42,
        "step": 1,
        "metadata": {"split": "train"},
        **fields,
    }


@contextmanager
def standing_world() -> Iterator[SyvainWorld]:
    with standing() as (processes, directory):
        home, config = directory / "home", directory / "config"
        config.mkdir()
        sandbox = processes.sandbox()
        daemon = processes.daemon(
            home,
            services={"syvain": sandbox.base_url},
            environment={"XDG_CONFIG_HOME": str(config)},
        )
        yield SyvainWorld(home, config, sandbox, daemon)
