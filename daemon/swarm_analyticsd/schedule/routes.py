"""The gates of a destination's routes: shut by a 403, 404 and the like, probed with one event. Pure.

A route that was shut opens when one of its events gets through. If an event that shut it then meets a shut
door again while others pass, the route stays open and that event alone is held: it is looked at again with
the next probe interval. Times are monotonic seconds.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from swarm_analyticsd import policy
from swarm_analyticsd.clock import Chance
from swarm_analyticsd.delivery import backoff


@dataclass(frozen=True, slots=True)
class Gate:
    shut: bool
    failures: int
    until: float
    """When the next probe leaves; of an open gate, when the events held alone are tried again."""

    suspects: frozenset[int]
    """Rows that met the shut door."""

    freed: bool = False
    """An event was freed to be the probe."""

    probing: bool = False
    """The probe is under way."""

    error: str = ""


Gates = Mapping[str, Gate]
NO_GATES: Gates = MappingProxyType({})


def is_shut(gates: Gates, route: str) -> bool:
    gate = gates.get(route)
    return gate is not None and gate.shut


def barred(gates: Gates, now: float) -> frozenset[str]:
    """Routes of which nothing may be claimed now."""
    return frozenset(
        route for route, gate in gates.items() if gate.shut and (gate.probing or now < gate.until)
    )


def due_probes(gates: Gates, now: float) -> Iterator[str]:
    """Shut routes whose next probe may leave."""
    return (route for route, gate in gates.items() if gate.shut and not gate.probing and now >= gate.until)


def due_retries(gates: Gates, now: float) -> Iterator[str]:
    """Open routes whose events held alone are to be tried again."""
    return (route for route, gate in gates.items() if not gate.shut and now >= gate.until)


def fallen_due(gates: Gates, now: float) -> tuple[Gates, tuple[tuple[str, int | None], ...]]:
    """The routes of which held events are to be freed now, with how many (None: all), and the gates after it.

    Of a shut route a few probe it; of an open one, all that are held alone are tried again.
    """
    probes = [route for route in due_probes(gates, now) if not gates[route].freed]
    retries = list(due_retries(gates, now))
    for route in probes:
        gates = freed(gates, route)
    for route in retries:
        gates = retried(gates, route, now)
    return gates, (*((route, policy.ROUTE_PROBES) for route in probes), *((route, None) for route in retries))


def next_due(gates: Gates) -> float | None:
    return min((gate.until for gate in gates.values() if not gate.probing), default=None)


def passed_by_others(gates: Gates, route: str, row: int) -> bool:
    """Others of the route get through, though `row` once met a shut door."""
    gate = gates.get(route)
    return gate is not None and not gate.shut and row in gate.suspects


def shut(gates: Gates, route: str, row: int, *, now: float, chance: Chance, error: str) -> Gates:
    """An event met a shut door. Those sent before it was shut say the same once more, and change nothing."""
    gate = gates.get(route)
    suspects = (gate.suspects if gate is not None else frozenset()) | {row}
    if gate is not None and gate.shut and not gate.probing:
        return _with(gates, route, replace(gate, suspects=suspects))
    failures = gate.failures + 1 if gate is not None and gate.shut else 1
    wait = backoff.delay(failures, chance, first=policy.ROUTE_PROBE_FIRST_S, most=policy.ROUTE_PROBE_MOST_S)
    return _with(gates, route, Gate(True, failures, now + wait, suspects, error=error))


def freed(gates: Gates, route: str) -> Gates:
    return _with(gates, route, replace(gates[route], freed=True))


def dropped(gates: Gates, route: str) -> Gates:
    """No event is left that could probe the route: the next to come will find out."""
    return MappingProxyType({known: gate for known, gate in gates.items() if known != route})


def probing(gates: Gates, route: str) -> Gates:
    return _with(gates, route, replace(gates[route], probing=True))


def probe_lost(gates: Gates, route: str, now: float) -> Gates:
    """The probe brought no answer about the route (there was none to send, or the service failed)."""
    gate = gates.get(route)
    if gate is None or not gate.probing:
        return gates
    return _with(gates, route, replace(gate, probing=False, freed=False, until=now))


def opened(gates: Gates, route: str, row: int, now: float) -> Gates:
    """The service let an event of the route through, or judged it on its merits."""
    gate = gates.get(route)
    if gate is None:
        return gates
    suspects = gate.suspects - {row}
    if not suspects:
        return dropped(gates, route)
    if not gate.shut:
        return gates if suspects == gate.suspects else _with(gates, route, replace(gate, suspects=suspects))
    return _with(gates, route, Gate(False, 0, now + policy.ROUTE_PROBE_MOST_S, suspects))


def retried(gates: Gates, route: str, now: float) -> Gates:
    return _with(gates, route, replace(gates[route], until=now + policy.ROUTE_PROBE_MOST_S))


def remembered(gates: Gates, route: str, now: float) -> Gates:
    """An earlier daemon left events of this route held: one of them probes it at once."""
    return _with(
        gates, route, Gate(True, 1, now, frozenset(), freed=True, error="shut when the daemon last ran")
    )


def hastened(gates: Gates, now: float) -> Gates:
    """Somebody wants a try now."""
    return MappingProxyType(
        {route: gate if gate.probing else replace(gate, until=now) for route, gate in gates.items()}
    )


def _with(gates: Gates, route: str, gate: Gate) -> Gates:
    return MappingProxyType({**gates, route: gate})
