"""What both clients' constructors are told, checked. No I/O."""

import os
from typing import Final

from swarm_analytics.calls import Target
from swarm_analytics.outlet import OnDrop
from swarm_analytics.syvain.account import account_of
from swarm_analytics.syvain.recorder import SERVICE, Recorder
from swarm_analytics_models.calls import CallSettings
from swarm_analytics_models.handoff import DeliverySettings
from swarm_analytics_models.home import resolve_home
from swarm_analytics_models.identifiers import IdentityKind

TIMEOUT_S: Final = 10.0
INGEST_TIMEOUT_S: Final = 60.0
"""The service's own package's; the contract has the same, so that clients which keep to them share a pool."""


class Setup:
    def __init__(
        self,
        auth: str,
        host: str | None,
        timeout: float,
        ingest_timeout: float,
        ingestion_key_name: str,
        home: str | os.PathLike[str] | None,
    ) -> None:
        for name, value in (("timeout", timeout), ("ingest_timeout", ingest_timeout)):
            if value <= 0:
                raise ValueError(f"{name} is {value}; it must be more than 0 seconds")
        if not ingestion_key_name:
            raise ValueError("ingestion_key_name is empty; leave it out to have the usual one")
        self.account: Final = account_of(auth, host)
        self.timeout: Final = timeout
        self.ingest_timeout: Final = ingest_timeout
        self.ingestion_key_name: Final = ingestion_key_name
        self.home: Final = resolve_home(home)
        self.delivery: Final = DeliverySettings(key_name=ingestion_key_name)
        self.ordinary: Final = self._target(timeout, TIMEOUT_S)
        self.ingesting: Final = self._target(ingest_timeout, INGEST_TIMEOUT_S)

    def recorder(self, on_drop: OnDrop | None) -> Recorder:
        return Recorder(self.home, self.account, self.delivery, on_drop)

    def _target(self, timeout: float, usual: float) -> Target:
        return Target(
            home=self.home,
            service=SERVICE,
            kind=IdentityKind.KEY,
            identity=self.account.identity,
            base_url=self.account.host,
            secret=self.account.secret,
            settings=CallSettings(timeout_s=None if timeout == usual else timeout),
            delivery=self.delivery,
        )
