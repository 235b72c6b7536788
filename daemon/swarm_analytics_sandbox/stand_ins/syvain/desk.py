"""Who is let in, what is valid, and which part of the service answers."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from itertools import count
from typing import Any, Final

from swarm_analytics_models.contract import ServiceContract
from swarm_analytics_models.services.syvain import payloads
from swarm_analytics_sandbox.reading import Unreadable, read
from swarm_analytics_sandbox.stand_in import Answer, Asked
from swarm_analytics_sandbox.stand_ins.syvain.envelope import Refusal, absent, success
from swarm_analytics_sandbox.stand_ins.syvain.keys import Caller, Key, KeyOffice
from swarm_analytics_sandbox.stand_ins.syvain.library import COMPACT, Experiment, Library
from swarm_analytics_sandbox.stand_ins.syvain.memory import HEADER, Memory
from swarm_analytics_sandbox.stand_ins.syvain.reads import Reads
from swarm_analytics_sandbox.stand_ins.syvain.values import Values, check_newer_limits

SEED: Final = "0.0.71"
NEWER: Final = "0.0.349"
GONE: Final = frozenset({"metrics.list", "metrics.compare", "catalog.list", "catalog.inspect"})
"""Routes that the newer client no longer has."""

WITH_INGESTION_KEY: Final = frozenset({"metrics.ingest", "metrics.record", "annotations.create"})
WITH_ANY_KEY: Final = frozenset({"auth.status"})
READS: Final = frozenset({"query.series", "query.catalog"})


class Syvain:
    """The service. Settings: see `configure`."""

    def __init__(self, contract: ServiceContract, now: Callable[[], float]) -> None:
        self._routes = contract.by_key
        self._now_ms = lambda: int(now() * 1000)
        self.keys = KeyOffice(self._now_ms)
        self._generation = SEED
        self._numbers = count(1)
        self.reset()

    def reset(self) -> None:
        self.library = Library(self._now_ms, self._numbers)
        self.values = Values(self._now_ms)
        self._reads = Reads(self.library, self.values)
        self.memory = Memory()

    def state(self) -> Any:
        return {
            "generation": self._generation,
            "experiments": [one.shown() for one in self.library.experiments.values()],
            "folders": [one.shown() for one in self.library.folders.values()],
            "metrics": len(self.values),
            "annotations": sum(len(one.annotations) for one in self.library.experiments.values()),
            "ingestion_keys": self.keys.shown(),
            "minted": self.keys.minted,
            "remembered": len(self.memory),
        }

    def configure(self, settings: dict[str, Any]) -> None:
        """``key_life_ms``: of ingestion keys minted from now on. ``in_progress``: how many requests of each
        new idempotency key are answered with 409. ``revoke_ingestion_keys``: true revokes those there are.
        ``refused_api_keys``: a list. ``generation``: "0.0.71", or "0.0.349", whose server no longer has some
        reads and answers shorter.
        """
        for name, value in settings.items():
            match name, value:
                case "key_life_ms", int():
                    self.keys.life_ms = value
                case "in_progress", int():
                    self.memory.in_progress = value
                case "revoke_ingestion_keys", True:
                    self.keys.revoke_all()
                case "refused_api_keys", list():
                    self.keys.refused_api_keys = set(map(str, value))
                case "generation", str() if value in (SEED, NEWER):
                    self._generation = value
                case _:
                    raise ValueError(
                        f"syvain has no setting {name}={value!r}; it has key_life_ms and in_progress "
                        f"(numbers), revoke_ingestion_keys (true), refused_api_keys (a list) and generation "
                        f"({SEED} or {NEWER})"
                    )

    def answer(self, asked: Asked) -> Answer:
        try:
            return self._answer(asked)
        except Refusal as refusal:
            return refusal.answer

    def _answer(self, asked: Asked) -> Answer:
        if asked.route is None or (asked.route.key in GONE and self._generation == NEWER):
            raise Refusal(404, f"There is no {asked.method} {asked.path}.", "not_found")
        caller = self._admitted(asked, asked.route.key)
        remembered = self.memory.recall(caller.org_id, asked)
        if remembered is not None:
            return remembered
        answer = self._executed(asked, asked.route.key, caller)
        self.memory.remember(caller.org_id, asked, answer)
        return answer

    def _admitted(self, asked: Asked, route: str) -> Caller:
        caller = self.keys.caller(asked.header("authorization"))
        if route in WITH_ANY_KEY:
            return caller
        if route not in WITH_INGESTION_KEY:
            if caller.key is not None:
                raise Refusal(403, "An ingestion key cannot do this.", "api_key_required")
            return caller
        if caller.key is None:
            raise Refusal(403, "This needs an ingestion key.", "ingestion_key_required")
        if caller.key.experiment_id != asked.path_values["experiment_id"]:
            raise Refusal(403, "The ingestion key is another experiment's.", "wrong_experiment")
        return caller

    def _executed(self, asked: Asked, route: str, caller: Caller) -> Answer:
        name = "metrics.ingest" if route == "metrics.record" else route
        try:
            (item,) = read(asked, self._routes[name])
        except Unreadable as unfit:
            asked.refuse(caller.org_id, unfit.reason)
            raise Refusal(400, json.dumps(unfit.reason), "validation_error") from unfit
        if name == "metrics.ingest":
            return self._ingest(asked, caller, item.payload)
        answer = self._handled(caller, item.payload)
        if asked.method != "GET" and name not in READS:
            asked.take(caller.org_id, key=asked.header(HEADER), body=item.body)
        return answer

    def _ingest(self, asked: Asked, caller: Caller, given: Any) -> Answer:
        experiment = self.library.experiment(caller.org_id, given.experiment_id)
        if self._generation == NEWER:
            for metric in given.data:
                check_newer_limits(metric)
        kind = self._routes["metrics.record" if given.sync is None else "metrics.ingest"]
        for metric in given.data:
            self.values.take(experiment, metric)
            asked.to(kind).take(
                caller.org_id, key=metric.client_event_id, body=metric.model_dump_json().encode()
            )
        synchronous = given.sync is True and self._generation == SEED
        return success({"ok": True, "mode": "sync" if synchronous else "queued"})

    def _handled(self, caller: Caller, given: Any) -> Answer:
        org_id, library = caller.org_id, self.library
        match given:
            case payloads.AuthStatusRead():
                kind = "api_key" if caller.key is None else "ingestion_key"
                return success({"auth": {"kind": kind}, "organization": {"id": org_id, "name": "Sandbox"}})
            case payloads.FoldersListed():
                found = library.list_folders(org_id, given.path)
                return success({"folders": [folder.shown() for folder in found]})
            case payloads.FolderCreateInput():
                return success({"folder": library.create_folder(org_id, given).shown()}, 201)
            case payloads.FolderRead():
                return self._contents(org_id, given.folder_id)
            case payloads.FolderPatched():
                return success({"folder": library.patch_folder(org_id, given).shown()})
            case payloads.ExperimentsListed():
                return success({"experiments": self._listed(library.list_experiments(org_id, given))})
            case payloads.ExperimentCreateInput():
                return success({"experiment": library.create_experiment(org_id, given).shown()}, 201)
            case payloads.ExperimentStatusUpdated():
                return success({"experiment": library.update_status(org_id, given).shown()})
            case payloads.ExperimentMoved():
                return success({"experiment": library.move_experiment(org_id, given).shown()})
            case payloads.MetricsCompared():
                return success({"rows": self._reads.compared(org_id, given)})
            case payloads.MetricSeriesQueried():
                return self._reads.series(org_id, given)
            case payloads.MetricsCatalogQueried():
                return success(self._reads.catalogs(org_id, given))
            case _:
                experiment = library.experiment(org_id, given.experiment_id)
                return self._handled_of(caller, experiment, given)

    def _handled_of(self, caller: Caller, experiment: Experiment, given: Any) -> Answer:
        match given:
            case payloads.ExperimentRead():
                return success({"experiment": experiment.shown()})
            case payloads.MetricsListed():
                return success({"rows": self._reads.rows(experiment, given)})
            case payloads.MetricCatalogListed():
                return success({"metrics": self._reads.catalog(experiment)[: given.limit]})
            case payloads.MetricCatalogInspected():
                return success({"metadata": self._reads.inspected(experiment, given)})
            case payloads.IngestionKeysListed():
                return success({"keys": [asdict(key) for key in self.keys.of(experiment.id)]})
            case payloads.IngestionKeyCreated():
                key, token = self.keys.mint(caller.org_id, experiment.id, given.name, given.ttl_ms)
                return success({"key": asdict(key), "token": token}, 201)
            case payloads.IngestionKeyRevoked():
                revoked: Key = self.keys.revoke(experiment.id, given.key_id)
                return success({"key": asdict(revoked)})
            case payloads.AnnotationsListed():
                return success({"annotations": self.library.annotations(experiment, given)})
            case payloads.AnnotationCreated():
                made = self.library.annotate(experiment, given.annotation, given.metadata)
                told = {} if self._generation == NEWER else {"experiment": experiment.shown()}
                return success({**told, "annotation": made}, 201)
            case _:
                raise absent("operation", type(given).__name__)

    def _contents(self, org_id: str, folder_id: str) -> Answer:
        folder = self.library.folder(org_id, folder_id)
        folders, experiments = self.library.contents(folder)
        return success(
            {
                "folder": folder.shown(),
                "folders": [one.shown() for one in folders],
                "experiments": self._listed(experiments),
            }
        )

    def _listed(self, experiments: list[Experiment]) -> list[Mapping[str, Any]]:
        whole = [one.shown() for one in experiments]
        if self._generation == SEED:
            return list(whole)
        return [{name: one[name] for name in COMPACT} for one in whole]
