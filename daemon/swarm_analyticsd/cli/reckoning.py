"""What the demo's app sent, held against what its service has. Decides; asks nobody."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Call:
    """A call that returned in the app."""

    route: str
    id: str


@dataclass(frozen=True, slots=True)
class Reckoning:
    rows: tuple[tuple[str, int, int], ...]
    """Route, events sent, events that had an effect at the service."""

    repeated: int
    """Events that arrived again, were recognised and had no second effect."""

    faults: tuple[str, ...]
    """A sentence each; none when all is well."""

    @property
    def sent(self) -> int:
        return sum(sent for _, sent, _ in self.rows)

    @property
    def there(self) -> int:
        return sum(there for _, _, there in self.rows)


def reckon(
    sent: Sequence[Call],
    good: Sequence[Mapping[str, Any]],
    counts: Mapping[str, Any],
    ledger: Mapping[str, Any],
) -> Reckoning:
    """`good` and `counts` are the sandbox's, `ledger` is the daemon's."""
    by_route = Counter(call.route for call in sent)
    there = Counter(str(event["route"]) for event in good)
    rows = tuple((route, by_route[route], there[route]) for route in sorted({*by_route, *there}))
    faults = (
        *_by_key(sent, good),
        *(f"{route}: {ours} sent, {theirs} there" for route, ours, theirs in rows if ours != theirs),
        *_by_order(good),
        *_in_counts(counts),
        *_in_ledger(len(sent), ledger),
    )
    return Reckoning(rows, int(counts["duplicates"]), faults)


def _by_key(sent: Sequence[Call], good: Sequence[Mapping[str, Any]]) -> Iterable[str]:
    """Upserts carry no key to the service: their number is compared, not their ids."""
    keys = Counter(event["key"] for event in good if event["key"] is not None)
    upserts = {event["route"] for event in good if event["key"] is None}
    ids = {call.id for call in sent if call.route not in upserts}
    if lost := ids - set(keys):
        yield f"{len(lost)} lost, such as {min(lost)}"
    if strange := set(keys) - ids:
        yield f"{len(strange)} at the service that the app did not send, such as {min(strange)}"
    if doubled := [key for key, times in keys.items() if times > 1]:
        yield f"{len(doubled)} doubled, such as {min(doubled)}"


def _by_order(good: Sequence[Mapping[str, Any]]) -> Iterable[str]:
    reached: dict[str, int] = {}
    for event in good:
        if event["route"] == "events.agent.message":
            agent, seq = event["body"]["agent_id"], event["body"]["seq"]
            if seq != reached.get(agent, -1) + 1:
                yield f"{agent}: message {seq} arrived after message {reached.get(agent, -1)}"
            reached[agent] = seq


def _in_counts(counts: Mapping[str, Any]) -> Iterable[str]:
    if counts["bad"]:
        yield f"the service refused {counts['bad']} as faulty"
    if counts["conflicts"]:
        yield f"{counts['conflicts']} arrived again with another body"


def _in_ledger(sent: int, ledger: Mapping[str, Any]) -> Iterable[str]:
    if not ledger["balanced"]:
        yield "the daemon's ledger is not balanced"
    for name in ("accepted", "delivered"):
        if ledger[name] != sent:
            yield f"the daemon's ledger says {name} {ledger[name]}, and the app sent {sent}"
    if ledger["refused"]:
        yield f"the daemon refused {ledger['refused']}"
