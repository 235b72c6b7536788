"""Who may come in: API keys, and agents whose signature holds."""

import hashlib
import hmac
import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from swarm_analytics_sandbox.stand_in import Asked
from swarm_analytics_sandbox.stand_ins.openspawn.ecmascript import stringify
from swarm_analytics_sandbox.stand_ins.openspawn.organization import FOUNDER, USER, Organization, Row
from swarm_analytics_sandbox.stand_ins.openspawn.refused import Refused, crashed, unauthorized

TOLERANCE_S: Final = 300
NONCE_LIFE_S: Final = 600.0
MAX_NONCE_CHARACTERS: Final = 64
MAX_BODY_BYTES: Final = 100 * 1024
"""More crashes the server: it answers 500."""

_LEADING_INTEGER: Final = re.compile(r"\s*[+-]?\d+")


@dataclass(frozen=True, slots=True)
class Caller:
    id: str
    """The agent's UUID, or the user's."""

    level: int
    role: str
    signed: bool
    """By an agent. An API key's requests are neither deduplicated nor let at what needs a role."""


class Gate:
    def __init__(self, organization: Organization, now: Callable[[], float]) -> None:
        self._organization = organization
        self._now = now
        self.revoked_keys: set[str] = set()
        self.forget()

    def forget(self) -> None:
        """Nonces, and what an API key stands for; not which are revoked."""
        self.nonces: dict[str, float] = {}
        self.keys_are_users = False
        """As on the real server; else a key acts for the founder."""

    def caller(self, asked: Asked, body: Any) -> Caller:
        """Raises Refused. `body` is the parsed one."""
        authorization = asked.header("authorization") or ""
        if authorization.startswith("Bearer osp_"):
            return self._key(authorization.removeprefix("Bearer "))
        if asked.header("x-agent-id") or asked.header("x-signature"):
            return self._agent(asked, body)
        raise unauthorized()

    def _key(self, key: str) -> Caller:
        if key in self.revoked_keys:
            raise unauthorized()
        if self.keys_are_users:
            return Caller(USER, 10, "HR", signed=False)
        founder = self._organization.agents[FOUNDER]
        return Caller(founder["id"], founder["level"], founder["role"], signed=False)

    def _agent(self, asked: Asked, body: Any) -> Caller:
        names = ("x-agent-id", "x-timestamp", "x-nonce", "x-signature")
        given = [asked.header(name) for name in names]
        agent_id, timestamp, nonce, signature = given
        if not (agent_id and timestamp and nonce and signature):
            raise unauthorized()
        now = self._now()
        seconds = _LEADING_INTEGER.match(timestamp)
        if seconds is not None and abs(math.floor(now) - int(seconds.group())) > TOLERANCE_S:
            raise unauthorized()
        agent = self._organization.agent_named(agent_id)
        if agent is None or agent["status"] != "active":
            raise unauthorized()
        signed_body = "" if asked.method in ("GET", "DELETE") else stringify(body)
        message = f"{asked.method}{asked.path}{timestamp}{nonce}{signed_body}"
        key = bytes.fromhex(self._organization.secrets[agent["id"]])
        wanted = hmac.digest(key, message.encode(), hashlib.sha256).hex()
        if not hmac.compare_digest(wanted.encode(), signature.encode("latin-1")):
            raise unauthorized()
        self._use_up(nonce, now)
        return _as_caller(agent)

    def _use_up(self, nonce: str, now: float) -> None:
        """After the signature, so that a forged request burns no nonce."""
        for old in [known for known, ends in self.nonces.items() if ends <= now]:
            del self.nonces[old]
        if nonce in self.nonces:
            raise unauthorized()
        if len(nonce) > MAX_NONCE_CHARACTERS:
            raise crashed()
        self.nonces[nonce] = now + NONCE_LIFE_S


def _as_caller(agent: Row) -> Caller:
    return Caller(agent["id"], agent["level"], agent["role"], signed=True)


def parsed_body(asked: Asked) -> Any:
    """The body as the server's parser leaves it: an object where there is none. Raises Refused."""
    if len(asked.body) > MAX_BODY_BYTES:
        raise crashed()
    media_type = (asked.header("content-type") or "").partition(";")[0].strip().lower()
    if not asked.body or media_type != "application/json":
        return {}
    try:
        parsed = json.loads(asked.body, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise Refused(400, f"{error} in JSON") from error
    if not isinstance(parsed, dict | list):
        raise Refused(400, "Unexpected token in JSON")
    return parsed


def _no_number(text: str) -> Any:
    raise ValueError(f"Unexpected token {text}")
