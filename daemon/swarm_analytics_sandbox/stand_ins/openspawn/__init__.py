"""OpenSpawn as its server was found to behave; kinder in two modes, so that its SDK's examples work."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from swarm_analytics_models.contract import ServiceContract
from swarm_analytics_sandbox.stand_in import Answer, Asked, json_answer
from swarm_analytics_sandbox.stand_ins.openspawn import agents, credits, events, messages, tasks
from swarm_analytics_sandbox.stand_ins.openspawn.gate import Caller, Gate, parsed_body
from swarm_analytics_sandbox.stand_ins.openspawn.organization import Organization
from swarm_analytics_sandbox.stand_ins.openspawn.refused import Refused, crashed
from swarm_analytics_sandbox.stand_ins.openspawn.request import Handler, Request, copied
from swarm_analytics_sandbox.stand_ins.openspawn.rules import BODIES, STORED_UUID, check
from swarm_analytics_sandbox.stand_ins.openspawn.throttle import Throttle

KEY_LIFE_S: Final = 24 * 3600.0

_HANDLERS: Final[Mapping[str, Handler]] = {
    "agents.list": agents.list_agents,
    "agents.get": agents.get_agent,
    "agents.create": agents.register,
    "agents.spawn": agents.spawn,
    "agents.get_hierarchy": agents.get_hierarchy,
    "agents.get_balance": agents.get_balance,
    "tasks.create": tasks.create,
    "tasks.list": tasks.list_tasks,
    "tasks.get": tasks.get,
    "tasks.transition": tasks.transition,
    "tasks.assign": tasks.assign,
    "tasks.approve": tasks.approve,
    "credits.balance": credits.balance,
    "credits.history": credits.history,
    "credits.spend": credits.spend,
    "messages.send": messages.send,
    "messages.list": messages.list_messages,
    "messages.get_thread": messages.thread,
    "events.list": events.list_events,
    "events.get": events.get,
}


@dataclass(frozen=True, slots=True)
class Remembered:
    """The answer to a request that succeeded, for whoever comes with its key again."""

    content: Any
    ends_at: float


class OpenSpawn:
    """Keeps one organization. Settings: see `configure`."""

    def __init__(self, contract: ServiceContract, now: Callable[[], float]) -> None:
        del contract
        self._now = now
        self._skew_s = 0.0
        self._organization = Organization(self._time)
        self._gate = Gate(self._organization, self._time)
        self._throttle = Throttle(self._time)
        self.reset()

    def reset(self) -> None:
        self._skew_s = 0.0
        self._transfer_breaks = False
        self._remembered: dict[str, Remembered] = {}
        self._organization.forget()
        self._gate.forget()
        self._throttle.forget()

    def state(self) -> Any:
        organization = self._organization
        return {
            "api_keys_act_as": "user" if self._gate.keys_are_users else "agent",
            "transfer": "breaks" if self._transfer_breaks else "works",
            "agents": list(organization.agents.values()),
            "channels": organization.channels,
            "tasks": list(organization.tasks.values()),
            "messages": list(organization.messages.values()),
            "transactions": organization.transactions,
            "events": len(organization.events),
            "nonces": len(self._gate.nonces),
            "remembered": len(self._remembered),
        }

    def configure(self, settings: dict[str, Any]) -> None:
        """`api_keys_act_as` "agent" (the founder) or "user" (as found: no agent, so that much fails);
        `transfer` "works" or "breaks" (as found: it debits, then answers 500); `agents`: rows to add or to
        change, known by `agentId`, with `secret`; `emit`: an event's fields; `revoke_key`, `restore_key`;
        `throttle` (requests) and `throttle_s`; `skew_s`, by which the server's clock is ahead.
        """
        for name, value in settings.items():
            match name, value:
                case "api_keys_act_as", "agent" | "user":
                    self._gate.keys_are_users = value == "user"
                case "transfer", "works" | "breaks":
                    self._transfer_breaks = value == "breaks"
                case "agents", list():
                    for row in value:
                        given = {field: inner for field, inner in row.items() if field != "secret"}
                        self._organization.keep_agent(given, secret=row.get("secret"))
                case "emit", dict():
                    founder = next(iter(self._organization.agents))
                    self._organization.emit("system.notice", founder, "agent", founder, {})
                    self._organization.events[-1] |= value
                case "revoke_key", str():
                    self._gate.revoked_keys.add(value)
                case "restore_key", str():
                    self._gate.revoked_keys.discard(value)
                case "throttle", int():
                    self._throttle.limit = value
                case "throttle_s", int() | float():
                    self._throttle.window_s = float(value)
                case "skew_s", int() | float():
                    self._skew_s = float(value)
                case _:
                    raise ValueError(
                        f"there is no setting {name} = {value!r}; there are api_keys_act_as (agent, user), "
                        "transfer (works, breaks), agents, emit, revoke_key, restore_key, throttle, "
                        "throttle_s and skew_s"
                    )

    def answer(self, asked: Asked) -> Answer:
        if asked.route is None:
            missing = Refused(404, f"Cannot {asked.method} {asked.path}")
            return json_answer(404, missing.content | {"code": "Not Found"})
        headers, exhausted = self._throttle.count(asked.route.key)
        try:
            if exhausted is not None:
                raise exhausted
            content = self._handled(asked, asked.route.key)
        except Refused as refused:
            return json_answer(refused.status, refused.content, headers)
        return json_answer(200 if asked.method == "GET" else 201, content, headers)

    def _handled(self, asked: Asked, operation: str) -> Any:
        """In the server's order: parser, guards, remembered answers, validation, handler."""
        body = parsed_body(asked)
        caller = self._gate.caller(asked, body)
        key = None if asked.method == "GET" else _idempotency_key(asked)
        known = self._remembered.get(key) if key else None
        if known is not None and known.ends_at > self._time():
            asked.take(caller.id, key=key)
            return known.content
        content = copied(self._executed(asked, operation, caller, body, key))
        if key is not None and caller.signed:
            self._remembered[key] = Remembered(content, self._time() + KEY_LIFE_S)
        return content

    def _executed(self, asked: Asked, operation: str, caller: Caller, body: Any, key: str | None) -> Any:
        request = Request(
            self._organization, caller, asked.path_values.get("id", ""), dict(asked.query), body
        )
        kept = key if caller.signed else None
        try:
            if operation in BODIES:
                check(body if isinstance(body, dict) else {}, BODIES[operation])
            content = self._handler(operation)(request)
        except Refused as refused:
            if refused.executed:
                asked.take(caller.id)
            elif asked.method != "GET":
                asked.refuse(caller.id, refused.error)
            raise
        if asked.method != "GET":
            asked.take(caller.id, key=kept)
        return content

    def _handler(self, operation: str) -> Handler:
        if operation == "credits.transfer":
            return partial(credits.transfer, breaks=self._transfer_breaks)
        return _HANDLERS[operation]

    def _time(self) -> float:
        return self._now() + self._skew_s


def _idempotency_key(asked: Asked) -> str | None:
    """Of the one header that the server reads, in the one form that its database takes. Raises Refused."""
    key = asked.header("x-idempotency-key")
    if key is not None and STORED_UUID.fullmatch(key) is None:
        raise crashed()
    return None if key is None else key.replace("-", "").lower()
