"""Where a contract and a service differ: pure, field by field, one `Drift` each."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from clientgen.schema import Facts, Fields
from clientgen.surface import Endpoint, Operation, Surface

NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference. Prints as one line."""

    endpoint: str
    """HTTP method and path."""

    field: str
    contract: str
    service: str

    def __str__(self) -> str:
        return f"{self.endpoint}: {self.field}: contract says {self.contract}, service says {self.service}"


def compare(contract: Surface, service: Surface, *, ignore: Sequence[str] = ()) -> tuple[Drift, ...]:
    """Every difference. Endpoints that only the service has are passed over below the paths in `ignore`."""
    drifts: list[Drift] = []
    missing = {endpoint for endpoint in contract if endpoint not in service}
    unknown = {
        endpoint
        for endpoint in service
        if endpoint not in contract and not any(endpoint[0].startswith(prefix) for prefix in ignore)
    }
    for endpoint in sorted(contract.keys() | unknown):
        if endpoint in missing:
            drifts.append(_without_counterpart(endpoint, unknown))
        elif endpoint in unknown:
            if not any(path == endpoint[0] for path, _ in missing):
                drifts.append(Drift(_label(endpoint), "endpoint", NOTHING, "that it exists"))
        else:
            drifts.extend(_compare_operations(endpoint, contract[endpoint], service[endpoint]))
    return tuple(drifts)


def _label(endpoint: Endpoint) -> str:
    path, method = endpoint
    return f"{method} {path}"


def _without_counterpart(endpoint: Endpoint, unknown: set[Endpoint]) -> Drift:
    path, method = endpoint
    others = sorted(found for place, found in unknown if place == path)
    if others:
        return Drift(_label(endpoint), "method", method, ", ".join(others))
    return Drift(_label(endpoint), "endpoint", "that it exists", NOTHING)


def _compare_operations(endpoint: Endpoint, ours: Operation, theirs: Operation) -> Iterator[Drift]:
    label = _label(endpoint)
    for place in _in_order(ours.request, theirs.request):
        mine, other = ours.request.get(place), theirs.request.get(place)
        if mine is None or other is None:
            yield Drift(label, place or "body", _describe(mine), _describe(other))
            continue
        for attribute in _in_order(mine, other):
            if mine.get(attribute) != other.get(attribute):
                yield Drift(label, place or "body", _say(attribute, mine), _say(attribute, other))
    if ours.answer is not None:
        yield from _compare_answers(label, ours.answer, theirs.answer)


def _compare_answers(endpoint: str, ours: Fields, theirs: Fields | None) -> Iterator[Drift]:
    """An answer is read, not written: the service may promise more than the contract needs, never less."""
    if theirs is None:
        yield Drift(endpoint, "answer", f"fields {', '.join(sorted(ours))}", NOTHING)
        return
    for place, mine in ours.items():
        field = f"answer.{place}" if place else "answer"
        other = theirs.get(place)
        if other is None:
            yield Drift(endpoint, field, _describe(mine), NOTHING)
            continue
        for attribute in _in_order(mine, other):
            if not _is_readable(attribute, mine.get(attribute), other.get(attribute)):
                yield Drift(endpoint, field, _say(attribute, mine), _say(attribute, other))


def _is_readable(attribute: str, mine: object, other: object) -> bool:
    match attribute:
        case "type":
            return mine == other or mine is None or (mine, other) == ("number", "integer")
        case "enum":
            return not isinstance(mine, list) or (isinstance(other, list) and all(v in mine for v in other))
        case "required":
            return bool(other) or not mine
        case "nullable":
            return bool(mine) or not other
        case "any of" | "format":
            return mine is None or mine == other
        case _:
            return True


def _in_order(mine: Fields | Facts, other: Fields | Facts) -> list[str]:
    return [*mine, *(key for key in other if key not in mine)]


def _describe(facts: Facts | None) -> str:
    if facts is None:
        return NOTHING
    kind = facts.get("type", "any value")
    return f"{kind}, {'required' if facts.get('required') else 'optional'}"


def _say(attribute: str, facts: Facts) -> str:
    value = facts.get(attribute)
    match attribute, value:
        case "required", _:
            return "required" if value else "optional"
        case "nullable", _:
            return "nullable" if value else "not nullable"
        case _ if attribute not in facts:
            return f"no {attribute}"
        case "type" | "in", str():
            return f"{attribute} {value}"
        case _:
            return f"{attribute} {json.dumps(value)}"
