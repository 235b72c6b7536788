"""The stand-in of a service of which only the contract is known."""

import json
from collections.abc import Callable
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_jsonable_python

from swarm_analytics_models.contract import InvalidContract, Route, ServiceContract
from swarm_analytics_sandbox.ledger import Effect, key_of
from swarm_analytics_sandbox.reading import Item, Unreadable, read
from swarm_analytics_sandbox.senders import Senders, fingerprint
from swarm_analytics_sandbox.stand_in import Answer, Asked, json_answer
from swarm_analytics_sandbox.tokens import Refused

TAKEN: Final = Answer(200, b'{"ok":true}')
"""For a route of whose answer the contract says nothing."""


def detail(status: int, content: Any) -> Answer:
    """An error as FastAPI words it."""
    return Answer(status, json.dumps({"detail": content}, default=str).encode())


class ByContract:
    """Lets in, validates, counts and answers by the contract alone.

    Raises InvalidContract for a route whose answer the contract describes and gives no example of.
    """

    def __init__(self, contract: ServiceContract, now: Callable[[], float]) -> None:
        self.contract = contract
        self.senders = Senders(contract, now)
        self._examples = {
            route.key: self._example(route)
            for route in contract.routes
            if route.response is not None and not self.senders.issues(route)
        }

    def answer(self, asked: Asked) -> Answer:
        if asked.route is None:
            return detail(405, "Method Not Allowed") if asked.allowed else detail(404, "Not Found")
        identity = self.senders.identify(asked, asked.route)
        if isinstance(identity, Refused):
            return detail(401, f"token {identity}")
        try:
            items = read(asked, asked.route)
        except Unreadable as refused:
            asked.refuse(identity, refused.reason)
            return detail(422, refused.reason)
        return self.accept(asked, asked.route, identity, items)

    def accept(self, asked: Asked, route: Route, identity: str, items: tuple[Item, ...]) -> Answer:
        """Answer a request that is let in and valid."""
        if self.senders.issues(route):
            return json_answer(200, self.senders.issue(asked, route, items[0].payload))
        if route.method != "GET":
            for item in items:
                key = key_of(route, item.payload, asked.headers)
                if asked.take(identity, key=key, body=item.body) is Effect.CONFLICT:
                    return detail(409, f"{key} was taken with another body")
        return self._examples.get(route.key, TAKEN)

    def state(self) -> Any:
        return {
            "tokens_minted": self.senders.tokens.minted,
            "revoked_keys": sorted(map(fingerprint, self.senders.revoked_keys)),
        }

    def configure(self, settings: dict[str, Any]) -> None:
        """``revoked_keys``: the API keys that are answered with 401."""
        unknown = set(settings) - {"revoked_keys"}
        revoked = settings.get("revoked_keys", [])
        if unknown or not isinstance(revoked, list) or not all(isinstance(key, str) for key in revoked):
            raise ValueError('the one setting is revoked_keys, a list of texts: {"revoked_keys": ["key"]}')
        self.senders.revoked_keys = frozenset(revoked)

    def reset(self) -> None:
        self.senders.revoked_keys = frozenset()

    def _example(self, route: Route) -> Answer:
        place = f"{self.contract.name}: {route.key}"
        if route.streaming is not None:
            raise InvalidContract(
                f"{place} may be answered in pieces; add a stand-in to swarm_analytics_sandbox.stand_ins"
            )
        if route.response is None or route.example is None:
            raise InvalidContract(
                f"{place} has an answer and no example of it; add one to the route, or a stand-in "
                "to swarm_analytics_sandbox.stand_ins"
            )
        try:
            TypeAdapter(route.response).validate_python(route.example)
        except ValidationError as error:
            raise InvalidContract(f"{place}'s example does not fit its response: {error}") from error
        return json_answer(200, to_jsonable_python(route.example, by_alias=True))
