"""An app that uses all five services with the secrets that it reads from its stdin.

First line in: JSON with the `Secrets`. Out: what it was shown, one JSON text a line; then a line that begins
with ``issued`` and has the secrets that services made for it, which belong to it and nobody else. Then it
waits for its stdin to end.
"""

import json
import logging
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

from swarm_analytics import AnalyticsClient
from swarm_analytics.errors import CallError
from swarm_analytics.openspawn import OpenSpawnClient
from swarm_analytics.segops import SegOpsClient, SegOpsError, UserContext
from swarm_analytics.swarms import SwarmsClient
from swarm_analytics.syvain import SyvainMetricsApiClient

METRIC: Final = {"name": "loss", "value": 0.5, "step": 1}


@dataclass(frozen=True, kw_only=True)
class Secrets:
    install_token: str
    segops_key: str
    segops_public_key: str
    user_signature: str
    user_signed_at: int
    openspawn_key: str
    agent_secret: str
    swarms_key: str
    syvain_key: str


class App:
    def __init__(self, home: str, base_url: str, secrets: Secrets) -> None:
        self.said: list[str] = []
        self.issued: list[str] = []
        user = UserContext(
            user_id="u-1", user_id_sig=secrets.user_signature, user_id_ts=secrets.user_signed_at
        )
        self.openswarm = AnalyticsClient(base_url=base_url, token=secrets.install_token, home=home)
        self.segops = (
            SegOpsClient(base_url, secrets.segops_key, flush_interval=0.05, home=home),
            SegOpsClient(
                base_url, secrets.segops_public_key, get_user=lambda: user, flush_interval=0.05, home=home
            ),
        )
        self.agent = OpenSpawnClient(
            base_url, agent_id="canary", secret=secrets.agent_secret, max_retries=0, home=home
        )
        self.openspawn = (
            self.agent,
            OpenSpawnClient(base_url, api_key=secrets.openspawn_key, max_retries=0, home=home),
        )
        self.swarms = (
            SwarmsClient(api_key=secrets.swarms_key, base_url=base_url, max_retries=0, home=home),
            SwarmsClient(base_url=base_url, max_retries=0, home=home),
        )
        self.syvain = (
            SyvainMetricsApiClient(secrets.syvain_key, host=base_url, home=home),
            SyvainMetricsApiClient("local", home=home),
        )

    def use(self) -> None:
        """Everything once; what fails is shown as an app would show it."""
        for act in self._acts():
            try:
                self.said.append(repr(act()))
            except (CallError, SegOpsError) as error:
                self.said += [traceback.format_exc(), repr(error), str(error), repr(vars(error))]
        for client in (self.openswarm, *self.segops, *self.openspawn, *self.swarms, *self.syvain):
            self.said += [repr(client), repr(vars(client))]

    def _acts(self) -> Iterator[Callable[[], object]]:
        yield partial(self.openswarm.logs.write, tag="canary")
        for segops in self.segops:
            yield partial(segops.track, user_id="u-1", event_type="canary")
            yield segops.flush
        for openspawn in self.openspawn:
            yield openspawn.agents.list
            yield partial(openspawn.tasks.get, "none")
        yield self._spawned
        for swarms in self.swarms:
            yield swarms.models.list
            yield swarms.logs.list
            yield partial(swarms.agent.create, agent_config={"agent_name": "A"}, task="t")
        for number, syvain in enumerate(self.syvain):
            yield partial(self._measured, syvain, number)
            yield partial(syvain.get_experiment, "none")

    def _spawned(self) -> object:
        answer = self.agent.agents.spawn(name="Below", level=1)
        self.issued.append(answer["secret"])
        return answer

    def _measured(self, syvain: SyvainMetricsApiClient, number: int) -> object:
        experiment = syvain.create_experiment(slug=f"canary-{number}").experiment
        syvain.ingest_metrics(experiment.id, [{"client_event_id": f"canary-{number}", **METRIC}])
        syvain.ingest_metrics(experiment.id, [{"client_event_id": f"sync-{number}", **METRIC}], sync=True)
        answer = syvain.create_ingestion_key(experiment.id)
        self.issued.append(answer.token)
        return answer


def main() -> None:
    logging.basicConfig(level=logging.DEBUG)
    home, base_url = sys.argv[1:]
    app = App(home, base_url, Secrets(**json.loads(sys.stdin.readline())))
    for line in sys.stdin:
        if line.strip() == "use":
            app.use()
            for text in app.said:
                print(json.dumps(text), flush=True)
            print("issued", json.dumps(app.issued), flush=True)
            app.said, app.issued = [], []


if __name__ == "__main__":
    main()
