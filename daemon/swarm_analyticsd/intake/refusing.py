"""What the daemon will not do when asked over the API, and names that it must know."""

from swarm_analytics_models.api import Problem
from swarm_analytics_models.contract import ServiceContract
from swarm_analytics_models.identifiers import InvalidBaseUrl, parse_base_url
from swarm_analytics_models.services import contracts


class Refusing(Exception):
    """The daemon will not do what it was asked."""

    def __init__(self, status: int, code: str, message: str, hint: str, detail: object = None) -> None:
        super().__init__(message)
        self.status = status
        self.problem = Problem(code=code, message=message, hint=hint, detail=detail)


def known_contract(name: str) -> ServiceContract:
    """Raises Refusing."""
    contract = contracts().get(name)
    if contract is None:
        raise Refusing(
            404,
            "unknown_service",
            f"no service is called {name[:80]!r}",
            f"Known services: {', '.join(sorted(contracts()))}.",
        )
    return contract


def known_service(name: str) -> str:
    """Raises Refusing."""
    return known_contract(name).name


def usable_base_url(text: str) -> str:
    """Raises Refusing."""
    try:
        return parse_base_url(text).base_url
    except InvalidBaseUrl as error:
        raise Refusing(422, "base_url", str(error), "Correct the base URL.") from error
