"""Asking a service for an install's token, as its contract says."""

import json
from collections.abc import Callable
from dataclasses import dataclass

from pydantic import SecretStr

from swarm_analytics_models.authentication import InstallTokenAuthentication
from swarm_analytics_models.contract import ServiceContract
from swarm_analytics_models.identifiers import Destination
from swarm_analyticsd.clock import Clock
from swarm_analyticsd.credentials.proof import Minted, MintResult, Unproven, Why
from swarm_analyticsd.delivery.answer import Answer, Reply
from swarm_analyticsd.delivery.minting import failure
from swarm_analyticsd.delivery.outcome import classify
from swarm_analyticsd.delivery.request import Item, single_request
from swarm_analyticsd.delivery.send import Transport


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """Mints the token of one destination; calling it is one attempt."""

    contract: ServiceContract
    scheme: InstallTokenAuthentication
    destination: Callable[[], Destination]
    """Where it is now: the path of its base URL may change."""

    transport: Transport
    clock: Clock

    async def __call__(self) -> MintResult:
        route = self.contract.by_key[self.scheme.register_route]
        destination = self.destination()
        body = json.dumps({self.scheme.install_field: destination.identity}, separators=(",", ":"))
        item = Item(key="", body=body.encode())
        answer = await self.transport.send(single_request(route, destination.base_url.rstrip("/"), item))
        outcome = classify(answer, route, now=self.clock.now())
        return failure(outcome, "registration") or self._token(answer)

    def _token(self, answer: Answer) -> MintResult:
        fields = json.loads(answer.body) if isinstance(answer, Reply) else None
        token = fields.get(self.scheme.token_field) if isinstance(fields, dict) else None
        if not isinstance(token, str) or not token:
            error = f"registration failed: the answer has no {self.scheme.token_field!r}"
            return Unproven(Why.TROUBLE, error)
        return Minted(SecretStr(token))
