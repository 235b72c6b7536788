"""The values of metrics: taken once for each client event id, and read as rows or as series."""

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from swarm_analytics_models.services.syvain import payloads
from swarm_analytics_sandbox.stand_ins.syvain.envelope import Refusal
from swarm_analytics_sandbox.stand_ins.syvain.library import PAGE, Experiment

MAX_SERIES: Final = 4096
"""Series of one metric and experiment (the sheet, of the service's own collector)."""

MAX_SAFE_INTEGER: Final = 2**53 - 1


@dataclass(frozen=True, slots=True)
class Value:
    """One value, as it was taken."""

    number: int
    experiment: Experiment
    metric: str
    value: float
    step: int | None
    metadata: dict[str, Any]
    client_ms: int
    server_ms: int

    @property
    def series(self) -> str:
        """Metadata in the one form in which it can be compared."""
        return json.dumps(self.metadata, sort_keys=True, separators=(",", ":"))

    def row(self, *, with_experiment: bool) -> dict[str, Any]:
        experiment = self.experiment
        told = {
            "experiment_description": experiment.description,
            "experiment_metadata_json": json.dumps(experiment.metadata, separators=(",", ":")),
        }
        return {
            "event_id": f"evt_{self.number}",
            "org_id": experiment.org_id,
            "experiment_id": experiment.id,
            "experiment_slug": experiment.slug,
            **(told if with_experiment else {}),
            "metric_name": self.metric,
            "metric_value": self.value,
            "step": self.step,
            "event_metadata_json": json.dumps(self.metadata, separators=(",", ":")),
            "client_timestamp_ms": self.client_ms,
            "server_timestamp_ms": self.server_ms,
        }


class Values:
    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._by_experiment: dict[str, dict[str, Value]] = {}
        self._series: dict[tuple[str, str], set[str]] = {}
        self._taken = 0

    def __len__(self) -> int:
        return self._taken

    def take(self, experiment: Experiment, given: payloads.MetricCreateInput) -> None:
        """The first with an id stays; a repetition is acknowledged and changes nothing. Raises Refusal."""
        known = self._by_experiment.setdefault(experiment.id, {})
        if given.client_event_id in known:
            return
        now = self._now_ms()
        taken = Value(
            self._taken + 1,
            experiment,
            given.name,
            given.value,
            given.step,
            given.metadata,
            now if given.timestamp_ms is None else given.timestamp_ms,
            now,
        )
        series = self._series.setdefault((experiment.id, given.name), set())
        if taken.series not in series and len(series) >= MAX_SERIES:
            raise Refusal(400, f"{given.name} has {MAX_SERIES} series already.", "too_many_series")
        series.add(taken.series)
        known[given.client_event_id] = taken
        self._taken += 1
        experiment.last_event_at_ms = now

    def of(self, experiment: Experiment, metric: str | None = None) -> list[Value]:
        known = self._by_experiment.get(experiment.id, {})
        return [one for one in known.values() if metric in (None, one.metric)]


def matches(value: Value, key: str | None, text: str | None, value_json: str | None) -> bool:
    """Whether the metadata has that key and, where one is asked for, that value."""
    if key is None:
        return True
    if key not in value.metadata:
        return False
    found = value.metadata[key]
    if value_json is not None:
        return bool(found == json.loads(value_json))
    return text is None or text == (found if isinstance(found, str) else json.dumps(found))


def in_order(
    found: Iterable[tuple[int, Value]], given: payloads.RowsBounds, known: tuple[str, ...]
) -> list[dict[str, Any]]:
    """`found` (each with the number of the series that it was asked for in) within bounds and in order."""
    order = [name for name in (given.sort_by or "").split(",") if name]
    if unknown := set(order) - set(known):
        raise Refusal(400, f"Rows cannot be sorted by {', '.join(sorted(unknown))}.", "invalid_sort")
    kept = [(place, value) for place, value in found if _within(value, given)]
    kept.sort(
        key=lambda pair: tuple(_sort_key(name, *pair) for name in order or ("server_timestamp",)),
        reverse=given.sort_direction == "desc",
    )
    with_experiment = bool(given.include_experiment_meta_as_of)
    return [value.row(with_experiment=with_experiment) for _, value in kept[: given.limit or PAGE]]


def _within(value: Value, given: payloads.RowsBounds) -> bool:
    step = value.step
    return (
        (given.from_step is None or (step is not None and step >= given.from_step))
        and (given.to_step is None or (step is not None and step <= given.to_step))
        and (given.from_time is None or value.client_ms >= given.from_time)
        and (given.to_time is None or value.client_ms <= given.to_time)
    )


def _sort_key(name: str, place: int, value: Value) -> tuple[int, ...]:
    match name:
        case "series":
            return (place,)
        case "step":
            return (1, 0) if value.step is None else (0, value.step)
        case "client_timestamp":
            return (value.client_ms, value.number)
        case _:
            return (value.server_ms, value.number)


def columns(values: list[Value], order: payloads.SeriesQueryOrder) -> list[dict[str, Any]]:
    """One batch for each series among `values`."""
    by_series: dict[tuple[str, str, str], list[Value]] = {}
    for value in values:
        by_series.setdefault((value.experiment.id, value.metric, value.series), []).append(value)
    return [_batch(key, found, order) for key, found in by_series.items()]


def _batch(
    key: tuple[str, str, str], values: list[Value], order: payloads.SeriesQueryOrder
) -> dict[str, Any]:
    experiment_id, metric, series = key
    name = "step" if order.axis == "step" else "client_timestamp"
    found = sorted(values, key=lambda value: _sort_key(name, 0, value), reverse=order.direction == "desc")
    return {
        "experimentId": experiment_id,
        "metricName": metric,
        "metadataHash": hashlib.sha256(series.encode()).hexdigest()[:16],
        "metadata": {
            key: value if isinstance(value, str) else json.dumps(value)
            for key, value in found[0].metadata.items()
        },
        "data": {
            "steps": [value.step for value in found],
            "timestamp": [value.client_ms for value in found],
            "value": [value.value for value in found],
        },
    }


def check_newer_limits(given: payloads.MetricCreateInput) -> None:
    """What the newer client (0.0.349) refuses, and so perhaps its server. Raises Refusal."""
    complaint = next(
        (
            text
            for text, holds in (
                ("name is printable ASCII of at most 256 bytes", _is_plain_name(given.name)),
                ("step is at most 2^53-2", (given.step or 0) < MAX_SAFE_INTEGER),
                ("timestamp_ms is at most 2^53-1", (given.timestamp_ms or 0) <= MAX_SAFE_INTEGER),
                ("metadata maps text to text, 32 keys at most", _is_flat(given.metadata)),
            )
            if not holds
        ),
        None,
    )
    if complaint is not None:
        raise Refusal(400, f"{given.client_event_id}: {complaint}.", "validation_error")


def _is_plain_name(name: str) -> bool:
    return name.isascii() and name.isprintable() and len(name) <= 256


def _is_flat(metadata: dict[str, Any]) -> bool:
    return len(metadata) <= 32 and all(
        isinstance(value, str) and len(key.encode()) <= 128 and len(value.encode()) <= 512
        for key, value in metadata.items()
    )
