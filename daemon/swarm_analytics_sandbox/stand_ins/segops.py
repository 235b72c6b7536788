"""SegOps as its documentation describes it: keys, sessions of 15 minutes, batches of 500, skipped events."""

import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final

from swarm_analytics_models.contract import ServiceContract
from swarm_analytics_sandbox.stand_in import Answer, Asked, json_answer

SECRET_KEY: Final = "sk_ok"  # noqa: S105 - opens the sandbox only
REVOKED_KEY: Final = "sk_revoked"
OPEN_KEY: Final = "pk_open"
SIGNED_KEY: Final = "pk_signed"
ORIGIN_KEY: Final = "pk_origin"
"""Has an allow-list of origins, so that a request without Origin is refused."""

SIGNING_SECRET: Final = "00" * 32
SESSION_S: Final = 15 * 60.0
PROOF_S: Final = 5 * 60.0
MAX_BATCH: Final = 500

TIME_FORMATS: Final[Mapping[str, Callable[[datetime], str]]] = {
    "z": lambda at: at.strftime("%Y-%m-%dT%H:%M:%SZ"),
    "offset": lambda at: at.isoformat(timespec="microseconds"),
    "naive": lambda at: at.replace(tzinfo=None).isoformat(timespec="seconds"),
    "space": lambda at: at.isoformat(sep=" ", timespec="seconds"),
    "epoch": lambda at: str(int(at.timestamp())),
}
"""How the end of a session is written; the service's own frameworks write it as `z` or `offset`."""


@dataclass(slots=True)
class Session:
    user: str
    expires_at: float


class SegOps:
    """Keeps sessions, and counts what it queued and skipped."""

    def __init__(self, contract: ServiceContract, now: Callable[[], float]) -> None:
        del contract
        self._now = now
        self._sessions: dict[str, Session] = {}
        self._revoked = {REVOKED_KEY}
        self._session_s = SESSION_S
        self._time_format = "z"
        self._skip_types: set[str] = set()
        self.reset()

    def reset(self) -> None:
        self.minted = self.queued = self.skipped = 0
        self._skip_types = set()

    def state(self) -> Any:
        return {
            "minted": self.minted,
            "queued": self.queued,
            "skipped": self.skipped,
            "sessions": [asdict(session) for session in self._sessions.values()],
        }

    def configure(self, settings: dict[str, Any]) -> None:
        for name, value in settings.items():
            match name:
                case "session_s":
                    self._session_s = float(value)
                case "time_format" if value in TIME_FORMATS:
                    self._time_format = value
                case "skip_event_types":
                    self._skip_types = set(value)
                case "revoke":
                    self._revoked.add(str(value))
                case "restore":
                    self._revoked.discard(str(value))
                case "end_sessions":
                    self._sessions.clear()
                case _:
                    raise ValueError(
                        f"segops has no setting {name}={value!r}; it has session_s (seconds), time_format "
                        f"({', '.join(TIME_FORMATS)}), skip_event_types, revoke, restore and end_sessions"
                    )

    def answer(self, asked: Asked) -> Answer:
        if asked.route is None:
            return _detail(404, "Not found.")
        if asked.route.key == "session.open":
            return self._open(asked)
        user = self._user(asked.header("authorization") or "")
        if isinstance(user, Answer):
            return user
        if asked.route.key == "events.send":
            return self._take_one(asked, user)
        return self._take_batch(asked, user)

    def _open(self, asked: Asked) -> Answer:
        key = (asked.header("authorization") or "").removeprefix("ApiKey ")
        if key in self._revoked or key not in (OPEN_KEY, SIGNED_KEY, ORIGIN_KEY):
            return _detail(401, "Invalid API key.")
        if key == ORIGIN_KEY and not asked.header("origin"):
            return _detail(403, "Origin is not allowed for this key.")
        body = asked.json if isinstance(asked.json, dict) else {}
        if key == SIGNED_KEY and not self._is_signed(body):
            return _detail(403, "user_id must be signed, no more than 5 minutes ago.")
        user = body.get("user_id") or f"anon_{body.get('anonymous_id') or 'anonymous'}"
        token, ends = secrets.token_urlsafe(24), self._now() + self._session_s
        self._sessions[token] = Session(user, ends)
        self.minted += 1
        expires_at = TIME_FORMATS[self._time_format](datetime.fromtimestamp(ends, UTC))
        return json_answer(200, {"token": token, "expires_at": expires_at, "uid": user})

    def _is_signed(self, body: Mapping[str, Any]) -> bool:
        user, at, given = body.get("user_id"), body.get("user_id_ts"), body.get("user_id_sig")
        if not isinstance(user, str) or not isinstance(at, int) or not isinstance(given, str):
            return False
        secret = bytes.fromhex(SIGNING_SECRET)
        wanted = hmac.digest(secret, f"{user}|{at}".encode(), hashlib.sha256).hex()
        return hmac.compare_digest(wanted, given) and abs(self._now() - at) <= PROOF_S

    def _user(self, proof: str) -> str | Answer | None:
        """The user whose session it is; None: the events say it themselves."""
        scheme, _, secret = proof.partition(" ")
        if scheme == "ApiKey" and secret == SECRET_KEY and secret not in self._revoked:
            return None
        session = self._sessions.get(secret) if scheme == "Bearer" else None
        if session is None or session.expires_at <= self._now():
            return _detail(401, "Invalid or expired credential.")
        return session.user

    def _take_one(self, asked: Asked, user: str | None) -> Answer:
        if not isinstance(asked.json, dict):
            return _detail(400, "The body must be one event.")
        missing = {
            name: ["This field is required."]
            for name in ("user_id", "event_type")
            if not asked.json.get(name)
        }
        if missing:
            asked.refuse(user or "", missing)
            return json_answer(400, missing)
        self._keep(asked, asked.json, user)
        return json_answer(202, {"queued": True})

    def _take_batch(self, asked: Asked, user: str | None) -> Answer:
        events = asked.json.get("events") if isinstance(asked.json, dict) else None
        if not isinstance(events, list):
            return json_answer(400, {"events": ["Expected a list of items."]})
        if len(events) > MAX_BATCH:
            return json_answer(400, {"events": [f"Ensure this field has no more than {MAX_BATCH} elements."]})
        taken = 0
        for event in events:
            if self._is_valid(event):
                self._keep(asked, event, user)
                taken += 1
            else:
                self.skipped += 1
                asked.refuse(user or "", "skipped", body=json.dumps(event).encode())
        return json_answer(202, {"queued": taken, "skipped": len(events) - taken})

    def _is_valid(self, event: Any) -> bool:
        if not isinstance(event, dict) or not event.get("user_id"):
            return False
        return bool(event.get("event_type")) and event["event_type"] not in self._skip_types

    def _keep(self, asked: Asked, event: Mapping[str, Any], user: str | None) -> None:
        """Under a session every event gets the session's user, whatever it says itself."""
        kept = dict(event) if user is None else {**event, "user_id": user}
        self.queued += 1
        asked.take(str(kept["user_id"]), body=json.dumps(kept).encode())


def _detail(status: int, text: str) -> Answer:
    return json_answer(status, {"detail": text})
