"""Scripted faults: which requests they hit and what happens to those.

A script is JSON; each fault has a `match` and an `action`::

    {"seed": 7, "faults": [
      {"match": {"route": "events.agent.*", "nth": 3}, "action": {"kind": "reset", "accept": true}},
      {"match": {"probability": 0.1}, "action": {"kind": "status", "status": 429, "retry_after": "2"}}]}

For each request the faults are asked in order. Latencies add up; the first other action decides the answer.
"""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from swarm_analytics_sandbox.stand_in import Asked

EXAMPLE: Final = (
    '{"faults": [{"match": {"route": "logs.write"}, "action": {"kind": "status", "status": 503}}]}'
)


class ScriptError(Exception):
    """A script that cannot be used; says where, why and what to do."""


class Declared(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Match(Declared):
    """Which requests a fault hits: those to which all of it applies. Empty: every request to the services."""

    service: str = "*"
    """Glob, as are `route`, `method` and `path`."""

    route: str = "*"
    method: str = "*"
    path: str = "*"
    contains: str | None = None
    """Text that the raw body holds."""

    nth: int | None = Field(default=None, ge=1)
    """Only from the nth matching request on; with no `count`, only that one."""

    count: int | None = Field(default=None, ge=1)
    """How many requests are hit at most."""

    probability: float = Field(default=1.0, gt=0, le=1)
    """By a generator seeded with the script's `seed`, so that a run can be repeated."""


Seconds = Annotated[float, Field(ge=0, le=86_400)]
HeaderText = Annotated[str, Field(pattern=r"^[\x20-\x7e\x80-\xff]*$")]


class Latency(Declared):
    """Wait, then go on as if nothing had been; the event is taken even if the client has left by then."""

    kind: Literal["latency"] = "latency"
    seconds: Seconds


class Status(Declared):
    """Answer with a status: 401, 403, 413, 429, 5xx and so on."""

    kind: Literal["status"] = "status"
    status: int = Field(ge=200, le=599)
    headers: dict[HeaderText, HeaderText] = {}
    retry_after: HeaderText | None = None
    """Sent as it is: seconds, an HTTP date or nonsense."""

    body: Any = None
    accept: bool = False
    """The event is taken, and yet the answer is this."""


class Hang(Declared):
    """Never answer; the connection is reset after `seconds`, or stays until the client leaves."""

    kind: Literal["hang"] = "hang"
    seconds: Seconds | None = None
    accept: bool = False


class Reset(Declared):
    """Reset the connection without an answer, before the event is taken or (`accept`) after."""

    kind: Literal["reset"] = "reset"
    accept: bool = False


class Portal(Declared):
    """A captive portal between client and service: 200 and HTML. Nothing is taken."""

    kind: Literal["portal"] = "portal"


class Redirect(Declared):
    """Point elsewhere. Nothing is taken."""

    kind: Literal["redirect"] = "redirect"
    location: HeaderText
    status: Literal[301, 302, 303, 307, 308] = 307


class WrongJson(Declared):
    """Take the event and answer 200 with `text` in place of the answer's JSON."""

    kind: Literal["wrong_json"] = "wrong_json"
    text: str = "[]"


class SlowBody(Declared):
    """Take the event and let the genuine answer trickle, a byte at a time, for `seconds` in all."""

    kind: Literal["slow_body"] = "slow_body"
    seconds: Seconds


class Cut(Declared):
    """Take the event and reset the connection after `size` bytes of the genuine answer's body."""

    kind: Literal["cut"] = "cut"
    size: int = Field(default=0, ge=0)


class Flood(Declared):
    """Take the event and answer 200 with `size` bytes of white space, compressed if `gzip`."""

    kind: Literal["flood"] = "flood"
    size: int = Field(ge=1, le=2**40)
    gzip: bool = False


FinalAction: TypeAlias = Status | Hang | Reset | Portal | Redirect | WrongJson | SlowBody | Cut | Flood
Action: TypeAlias = Annotated[Latency | FinalAction, Field(discriminator="kind")]


def takes_event(action: FinalAction) -> bool:
    """Whether the service takes the event although the client may not learn of it."""
    match action:
        case Status() | Hang() | Reset():
            return action.accept
        case Portal() | Redirect():
            return False
        case WrongJson() | SlowBody() | Cut() | Flood():
            return True


class Fault(Declared):
    match: Match = Match()
    action: Action


class Script(Declared):
    seed: int = 0
    faults: tuple[Fault, ...] = ()


def load_script(file: Path) -> Script:
    """Read a script. Raises ScriptError."""
    try:
        return parse_script(json.loads(file.read_bytes()), str(file))
    except OSError as error:
        raise ScriptError(
            f"script {file} cannot be read ({error.strerror}). Name a readable file, or leave --script out."
        ) from error
    except ValueError as error:
        raise ScriptError(
            f"script {file} is not JSON ({error}). Mend it there; a script looks like {EXAMPLE}"
        ) from error


def parse_script(content: object, name: str) -> Script:
    try:
        return Script.model_validate(content)
    except ValidationError as error:
        found = "; ".join(f"{_place(each['loc'])}: {each['msg']}" for each in error.errors())
        raise ScriptError(f"script {name} is not usable: {found}. A script looks like {EXAMPLE}") from error


def _place(location: Sequence[int | str]) -> str:
    return ".".join(str(step) for step in location) or "the script itself"


@dataclass(slots=True)
class Tally:
    """How often a fault matched, and how often it struck."""

    fault: Fault
    matched: int = 0
    struck: int = 0

    def strikes(self, chance: random.Random) -> bool:
        self.matched += 1
        match = self.fault.match
        if self.matched < (match.nth or 1):
            return False
        most = match.count if match.count is not None else (1 if match.nth is not None else None)
        if most is not None and self.struck >= most:
            return False
        if match.probability < 1 and chance.random() >= match.probability:
            return False
        self.struck += 1
        return True


class Faults:
    """A script at work."""

    def __init__(self, script: Script) -> None:
        self.load(script)

    def load(self, script: Script) -> None:
        """Replace the script, counters included."""
        self.script = script
        self.tallies = [Tally(fault) for fault in script.faults]
        self._chance = random.Random(script.seed)

    def draw(self, asked: Asked) -> tuple[float, FinalAction | None]:
        """Seconds of latency for this request, and what happens to it then."""
        latency = 0.0
        for tally in self.tallies:
            if not _applies(tally.fault.match, asked) or not tally.strikes(self._chance):
                continue
            action = tally.fault.action
            if not isinstance(action, Latency):
                return latency, action
            latency += action.seconds
        return latency, None


def _applies(match: Match, asked: Asked) -> bool:
    return (
        fnmatchcase("" if asked.route is None else asked.route.key, match.route)
        and fnmatchcase(asked.contract.name, match.service)
        and fnmatchcase(asked.method, match.method)
        and fnmatchcase(asked.path, match.path)
        and (match.contains is None or match.contains.encode() in asked.body)
    )
