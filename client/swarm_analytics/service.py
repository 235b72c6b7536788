"""Any service's generated namespaces, usable as they are where a service has no client of its own."""

import inspect
from types import TracebackType
from typing import Any, Generic, TypeVar

from swarm_analytics.calls import Caller, Fail, Target, default_failure
from swarm_analytics.courier import hand_off_for
from swarm_analytics.handoff import Adoption
from swarm_analytics.outlet import HandOffOutlet, OnDrop
from swarm_analytics.submission import Submission, check_mode
from swarm_analytics_models.client_route import AsyncCall
from swarm_analytics_models.identifiers import Destination

NamespacesT = TypeVar("NamespacesT")


class ServiceClient(Generic[NamespacesT]):
    """One service's operations, as one identity.

        service = ServiceClient(WeatherNamespaces, target)
        service.operations.stations.get(station="s1")

    `namespaces` is one of the classes in ``swarm_analytics._generated``, of either kind. Events go to the
    target's destination, which needs its `base_url`; without one, to the home's only destination of the
    service. `mode` and `on_drop` are as `AnalyticsClient` has them; `fail` makes the errors of calls. Making
    one touches no disk and starts no thread.
    """

    operations: NamespacesT

    def __init__(
        self,
        namespaces: type[NamespacesT],
        target: Target,
        *,
        mode: str = "full",
        on_drop: OnDrop | None = None,
        fail: Fail = default_failure,
    ) -> None:
        self._outlet: HandOffOutlet | None = None
        self._caller: Caller | None = None
        ports: dict[str, Any] = {}
        for name, parameter in inspect.signature(_attach_of(namespaces)).parameters.items():
            if name == "submit":
                self._outlet = _outlet(target, on_drop)
                ports[name] = Submission(self._outlet, check_mode(mode))
            elif name == "call" and parameter.annotation is AsyncCall:
                from swarm_analytics.calls import AsyncCaller

                ports[name] = AsyncCaller(target, fail)
            elif name == "call":
                ports[name] = self._caller = Caller(target, fail)
        self.operations = namespaces()
        _attach_of(namespaces)(self.operations, **ports)

    def flush(self, timeout: float = 5.0) -> bool:
        """Whether, within `timeout` seconds, everything that was handed off here was settled. Blocks."""
        return True if self._outlet is None else self._outlet.flush(timeout)

    def close(self) -> None:
        """Break off calls of other threads, and report nothing more. Events go on being delivered."""
        if self._outlet is not None:
            self._outlet.release()
        if self._caller is not None:
            self._caller.close()

    def __enter__(self) -> "ServiceClient[NamespacesT]":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _attach_of(namespaces: type[Any]) -> Any:
    attach = getattr(namespaces, "_attach", None)
    if attach is None:
        raise TypeError(
            f"{namespaces.__name__} is no class of generated namespaces; take one that ends in Namespaces "
            "from swarm_analytics._generated"
        )
    return attach


def _outlet(target: Target, on_drop: OnDrop | None) -> HandOffOutlet:
    hand_off = hand_off_for(target.home)
    destination = None
    if target.base_url is not None:
        destination = Destination(target.service, target.base_url, target.kind, target.identity)
        if target.secret is not None:
            hand_off.adoptions[destination.ref] = Adoption(destination, target.secret)
    return HandOffOutlet(hand_off, destination, on_drop)
