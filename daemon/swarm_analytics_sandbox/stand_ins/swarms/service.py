"""The stand-in for Swarms Cloud. It remembers no key of a request: what comes twice is executed twice."""

from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from swarm_analytics_models.contract import ServiceContract
from swarm_analytics_models.services.swarms.payloads import AgentCompletion, SwarmSpec
from swarm_analytics_models.services.swarms.requests import NO_TASK, SWARM_TYPES
from swarm_analytics_sandbox.senders import fingerprint
from swarm_analytics_sandbox.stand_in import Answer, Asked, json_answer
from swarm_analytics_sandbox.stand_ins.swarms import completions, refusals
from swarm_analytics_sandbox.stand_ins.swarms.modes import Modes
from swarm_analytics_sandbox.stand_ins.swarms.refusals import Refusal

WINDOW_S: Final = 60.0
"""The window in which the service counts a sender's requests."""

LOGGED: Final = 1_000
"""Log entries that are kept."""

OPEN_ROUTES: Final = frozenset({"swarm.list_types", "models.list"})
EVENT_STREAM: Final = ((b"content-type", b"text/event-stream; charset=utf-8"),)

PayloadT = TypeVar("PayloadT", bound=BaseModel)


class Swarms:
    def __init__(self, contract: ServiceContract, now: Callable[[], float]) -> None:
        self.contract = contract
        self.modes = Modes()
        self._now = now
        self._window = now()
        self.reset()

    def reset(self) -> None:
        self._requests = 0
        self._executed = 0
        self._in_window = 0
        self._logs: list[dict[str, Any]] = []

    def state(self) -> dict[str, Any]:
        return {
            "modes": self.modes.shown(),
            "requests": self._requests,
            "executed": self._executed,
            "logs": len(self._logs),
        }

    def configure(self, settings: dict[str, Any]) -> None:
        self.modes = self.modes.changed(settings)

    def answer(self, asked: Asked) -> Answer:
        self._requests += 1
        found = self._refused(asked) or self._answer(asked)
        request_id = f"req-{self._requests:06}".encode()
        headers = (*found.headers, (b"x-request-id", request_id), *self._limit_headers(found.status))
        return Answer(found.status, found.body, headers, found.pieces)

    def _refused(self, asked: Asked) -> Answer | None:
        """The answer to a sender who is not let in, or sends too much."""
        if asked.route is None:
            if asked.method == "GET" and asked.path == "/health":
                return json_answer(200, {"status": "ok"})
            return refusals.plain(404, "Not Found")
        if asked.route.key not in OPEN_ROUTES and (unknown := self._unknown(asked)) is not None:
            return unknown
        if self._now() - self._window > WINDOW_S:
            self._window, self._in_window = self._now(), 0
        self._in_window += 1
        if self.modes.rate_limit is not None and self._in_window > self.modes.rate_limit:
            return refusals.plain(429, refusals.RATE_LIMITED)
        return None

    def _unknown(self, asked: Asked) -> Answer | None:
        key, later = self._key(asked), self.modes.generation == "later"
        if not key:
            return refusals.plain(401, "Missing API Key") if later else refusals.header_missing()
        accepted = self.modes.accepted_keys
        if key in self.modes.revoked_keys or (accepted is not None and key not in accepted):
            return refusals.plain(401 if later else 403, "Invalid API Key")
        return None

    def _key(self, asked: Asked) -> str:
        key = asked.header("x-api-key") or ""
        if not key and self.modes.generation == "later":
            key = (asked.header("authorization") or "").removeprefix("Bearer ")
        return key

    def _limit_headers(self, status: int) -> Iterable[tuple[bytes, bytes]]:
        """A later service says with each answer how many requests are left."""
        limit = self.modes.rate_limit
        if self.modes.generation == "seed" or limit is None:
            return ()
        left, opens = max(0, limit - self._in_window), int(self._window + WINDOW_S)
        wait = max(1, int(self._window + WINDOW_S - self._now()))
        return (
            (b"x-ratelimit-limit-minute", b"%d" % limit),
            (b"x-ratelimit-remaining-minute", b"%d" % left),
            (b"x-ratelimit-reset", b"%d" % opens),
            *(((b"retry-after", b"%d" % wait),) if status == 429 else ()),
        )

    def _answer(self, asked: Asked) -> Answer:
        match asked.declared.key:
            case "agent.create":
                return self._agent(asked)
            case "agent.create_batch":
                return self._agents(asked)
            case "swarm.create":
                return self._swarm(asked)
            case "swarm.create_batch":
                return self._swarms(asked)
            case "swarm.list_types":
                name = "success" if self.modes.generation == "seed" else "status"
                return json_answer(200, {name: True, "swarm_types": self.modes.swarm_types})
            case "models.list":
                return json_answer(200, {"success": True, "models": self.modes.models})
            case "logs.list":
                return self._log(asked)
            case unknown:
                raise LookupError(f"the stand-in for Swarms Cloud has no answer to {unknown}")

    def _agent(self, asked: Asked) -> Answer:
        try:
            wanted = AgentCompletion.model_validate(asked.json)
            self._check_models([wanted.agent_config.model_name])
            done = self._execute_agent(asked, wanted, asked.body)
        except ValidationError as error:
            return self._unfit(asked, refusals.unfit(error, ("body",)))
        except Refusal as refusal:
            return refusals.within(refusal, self.modes)
        if wanted.agent_config.streaming_on and self.modes.generation == "later":
            return Answer(200, headers=EVENT_STREAM, pieces=tuple(completions.agent_stream(done)))
        return json_answer(200, done)

    def _swarm(self, asked: Asked) -> Answer:
        try:
            wanted = self._read_swarm(asked.json)
            self._check_models(agent.model_name for agent in wanted.agents or [])
            self._execute(asked, asked.body)
        except ValidationError as error:
            return self._unfit(asked, refusals.unfit(error, ("body",)))
        except Refusal as refusal:
            return refusals.within(refusal, self.modes)
        done = completions.swarm_completion(wanted, self._executed, self.modes)
        self._keep(asked, done)
        streamed = wanted.stream and wanted.swarm_type in completions.STREAMED_TYPES
        if streamed and self.modes.generation == "later":
            return Answer(200, headers=EVENT_STREAM, pieces=tuple(completions.swarm_stream(wanted, done)))
        return json_answer(200, done)

    def _agents(self, asked: Asked) -> Answer:
        if not self.modes.premium:
            return json_answer(403, refusals.PREMIUM_WANTED)
        wanted, complaints = _read_items(asked.json, AgentCompletion.model_validate)
        if complaints:
            return self._unfit(asked, complaints)
        results = [self._agent_item(asked, each) for each in wanted if isinstance(each, AgentCompletion)]
        default = "array" if self.modes.generation == "seed" else "object"
        if (self.modes.agent_batch or default) == "array":
            return json_answer(200, results)
        return json_answer(
            200,
            {
                "batch_id": completions.number_to_id("batch", self._executed),
                "total_requests": len(results),
                "execution_time": 1.5,
                "timestamp": completions.moment(self._now()),
                "results": results,
            },
        )

    def _agent_item(self, asked: Asked, wanted: AgentCompletion) -> dict[str, Any]:
        try:
            self._check_models([wanted.agent_config.model_name])
            return self._execute_agent(asked, wanted, wanted.model_dump_json().encode())
        except Refusal as refusal:
            when = completions.moment(self._now())
            return {"success": False, "error": f"{refusal.status}: {refusal.detail}", "timestamp": when}

    def _swarms(self, asked: Asked) -> Answer:
        if not self.modes.premium:
            return json_answer(403, refusals.PREMIUM_WANTED)
        wanted, complaints = _read_items(asked.json, self._read_swarm)
        if complaints:
            return self._unfit(asked, complaints)
        results = [self._swarm_item(asked, each, sent) for each, sent in zip(wanted, asked.json, strict=True)]
        return json_answer(200, results[::-1])

    def _swarm_item(self, asked: Asked, wanted: SwarmSpec | Refusal, sent: Any) -> dict[str, Any]:
        """One of a batch: the service of the seed sends them as they end, the last first, say."""
        name = sent.get("name")
        try:
            if isinstance(wanted, Refusal):
                raise wanted
            self._check_models(agent.model_name for agent in wanted.agents or [])
            self._execute(asked, wanted.model_dump_json().encode())
        except Refusal as refusal:
            return {"status": "error", "swarm_name": name, "detail": refusal.detail}
        output = completions.swarm_output(wanted, self.modes)
        return {"status": "success", "swarm_name": name, "result": output}

    def _read_swarm(self, sent: Any) -> SwarmSpec:
        """Raises ValidationError, or Refusal for a swarm without a task, which the service finds later."""
        try:
            return SwarmSpec.model_validate(sent, context={SWARM_TYPES: self.modes.swarm_types})
        except ValidationError as error:
            if {each["type"] for each in error.errors()} == {NO_TASK}:
                raise Refusal(400, refusals.NO_TASK) from error
            raise

    def _check_models(self, names: Iterable[str]) -> None:
        for name in names:
            if name not in self.modes.models:
                raise Refusal(400, f"Model {name} is not available.")

    def _execute_agent(self, asked: Asked, wanted: AgentCompletion, body: bytes) -> dict[str, Any]:
        self._execute(asked, body)
        done = completions.agent_completion(wanted, self._executed, self.modes, self._now())
        self._keep(asked, done)
        return done

    def _execute(self, asked: Asked, body: bytes) -> None:
        """Do the work. The service of the seed asks for its money afterwards, a later one before."""
        left = self.modes.credits_left
        if left == 0 and self.modes.generation == "later":
            raise Refusal(402, refusals.NO_CREDITS)
        self._executed += 1
        asked.take(f"key:{fingerprint(self._key(asked))}", body=body)
        if left == 0:
            raise Refusal(402, refusals.NO_CREDITS)
        if left is not None:
            self.modes = self.modes.changed({"credits_left": left - 1})

    def _unfit(self, asked: Asked, complaints: list[dict[str, Any]]) -> Answer:
        asked.refuse(f"key:{fingerprint(self._key(asked))}", complaints)
        return refusals.plain(422, complaints)

    def _keep(self, asked: Asked, done: dict[str, Any]) -> None:
        """Log a completion, with the sender's key in clear, as the service does."""
        entry = {
            "id": f"log-{self._executed}",
            "api_key": self._key(asked),
            "data": done,
            "created_at": completions.moment(self._now()),
            "category": "completion",
        }
        self._logs = [*self._logs, entry][-LOGGED:]

    def _log(self, asked: Asked) -> Answer:
        mine = [entry for entry in self._logs if entry["api_key"] == self._key(asked)]
        count = len(mine) if self.modes.generation == "seed" else None
        when = completions.moment(self._now())
        return json_answer(200, {"status": "success", "count": count, "logs": mine, "timestamp": when})


def _read_items(
    sent: Any, read: Callable[[Any], PayloadT]
) -> tuple[list[PayloadT | Refusal], list[dict[str, Any]]]:
    """The items of a batch, and what FastAPI would complain of."""
    if not isinstance(sent, list):
        return [], [{"type": "list_type", "loc": ["body"], "msg": "Input should be a valid list"}]
    items: list[PayloadT | Refusal] = []
    complaints: list[dict[str, Any]] = []
    for place, each in enumerate(sent):
        try:
            items.append(read(each))
        except ValidationError as error:
            complaints += refusals.unfit(error, ("body", place))
        except Refusal as refusal:
            items.append(refusal)
    return items, complaints
