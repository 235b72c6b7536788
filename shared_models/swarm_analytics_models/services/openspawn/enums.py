"""Enumerations of OpenSpawn's API. Source: the server's shared types; where its SDK differs, that is said."""

from enum import StrEnum


class AgentStatus(StrEnum):
    """Whether an agent may act: only an active one may."""

    PENDING = "pending"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    REVOKED = "revoked"


class AgentRole(StrEnum):
    """What an agent may do; ``hr`` may register agents."""

    WORKER = "worker"
    HR = "hr"
    FOUNDER = "founder"
    ADMIN = "admin"


class AgentMode(StrEnum):
    """How an agent works."""

    WORKER = "worker"
    ORCHESTRATOR = "orchestrator"
    OBSERVER = "observer"


class Proficiency(StrEnum):
    """How well an agent can do something. The SDK's beginner, intermediate and advanced are refused."""

    BASIC = "basic"
    STANDARD = "standard"
    EXPERT = "expert"


class TaskStatus(StrEnum):
    """Where a task stands. ``done`` and ``cancelled`` are final."""

    BACKLOG = "backlog"
    TODO = "todo"
    IN_PROGRESS = "in_progress"
    REVIEW = "review"
    DONE = "done"
    BLOCKED = "blocked"
    CANCELLED = "cancelled"


class TaskPriority(StrEnum):
    """How urgent a task is."""

    URGENT = "urgent"
    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"


class MessageType(StrEnum):
    """What a message is for."""

    TEXT = "text"
    HANDOFF = "handoff"
    STATUS_UPDATE = "status_update"
    REQUEST = "request"


class CreditType(StrEnum):
    """Whether credits came or went."""

    CREDIT = "credit"
    DEBIT = "debit"


class EventSeverity(StrEnum):
    """How grave an event is. Its SDK has ``CRITICAL``, too: the server refuses to search for it (400)."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"
