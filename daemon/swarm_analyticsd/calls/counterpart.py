"""Whom a call is made with: a destination, and what proves requests to it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from swarm_analytics_models.contract import Route
from swarm_analytics_models.identifiers import Destination
from swarm_analyticsd.credentials.proof import Proof, Unproven
from swarm_analyticsd.credentials.signature import Signable


class Proves(Protocol):
    """An authenticator, as a call sees it."""

    async def prove(
        self, route: Route, request: Signable, arguments: Mapping[str, Any], *, signature: str | None = None
    ) -> Proof | Unproven: ...

    def accepted(self, proof: Proof) -> None: ...

    def refused(self, proof: Proof, status: int, error: str) -> bool: ...


@dataclass(frozen=True, slots=True)
class Counterpart:
    destination: Destination
    authenticator: Proves
    generation: int
    """Counts its credentials: what came for an earlier one is not given to those who come with this."""

    paused: bool = False
    """A person paused the service."""


Directory: TypeAlias = Callable[[str], Counterpart | None]
"""Finds a counterpart by its `ref`; None: it was never registered, or was forgotten."""
