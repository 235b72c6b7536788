"""What the server's validation says of a body, in its words."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, TypeAlias

from swarm_analytics_models.services.openspawn.enums import (
    AgentMode,
    AgentRole,
    MessageType,
    TaskPriority,
    TaskStatus,
)
from swarm_analytics_sandbox.stand_ins.openspawn.refused import Refused, crashed

UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
STORED_UUID: Final = re.compile(r"[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}", re.IGNORECASE)
"""What the database takes for one: dashes may be missing."""


@dataclass(frozen=True, slots=True)
class Rule:
    says: str
    holds: Callable[[Any], bool]
    required: bool = False

    @property
    def needed(self) -> "Rule":
        return Rule(self.says, self.holds, required=True)


Rules: TypeAlias = Mapping[str, Rule]


def is_uuid(value: Any) -> bool:
    return isinstance(value, str) and UUID.fullmatch(value) is not None


def is_date(value: Any) -> bool:
    """As the server's validator has it: ISO 8601, with or without an offset."""
    try:
        datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return False
    return True


def _is_integer(value: Any) -> bool:
    return (isinstance(value, int) and not isinstance(value, bool)) or (
        isinstance(value, float) and value.is_integer()
    )


def _text(most: int | None = None) -> Rule:
    says = "must be a string" if most is None else f"must be shorter than or equal to {most} characters"
    return Rule(says, lambda value: isinstance(value, str) and (most is None or len(value) <= most))


def _one_of(members: Iterable[StrEnum]) -> Rule:
    values = [member.value for member in members]
    return Rule(f"must be one of the following values: {', '.join(values)}", lambda value: value in values)


def _integer(least: int, most: int | None = None) -> Rule:
    says = f"must not be less than {least}" if most is None else f"must be an integer from {least} to {most}"
    return Rule(
        says,
        lambda value: _is_integer(value) and least <= value and (most is None or value <= most),
    )


_UUID: Final = Rule("must be a UUID", is_uuid)
_OBJECT: Final = Rule("must be an object", lambda value: isinstance(value, dict))
_BOOLEAN: Final = Rule("must be a boolean value", lambda value: isinstance(value, bool))
_DATE: Final = Rule("must be a valid ISO 8601 date string", is_date)
_LIST: Final = Rule("must be an array", lambda value: isinstance(value, list))
_TEXTS: Final = Rule(
    "must be an array of strings",
    lambda value: isinstance(value, list) and all(isinstance(each, str) for each in value),
)

BODIES: Final[Mapping[str, Rules]] = {
    "agents.create": {
        "agentId": _text(100).needed,
        "name": _text(255).needed,
        "level": _integer(1, 10),
        "model": _text(100),
        "role": _one_of(AgentRole),
        "mode": _one_of(AgentMode),
        "managementFeePct": _integer(0, 50),
        "budgetPeriodLimit": _integer(0),
        "capabilities": _LIST,
        "metadata": _OBJECT,
    },
    "tasks.create": {
        "title": _text(255).needed,
        "description": _text(),
        "priority": _one_of(TaskPriority),
        "assigneeId": _UUID,
        "parentTaskId": _UUID,
        "approvalRequired": _BOOLEAN,
        "dueAt": _DATE,
        "tags": _TEXTS,
        "metadata": _OBJECT,
    },
    "tasks.transition": {"status": _one_of(TaskStatus).needed, "reason": _text()},
    "tasks.assign": {"assigneeId": _UUID.needed},
    "credits.spend": {
        "amount": _integer(1).needed,
        "reason": _text().needed,
        "triggerType": _text(),
        "sourceTaskId": _UUID,
        "sourceAgentId": _UUID,
    },
    "messages.send": {
        "channelId": _UUID.needed,
        "type": _one_of(MessageType).needed,
        "body": _text().needed,
        "parentMessageId": _UUID,
        "metadata": _OBJECT,
    },
}
"""By route. What is not here the server takes as it comes."""

SEVERITIES: Final = ("info", "warning", "error")
EVENT_FILTERS: Final[Rules] = {
    "type": _text(),
    "actorId": _UUID,
    "entityType": _text(),
    "entityId": _UUID,
    "severity": Rule(
        f"must be one of the following values: {', '.join(SEVERITIES)}", lambda value: value in SEVERITIES
    ),
    "startDate": _DATE,
    "endDate": _DATE,
    "page": _text(),
    "limit": _text(),
}


def check(values: Mapping[str, Any], rules: Rules) -> None:
    """Raises Refused with all that is wrong. Null stands for a field left out."""
    wrong = [f"property {name} should not exist" for name in values if name not in rules]
    for name, rule in rules.items():
        value = values.get(name)
        if value is None and not rule.required:
            continue
        if not rule.holds(value):
            wrong.append(f"{name} {rule.says}")
    if wrong:
        raise Refused(400, wrong)


def stored_uuid(value: str) -> str:
    """`value` as the database has it. Raises Refused as the server does where it has no such type."""
    if STORED_UUID.fullmatch(value) is None:
        raise crashed()
    bare = value.replace("-", "").lower()
    return f"{bare[:8]}-{bare[8:12]}-{bare[12:16]}-{bare[16:20]}-{bare[20:]}"
