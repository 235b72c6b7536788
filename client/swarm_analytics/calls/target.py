"""Whose operations are called, and as whom."""

from dataclasses import dataclass
from typing import Any, Final

from pydantic import SecretStr

from swarm_analytics_models.calls import CallSettings
from swarm_analytics_models.handoff import DeliverySettings
from swarm_analytics_models.home import Home
from swarm_analytics_models.identifiers import IdentityKind

_AS_CONTRACTED: Final = CallSettings()


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A service's operations, as one identity knows them. Making one does no I/O.

    `base_url` None is where the daemon knows the service to be. `secret` is handed to the daemon when the
    first call is made, and again where the daemon has lost it: of kind ``session`` the JSON of a
    `SessionIdentity`, else the key itself. It is in no repr.
    """

    home: Home
    service: str
    kind: IdentityKind
    identity: str
    base_url: str | None = None
    secret: SecretStr | None = None
    settings: CallSettings = _AS_CONTRACTED
    delivery: DeliverySettings | None = None
    """How the destination's events are sent, and its keys minted; None changes nothing."""

    def registration(self) -> dict[str, Any]:
        """The body of ``POST /v1/register``."""
        body: dict[str, Any] = {"service": self.service, "kind": self.kind.value, "identity": self.identity}
        if self.base_url is not None:
            body["base_url"] = self.base_url
        if self.secret is not None:
            body["adopt"] = self.secret.get_secret_value()
        if self.delivery is not None:
            body["settings"] = self.delivery.model_dump(exclude_none=True)
        return body
