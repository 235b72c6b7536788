"""Reading metrics: rows and catalogs as the seed has them, series and catalogs as the newer client does."""

import json
from typing import Any, Final

from swarm_analytics_models.services.syvain import payloads
from swarm_analytics_sandbox.stand_in import Answer
from swarm_analytics_sandbox.stand_ins.syvain.envelope import Refusal, success
from swarm_analytics_sandbox.stand_ins.syvain.library import Experiment, Library
from swarm_analytics_sandbox.stand_ins.syvain.values import Values, columns, in_order, matches

ROW_ORDERS: Final = ("step", "client_timestamp", "server_timestamp")
NDJSON: Final = ((b"content-type", b"application/vnd.syvain.metric-series+ndjson"),)


class Reads:
    def __init__(self, library: Library, values: Values) -> None:
        self._library = library
        self._values = values

    def rows(self, experiment: Experiment, given: payloads.MetricsListed) -> list[dict[str, Any]]:
        found = [
            (0, value)
            for value in self._values.of(experiment, given.metric_name)
            if matches(value, given.metadata_key, given.metadata_value, given.metadata_value_json)
            and given.step in (None, value.step)
        ]
        return in_order(found, given, ROW_ORDERS)

    def compared(self, org_id: str, given: payloads.MetricsCompared) -> list[dict[str, Any]]:
        found = []
        for place, text in enumerate(given.series):
            try:
                wanted = payloads.ComparisonMetricSeries.model_validate_json(text)
            except ValueError as error:
                raise Refusal(400, f"series {place}: {error}", "validation_error") from error
            experiment = self._library.experiment(org_id, wanted.experiment_id)
            found += [
                (place, value)
                for value in self._values.of(experiment, wanted.metric_name)
                if matches(value, wanted.metadata_key, wanted.metadata_value, wanted.metadata_value_json)
            ]
        return in_order(found, given, ("series", *ROW_ORDERS))

    def catalog(self, experiment: Experiment) -> list[dict[str, Any]]:
        names: dict[str, set[str]] = {}
        for value in self._values.of(experiment):
            names.setdefault(value.metric, set()).update(value.metadata)
        return [{"metric_name": name, "metadata_keys": sorted(keys)} for name, keys in sorted(names.items())]

    def inspected(self, experiment: Experiment, given: payloads.MetricCatalogInspected) -> dict[str, Any]:
        scanned = self._values.of(experiment, given.metric)
        wanted = given.key or sorted({key for value in scanned for key in value.metadata})
        keys = []
        for key in wanted:
            texts = {json.dumps(value.metadata[key]) for value in scanned if key in value.metadata}
            values = [json.loads(text) for text in sorted(texts)]
            keys.append({"key": key, "values": values[: given.limit], "value_count": len(values)})
        return {"metric_name": given.metric, "scanned_event_count": len(scanned), "keys": keys}

    def series(self, org_id: str, given: payloads.MetricSeriesQueried) -> Answer:
        found = []
        for selection in given.series:
            experiment = self._library.experiment(org_id, selection.experiment_id)
            found += [
                value
                for value in self._values.of(experiment, selection.metric_name)
                if all(
                    matches(value, wanted.key, wanted.value, None)
                    for wanted in selection.metadata_filter or ()
                )
            ]
        batches = columns(found, given.order)
        if not given.stream:
            return success(batches)
        counted = sum(len(batch["data"]["value"]) for batch in batches)
        end = {"kind": "complete", "batchCount": len(batches), "rowCount": counted}
        lines = (json.dumps(line, separators=(",", ":")).encode() + b"\n" for line in (*batches, end))
        return Answer(200, headers=NDJSON, pieces=tuple(lines))

    def catalogs(self, org_id: str, given: payloads.MetricsCatalogQueried) -> list[dict[str, Any]]:
        return [
            {
                "experimentId": experiment_id,
                "metricName": item["metric_name"],
                "metadataKeys": item["metadata_keys"],
            }
            for experiment_id in given.experiment_ids
            for item in self.catalog(self._library.experiment(org_id, experiment_id))
        ]
